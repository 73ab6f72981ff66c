"""Collecting into a large study's tables, the audit log of it, and how far a study is."""

import json
from datetime import datetime

import fsspec
import numpy as np
import pytest

from nightcramp.outputs import MadeBy, events_text, json_text, night_summary
from nightcramp.study import collect
from nightcramp.study_compaction import compact, expand
from nightcramp.study_progress import failed_recordings, study_progress
from recordings import Channel, RecordingInfo, Stream
from sensing import Event, EventKind, NightResult, Seconds
from trial import load_study
from trial.audit import AuditBrokenError, read_audit, verify_audit

PLAN = """\
title = "Two sites"
weeks = 1
run_in_weeks = 0
time_zone = "Europe/Vienna"
blinding = "open"
estimand = "Cramps per week"
"""
PEOPLE = """\
participant_id	site	randomised_on	age	sex
A1	North	2026-01-10	70	f
B2	South	2026-01-10	71	m
"""
NIGHTS = "participant_id\tnight\tstart_utc\trecorded_hours\tanalysable_hours\treason\n"
EPISODES = "participant_id\tnight\tonset_utc\tduration_s\tconfidence\tstatus\tversion\n"


@pytest.fixture
def study(tmp_path):
    folder = tmp_path / "study"
    folder.mkdir()
    (folder / "study.toml").write_text(PLAN)
    (folder / "participants.tsv").write_text(PEOPLE)
    (folder / "nights.tsv").write_text(NIGHTS)
    (folder / "episodes.tsv").write_text(EPISODES)
    return folder


def write_result(results, name, day, *onsets, model="d"):
    """Write what analyze leaves for a recording of two hours."""
    results.mkdir(exist_ok=True)
    seconds = 7200
    nothing = np.full((1, seconds), np.nan, dtype=np.float32)
    quality = np.zeros((1, seconds), dtype=np.uint8)
    night = Seconds(nothing, nothing, quality, np.repeat(nothing, 3, 0), nothing[0], nothing[0])
    cramps = [Event(onset, 60.0, EventKind.CRAMP, "EMG", 0.9, 8.0, 24.0) for onset in onsets]
    result = NightResult(float(seconds), tuple(cramps), night)
    channel = Channel("EMG", "uV", 0.1, (-3000.0, 3000.0))
    stream = Stream("emg", 500.0, (channel,), seconds * 500)
    info = RecordingInfo(name, datetime(2026, 1, day, 23), stream)
    makers = MadeBy("a" * 16, f"{name}.edf", "b" * 64, {}, "0.1.0+c", "1", model * 64, {})
    (results / f"{name}_events.tsv").write_text(events_text(result.events))
    summary = night_summary(result, info, makers, 1, None)
    (results / f"{name}_night.json").write_text(json_text(summary))


def rows_of(study):
    loaded = load_study(study)
    keys = ["participant_id", "night"]
    return [
        frame.sort_values(keys, kind="stable").reset_index(drop=True)
        for frame in (loaded.nights, loaded.episodes)
    ]


def test_collecting_into_parquet_is_collecting_into_text(study, tmp_path):
    write_result(tmp_path / "first", "sub-A1_x", 10, 600, 1200)
    write_result(tmp_path / "first", "sub-B2_x", 10, 900)
    collect(study, tmp_path / "first")
    compact(study)
    untouched = (study / "nights" / "A1.parquet").stat().st_mtime_ns
    write_result(tmp_path / "second", "sub-B2_x", 10, model="e")
    write_result(tmp_path / "second", "sub-B2_y", 11, 300)
    done = collect(study, tmp_path / "second")
    assert (done.nights, done.episodes, done.failures) == (2, 1, ())
    assert (study / "nights" / "A1.parquet").stat().st_mtime_ns == untouched
    in_parts = rows_of(study)
    assert len(in_parts[0]) == 3
    assert len(in_parts[1]) == 3
    expand(study)
    collect(study, tmp_path / "second")
    for parted, text in zip(in_parts, rows_of(study), strict=True):
        assert parted.to_dict() == text.to_dict()


def test_a_participant_left_without_episodes_keeps_an_empty_part(study, tmp_path):
    write_result(tmp_path / "first", "sub-A1_x", 10, 600)
    collect(study, tmp_path / "first")
    compact(study)
    write_result(tmp_path / "second", "sub-A1_x", 10, model="e")
    collect(study, tmp_path / "second")
    assert load_study(study).episodes.empty
    assert len(load_study(study).nights) == 1


def test_results_of_several_folders_are_collected_at_once(study, tmp_path, run):
    write_result(tmp_path / "one", "sub-A1_x", 10, 600)
    write_result(tmp_path / "two", "sub-B2_x", 10)
    words = ("--results", tmp_path / "one", "--results", tmp_path / "two", "--who", "statistician")
    code, shown, _ = run("study", "collect", study, *words, "--json")
    assert (code, json.loads(shown)["nights"]) == (0, 2)
    (entry,) = read_audit(study)
    assert entry.who == "statistician"


def test_results_elsewhere_are_collected_too(study, tmp_path, run):
    store = fsspec.filesystem("memory")
    store.store.clear()
    write_result(tmp_path / "one", "sub-A1_x", 10, 600)
    for file in (tmp_path / "one").iterdir():
        store.put_file(str(file), f"/results/{file.name}")
    code, _, _ = run("study", "collect", study, "--results", "memory://results")
    assert code == 0
    assert len(load_study(study).episodes) == 1
    assert run("study", "collect", study, "--results", "memory://nothing")[0] == 1
    store.store.clear()


def test_the_audit_log_has_an_entry_for_each_change_and_none_for_nothing(study, tmp_path):
    write_result(tmp_path / "first", "sub-A1_x", 10, 600)
    collect(study, tmp_path / "first", who="me")
    collect(study, tmp_path / "first", who="me")
    (entry,) = read_audit(study)
    assert (entry.who, entry.action) == ("me", "analysed")
    assert (entry.after["nights"], entry.after["episodes"], entry.after["files"]) == (1, 1, 2)
    write_result(tmp_path / "first", "sub-B2_x", 10)
    collect(study, tmp_path / "first", who="me")
    assert len(read_audit(study)) == 2
    assert not verify_audit(study).faults


def test_a_change_that_cannot_be_logged_is_not_made(study, tmp_path):
    write_result(tmp_path / "first", "sub-A1_x", 10, 600)
    collect(study, tmp_path / "first", who="me")
    log = study / "audit.jsonl"
    log.write_text(log.read_text().replace('"nights":1', '"nights":9'))
    before = (study / "nights.tsv").read_bytes()
    write_result(tmp_path / "first", "sub-B2_x", 10)
    with pytest.raises(AuditBrokenError):
        collect(study, tmp_path / "first", who="me")
    assert (study / "nights.tsv").read_bytes() == before


def write_run(results, started, **statuses):
    (results / "runs").mkdir(parents=True, exist_ok=True)
    head = {"run": {"schema": "nightcramp-run/1", "started": started, "inputs": len(statuses)}}
    entries = [
        {"source": f"{name}.edf", "name": name.replace("__", "-"), "status": status}
        for name, status in statuses.items()
    ]
    text = "".join(json.dumps(line) + "\n" for line in [head, *entries, {"end": {}}])
    (results / "runs" / f"run-{started[-4:-1]}.jsonl").write_text(text)


def test_failed_are_recordings_whose_last_analysis_failed(study, tmp_path, run):
    results = tmp_path / "results"
    write_result(results, "sub-A1_x", 10, 600)
    collect(study, results)
    write_run(results, "2026-01-20T10:00:02Z", sub__A1_x="analysed", sub__B2_y="not_reached")
    write_run(
        results, "2026-01-20T10:00:01Z", sub__A1_x="failed", sub__B2_y="failed", stray="failed"
    )
    assert sorted(failed_recordings(results)) == ["stray", "sub-B2_y"]
    progress = study_progress(study, [results])
    north, south = progress.document()["sites"]
    assert (north["recordings_failed"], south["recordings_failed"]) == (0, 1)
    assert progress.document()["total"]["recordings_failed"] == 2
    code, shown, _ = run("study", "status", study, "--results", results)
    assert code == 0
    assert shown.splitlines()[1].split() == ["North", "1", "1", "1", "1", "1", "0", "1"]
    assert "1 failed recordings name no participant" in shown
    assert "nights up to that of 2026-01-10" in shown


def test_without_results_what_failed_is_not_known(study, run):
    code, shown, _ = run("study", "status", study, "--json")
    assert code == 0
    assert json.loads(shown)["total"]["recordings_failed"] is None
    assert "no night of the plan has come yet" in run("study", "status", study)[1]


def test_compacting_is_a_command_with_its_way_back(study, tmp_path, run):
    write_result(tmp_path / "first", "sub-A1_x", 10, 600)
    collect(study, tmp_path / "first")
    assert run("study", "compact", study)[:2] == (0, "nights: 1 rows\nepisodes: 1 rows\n")
    assert run("study", "check", study)[0] == 0
    assert run("study", "compact", study)[0] == 2
    assert run("study", "compact", study, "--undo")[0] == 0
    assert (study / "episodes.tsv").is_file()
