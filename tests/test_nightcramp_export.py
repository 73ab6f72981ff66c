"""An export is complete or not there, is in the audit log, and is refused where it must be."""

import hashlib
import json

import pytest

from nightcramp import exporting
from nightcramp.errors import OutputError, UsageError
from nightcramp.exporting import ExportRequest, write_export
from trial.audit import append_audit, audit_head, read_audit, verify_audit

PLAN = """
title = "Cramps"
weeks = 1
run_in_weeks = 1
time_zone = "UTC"
blinding = "blinded"
estimand = "Rate."
"""
TABLES = {
    "participants": "participant_id site randomised_on age sex|P007 A 2026-03-02 70 F",
    "arms": "participant_id arm|P007 verum",
    "nights": "participant_id night start_utc recorded_hours analysable_hours reason"
    "|P007 2026-03-02 2026-03-02T21:00:00Z 8 7.5 n/a",
    "episodes": "participant_id night onset_utc duration_s confidence status version"
    "|P007 2026-03-02 2026-03-02T23:00:00Z 61.5 0.9 auto 1",
}


@pytest.fixture
def study(tmp_path):
    folder = tmp_path / "study"
    folder.mkdir()
    (folder / "study.toml").write_text(PLAN, encoding="utf-8")
    for name, lines in TABLES.items():
        text = "\n".join(lines.replace(" ", "\t").split("|")) + "\n"
        (folder / f"{name}.tsv").write_text(text, encoding="utf-8")
    return folder


def refused(found, *words):
    code, out, err = found
    assert (code, out) == (2, "")
    for word in words:
        assert word in err
    return True


def test_an_export_is_in_the_audit_log_with_the_hash_of_every_file(run, study, tmp_path):
    out = tmp_path / "new" / "export"
    words = ("export", study, "--format", "csv", "--out", out, "--who", "Ann", "--study-id", "N-1")
    code, shown, _ = run(*words)
    assert code == 0
    files = {path.name: path for path in out.iterdir()}
    assert shown.split() == [str(path) for path in map(out.joinpath, files_in_order(shown))]
    (entry,) = read_audit(study)
    assert (entry.who, entry.action, entry.subject) == ("Ann", "exported", "export csv")
    hashes = {n: hashlib.sha256(p.read_bytes()).hexdigest() for n, p in files.items()}
    assert entry.after["files"] == hashes
    assert (entry.after["folder"], entry.after["study_id"]) == (str(out), "N-1")
    assert sorted(path.name for path in out.parent.iterdir()) == ["export"]
    assert b"N-1-P007" in files["dm.csv"].read_bytes()
    assert not (out / "ce.csv").exists()


def files_in_order(shown):
    return [line.rsplit("/", 1)[-1] for line in shown.split()]


def test_the_audit_log_says_how_many_reasons_were_withheld(run, study, tmp_path):
    nights = study / "nights.tsv"
    nights.write_text(nights.read_text(encoding="utf-8").replace("n/a", "cramped all night"))
    assert run("export", study, "--format", "csv", "--out", tmp_path / "out")[0] == 0
    assert read_audit(study)[-1].after["reasons_withheld"] == 1


def test_opening_the_arms_is_logged_before_anything_is_exported(run, study, tmp_path):
    words = ("export", study, "--format", "xpt", "--out", tmp_path / "sas")
    opened = ("--arms", study / "arms.tsv", "--unblind", "final analysis", "--who", "Ann")
    code, shown, _ = run(*words, *opened, "--json")
    assert code == 0
    unblinded, export = read_audit(study)
    assert (unblinded.action, unblinded.reason) == ("unblinded", "final analysis")
    allocation = hashlib.sha256((study / "arms.tsv").read_bytes()).hexdigest()
    assert unblinded.after == {"for": "export xpt", "arms_sha256": allocation}
    assert (export.action, export.reason) == ("exported", "final analysis")
    assert json.loads(shown)["files"] == export.after["files"]
    made = json.loads((tmp_path / "sas" / "provenance.json").read_text(encoding="utf-8"))
    assert made["audit_head"] == unblinded.hash
    assert made["unblinded"] == "Ann: final analysis"
    assert (tmp_path / "sas" / "ce.xpt").exists()
    assert verify_audit(study, head=made["audit_head"]).faults == ()


def test_the_study_is_called_by_its_folder_unless_it_is_named(run, study, tmp_path):
    run("export", study, "--format", "csv", "--out", tmp_path / "a")
    assert b"study-P007" in (tmp_path / "a" / "dm.csv").read_bytes()
    odd = study.rename(tmp_path / "My trial (Graz, 2026)")
    run("export", odd, "--format", "csv", "--out", tmp_path / "b")
    assert b"My-trial-Graz-2026-P007" in (tmp_path / "b" / "dm.csv").read_bytes()
    words = ("export", odd, "--format", "csv", "--out", tmp_path / "c", "--study-id", "a b")
    assert refused(run(*words), "--study-id 'a b'")


@pytest.mark.parametrize("there", ["file", "folder", "link to nothing"])
def test_nothing_that_exists_is_overwritten(run, study, tmp_path, there):
    out = tmp_path / "out"
    if there == "file":
        out.write_text("mine", encoding="utf-8")
    elif there == "folder":
        out.mkdir()
    else:
        out.symlink_to(tmp_path / "nowhere")
    assert refused(run("export", study, "--format", "csv", "--out", out), "exists")
    assert read_audit(study) == []
    assert there != "file" or out.read_text(encoding="utf-8") == "mine"


@pytest.mark.parametrize(
    ("words", "problem"),
    [
        (("--arms", "arms.tsv"), "--arms opens the blind"),
        (("--arms", "arms.tsv", "--unblind", "  "), "--arms opens the blind"),
        (("--unblind", "curious"), "give the allocation with --arms"),
        (("--format", "sas7bdat"), "expected one of csv, redcap, dataset-json, xpt, fhir"),
        (("--who", " "), "say who does this"),
    ],
)
def test_what_is_asked_for_wrongly_is_refused_with_the_reason(run, study, tmp_path, words, problem):
    words = [study / word if word == "arms.tsv" else word for word in words]
    out = tmp_path / "out"
    assert refused(run("export", study, "--format", "csv", "--out", out, *words), problem)
    assert not out.exists()
    assert read_audit(study) == []


@pytest.mark.parametrize("fault", ["changed", "cut", "without head"])
def test_a_study_with_a_broken_audit_log_is_not_exported(run, study, tmp_path, fault):
    for number in range(3):
        append_audit(study, who="a", action="analysed", subject=f"night {number}")
    log = study / "audit.jsonl"
    if fault == "changed":
        log.write_bytes(log.read_bytes().replace(b"night 1", b"night 9"))
    elif fault == "cut":
        log.write_bytes(b"".join(log.read_bytes().splitlines(keepends=True)[:2]))
    else:
        (study / "audit.head").unlink()
    before = log.read_bytes()
    arms = ("--arms", study / "arms.tsv", "--unblind", "final")
    found = run("export", study, "--format", "csv", "--out", tmp_path / "out", *arms)
    line = {"changed": "line 2: ", "cut": "line 3: ", "without head": "line 4: "}[fault]
    assert refused(found, "audit.jsonl", line, "copy")
    assert not (tmp_path / "out").exists()
    assert log.read_bytes() == before


def test_arms_of_a_participant_that_nobody_knows_open_nothing(run, study, tmp_path):
    with (study / "arms.tsv").open("a", encoding="utf-8") as file:
        file.write("P999\tsham\n")
    arms = ("--arms", study / "arms.tsv", "--unblind", "final")
    found = run("export", study, "--format", "csv", "--out", tmp_path / "out", *arms)
    assert refused(found, "arms.tsv: line 3, column participant_id", "P999")
    assert read_audit(study) == []
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("code", ["Huber", "1948-03-12"])
def test_a_participant_with_a_name_for_a_code_is_not_exported(run, study, tmp_path, code):
    for name in TABLES:
        file = study / f"{name}.tsv"
        file.write_text(file.read_text().replace("P007", code), encoding="utf-8")
    ended, _, err = run("export", study, "--format", "csv", "--out", tmp_path / "out")
    assert ended == 1
    assert f"participants.tsv: line 2, column participant_id: found '{code}', which looks" in err
    assert not (tmp_path / "out").exists()


def test_an_export_that_cannot_be_written_leaves_nothing(study, tmp_path, monkeypatch):
    def fail(path, data):
        raise OutputError(f"{path}: no space left")

    monkeypatch.setattr(exporting, "write_bytes", fail)
    with pytest.raises(OutputError, match="no space"):
        write_export(ExportRequest(study, tmp_path / "out", "csv", "Ann"))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["study"]
    assert audit_head(study) is None


def test_an_export_that_is_not_in_the_log_does_not_appear(study, tmp_path, monkeypatch):
    def refuse(*_, **__):
        raise UsageError("no")

    monkeypatch.setattr(exporting, "append_audit", refuse)
    with pytest.raises(UsageError, match="no"):
        write_export(ExportRequest(study, tmp_path / "out", "fhir", "Ann"))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["study"]


def test_a_folder_that_cannot_be_made_is_said(run, study, tmp_path):
    (tmp_path / "file").write_text("", encoding="utf-8")
    found = run("export", study, "--format", "csv", "--out", tmp_path / "file" / "out")
    assert found[0] == 1
    assert "could not be written" in found[2]
