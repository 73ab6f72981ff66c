"""The report stands alone, can be read by everybody, and draws what it says."""

from __future__ import annotations

import base64
import io
import math
import re
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from html.parser import HTMLParser
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.image import imread

import trial
from trial import Provenance, Study, load_study, render_report, work_out
from trial.estimates import Mean, Rate
from trial.plan import Blinding
from trial.report import comparison_tables, wording
from trial.report.forest import draw_forest, forest_rows
from trial.report.lines import FREQUENCY, Durations, draw_weeks, has_clipped_interval
from trial.report.pictures import draw_pictures
from trial.report.primary_sentence import primary_sentence
from trial.report.svg import inline_svg
from trial.report.wear_map import draw_wear, wear_map
from trial.statistics import TrialSpec, analyse, simulate_trial
from trial.statistics.results import Refusal
from trial.summary import summarise

if TYPE_CHECKING:
    from pathlib import Path

    from matplotlib.figure import Figure

    from trial.statistics import Analysis

MADE = Provenance("1.2.3", "model-7", "ab" * 32, datetime(2026, 4, 1, 9, tzinfo=UTC))
VOID = {"meta", "br", "img", "link", "input", "hr"}
FIRST = date(2026, 3, 2)


def write_study(folder: Path, people: int, weeks: int, *, seed: int, blinding: str) -> Path:
    """Write a study of random nights, with a participant who stopped and one who never wore it."""
    rng = np.random.default_rng(seed)
    lines: dict[str, list[str]] = {
        "participants": ["participant_id\tsite\trandomised_on\tage\tsex"],
        "arms": ["participant_id\tarm"],
        "nights": ["participant_id\tnight\tstart_utc\trecorded_hours\tanalysable_hours\treason"],
        "episodes": [
            "participant_id\tnight\tonset_utc\tduration_s\tconfidence\tstatus\tversion\tcensored"
        ],
        "diary": ["participant_id\tnight\tcramps\tseverity\tminutes"],
    }
    for number in range(people):
        name = f"S{number % 4}-{number:03d}"
        lines["participants"].append(f"{name}\tS{number % 4}\t{FIRST}\t70\t{'FM'[number % 2]}")
        lines["arms"].append(f"{name}\t{'verum' if number % 2 else 'sham'}")
        for day in range(-14, 7 * weeks):
            night = FIRST + timedelta(days=day)
            if number == 0 or (number == 1 and day > 10):
                continue
            if rng.random() < 0.15:
                lines["nights"].append(f"{name}\t{night}\tn/a\t0\t0\tnot_worn")
                continue
            hours = rng.uniform(3, 9)
            lines["nights"].append(
                f"{name}\t{night}\t{night}T21:30:00Z\t{hours:.2f}\t{0.9 * hours:.2f}\tlift_off"
            )
            cramps = rng.poisson(0.3)
            lines["diary"].append(f"{name}\t{night}\t{cramps}\t{5 if cramps else 'n/a'}\tn/a")
            for which in range(cramps):
                onset = f"{night}T{22 + which // 6}:{which % 6}0:00Z"
                seconds = rng.lognormal(4, 0.6) + 10
                lines["episodes"].append(
                    f"{name}\t{night}\t{onset}\t{seconds:.1f}\t0.9\tauto\t1\tnone"
                )
    for table, rows in lines.items():
        (folder / f"{table}.tsv").write_text("\n".join(rows) + "\n", encoding="utf-8")
    (folder / "study.toml").write_text(
        f"""
title = "Cramps <b>& more</b>"
weeks = {weeks}
run_in_weeks = 2
time_zone = "Europe/Vienna"
blinding = "{blinding}"
data = "simulated"
estimand = "Cramps per week < 3 & falling."
""",
        encoding="utf-8",
    )
    return folder


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_study(tmp_path_factory.mktemp("study"), 9, 3, seed=1, blinding="blinded")


@pytest.fixture(scope="module")
def study(folder: Path) -> Study:
    return load_study(folder)


@pytest.fixture(scope="module", params=["pooled", "by arm"])
def page(folder: Path, request: pytest.FixtureRequest) -> str:
    arms = folder / "arms.tsv" if request.param == "by arm" else None
    return render_report(load_study(folder, arms=arms), MADE)


class Page(HTMLParser):
    """What a browser would make of the report; complains about tags that do not match."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if not {"style", "script"} & set(self.open[-1:]):
            self.words.append(data)

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.tags if name == tag]


def drawings(page: str) -> list[ET.Element]:
    """Return the figures of a page, each parsed as XML."""
    texts = re.findall(r"<svg.*?</svg>", page, re.DOTALL)
    return [ET.fromstring(text) for text in texts]  # noqa: S314  from our own page


def test_the_page_is_well_formed_and_has_one_main_part(page: str) -> None:
    parsed = Page(page)
    assert parsed.open == []
    assert len(parsed.all("main")) == len(parsed.all("h1")) == 1
    assert len(parsed.all("section")) == len(parsed.all("h2"))
    assert all("aria-labelledby" in section for section in parsed.all("section"))
    assert parsed.all("html") == [{"lang": "en"}]


def test_the_page_runs_nothing_and_asks_for_nothing(page: str) -> None:
    parsed = Page(page)
    assert not parsed.all("script")
    assert not any(key.startswith("on") for _, attributes in parsed.tags for key in attributes)
    assert set(re.findall(r"https?://[^\s\"'<>)]+", page)) <= {"http://www.w3.org/2000/svg"}
    assert not re.search(r"@import|url\((?!#)", page)
    sources = [a.get("href") or a.get("src") for _, a in parsed.tags if "href" in a or "src" in a]
    assert all(source and source.startswith(("#", "data:image/png;base64,")) for source in sources)


def test_every_name_in_the_page_is_given_once_and_every_reference_is_answered(page: str) -> None:
    parsed = Page(page)
    names = [a["id"] for _, a in parsed.tags if "id" in a]
    assert len(names) == len(set(names))
    wanted = set(re.findall(r"url\(#([^)]+)\)|href=\"#([^\"]+)\"", page))
    labels = {n for _, a in parsed.tags for n in (a.get("aria-labelledby") or "").split()}
    assert {one or other for one, other in wanted} | labels <= set(names)


def test_tables_have_captions_and_cells_have_heads(page: str) -> None:
    parsed = Page(page)
    assert len(parsed.all("table")) == len(parsed.all("caption")) >= 9
    assert all(head.get("scope") in {"row", "col", "rowgroup"} for head in parsed.all("th"))


def test_text_from_the_study_is_shown_and_never_run(page: str) -> None:
    assert "<b>" not in page
    words = " ".join(Page(page).words)
    assert "Cramps <b>& more</b>" in words
    assert "Cramps per week < 3 & falling." in words


def test_no_number_is_raw(page: str) -> None:
    words = " ".join(Page(page).words)
    assert not re.search(r"\d\.\d{4,}|\bnan\b|\bNone\b|\bNaN\b|\binf\b", words)
    assert not re.search(r"\d\.\d+ \([<\d]+\s%", words)
    assert re.search(r'<th scope="row">Cramps</th>(<td class="n">\d+</td>)+</tr>', page)
    assert "−2" in words
    assert not re.search(r"(?<![\w.])-\d", words.replace("2026-04-01", ""))


def test_each_figure_is_described_and_drawn(page: str) -> None:
    figures = drawings(page)
    assert len(figures) == 5
    for svg in figures:
        assert svg.get("role") == "img"
        assert [child.tag for child in svg[:2]] == ["title", "desc"]
        assert all(child.text for child in svg[:2])
        shapes = " ".join(element.get("d", "") for element in svg.iter("path"))
        numbers = [float(text) for text in re.findall(r"-?\d+\.?\d*(?:e-?\d+)?", shapes)]
        assert len(numbers) > 40
        assert all(math.isfinite(number) for number in numbers)
        assert "nan" not in shapes
        assert len(list(svg.iter("text"))) > 5
        assert not list(svg.iter("style"))


def opened(study: Study) -> Study:
    """Return the study as one that was never blinded, with the intervals of nine participants."""
    return replace(study, plan=replace(study.plan, blinding=Blinding.OPEN))


def ink(figure: Figure) -> float:
    """Return the share of pixels that are not blank."""
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    pixels = np.asarray(canvas.buffer_rgba())
    return float((pixels[..., 3] > 0).mean())


def test_the_figures_have_ink(study: Study) -> None:
    assert ink(draw_weeks(summarise(opened(study)).groups, FREQUENCY)) > 0.05
    assert ink(draw_wear(wear_map(study))) > 0.3


def test_no_figure_shows_more_than_there_can_be(study: Study) -> None:
    groups = summarise(opened(study)).groups
    assert draw_weeks(groups, FREQUENCY).axes[0].get_ylim()[1] > 2
    scale = replace(FREQUENCY, most=2.0)
    assert draw_weeks(groups, scale).axes[0].get_ylim() == (0, 2)
    assert has_clipped_interval(groups, scale)


def test_the_same_study_gives_the_same_bytes(folder: Path) -> None:
    assert render_report(load_study(folder), MADE) == render_report(load_study(folder), MADE)


def test_the_wear_map_shows_each_night_in_its_place(study: Study) -> None:
    wear = wear_map(study)
    nights = study.nights[study.nights["recorded_hours"] > 0]
    assert wear.hours.shape == (9, 35)
    assert np.isfinite(wear.hours).sum() == len(nights)
    row = wear.names.index("S2-002")
    mine = nights[nights["participant_id"] == "S2-002"].set_index("night")["analysable_hours"]
    for column in range(35):
        night = FIRST + timedelta(days=column - 14)
        expected = mine.get(str(night))
        shown = wear.hours[row, column]
        assert np.isnan(shown) if expected is None else shown == expected
    assert list(wear.sites) == sorted(wear.sites)
    assert np.isnan(wear.hours[wear.names.index("S0-000")]).all()
    assert wear.due.all()


def test_the_picture_in_the_wear_map_has_a_pixel_for_every_night(page: str) -> None:
    (image,) = [image for svg in drawings(page) for image in svg.iter("image")]
    data = base64.b64decode(str(image.get("href")).partition("base64,")[2])
    assert imread(io.BytesIO(data)).shape == (9, 35, 4)


def test_the_banner_says_which_data_these_are(folder: Path) -> None:
    study = load_study(folder)
    closed = render_report(study, MADE)
    opened = render_report(load_study(folder, arms=folder / "arms.tsv"), MADE)
    assert "Pooled: arm codes were not opened" in closed
    assert "Unblinded: arm codes were opened" in opened
    for text in ("Simulated data", "Blinded trial", "1.2.3", "model-7", "22\N{NO-BREAK SPACE}Mar"):
        assert text in closed
    assert study.input_hash in closed
    assert "not been validated clinically" in closed
    assert "Unblinded: arm codes were opened. Input" in opened
    assert "sham" not in closed


def test_every_participant_has_a_row(page: str, study: Study) -> None:
    for name in study.participants["participant_id"]:
        assert f'<th scope="row">{name}</th>' in page


def test_a_large_trial_stays_small(tmp_path: Path) -> None:
    folder = write_study(tmp_path, 199, 8, seed=2, blinding="open")
    page = render_report(load_study(folder, arms=folder / "arms.tsv"), MADE)
    assert len(page.encode()) < 300_000


@pytest.mark.parametrize(
    ("without", "plan", "opened"),
    [
        (["nights", "episodes", "diary"], {}, False),
        (["nights", "episodes"], {}, True),
        (["episodes"], {}, False),
        (["diary"], {}, True),
        ([], {"run_in_weeks = 2": 'run_in_weeks = 0\nnights_outside_plan = "left out"'}, False),
        ([], {"weeks = 3": "weeks = 26"}, True),
    ],
)
def test_a_study_that_lacks_something_has_a_report_all_the_same(
    tmp_path: Path, without: list[str], plan: dict[str, str], *, opened: bool
) -> None:
    folder = write_study(tmp_path, 3, 3, seed=3, blinding="blinded")
    for table in without:
        file = folder / f"{table}.tsv"
        file.write_text(file.read_text(encoding="utf-8").partition("\n")[0] + "\n", "utf-8")
    file = folder / "study.toml"
    text = file.read_text(encoding="utf-8")
    for old, new in plan.items():
        text = text.replace(old, new)
    file.write_text(text, encoding="utf-8")
    study = load_study(folder, arms=folder / "arms.tsv" if opened else None)
    assert Page(render_report(study, MADE)).open == []


def test_a_withheld_week_says_so_in_the_figure(tmp_path: Path) -> None:
    study = load_study(write_study(tmp_path, 4, 3, seed=4, blinding="blinded"))
    late = study.nights["night"] >= str(FIRST + timedelta(days=14))
    first = study.nights["participant_id"].str.endswith("003")
    nights = study.nights[~late | first]
    short = Study(study.plan, study.participants, nights, study.episodes, study.diary, "")
    assert ">withheld<" in draw_pictures(work_out(short))["frequency"].svg


def test_durations_of_too_few_participants_are_not_drawn_while_blinded(tmp_path: Path) -> None:
    study = load_study(write_study(tmp_path, 9, 3, seed=4, blinding="blinded"))
    assert "duration" in draw_pictures(work_out(study))
    episodes = study.episodes[study.episodes["participant_id"].str.endswith("003")]
    short = Study(study.plan, study.participants, study.nights, episodes, study.diary, "")
    assert "duration" not in draw_pictures(work_out(short))


def test_durations_weigh_participants_and_not_cramps() -> None:
    minutes = np.array([1.0, 2.0, 2.0, 2.0, 2.0])
    sample = Durations("all", minutes, np.array([0.5, 0.125, 0.125, 0.125, 0.125]), 2)
    assert sample.share_up_to(np.array([0.9, 1.0, 1.5, 2.0])).tolist() == [0, 0.5, 0.5, 1]
    assert sample.median == 1


def test_identifiers_of_two_drawings_do_not_clash(study: Study) -> None:
    figure = draw_wear(wear_map(study))
    one, two = (inline_svg(figure, name, "Wear", "Nights") for name in ("one", "two"))
    names = [set(re.findall(r' id="([^"]+)"', text)) for text in (one, two)]
    assert names[0]
    assert not names[0] & names[1]


def test_numbers_are_worded_for_people() -> None:
    thin, wide = "\N{NARROW NO-BREAK SPACE}", "\N{NO-BREAK SPACE}"
    assert wording.number(-1.25, 1) == "−1.2"
    assert wording.number(12345.6, 0) == f"12{thin}346"
    assert wording.number(1234, 0) == "1234"
    assert wording.number(math.nan, 2) == wording.number(None, 2) == "n/a"
    assert wording.share(1, 3) == f"33{wide}%"
    assert wording.share(1, 3000) == f"<1{wide}%"
    assert wording.share(0, 0) == "n/a"
    assert wording.part_of(0, 10) == "0"
    assert wording.signed(-2) == "−2"
    rate = Rate(1.0, 0.5, 2.0, 4, 4, 224.0)
    assert wording.with_interval(rate) == "1.00 (0.50 to 2.00)"
    assert wording.with_interval(rate.withhold()) == "withheld"
    assert wording.mean_with_sd(Mean(1.0, None, None, None, 1)) == "1.00"


def test_the_package_offers_what_it_names() -> None:
    assert len(set(trial.__all__)) == len(trial.__all__)
    assert all(hasattr(trial, name) for name in trial.__all__)


def one_week_without_a_cramp() -> Analysis:
    """Compare the arms of a simulated trial in whose second week nobody had a cramp."""
    data = simulate_trial(TrialSpec(treated=24, controls=24, weeks=3, sites=1), 5)
    events = data.weeks["events"].mask(data.weeks["week"] == 2, 0.0)
    return analyse(replace(data, weeks=data.weeks.assign(events=events)))


def test_a_note_says_which_analysis_it_is_about() -> None:
    data = simulate_trial(TrialSpec(treated=12, controls=12, weeks=2, sites=1, stopping=(0, 0)), 5)
    one = data.weeks["participant_id"] == data.weeks["participant_id"].iloc[0]
    hardly_seen = data.weeks.assign(nights=data.weeks["nights"].mask(one, 1))
    notes = comparison_tables.notes_of(analyse(replace(data, weeks=hardly_seen)))
    missing = [note for note in notes if "no analysable time" in note]
    assert [note.split(":")[0] for note in missing] == ["Displayed weeks only"]


def test_what_was_done_in_place_of_a_refused_analysis_is_in_the_tables() -> None:
    analysis = one_week_without_a_cramp()
    assert analysis.primary.kind == "refusal"
    table = comparison_tables.tabulate_comparisons(analysis)
    rows = {row[0]: row for body in table.bodies for row in body.rows}
    found = rows["Cramps per week, primary (instead): rate ratio"]
    (made,) = analysis.primary.alternative
    assert made.kind == "comparison"
    assert found[3] == wording.number(made.estimates[0].value, 2)
    assert any("primary (instead)" in note for note in comparison_tables.notes_of(analysis))
    assert "Instead: The same model without" in comparison_tables.refusals(analysis)[0]
    weekly = comparison_tables.tabulate_contrasts(analysis)
    assert weekly is not None
    assert weekly.head[3] == "Difference per week"


def test_the_share_of_participants_with_a_cramp_is_given_in_percent() -> None:
    few = analyse(simulate_trial(TrialSpec(treated=5, controls=5, weeks=2, sites=1), 5))
    table = comparison_tables.tabulate_comparisons(few)
    rows = {row[0]: row for body in table.bodies for row in body.rows}
    assert "%" in rows["Cramps per week, primary (instead): risk difference"][3]
    assert "%" not in rows["Cramps per week, primary (instead): difference per week"][3]


def test_the_headline_says_that_the_primary_analysis_was_not_done_and_what_was_found_instead() -> (
    None
):
    analysis = one_week_without_a_cramp()
    sentence = primary_sentence(analysis)
    assert "The primary analysis was not done: no cramp in week 2" in sentence
    assert "Instead: The same model without week." in sentence
    (made,) = analysis.primary.alternative
    assert f"Rate ratio {made.estimate('rate ratio').value:.2f} (95 % CI" in sentence
    data = simulate_trial(TrialSpec(treated=12, controls=12, weeks=2, sites=1), 5)
    treated = data.people.loc[data.people["arm"] != data.reference, "participant_id"]
    none = data.weeks["events"].mask(data.weeks["participant_id"].isin(treated), 0.0)
    sentence = primary_sentence(analyse(replace(data, weeks=data.weeks.assign(events=none))))
    assert "has no cramp in" in sentence
    assert "0.00 (0.00 to " in sentence
    assert "Difference per week −" in sentence
    assert "Risk difference −" in sentence


def test_the_headline_has_a_p_value_for_each_estimate() -> None:
    """The interval of one may hold no effect while that of the other does not."""
    analysis = analyse(simulate_trial(TrialSpec(treated=12, controls=12, weeks=3, sites=1), 6))
    for estimate in analysis.primary.estimates:
        assert wording.interval(estimate.low, estimate.high) in primary_sentence(analysis)
    assert primary_sentence(analysis).count("; p ") == 2


def test_the_forest_shows_what_took_the_place_of_a_refused_analysis_and_what_is_missing() -> None:
    analysis = one_week_without_a_cramp()
    primary, second, *_ = forest_rows(analysis)
    (made,) = analysis.primary.alternative
    assert primary.name.endswith("(instead)")
    assert primary.ratio[0] == made.estimate("rate ratio").value
    assert not primary.is_primary
    assert not second.is_primary
    gone = Refusal("displayed_weeks", "no reason", "Nothing.")
    rows = forest_rows(replace(analysis, sensitivity=(gone, *analysis.sensitivity[1:])))
    assert rows[2].text == "not estimable"
    draw_forest(rows, "new", "old")
    refused = (gone,) * 3
    assert forest_rows(replace(analysis, primary=gone, second=gone, sensitivity=refused)) == ()


def test_analyses_that_were_not_done_for_the_same_reason_are_told_together() -> None:
    few = analyse(simulate_trial(TrialSpec(treated=5, controls=5, weeks=2, sites=1), 5))
    told = comparison_tables.refusals(few)
    together = "Cramps per week, primary; Cramp minutes per week: arm "
    assert told[0].startswith(together)
    assert len({text.split(": ", 1)[1] for text in told}) == len(told)


def test_the_tipping_point_is_named_above_its_table() -> None:
    analysis = analyse(simulate_trial(TrialSpec(treated=30, controls=30, weeks=4, sites=2), 11))
    found = analysis.tipping_point
    for tips_at, words in (
        (8.0, "no significant benefit from 8.0 times on"),
        (1.0, "no significant benefit with missing time like seen time"),
        (None, "significant benefit even with 16 times"),
    ):
        changed = replace(analysis, tipping_point=replace(found, tips_at=tips_at))
        table = comparison_tables.tabulate_tipping(changed)
        assert table is not None
        assert words in table.caption
