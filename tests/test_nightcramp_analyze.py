"""``nightcramp analyze`` as its users meet it: files in, results, messages and exit codes out."""

import csv
import dataclasses
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from datetime import datetime

import numpy as np
import pytest

import models.detector
import nightcramp.analysis
import recordings
import sensing.frames
from nightcramp.__main__ import main
from nightcramp.errors import NightcrampError
from nightcramp.outputs import EVENT_COLUMNS
from recordings import ArrayRecording, Channel, RecordingInfo, Stream, write_edf

RATE_HZ, ACC_RATE_HZ = 500, 25


def make_recording(name="night", seconds=180, *, unit="uV", change=None, acc=True, rate_hz=RATE_HZ):
    """Noise of 3 uV with a contraction of 40 s; `change` may spoil the samples."""
    rng = np.random.default_rng(2)
    step = 0.1
    emg = rng.normal(0, 3, (1, seconds * rate_hz))
    emg[:, 100 * rate_hz : 140 * rate_hz] *= 12
    if change:
        emg = change(emg)
    emg = (np.clip(np.round(emg / step), -30_000, 30_000) * step).astype(np.float32)
    motion = rng.normal(0, 0.002, (3, seconds * ACC_RATE_HZ))
    motion[2] += 1
    motion = (np.round(motion / 0.00025) * 0.00025).astype(np.float32)
    channel = Channel("EMG GM", unit, step, (-3000.0, 3000.0))
    axes = tuple(Channel(f"ACC {axis}", "g", 0.00025, (-8.0, 8.0)) for axis in "XYZ")
    info = RecordingInfo(
        name=name,
        start=datetime(2026, 1, 12, 22),
        emg=Stream("emg", float(rate_hz), (channel,), emg.shape[1]),
        acc=Stream("acc", float(ACC_RATE_HZ), axes, motion.shape[1]) if acc else None,
    )
    return info, emg, motion if acc else None


def write(folder, name="night", **how):
    path = folder / f"{name}.edf"
    write_edf(path, *make_recording(name, **how))
    return path


def read_rows(path):
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file, delimiter="\t"))


def summary_of(out, name="night"):
    return json.loads((out / f"{name}_night.json").read_text(encoding="utf-8"))


def test_a_recording_becomes_events_summary_and_two_pictures(tmp_path, run):
    code, shown, _ = run("analyze", write(tmp_path), "--out", tmp_path / "out")
    assert code == 0
    assert "1 of 1 recordings judged" in shown
    assert {path.name for path in (tmp_path / "out").iterdir()} == {
        "events.json",
        "night.png",
        "night.svg",
        "night_events.tsv",
        "night_night.json",
        "runs",
    }
    rows = read_rows(tmp_path / "out" / "night_events.tsv")
    assert tuple(rows[0]) == tuple(EVENT_COLUMNS)
    assert json.loads((tmp_path / "out" / "events.json").read_text()).keys() == EVENT_COLUMNS.keys()
    summary = summary_of(tmp_path / "out")
    assert summary["recorded_hours"] == pytest.approx(0.05)
    not_judged = sum(float(r["duration"]) for r in rows if r["trial_type"] == "not_analysable")
    assert 3600 * summary["analysable_hours"] + not_judged == pytest.approx(180, abs=0.5)
    made_by = summary["made_by"]
    assert made_by["source_sha256"] == recordings.content_hash(tmp_path / "night.edf")
    assert len(made_by["model_sha256"]) == 64


def test_the_file_and_its_arrays_give_the_same_night(tmp_path):
    classifier = models.load_classifier()
    path = write(tmp_path)
    from_file = nightcramp.analysis.detect(recordings.open_recording(path), classifier)
    from_array = nightcramp.analysis.detect(ArrayRecording(*make_recording()), classifier)
    assert from_file.events == from_array.events
    np.testing.assert_array_equal(from_file.seconds.rms, from_array.seconds.rms)


def test_what_is_done_is_skipped_until_something_changes(tmp_path, run):
    path, out = write(tmp_path), tmp_path / "out"
    run("analyze", path, "--out", out, "--no-picture")
    first = (out / "night_events.tsv").stat().st_mtime_ns
    code, shown, _ = run("analyze", path, "--out", out, "--no-picture")
    assert code == 0
    assert shown.startswith("skipped")
    assert (out / "night_events.tsv").stat().st_mtime_ns == first
    _, shown, _ = run("analyze", path, "--out", out)
    assert shown.startswith("analysed"), "a picture was asked for that is not there"
    assert summary_of(out)["made_by"]["version"] == 1


def test_another_analysis_adds_a_version_and_overwrites_nothing(tmp_path, run):
    path, out = write(tmp_path), tmp_path / "out"
    run("analyze", path, "--out", out, "--no-picture")
    before = summary_of(out)
    old_events = (out / "night_events.tsv").read_bytes()
    run("analyze", path, "--out", out, "--no-picture", "--emg", "EMG GM")
    after = summary_of(out)["made_by"]
    assert (after["version"], after["supersedes"]) == (2, before["made_by"]["analysis_id"])
    aside = out / "superseded" / "night" / before["made_by"]["analysis_id"]
    assert json.loads((aside / "night_night.json").read_text()) == before
    assert (aside / "night_events.tsv").read_bytes() == old_events


@pytest.mark.parametrize("day", [12, 13])
def test_results_of_another_night_of_the_same_name_do_not_give_way_in_silence(tmp_path, run, day):
    out = tmp_path / "out"
    run("analyze", write(tmp_path), "--out", out, "--no-picture")
    before = summary_of(out)["made_by"]["analysis_id"]
    (tmp_path / "other").mkdir()
    info, emg, acc = make_recording(seconds=170)
    path = tmp_path / "other" / "night.edf"
    write_edf(path, dataclasses.replace(info, start=datetime(2026, 1, day, 22)), emg, acc)
    _, _, errors = run("analyze", path, "--out", out, "--no-picture")
    told = "which began 2026-01-12T22:00:00, were moved to superseded/night/"
    assert (told + before in errors) is (day == 13), "another file of one night takes its place"


def test_a_changed_table_of_channels_is_another_analysis(tmp_path, run):
    path, out = write(tmp_path, "sub-1_emg"), tmp_path / "out"
    run("analyze", path, "--out", out, "--no-picture")
    table = tmp_path / "sub-1_channels.tsv"
    table.write_text("name\ttype\tunits\nEMG GM\tEMG\tuV\n")
    _, shown, _ = run("analyze", path, "--out", out, "--no-picture")
    assert shown.startswith("analysed")
    assert list(summary_of(out, "sub-1")["made_by"]["companions"]) == ["sub-1_channels.tsv"]
    assert run("analyze", path, "--out", out, "--no-picture")[1].startswith("skipped")


def test_older_results_that_cannot_be_moved_fail_that_file_only(tmp_path, run):
    path, out = write(tmp_path), tmp_path / "out"
    run("analyze", path, "--out", out, "--no-picture")
    before = (out / "night_events.tsv").read_bytes()
    (out / "superseded").write_text("a file in the way")
    words = ("analyze", path, "--out", out, "--no-picture", "--emg", "EMG GM")
    code, _, errors = run(*words)
    assert code == 1
    assert "cannot be moved" in errors
    assert (out / "night_events.tsv").read_bytes() == before


def test_a_damaged_summary_is_set_aside_not_trusted(tmp_path, run):
    path, out = write(tmp_path), tmp_path / "out"
    run("analyze", path, "--out", out, "--no-picture")
    (out / "night_night.json").write_text("{")
    code, shown, _ = run("analyze", path, "--out", out, "--no-picture")
    assert code == 0
    assert shown.startswith("analysed")
    assert (out / "superseded" / "night" / "unreadable" / "night_night.json").read_text() == "{"


def test_one_bad_file_never_stops_the_others(tmp_path, run):
    good = write(tmp_path, "good")
    bad = tmp_path / "bad.edf"
    bad.write_bytes(b"not an EDF file at all")
    code, shown, errors = run(
        "analyze", bad, tmp_path / "missing.edf", good, "--out", tmp_path / "out", "--no-picture"
    )
    assert code == 1
    assert "bad.edf" in errors
    assert "missing.edf" in errors
    assert "1 of 3 recordings judged" in shown
    assert (tmp_path / "out" / "good_night.json").is_file()
    assert not list((tmp_path / "out").glob("bad*"))


def test_json_lists_every_input_with_its_outcome(tmp_path, run):
    bad = tmp_path / "bad.edf"
    bad.write_bytes(b"")
    code, shown, _ = run(
        "analyze", bad, write(tmp_path), "--out", tmp_path / "out", "--no-picture", "--json"
    )
    results = {result["name"]: result for result in json.loads(shown)["results"]}
    assert code == 1
    assert results["night"]["status"] == "analysed"
    assert results["night"]["summary"]["schema"] == "nightcramp-night/1"
    assert results["bad"]["status"] == "failed"
    assert "bad.edf" in results["bad"]["message"]


def test_folders_are_searched_and_equal_names_kept_apart(tmp_path, run):
    for folder in ("one", "two"):
        (tmp_path / "in" / folder).mkdir(parents=True)
        write(tmp_path / "in" / folder)
    run("analyze", tmp_path / "in", "--out", tmp_path / "out", "--no-picture", "--jobs", 1)
    names = {path.name for path in (tmp_path / "out").glob("*_night.json")}
    assert names == {"one_night_edf_night.json", "two_night_edf_night.json"}


def test_results_of_bids_files_leave_out_the_emg_suffix(tmp_path, run):
    path = write(tmp_path, "sub-1_task-sleep_emg")
    run("analyze", path, "--out", tmp_path / "out", "--no-picture")
    assert (tmp_path / "out" / "sub-1_task-sleep_events.tsv").is_file()


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (["analyze", "night.edf"], 2),
        (["analyze", "--out", "out"], 2),
        (["analyse", "night.edf"], 2),
        (["analyze", "night.edf", "--out", "out", "--jobs", "0"], 2),
        (["analyze", ".", "--out", "out"], 2),
    ],
    ids=["no --out", "no file", "no such command", "no processes", "empty folder"],
)
def test_wrong_use_ends_with_two(tmp_path, monkeypatch, run, words, code):
    monkeypatch.chdir(tmp_path)
    assert run(*words)[0] == code


SPOILT = {
    "all flat": (lambda emg: emg * 0, "flat"),
    "clipped throughout": (lambda emg: np.sign(emg) * 3000, "saturated"),
    "millivolts called microvolts": (lambda emg: emg * 1000, "saturated"),
    "nothing but gaps": (lambda emg: emg * np.nan, "gap"),
    "swamped by noise": (lambda emg: emg * 30, "noisy"),
}


@pytest.mark.parametrize("case", SPOILT, ids=str)
def test_what_cannot_be_judged_is_never_called_free_of_cramps(tmp_path, run, case):
    change, reason = SPOILT[case]
    path = write(tmp_path, change=change)
    code, shown, _ = run("analyze", path, "--out", tmp_path / "out", "--no-picture")
    assert code == 0
    assert "NOT ANALYSABLE" in shown
    summary = summary_of(tmp_path / "out")
    assert summary["status"] == "not_analysable"
    assert summary["analysable_hours"] == 0
    assert reason in summary["not_analysable_hours"]
    rows = read_rows(tmp_path / "out" / "night_events.tsv")
    assert {row["trial_type"] for row in rows} == {"not_analysable"}
    assert sum(float(row["duration"]) for row in rows) == pytest.approx(180, abs=0.5)


@pytest.mark.parametrize(
    ("how", "expected"),
    [
        ({"rate_hz": 100}, "200"),
        ({"seconds": 5, "change": lambda emg: emg[:, : 5 * RATE_HZ]}, "10 s"),
    ],
    ids=["100 Hz", "five seconds"],
)
def test_recordings_that_no_rule_covers_are_refused_with_the_reason(tmp_path, run, how, expected):
    code, _, errors = run("analyze", write(tmp_path, **how), "--out", tmp_path / "out")
    assert code == 1
    assert expected in errors
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["runs"]


def test_a_channel_that_is_not_there_is_named_beside_those_that_are(tmp_path, run):
    code, _, errors = run("analyze", write(tmp_path), "--out", tmp_path / "out", "--emg", "Soleus")
    assert code == 1
    assert "Soleus" in errors
    assert "EMG GM" in errors


def test_unscaled_recordings_say_that_amplitude_is_relative(tmp_path, run):
    run("analyze", write(tmp_path, unit="count"), "--out", tmp_path / "out", "--no-picture")
    assert summary_of(tmp_path / "out")["emg"]["amplitude"] == "relative to the noise floor"
    rows = read_rows(tmp_path / "out" / "night_events.tsv")
    assert {row["rms_uv"] for row in rows} == {"n/a"}


def test_a_unit_that_makes_the_floor_impossible_is_doubted_in_a_note(tmp_path, run):
    path = write(tmp_path, change=lambda emg: emg / 3 * 0.1)
    run("analyze", path, "--out", tmp_path / "out", "--no-picture")
    (note,) = summary_of(tmp_path / "out")["notes"]
    assert "not plausible" in note


BROKEN_STAGES = [
    (nightcramp.analysis, "open_recording"),
    (sensing.frames.FrontEnd, "push"),
    (models.detector, "score_frames"),
    (models.detector.Segmenter, "push"),
    (models.detector.Segmenter, "finish"),
    (models.detector.LegMovementScorer, "finish"),
    (models.detector.SecondsBuilder, "finish"),
    (nightcramp.analysis, "events_text"),
    (nightcramp.analysis, "night_summary"),
]


@pytest.mark.parametrize(("place", "name"), BROKEN_STAGES, ids=[name for _, name in BROKEN_STAGES])
def test_a_stage_that_fails_leaves_an_error_and_no_result(tmp_path, run, monkeypatch, place, name):
    def fail(*_args, **_kwargs):
        raise NightcrampError("this stage is broken")

    monkeypatch.setattr(place, name, fail)
    code, shown, errors = run("analyze", write(tmp_path), "--out", tmp_path / "out", "--no-picture")
    assert code == 1
    assert "this stage is broken" in errors
    assert "0 of 1 recordings judged" in shown
    assert not (tmp_path / "out" / "night_night.json").exists()


def test_a_bug_is_not_mistaken_for_a_bad_input(tmp_path, monkeypatch):
    def fail(*_args, **_kwargs):
        raise RuntimeError("a bug")

    monkeypatch.setattr(models.detector, "score_frames", fail)
    monkeypatch.setattr(
        sys, "argv", ["nightcramp", "analyze", str(write(tmp_path)), "--out", str(tmp_path / "o")]
    )
    with pytest.raises(RuntimeError):
        main()


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="needs POSIX signals")
def test_an_interrupted_run_leaves_no_half_file_and_goes_on(tmp_path):
    source = tmp_path / "in"
    source.mkdir()
    first = write(source, "night0", seconds=600)
    for number in range(1, 8):
        shutil.copy(first, source / f"night{number}.edf")
    out = tmp_path / "out"
    command = [sys.executable, "-m", "nightcramp", "analyze", source, "--out", out, "--jobs", "1"]
    process = subprocess.Popen(
        [str(word) for word in command],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
    )
    deadline = time.monotonic() + 120
    while not list(out.glob("[!.]*_night.json")) and time.monotonic() < deadline:
        time.sleep(0.02)
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate()
    done = {path.name for path in out.glob("[!.]*_night.json")}
    assert done, "the run was to be killed after its first result"
    for path in out.glob("[!.]*.json"):
        json.loads(path.read_text(encoding="utf-8"))
    again = subprocess.run([str(word) for word in command], capture_output=True, check=True)
    lines = again.stdout.decode().splitlines()
    assert sum(line.startswith("skipped") for line in lines) >= len(done)
    assert len(list(out.glob("*_night.json"))) == 8
    assert not list(out.glob(".*")), "what the killed run left half-written is gone"
