"""Simulated studies, results into their tables, scoring and the weekly report, as commands."""

import csv
import json
from datetime import UTC, datetime

import numpy as np
import pytest

from models.simulator import SENSORS, StudySpec, simulate_study
from nightcramp.errors import InputError
from nightcramp.outputs import MadeBy, events_text, json_text, night_summary
from nightcramp.simulation import study_tables, write_study
from nightcramp.study import collect
from recordings import Channel, RecordingInfo, Stream, open_recording
from sensing import Event, EventKind, NightResult, Seconds
from trial import load_study

SPEC = StudySpec(participants=4, run_in_weeks=1, weeks=1, nights_per_week=3, hours=2.0, sites=2)


@pytest.fixture
def study(tmp_path):
    """A study folder in which no night is analysed yet."""
    folder = tmp_path / "trial"
    folder.mkdir()
    for name, text in study_tables(simulate_study(SPEC, 3), 3).items():
        (folder / name).write_text(text, encoding="utf-8")
    return folder


def write_result(results, name, start, *events, hours=2.0, model="d"):
    """Write what analyze leaves for a recording."""
    results.mkdir(exist_ok=True)
    seconds = round(hours * 3600)
    nothing = np.full((1, seconds), np.nan, dtype=np.float32)
    quality = np.zeros((1, seconds), dtype=np.uint8)
    quality[0, :600] = 5
    night = Seconds(nothing, nothing, quality, np.repeat(nothing, 3, 0), nothing[0], nothing[0])
    lost = Event(0, 600, EventKind.NOT_ANALYSABLE, detail="lift_off")
    result = NightResult(float(seconds), (lost, *events), night)
    channel = Channel("EMG", "uV", 0.1, (-3000.0, 3000.0))
    info = RecordingInfo(name, start, Stream("emg", 500.0, (channel,), seconds * 500))
    makers = MadeBy("a" * 16, f"{name}.edf", "b" * 64, {}, "0.1.0+c", "1", model * 64, {})
    (results / f"{name}_events.tsv").write_text(events_text(result.events))
    summary = night_summary(result, info, makers, 1, None)
    (results / f"{name}_night.json").write_text(json_text(summary))


def cramp(onset_s, duration_s=60.0, kind=EventKind.CRAMP):
    return Event(onset_s, duration_s, kind, "EMG", 0.9, 8.0, 24.0)


def rows_of(path):
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file, delimiter="\t"))


FIRST_NIGHT = datetime(2025, 1, 13, 23, 30)


def test_events_without_the_time_that_was_lost_are_refused(study, tmp_path):
    """Else a night in which the sensor was off would count as one without a cramp."""
    results = tmp_path / "results"
    write_result(results, "sub-P001_ses-1_task-sleep", FIRST_NIGHT, cramp(1800))
    (table,) = results.glob("*_events.tsv")
    lines = table.read_text(encoding="utf-8").splitlines(keepends=True)
    kept = [line for line in lines if "not_analysable" not in line]
    table.write_text("".join(kept), encoding="utf-8")
    done = collect(study, results)
    assert done.nights == 0
    assert "2.00 analysable hours, the night summary says 1.83" in done.failures[0]
    assert {float(row["recorded_hours"]) for row in rows_of(study / "nights.tsv")} == {0.0}


def test_results_become_nights_and_episodes_that_the_study_accepts(study, tmp_path):
    results = tmp_path / "results"
    write_result(results, "sub-P001_ses-1_task-sleep", FIRST_NIGHT, cramp(1800), cramp(5000, 12))
    done = collect(study, results)
    assert (done.nights, done.episodes, done.failures) == (1, 2, ())
    night = next(row for row in rows_of(study / "nights.tsv") if row["start_utc"] != "n/a")
    assert night["participant_id"] == "P001"
    assert night["night"] == "2025-01-13"
    assert night["start_utc"] == "2025-01-13T22:30:00.000Z", "Zurich is an hour ahead in winter"
    assert float(night["analysable_hours"]) == pytest.approx(2 - 600 / 3600, abs=1e-3)
    assert night["reason"] == "lift_off"
    episodes = rows_of(study / "episodes.tsv")
    assert [row["onset_utc"] for row in episodes] == [
        "2025-01-13T23:00:00.000Z",
        "2025-01-13T23:53:20.000Z",
    ]
    loaded = load_study(study)
    assert len(loaded.episodes) == 2


def test_collecting_twice_changes_nothing(study, tmp_path):
    results = tmp_path / "results"
    write_result(results, "sub-P001_task-sleep", FIRST_NIGHT, cramp(1800))
    collect(study, results)
    once = (study / "nights.tsv").read_bytes(), (study / "episodes.tsv").read_bytes()
    collect(study, results)
    assert once == ((study / "nights.tsv").read_bytes(), (study / "episodes.tsv").read_bytes())


def test_another_analysis_replaces_a_night_nobody_reviewed(study, tmp_path):
    write_result(tmp_path / "one", "sub-P001_task-sleep", FIRST_NIGHT, cramp(1800))
    collect(study, tmp_path / "one")
    write_result(tmp_path / "two", "sub-P001_task-sleep", FIRST_NIGHT, model="e")
    collect(study, tmp_path / "two")
    assert rows_of(study / "episodes.tsv") == []


def test_a_night_that_a_person_reviewed_is_left_to_that_person(study, tmp_path):
    write_result(tmp_path / "one", "sub-P001_task-sleep", FIRST_NIGHT, cramp(1800), cramp(3600))
    collect(study, tmp_path / "one")
    table = study / "episodes.tsv"
    table.write_text(table.read_text().replace("\tauto\t", "\trejected\t", 1))
    reviewed = table.read_bytes()
    collect(study, tmp_path / "one")
    assert [row["status"] for row in rows_of(table)] == ["rejected", "auto"]
    write_result(tmp_path / "two", "sub-P001_task-sleep", FIRST_NIGHT, model="e")
    done = collect(study, tmp_path / "two")
    assert done.kept == ("P001 2025-01-13",)
    assert table.read_bytes() == reviewed


def test_a_night_in_which_a_person_found_nothing_is_left_to_that_person(study, tmp_path):
    write_result(tmp_path / "one", "sub-P001_task-sleep", FIRST_NIGHT)
    collect(study, tmp_path / "one")
    table = study / "nights.tsv"
    rows = rows_of(table)
    rows[0]["reviewed_by"] = "Ada"
    table.write_text("\n".join("\t".join(row) for row in (rows[0], *(r.values() for r in rows))))
    write_result(tmp_path / "two", "sub-P001_task-sleep", FIRST_NIGHT, cramp(1800), model="e")
    assert collect(study, tmp_path / "two").kept == ("P001 2025-01-13",)
    assert rows_of(study / "episodes.tsv") == []
    assert rows_of(table) == rows


def test_columns_of_the_study_s_own_stay(study, tmp_path):
    for name in ("one", "two"):
        write_result(tmp_path / name, "sub-P002_task-sleep", FIRST_NIGHT, cramp(1800))
    write_result(tmp_path / "one", "sub-P001_task-sleep", FIRST_NIGHT, cramp(1800))
    write_result(tmp_path / "two", "sub-P001_task-sleep", FIRST_NIGHT, cramp(600), model="e")
    collect(study, tmp_path / "one")
    for name in ("nights", "episodes"):
        file = study / f"{name}.tsv"
        head, *rows = file.read_text().splitlines()
        lines = [f"{head}\tnurse_note", *(f"{row}\tnote {n}" for n, row in enumerate(rows))]
        file.write_text("\n".join(lines) + "\n")
    notes = [row["nurse_note"] for row in rows_of(study / "nights.tsv")]
    collect(study, tmp_path / "two")
    assert [row["nurse_note"] for row in rows_of(study / "nights.tsv")] == notes
    episodes = [
        (row["participant_id"], row["nurse_note"]) for row in rows_of(study / "episodes.tsv")
    ]
    assert episodes == [("P001", "n/a"), ("P002", "note 1")]


def test_a_row_that_does_not_fit_its_header_is_named_and_not_rewritten(study, tmp_path):
    write_result(tmp_path / "one", "sub-P001_task-sleep", FIRST_NIGHT)
    table = study / "nights.tsv"
    table.write_text(table.read_text().rstrip("\n") + "\tone more\n")
    before = table.read_bytes()
    with pytest.raises(InputError, match=r"line \d+: the row has more or fewer cells"):
        collect(study, tmp_path / "one")
    assert table.read_bytes() == before


def test_two_recordings_of_one_night_are_added_up(study, tmp_path):
    results = tmp_path / "results"
    later = FIRST_NIGHT.replace(day=14, hour=3)
    write_result(results, "sub-P001_run-1", FIRST_NIGHT, cramp(1800))
    write_result(results, "sub-P001_run-2", later, cramp(1800))
    collect(study, results)
    (night,) = [row for row in rows_of(study / "nights.tsv") if row["start_utc"] != "n/a"]
    assert float(night["recorded_hours"]) == 4.0
    assert len(rows_of(study / "episodes.tsv")) == 2


def test_one_time_counts_once(study, tmp_path):
    results = tmp_path / "results"
    write_result(results, "sub-P001_run-1", FIRST_NIGHT)
    write_result(results, "sub-P001_run-2", FIRST_NIGHT.replace(minute=50))
    done = collect(study, results)
    assert done.nights == 0
    assert "run-1" in done.failures[0]
    assert "run-2" in done.failures[0]


def test_results_without_a_participant_or_a_start_are_named_and_left_out(study, tmp_path):
    results = tmp_path / "results"
    write_result(results, "night", FIRST_NIGHT)
    write_result(results, "sub-P002_task-sleep", None)
    write_result(results, "sub-P001_task-sleep", FIRST_NIGHT)
    done = collect(study, results)
    assert done.nights == 1
    assert len(done.failures) == 2
    assert "sub-<participant>" in done.failures[0]


def test_a_recording_of_several_nights_is_no_night_of_a_study(study, tmp_path):
    write_result(tmp_path / "results", "sub-P001_task-sleep", FIRST_NIGHT, hours=30)
    write_result(tmp_path / "results", "sub-P002_task-sleep", FIRST_NIGHT)
    done = collect(study, tmp_path / "results")
    assert done.nights == 1
    (failure,) = done.failures
    assert "lasts 30.0 h, a night of a study at most 25 h" in failure
    assert "Cut it at noon" in failure


def test_a_folder_without_results_is_an_error(study, tmp_path):
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match=r"_night\.json"):
        collect(study, tmp_path / "empty")


POOLED = {f"{table}{part}.csv" for table in ("weekly", "periods") for part in ("", "_dictionary")}
"""Tables of a report while the study is blinded: none has a row of one participant."""


def test_the_report_command_writes_three_files_and_keeps_arms_closed(study, tmp_path, run):
    results = tmp_path / "results"
    write_result(results, "sub-P001_task-sleep", FIRST_NIGHT, cramp(1800))
    code, shown, _ = run("study", "collect", study, "--results", results)
    assert (code, shown.split()[0]) == (0, "1")
    out = tmp_path / "report"
    assert run("report", study, "--out", out)[0] == 0
    assert {path.name for path in out.iterdir()} == {"report.html", "outcomes.json", *POOLED}
    assert "placebo" not in "".join(path.read_text(encoding="utf-8") for path in out.iterdir())
    opened = tmp_path / "opened"
    words = ("--arms", study / "arms.tsv", "--unblind", "the end", "--json")
    code, shown, _ = run("report", study, "--out", opened, *words)
    assert code == 0
    assert json.loads(shown)
    assert "placebo" in (opened / "report_unblinded.html").read_text(encoding="utf-8")
    each = {"responses.csv", "responses_dictionary.csv"}
    html = {"report_unblinded.html", "outcomes.json"}
    assert {path.name for path in opened.iterdir()} == html | POOLED | each


def test_faults_in_the_tables_are_all_named_and_end_with_one(study, tmp_path, run):
    nights = study / "nights.tsv"
    nights.write_text(nights.read_text() + "P999\t2025-02-30\tn/a\t-1\t0\tn/a\n")
    code, _, errors = run("report", study, "--out", tmp_path / "report")
    assert code == 1
    for fault in ("nights.tsv", "2025-02-30", "-1"):
        assert fault in errors
    assert not (tmp_path / "report").exists()


def test_a_simulated_study_can_be_read_back_and_goes_on_where_it_stopped(tmp_path):
    spec = StudySpec(
        participants=2,
        run_in_weeks=0,
        weeks=1,
        nights_per_week=1,
        hours=0.1,
        sites=1,
        sensor="demo",
        wear_probability=1.0,
    )
    list(write_study(spec, 1, tmp_path, jobs=1))
    files = sorted((tmp_path / "recordings").rglob("*.edf"))
    assert len(files) == 2
    recording = open_recording(files[0])
    assert recording.info.duration_s == 360
    assert recording.info.emg.rate_hz == SENSORS["demo"].emg_rate_hz
    assert recording.info.acc is not None
    truth = files[0].with_name(files[0].name.replace("_emg.edf", "_truth.tsv"))
    assert truth.is_file()
    content = files[0].read_bytes()
    files[1].unlink()
    list(write_study(spec, 1, tmp_path, jobs=1))
    assert files[1].is_file()
    assert files[0].read_bytes() == content


def test_nights_simulated_analysed_and_scored_by_three_commands(tmp_path, run):
    nights, results = tmp_path / "nights", tmp_path / "results"
    words = "simulate nights --count 2 --hours 0.4 --suite dense --sensor demo --seed 3000100"
    assert run(*words.split(), "--out", nights, "--jobs", 1)[0] == 0
    assert run("analyze", nights, "--out", results, "--no-picture", "--jobs", 1)[0] == 0
    code, shown, _ = run("evaluate", results, "--truth", nights, "--json")
    assert code == 0
    numbers = json.loads(shown)
    assert numbers["recordings"] == 2
    assert numbers["cramps_all"]["of"] > 0
    assert run("evaluate", results, "--truth", nights)[1].startswith("2 recordings")
    (results / "sim-3000100_dense_demo_events.tsv").unlink()
    code, _, errors = run("evaluate", results, "--truth", nights)
    assert code == 1
    assert "sim-3000100_dense_demo" in errors


@pytest.mark.parametrize("option", ["--sensor", "--suite"])
def test_unknown_sensors_and_suites_are_wrong_use(tmp_path, run, option):
    out = tmp_path / "nights"
    code, _, errors = run("simulate", "nights", "--out", out, option, "none", "--jobs", 1)
    assert code == 2
    assert "none" in errors
    assert not out.exists()


def test_the_version_names_release_and_code(run):
    code, shown, _ = run("--version")
    assert code == 0
    release, code_hash = shown.strip().split("+")
    assert release.count(".") == 2
    assert len(code_hash) == 12


def test_utc_is_written_with_the_right_offset_in_summer(study, tmp_path):
    write_result(tmp_path / "r", "sub-P001_x", datetime(2025, 7, 1, 0, 30))
    with pytest.raises(InputError):
        load_study(tmp_path)
    collect(study, tmp_path / "r")
    night = next(row for row in rows_of(study / "nights.tsv") if row["start_utc"] != "n/a")
    assert night["night"] == "2025-06-30"
    start = datetime.fromisoformat(night["start_utc"])
    assert start == datetime(2025, 6, 30, 22, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("local", "offset", "start_utc"),
    [
        ("2025-10-26T02:30:00", "+02:00", "2025-10-26T00:30:00.000Z"),
        ("2025-10-26T02:30:00", "+01:00", "2025-10-26T01:30:00.000Z"),
        ("2025-03-30T02:30:00", "+01:00", "2025-03-30T01:30:00.000Z"),
    ],
)
def test_a_start_in_the_hour_of_a_clock_change_needs_its_offset(
    study, tmp_path, local, offset, start_utc
):
    results = tmp_path / "r"
    write_result(results, "sub-P001_x", datetime.fromisoformat(local))
    (failure,) = collect(study, results).failures
    assert "sub-P001_x_night.json: the recording began at 02:30" in failure
    assert f"Write the offset from UTC behind its start, as in {local}" in failure
    assert local + offset in failure
    summary = results / "sub-P001_x_night.json"
    summary.write_text(summary.read_text("utf-8").replace(local, local + offset), "utf-8")
    collection = collect(study, results)
    assert (collection.nights, collection.failures) == (1, ())
    (night,) = [row for row in rows_of(study / "nights.tsv") if row["start_utc"] != "n/a"]
    assert night["start_utc"] == start_utc


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"recording": ...}, "recording is missing"),
        ({"start": ...}, "start is missing"),
        ({"recorded_hours": ...}, "recorded_hours is missing"),
        ({"recorded_hours": None}, "recorded_hours is None, expected hours"),
        ({"analysable_hours": "2"}, "analysable_hours is '2', expected hours"),
        ({"not_analysable_hours": {"gap": None}}, "gap is None, expected hours"),
        ({"not_analysable_hours": []}, r"not_analysable_hours is [], expected an object"),
        ({"made_by": {}}, "model_version is missing"),
    ],
)
def test_a_damaged_night_summary_stops_no_other(study, tmp_path, change, problem):
    results = tmp_path / "r"
    write_result(results, "sub-P001_x", FIRST_NIGHT)
    write_result(results, "sub-P002_x", FIRST_NIGHT)
    summary = results / "sub-P001_x_night.json"
    content = json.loads(summary.read_text("utf-8")) | change
    kept = {key: value for key, value in content.items() if value is not ...}
    summary.write_text(json_text(kept), "utf-8")
    collection = collect(study, results)
    (failure,) = collection.failures
    assert f"sub-P001_x_night.json: {problem}" in failure
    assert collection.nights == 1


def test_a_start_that_is_no_time_is_a_failure(study, tmp_path):
    write_result(tmp_path / "r", "sub-P001_x", FIRST_NIGHT)
    summary = tmp_path / "r" / "sub-P001_x_night.json"
    summary.write_text(summary.read_text("utf-8").replace("2025-01-13T23", "yesterday"), "utf-8")
    (failure,) = collect(study, tmp_path / "r").failures
    assert "start 'yesterday:30:00' is no time, expected one as" in failure
