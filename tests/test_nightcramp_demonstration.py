"""The live half of the demonstration says why, if it cannot be shown."""

from pathlib import Path

import pytest

from benchmarks.trial_study import write_trial
from nightcramp import demonstration, demonstration_night
from nightcramp.demonstration_night import record_demo_night
from nightcramp.errors import NightcrampError
from trial.audit import read_audit
from trial.statistics import TrialSpec


def quiet(_step, _done, _total):
    pass


def test_a_sensor_that_does_not_start_says_why(tmp_path, monkeypatch):
    monkeypatch.setattr(demonstration_night, "DEVICE", "thalmic")
    with pytest.raises(NightcrampError, match=r"did not start.*no emulated sensor 'thalmic'"):
        list(record_demo_night(tmp_path / "night", quiet))


def test_a_recorder_that_ends_too_soon_says_why(tmp_path, monkeypatch):
    recorder = demonstration_night._program

    def broken(command, *words):
        return recorder(command, *words, *(("--hours", "99") if command == "record" else ()))

    monkeypatch.setattr(demonstration_night, "_program", broken)
    with pytest.raises(NightcrampError, match=r"(?s)did not record.*--hours"):
        list(record_demo_night(tmp_path / "night", quiet))


def test_it_ends_with_a_summary_a_blinded_and_an_unblinded_report(tmp_path):
    spec = TrialSpec(treated=5, controls=5, run_in_weeks=1, weeks=1, sites=2)
    study = write_trial(tmp_path / "study", 2, spec)
    lines = list(demonstration._write_reports(study, tmp_path / "reports"))
    files = [Path(line.split(maxsplit=2)[-1].split(maxsplit=1)[-1]) for line in lines]
    assert [file.name.partition("_")[2] or file.name for file in files] == [
        "week1.html",
        "report.html",
        "unblinded.html",
    ]
    assert "placebo" not in files[1].read_text().replace("daily against placebo", "")
    assert "shown at the end of the demonstration" in files[2].read_text()
    assert [entry.action for entry in read_audit(study)] == [
        *("reported", "reported", "unblinded", "reported")
    ]
