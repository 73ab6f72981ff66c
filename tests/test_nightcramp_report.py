"""The three reports as commands: what they refuse, what they log, how they look in a browser."""

from __future__ import annotations

import contextlib
import io
import json
import os
import re
import shutil
import zlib
from pathlib import Path

import numpy as np
import pytest
from matplotlib.image import imread

from benchmarks.trial_study import REFERENCE, TREATMENT, write_trial
from trial.audit import read_audit
from trial.statistics import TrialSpec

CHROMIUM = os.environ.get("NIGHTCRAMP_CHROMIUM") or shutil.which("chromium")
AXE = Path(__file__).with_name("axe.min.js")
ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
             "--disable-background-networking", "--disable-component-update",
             "--disable-sync"]  # fmt: skip
SMALL = TrialSpec(treated=16, controls=16, weeks=3, sites=2)
MOST_BYTES = 300_000


@pytest.fixture(scope="module")
def trial(tmp_path_factory):
    """A finished trial; nothing writes to it but the audit log."""
    return write_trial(tmp_path_factory.mktemp("trial"), 5, SMALL)


@pytest.fixture
def study(trial, tmp_path):
    """The same trial, with an audit log of its own."""
    return Path(shutil.copytree(trial, tmp_path / "study"))


def test_arms_without_a_reason_are_refused_and_nothing_is_written(study, tmp_path, run):
    for words in ((), ("--unblind", ""), ("--unblind", "  ")):
        code, _, error = run(
            "report", study, "--out", tmp_path / "out", "--arms", study / "arms.tsv", *words
        )
        assert code == 2
        assert "--unblind" in error
    assert run("report", study, "--out", tmp_path / "out", "--unblind", "why not")[0] == 2
    assert not (tmp_path / "out").exists()
    assert not (study / "audit.jsonl").exists()


def test_arms_that_do_not_fit_the_study_are_refused(study, tmp_path, run):
    arms = tmp_path / "arms.tsv"
    arms.write_text((study / "arms.tsv").read_text() + f"X-999\t{TREATMENT}\n")
    words = ("--out", tmp_path / "out", "--unblind", "lock")
    code, _, error = run("report", study, *words, "--arms", arms)
    assert code == 2
    assert "X-999" in error
    code, _, error = run("report", study, *words, "--arms", tmp_path / "none.tsv")
    assert code == 2
    assert "none.tsv" in error
    assert not (tmp_path / "out").exists()
    assert not (study / "audit.jsonl").exists()


def test_nothing_is_overwritten(study, tmp_path, run):
    out = tmp_path / "out"
    out.mkdir()
    (out / "report.html").write_text("last week's")
    code, _, error = run("report", study, "--out", out)
    assert code == 2
    assert "exists" in error
    assert (out / "report.html").read_text() == "last week's"
    name = (study / "participants.tsv").read_text().split("\n")[1].split("\t")[0]
    words = ("report", study, "--out", tmp_path / "sheets", "--participant", name)
    assert run(*words)[0] == 0
    code, _, error = run(*words)
    assert code == 2
    assert "exists" in error


def test_a_broken_audit_log_stops_every_report(study, tmp_path, run):
    assert run("report", study, "--out", tmp_path / "one")[0] == 0
    log = study / "audit.jsonl"
    log.write_text(log.read_text().replace("weekly", "WEEKLY"))
    words = ("--arms", study / "arms.tsv", "--unblind", "lock")
    for more in ((), words):
        code, _, error = run("report", study, "--out", tmp_path / "two", *more)
        assert code == 2
        assert "audit.jsonl" in error
    assert not (tmp_path / "two").exists()


def test_unblinding_is_logged_before_anything_is_written(study, tmp_path, run):
    words = ("--arms", study / "arms.tsv", "--unblind", "data locked", "--who", "statistician")
    blocked = tmp_path / "file"
    blocked.write_text("")
    assert run("report", study, "--out", blocked / "out", *words)[0] == 1
    (entry,) = read_audit(study)
    assert (entry.action, entry.who, entry.reason) == ("unblinded", "statistician", "data locked")
    out = tmp_path / "out"
    assert run("report", study, "--out", out, *words)[0] == 0
    unblinded, reported = read_audit(study)[1:]
    assert (unblinded.action, reported.action) == ("unblinded", "reported")
    page = (out / "report_unblinded.html").read_text()
    assert unblinded.hash in page
    assert "statistician: data locked" in page
    assert f"audit {unblinded.hash[:16]}" in page
    assert not (out / "report.html").exists()
    assert {Path(name).name for name in reported.after["files"]} == {p.name for p in out.iterdir()}


def test_another_allocation_than_the_one_opened_before_is_told(study, tmp_path, run):
    arms = study / "arms.tsv"
    first = ("--arms", arms, "--unblind", "interim look", "--who", "Ann")
    for out in ("one", "two"):
        code, _, error = run("report", study, "--out", tmp_path / out, *first)
        assert (code, "warning" in error) == (0, False)
    swapped = {TREATMENT: REFERENCE, REFERENCE: TREATMENT}
    head, *rows = arms.read_text().splitlines()
    who, arm = rows[0].split("\t")
    other = tmp_path / "other.tsv"
    other.write_text("\n".join([head, f"{who}\t{swapped[arm]}", *rows[1:]]) + "\n")
    words = ("--arms", other, "--unblind", "data locked", "--who", "Ben")
    code, _, error = run("report", study, "--out", tmp_path / "three", *words)
    assert code == 0
    assert "not the one that Ann opened on" in error
    assert "entry 3" in error
    *_, earlier, _, changed, _ = read_audit(study)
    assert earlier.before is None
    assert changed.before == {"arms_sha256": earlier.after["arms_sha256"]}
    assert changed.after["arms_sha256"] != earlier.after["arms_sha256"]
    page = (tmp_path / "three/report_unblinded.html").read_text()
    assert "not the one that Ann opened on" in page
    code, _, error = run("export", study, "--format", "csv", "--out", tmp_path / "csv", *first)
    assert code == 0
    assert "not the one that Ben opened on" in error


def test_a_weekly_report_by_arm_has_no_test_and_a_final_one_has(study, tmp_path, run):
    words = ("--arms", study / "arms.tsv", "--unblind", "lock")
    assert run("report", study, "--out", tmp_path / "weekly", *words)[0] == 0
    weekly = (tmp_path / "weekly/report_unblinded.html").read_text()
    assert "Comparison of the arms" not in weekly
    assert "It tests no hypothesis" in weekly
    assert run("report", study, "--out", tmp_path / "final", "--final", *words)[0] == 0
    final = (tmp_path / "final/report_unblinded.html").read_text()
    outcomes = json.loads((tmp_path / "final/outcomes.json").read_text())
    primary = outcomes["statistics"]["primary"]
    ratio = next(e for e in primary["estimates"] if e["measure"] == "rate ratio")
    assert f"Rate ratio {ratio['value']:.2f} (95 % CI {ratio['low']:.2f}" in final
    for arm in primary["arms"]:
        assert f"{arm['adjusted']:.2f} with {arm['arm']}" in final


def test_a_participant_is_told_of_the_recording_and_of_no_cramp_while_blinded(study, tmp_path, run):
    out = tmp_path / "sheets"
    name = (study / "participants.tsv").read_text().split("\n")[1].split("\t")[0]
    words = ("report", study, "--out", out, "--participant", name)
    assert run(*words, "--week", 2)[0] == 0
    assert run(*words)[0] == 0
    page = (out / f"{name}_week2.html").read_text()
    assert page.count("<li class=") == 7
    assert "sensor found" not in page
    assert TREATMENT not in re.sub(r"<title>.*?</title>|Vitamin K2 for nocturnal[^<]*", "", page)
    assert REFERENCE not in page
    plan = study / "study.toml"
    plan.write_text(plan.read_text().replace('blinding = "blinded"', 'blinding = "open"'))
    assert run(*words, "--week", 1)[0] == 0
    assert "The sensor found" in (out / f"{name}_week1.html").read_text()
    first = read_audit(study)[0]
    assert (first.action, first.subject) == ("reported", f"{name}/week2")


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (("--participant", "P999"), "not a participant"),
        (("--participant", "{name}", "--week", "9"), "not in the plan"),
        (("--participant", "{name}", "--night", "1999-01-01"), "in no week"),
        (("--participant", "{name}", "--night", "2025-02-01", "--week", "1"), "choose one"),
        (("--participant", "{name}", "--arms", "arms.tsv", "--unblind", "x"), "not told the arm"),
        (("--week", "1"), "--participant"),
    ],
)
def test_a_summary_that_makes_no_sense_is_refused(study, tmp_path, run, words, reason):
    name = (study / "participants.tsv").read_text().split("\n")[1].split("\t")[0]
    given = [word.format(name=name) for word in words]
    code, _, error = run("report", study, "--out", tmp_path / "out", *given)
    assert code == 2
    assert reason in error
    assert not (tmp_path / "out").exists()


def ink(pixels):
    """Return the share of pixels that are not paper."""
    return float((pixels.min(axis=2) < 245).mean())


@pytest.mark.slow
def test_every_figure_of_the_pdf_has_ink_and_the_pdf_is_tagged(study, tmp_path, run):
    pytest.importorskip("weasyprint", reason="the PDF is made by WeasyPrint", exc_type=ImportError)
    pdfium = pytest.importorskip("pypdfium2", reason="the PDF is read by pdfium")
    words = ("--final", "--arms", study / "arms.tsv", "--unblind", "lock", "--pdf")
    assert run("report", study, "--out", tmp_path / "out", *words)[0] == 0
    page = (tmp_path / "out/report_unblinded.html").read_text()
    file = tmp_path / "out/report_unblinded.pdf"
    assert any(b"pdfuaid" in stream for stream in streams(file.read_bytes()))
    with pdfium.PdfDocument(file) as pdf:
        assert pdf.is_tagged()
        text = "\n".join(pdf[n].get_textpage().get_text_range() for n in range(len(pdf)))
        pages = [pdf[number].render(scale=1).to_numpy() for number in range(len(pdf))]
        drawn = [image_ink(pdf[number], pages[number]) for number in range(len(pdf))]
    assert "Unblinded: arm codes were opened" in text
    assert all(ink(pixels) > 0.01 for pixels in pages)
    figures = re.findall(r'<svg[^>]*aria-labelledby="(\w+)-title', page)
    assert set(figures) == {
        *("frequency", "duration", "severity", "flow", "wear", "forest", "agreement")
    }
    for words_of_figure in ("first treatment night", "Assessed for eligibility", "upper limit",
                            "Jump to reference after", "Severity by the diary"):  # fmt: skip
        assert words_of_figure in text.replace("\r\n", "\n")
    assert max(share for shares in drawn for share in shares) > 0.3


@pytest.mark.slow
def test_no_word_of_the_pdf_lies_beyond_its_page(study, tmp_path, run):
    pytest.importorskip("weasyprint", reason="the PDF is made by WeasyPrint", exc_type=ImportError)
    pdfium = pytest.importorskip("pypdfium2", reason="the PDF is read by pdfium")
    words = ("--final", "--arms", study / "arms.tsv", "--unblind", "lock", "--pdf")
    assert run("report", study, "--out", tmp_path / "out", *words)[0] == 0
    with pdfium.PdfDocument(tmp_path / "out/report_unblinded.pdf") as pdf:
        for page in pdf:
            text = page.get_textpage()
            boxes = [text.get_charbox(n) for n in range(text.count_chars())]
            assert max(right for _, _, right, _ in boxes) < page.get_width()


def streams(content):
    """Yield the streams of a PDF that are packed without loss."""
    for packed in re.findall(rb"stream\r?\n(.*?)endstream", content, re.DOTALL):
        with contextlib.suppress(zlib.error):
            yield zlib.decompress(packed)


def image_ink(page, pixels):
    """Return the ink of each raster image of a page, such as the wear map."""
    shares = []
    height = pixels.shape[0]
    for thing in page.get_objects(filter=[3], max_depth=5):
        left, low, right, high = (round(place) for place in thing.get_bounds())
        shares.append(ink(pixels[height - high : height - low, left:right]))
    return shares or [0.0]


playwright = pytest.importorskip(
    "playwright.sync_api", reason="the browser is driven by playwright"
)
in_browser = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium: set NIGHTCRAMP_CHROMIUM")


@pytest.fixture(scope="module")
def window():
    """A window of a browser."""
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield browser.new_page()
        browser.close()


@pytest.mark.slow
@in_browser
def test_the_three_reports_in_a_browser(study, tmp_path, run, window):
    """Without a fault that axe knows, no wider than a phone, told apart without colour."""
    name = (study / "participants.tsv").read_text().split("\n")[1].split("\t")[0]
    words = ("--final", "--arms", study / "arms.tsv", "--unblind", "lock")
    assert run("report", study, "--out", tmp_path / "blinded")[0] == 0
    assert run("report", study, "--out", tmp_path / "final", *words)[0] == 0
    assert run("report", study, "--out", tmp_path / "sheet", "--participant", name)[0] == 0
    (sheet,) = (tmp_path / "sheet").iterdir()
    files = (tmp_path / "blinded/report.html", tmp_path / "final/report_unblinded.html", sheet)
    asked = []
    window.on("request", lambda request: asked.append(request.url))
    for file in files:
        asked.clear()
        assert len(file.read_bytes()) < MOST_BYTES
        for width in (1280, 375):
            window.set_viewport_size({"width": width, "height": 900})
            window.goto(file.as_uri())
            assert window.evaluate("document.documentElement.scrollWidth") <= width
            window.evaluate(AXE.read_text())
            faults = window.evaluate("axe.run().then(found => found.violations)")
            assert [(fault["id"], fault["nodes"][0]["html"][:200]) for fault in faults] == []
        assert {url for url in asked if not url.startswith("data:")} == {file.as_uri()}
    assert_told_apart(window, files[1])


def assert_told_apart(window, file):
    """In grey and with deuteranopia, the lines of both arms still differ in lightness or dash."""
    window.set_viewport_size({"width": 1280, "height": 900})
    window.goto(file.as_uri())
    figure = window.locator("figure.frequency svg")
    dashes = figure.evaluate(
        "svg => [...svg.querySelectorAll('path')].map(p => getComputedStyle(p).strokeDasharray)"
    )
    assert len({dash for dash in dashes if dash}) >= 2
    session = window.context.new_cdp_session(window)
    plain = imread(io.BytesIO(figure.screenshot()))
    for kind in ("achromatopsia", "deuteranopia"):
        session.send("Emulation.setEmulatedVisionDeficiency", {"type": kind})
        seen = imread(io.BytesIO(figure.screenshot()))
        assert not np.array_equal(seen, plain)
        assert (seen[..., :3].min(axis=2) < 0.6).mean() > 0.5 * (
            plain[..., :3].min(axis=2) < 0.6
        ).mean()
    session.send("Emulation.setEmulatedVisionDeficiency", {"type": "none"})
