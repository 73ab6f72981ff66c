"""Many recordings at once: lost workers, faults of the program, manifests, lists and trees."""

import importlib
import json
import os
import signal
import sys
import threading
import time
from concurrent.futures import BrokenExecutor
from datetime import datetime
from pathlib import Path

import numpy as np
import pytest

import nightcramp.batch.run
from nightcramp import progress
from nightcramp.analysis import Choices, Status
from nightcramp.batch import analyse_files, find_sources, read_list, read_manifest, result_names
from nightcramp.batch.night import Task
from nightcramp.batch.run import MOST_TRIES, run_tasks
from nightcramp.batch.workers import OwnProcesses, open_workers
from nightcramp.errors import InputError, UsageError
from recordings import Channel, RecordingInfo, Stream, write_edf

CHOICES = Choices(picture=False)
RATE_HZ = 250

DEADLY = """
import os, signal, time
from pathlib import Path

import nightcramp.batch.run
from nightcramp import progress
from nightcramp.analysis import Outcome, Status
from nightcramp.batch.night import Done

def work(task):
    words = task.name.split("-")
    folder = Path(task.out)
    with (folder / task.name).open("a") as file:
        file.write("begun\\n")
    begun = len((folder / task.name).read_text().split())
    if words[0] == "killed" and begun <= int(words[1]):
        os.kill(os.getpid(), signal.SIGKILL)
    if words[0] == "faulty":
        raise RuntimeError("a bug")
    time.sleep(0.05)
    return Done(Outcome(task.source, task.name, Status.ANALYSED))
"""


@pytest.fixture
def deadly(tmp_path, monkeypatch):
    """Work that ends its process where the task's name says so; importable by other processes."""
    (tmp_path / "deadly_work.py").write_text(DEADLY)
    monkeypatch.syspath_prepend(tmp_path)
    yield importlib.import_module("deadly_work").work
    del sys.modules["deadly_work"]


def tasks_named(folder, *names):
    folder.mkdir(exist_ok=True)
    return [Task(f"{name}.edf", name, str(folder), CHOICES, "code") for name in names]


def begun(folder, name):
    return len((folder / name).read_text().split())


def write_night(path, seconds=120, seed=1):
    rng = np.random.default_rng(seed)
    emg = np.round(rng.normal(0, 30, (1, seconds * RATE_HZ))).astype(np.float32) / 10
    channel = Channel("EMG GM", "uV", 0.1, (-3000.0, 3000.0))
    stream = Stream("emg", float(RATE_HZ), (channel,), emg.shape[1])
    path.parent.mkdir(parents=True, exist_ok=True)
    write_edf(path, RecordingInfo(path.stem, datetime(2026, 1, 12, 22), stream), emg, None)
    return path


def manifest_of(out):
    (file,) = (out / "runs").glob("*.jsonl")
    return read_manifest(file)


def test_a_killed_process_takes_no_other_night_with_it(tmp_path, deadly):
    out = tmp_path / "out"
    names = ["killed-1-a", *(f"good-{n}" for n in range(12)), "killed-2-b"]
    with OwnProcesses(2) as workers:
        done = list(run_tasks(tasks_named(out, *names), workers, deadly))
    assert {d.outcome.name for d in done} == set(names)
    assert {d.outcome.status for d in done} == {Status.ANALYSED}
    tries = {d.outcome.name: d.tries for d in done}
    assert (tries.pop("killed-1-a"), tries.pop("killed-2-b")) == (2, 3)
    assert set(tries.values()) == {1}
    assert all(begun(out, f"good-{n}") == 1 for n in range(12)), "no other night was begun again"


def test_a_night_that_always_kills_its_process_is_given_up_with_its_name(tmp_path, deadly):
    out = tmp_path / "out"
    with OwnProcesses(2) as workers:
        done = list(run_tasks(tasks_named(out, "killed-99", "good-1", "good-2"), workers, deadly))
    outcomes = {d.outcome.name: d.outcome for d in done}
    assert outcomes["killed-99"].status is Status.FAILED
    assert "killed-99.edf: the process that analysed it was killed" in outcomes["killed-99"].message
    assert begun(out, "killed-99") == MOST_TRIES
    assert outcomes["good-1"].status is outcomes["good-2"].status is Status.ANALYSED


def test_a_fault_of_the_program_fails_its_night_and_is_logged_with_its_place(
    tmp_path, deadly, caplog
):
    tasks = tasks_named(tmp_path / "out", "faulty", "good-1")
    with OwnProcesses(2) as workers:
        outcomes = {d.outcome.name: d.outcome for d in run_tasks(tasks, workers, deadly)}
    assert "an error of the program (RuntimeError('a bug'))" in outcomes["faulty"].message
    assert outcomes["good-1"].status is Status.ANALYSED
    assert "deadly_work.py" in caplog.text


def test_a_worker_that_cannot_be_had_again_fails_the_rest_and_ends(tmp_path, deadly):
    class Gone(OwnProcesses):
        def submit(self, fn, /, *args, **kwargs):
            raise BrokenExecutor("the cluster is gone")

    with Gone(1) as workers:
        done = list(run_tasks(tasks_named(tmp_path / "out", "a-1", "b-1"), workers, deadly))
    assert [d.outcome.status for d in done] == [Status.FAILED] * 2
    assert "the cluster is gone" in done[0].outcome.message
    assert "Run the command again" in done[0].outcome.message


def test_processes_and_this_process_give_the_same_bytes(tmp_path):
    sources = [write_night(tmp_path / "in" / f"n{seed}.edf", seed=seed) for seed in range(3)]
    for jobs in (1, 2):
        outcomes = list(analyse_files(sources, tmp_path / str(jobs), CHOICES, jobs=jobs))
        assert {outcome.status for outcome in outcomes} == {Status.ANALYSED}
    one, two = (
        {path.name: path.read_bytes() for path in (tmp_path / jobs).iterdir() if path.is_file()}
        for jobs in "12"
    )
    assert one == two
    assert len(one) == 7


def worker_processes():
    """Yield the numbers of the processes that this one has spawned for work."""
    for thread in Path("/proc/self/task").iterdir():
        for child in (thread / "children").read_text().split():
            if "spawn_main" in Path(f"/proc/{child}/cmdline").read_text():
                yield int(child)


@pytest.mark.skipif(not Path("/proc/self/task").is_dir(), reason="needs Linux")
def test_workers_killed_from_outside_lose_nothing(tmp_path):
    sources = [write_night(tmp_path / "in" / f"n{seed}.edf", seed=seed) for seed in range(8)]
    out, killed = tmp_path / "out", []

    def kill_each_once(stop):
        while not stop.wait(0.02) and len(killed) < 2:
            if len(list(out.glob("[!.]*_night.json"))) > 2 * len(killed):
                victim = next(child for child in worker_processes() if child not in killed)
                killed.append(victim)
                os.kill(victim, signal.SIGKILL)

    stop = threading.Event()
    killer = threading.Thread(target=kill_each_once, args=(stop,))
    killer.start()
    try:
        outcomes = list(analyse_files(sources, out, CHOICES, jobs=2))
    finally:
        stop.set()
        killer.join()
    assert len(killed) >= 1
    assert {outcome.status for outcome in outcomes} <= {Status.ANALYSED, Status.SKIPPED}
    assert len(list(out.glob("*_night.json"))) == len(list(out.glob("*_events.tsv"))) == 8
    assert not list(out.glob(".*")), "what a killed worker left half-written is gone"
    manifest = manifest_of(out)
    assert len(manifest.inputs) == 8


def test_the_manifest_names_every_input_with_its_outcome(tmp_path, run):
    good = write_night(tmp_path / "good.edf")
    (tmp_path / "bad.edf").write_bytes(b"nothing of the kind")
    out = tmp_path / "out"
    words = ("analyze", good, tmp_path / "bad.edf", tmp_path / "none.edf", "--no-picture")
    run(*words, "--out", out, "--jobs", 1)
    manifest = manifest_of(out)
    assert manifest.run["inputs"] == 3
    assert manifest.end is not None
    assert {key: manifest.end[key] for key in ("analysed", "failed")} == {
        "analysed": 1,
        "failed": 2,
    }
    entries = {entry["name"]: entry for entry in manifest.inputs}
    summary = json.loads((out / "good_night.json").read_text())
    assert entries["good"]["analysis_id"] == summary["made_by"]["analysis_id"]
    assert entries["good"]["source_sha256"] == summary["made_by"]["source_sha256"]
    assert float(str(entries["good"]["seconds"])) > 0
    assert str(os.getpid()) in str(entries["good"]["worker"])
    assert len(str(entries["bad"]["source_sha256"])) == 64
    assert "bad.edf" in str(entries["bad"]["message"])
    assert entries["none"]["source_sha256"] is None
    (out / "runs" / "first.jsonl").unlink(missing_ok=True)
    run(*words, "--out", out, "--jobs", 1)
    last = max((out / "runs").glob("*.jsonl"), key=lambda file: file.stat().st_mtime_ns)
    again = {entry["name"]: entry["status"] for entry in read_manifest(last).inputs}
    assert again == {"good": "skipped", "bad": "failed", "none": "failed"}


def test_the_manifest_of_a_run_that_is_stopped_still_names_every_input(tmp_path):
    sources = [write_night(tmp_path / "in" / f"n{seed}.edf", seed=seed) for seed in range(3)]
    run = analyse_files(sources, tmp_path / "out", CHOICES, jobs=1)
    next(run)
    run.close()
    manifest = manifest_of(tmp_path / "out")
    statuses = [entry["status"] for entry in manifest.inputs]
    assert statuses == ["analysed", "not_reached", "not_reached"]
    assert manifest.end is not None


def test_a_manifest_cut_at_any_byte_is_read_up_to_its_last_whole_line(tmp_path):
    sources = [write_night(tmp_path / "in" / f"n{seed}.edf", 60, seed=seed) for seed in range(2)]
    list(analyse_files(sources, tmp_path / "out", CHOICES, jobs=1))
    (file,) = (tmp_path / "out" / "runs").glob("*.jsonl")
    whole = file.read_bytes()
    first = whole.index(b"\n") + 1
    for cut in range(first, len(whole), 7):
        file.write_bytes(whole[:cut])
        assert len(read_manifest(file).inputs) == max(0, whole[:cut].count(b"\n") - 1)
    file.write_bytes(whole[: first - 1])
    with pytest.raises(InputError, match="not a manifest"):
        read_manifest(file)
    file.write_bytes(whole.replace(b'"name"', b"name", 1))
    with pytest.raises(InputError, match="line 2"):
        read_manifest(file)


def test_a_worker_with_other_code_does_not_mix_its_results_in(tmp_path, monkeypatch):
    source = write_night(tmp_path / "n.edf", 60)
    monkeypatch.setattr(nightcramp.batch.run, "code_version", lambda: "9.9.9+other")
    (outcome,) = analyse_files([source], tmp_path / "out", CHOICES, jobs=1)
    assert outcome.status is Status.FAILED
    assert "9.9.9+other" in outcome.message
    assert not list((tmp_path / "out").glob("*_night.json"))


def test_a_list_names_recordings_relative_to_itself(tmp_path, run):
    write_night(tmp_path / "in" / "a.edf", 60)
    write_night(tmp_path / "in" / "b.edf", 60)
    listing = tmp_path / "in" / "nights.txt"
    listing.write_text("# nights of March\n\na.edf\n  b.edf  \ns3://bucket/c.edf\n")
    assert read_list(listing)[-1] == "s3://bucket/c.edf"
    listing.write_text("a.edf\nb.edf\na.edf\n")
    code, shown, _ = run("analyze", "--list", listing, "--out", tmp_path / "o", "--no-picture")
    assert code == 0
    assert "2 of 2 recordings judged" in shown
    listing.write_text("# none\n")
    assert run("analyze", "--list", listing, "--out", tmp_path / "o")[0] == 1
    assert run("analyze", "--list", tmp_path / "no.txt", "--out", tmp_path / "o")[0] == 1


def test_the_acceleration_of_a_night_in_two_files_is_no_recording_of_its_own(tmp_path):
    for name in ("sub-1_recording-emg_emg.edf", "sub-1_recording-acc_emg.edf", ".part-x.edf"):
        (tmp_path / name).touch()
    assert [path.name for path in find_sources([str(tmp_path)])] == ["sub-1_recording-emg_emg.edf"]


def test_a_recording_that_is_named_by_two_paths_is_one(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "a.edf").touch()
    places = ["in", "in/a.edf", str(tmp_path / "in" / "a.edf"), "in/../in/a.edf"]
    assert find_sources(places) == [Path("in/a.edf")]


def test_no_two_recordings_have_results_of_one_name(tmp_path):
    beside = [tmp_path / "sub-1_emg.edf", tmp_path / "sub-1.edf"]
    assert list(result_names(beside).values()) == ["sub-1_emg_edf", "sub-1_edf"]
    folders = [tmp_path / "a" / "b" / "n.edf", tmp_path / "a_b" / "n.edf"]
    with pytest.raises(UsageError, match="the results of both would be called a_b_n_edf"):
        result_names(folders)


def test_names_of_remote_and_local_recordings_are_kept_apart_alike():
    urls = ["s3://bucket/one/night.edf", "s3://bucket/two/night.edf", "s3://bucket/x_emg.bdf"]
    names = result_names(urls)
    assert list(names.values()) == ["one_night_edf", "two_night_edf", "x"]


@pytest.mark.parametrize(
    "words",
    [
        ["--dask", "local", "--scheduler", "tcp://127.0.0.1:1"],
        ["--dask", "far"],
        [],
    ],
    ids=["two clusters", "unknown cluster", "no recording"],
)
def test_wrong_use_of_many_is_told(tmp_path, run, words):
    files = [tmp_path / "a.edf"] if words else []
    assert run("analyze", *files, "--out", tmp_path / "o", *words)[0] == 2


def test_executors_are_made_in_one_place(tmp_path):
    assert open_workers(None, 1).slots == 1
    with open_workers(None, 3) as workers:
        assert workers.slots == 3


def test_progress_off_a_terminal_tells_rate_and_remaining_time(monkeypatch, capsys):
    clock = iter([0.0, 60.0, 120.0])
    monkeypatch.setattr(time, "monotonic", lambda: next(clock))
    with progress.show_progress() as report:
        report("recordings", 0, 300)
        report("recordings", 60, 300)
        report("recordings", 180, 300)
    lines = capsys.readouterr().err.splitlines()
    assert lines[0] == "recordings: 0 of 300"
    assert lines[1] == "recordings: 60 of 300, 60 a minute, 4 min left"
    assert lines[2] == "recordings: 180 of 300, 90 a minute, 1 min 20 s left"


def test_a_cluster_without_its_packages_says_how_to_get_them(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "distributed", None)
    monkeypatch.delitem(sys.modules, "nightcramp.batch.dask_workers", raising=False)
    with pytest.raises(UsageError, match=r"nightcramp\[cluster\]"):
        open_workers("local", 2)
