"""Dask behind the same interface: its two habits set aside, workers and schedulers killed."""

import contextlib
import importlib
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from concurrent.futures import BrokenExecutor
from datetime import datetime

import numpy as np
import pytest

from nightcramp.analysis import Choices, Status
from nightcramp.batch import analyse_files
from nightcramp.batch.dask_workers import MMAP, TRIM, DaskWorkers
from nightcramp.batch.night import Task
from nightcramp.batch.run import run_tasks
from nightcramp.batch.workers import open_workers
from nightcramp.errors import UsageError
from recordings import Channel, RecordingInfo, Stream, write_edf

pytestmark = pytest.mark.slow

CHOICES = Choices(picture=False)
RATE_HZ = 250
PATIENCE_S = 120.0
"""Far more than is needed: a test that fails takes long, one that succeeds does not."""

WORK = """
import os, signal, time
from pathlib import Path

from nightcramp.analysis import Outcome, Status
from nightcramp.batch.night import Done

def begin(task):
    file = Path(task.out, task.name)
    with file.open("a") as opened:
        opened.write("begun\\n")
    return len(file.read_text().split())

def work(task):
    begun = begin(task)
    words = task.name.split("-")
    if words[0] == "killed" and begun <= int(words[1]):
        os.kill(os.getpid(), signal.SIGKILL)
    time.sleep(0.05)
    return Done(Outcome(task.source, task.name, Status.ANALYSED))

def slow(task):
    begin(task)
    time.sleep(0.3)
    return Done(Outcome(task.source, task.name, Status.ANALYSED))

def environment(_):
    return dict(os.environ)
"""


@pytest.fixture(scope="module")
def work(tmp_path_factory):
    """A module that the workers can import."""
    folder = tmp_path_factory.mktemp("work")
    (folder / "dask_work.py").write_text(WORK)
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(folder)
        patch.setenv("PYTHONPATH", os.pathsep.join([str(folder), *sys.path]))
        yield importlib.import_module("dask_work")
        del sys.modules["dask_work"]


@pytest.fixture(scope="module")
def local(work):
    """A cluster of two workers on this computer."""
    with open_workers("local", 2) as workers:
        yield workers


@contextlib.contextmanager
def command(module, *words):
    process = subprocess.Popen(
        [sys.executable, "-m", f"distributed.cli.{module}", *words],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        yield process
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


@contextlib.contextmanager
def scheduler(port):
    words = ("--host", "127.0.0.1", "--port", str(port), "--no-dashboard", "--no-show")
    with command("dask_scheduler", *words) as process:
        until(lambda: is_heard(port))
        yield process


def is_heard(port):
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def until(condition):
    """Wait for what other processes do in their own time; a loaded machine takes longer."""
    end = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.05)


def worker(port):
    address = f"tcp://127.0.0.1:{port}"
    return command("dask_worker", address, "--nthreads", "1", "--no-dashboard", "--no-nanny")


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def tasks_named(folder, *names):
    folder.mkdir(exist_ok=True)
    return [Task(f"{name}.edf", name, str(folder), CHOICES, "code") for name in names]


def begun(folder, name):
    return len((folder / name).read_text().split())


def write_night(path, seed):
    rng = np.random.default_rng(seed)
    emg = np.round(rng.normal(0, 30, (1, 120 * RATE_HZ))).astype(np.float32) / 10
    channel = Channel("EMG GM", "uV", 0.1, (-3000.0, 3000.0))
    stream = Stream("emg", float(RATE_HZ), (channel,), emg.shape[1])
    path.parent.mkdir(parents=True, exist_ok=True)
    write_edf(path, RecordingInfo(path.stem, datetime(2026, 1, 12, 22), stream), emg, None)
    return path


def test_serial_processes_and_dask_give_the_same_bytes(tmp_path):
    sources = [write_night(tmp_path / "in" / f"n{seed}.edf", seed) for seed in range(3)]
    found = {}
    for jobs, cluster in ((1, None), (2, None), (2, "local")):
        out = tmp_path / f"{jobs}{cluster}"
        run = analyse_files(sources, out, CHOICES, jobs=jobs, scheduler=cluster)
        assert {outcome.status for outcome in run} == {Status.ANALYSED}
        found[out] = {p.name: p.read_bytes() for p in out.iterdir() if p.is_file()}
    one, two, three = found.values()
    assert one == two == three
    assert len(one) == 7


def test_equal_calls_are_each_made_and_no_old_result_is_handed_out(tmp_path, work, local):
    (task,) = tasks_named(tmp_path / "out", "good-1")
    list(run_tasks([task] * 3, local, work.work))
    list(run_tasks([task], local, work.work))
    assert begun(tmp_path / "out", "good-1") == 4


def test_workers_here_live_without_the_threshold_that_costs_page_faults(work, local):
    environment = local.submit(work.environment, None).result()
    assert TRIM not in environment
    assert environment["OMP_NUM_THREADS"] == "1", "the nanny's other settings stand"


def test_a_killed_dask_worker_loses_nothing(tmp_path, work, local):
    out = tmp_path / "out"
    names = ["killed-1-a", *(f"good-{n}" for n in range(8)), "killed-2-b"]
    done = list(run_tasks(tasks_named(out, *names), local, work.work))
    assert {d.outcome.name for d in done} == set(names)
    assert {d.outcome.status for d in done} == {Status.ANALYSED}


def test_a_night_that_always_kills_its_dask_worker_is_given_up(tmp_path, work, local):
    done = list(run_tasks(tasks_named(tmp_path / "out", "killed-99"), local, work.work))
    assert done[0].outcome.status is Status.FAILED
    assert "was killed, 3 times" in done[0].outcome.message
    assert begun(tmp_path / "out", "killed-99") == 3


def test_a_scheduler_that_is_killed_and_started_again_loses_nothing(tmp_path, work, caplog):
    port, out = free_port(), tmp_path / "out"
    names = [f"good-{n}" for n in range(14)]
    found = []
    with contextlib.ExitStack() as first, contextlib.ExitStack() as second:
        first_scheduler = first.enter_context(scheduler(port))
        first.enter_context(worker(port))

        def replace():
            os.killpg(first_scheduler.pid, signal.SIGKILL)
            second.enter_context(scheduler(port))
            second.enter_context(worker(port))

        with DaskWorkers(f"tcp://127.0.0.1:{port}", 1, wait_s=60) as workers:
            for done in run_tasks(tasks_named(out, *names), workers, work.slow):
                found.append(done)
                if len(found) == 3:
                    threading.Timer(0.15, replace).start()  # in the middle of the next
    assert sorted(d.outcome.name for d in found) == sorted(names)
    assert {d.outcome.status for d in found} == {Status.ANALYSED}
    assert max(d.tries for d in found) > 1
    assert "the scheduler was lost; waiting for it" in caplog.text


def test_a_scheduler_that_never_comes_back_fails_the_rest_and_the_run_ends(tmp_path, work):
    port, found = free_port(), []
    with scheduler(port) as process, worker(port):
        workers = DaskWorkers(f"tcp://127.0.0.1:{port}", 1, wait_s=1)
        with workers:
            for done in run_tasks(
                tasks_named(tmp_path / "out", *(f"good-{n}" for n in range(8))), workers, work.slow
            ):
                found.append(done)
                if len(found) == 1:
                    os.killpg(process.pid, signal.SIGKILL)
    statuses = [d.outcome.status for d in found]
    assert len(found) == 8
    assert statuses.count(Status.FAILED) >= 5
    failed = next(d.outcome for d in found if d.outcome.status is Status.FAILED)
    assert "Run the command again" in failed.message


def test_workers_that_trim_are_told_of(work, caplog, monkeypatch):
    port = free_port()
    monkeypatch.setenv(TRIM, "65536")
    with scheduler(port), worker(port):
        with DaskWorkers(f"tcp://127.0.0.1:{port}", 1) as workers:
            until(lambda: workers.slots > 1)
            assert workers.slots == 2, "two tasks for one thread"
        with DaskWorkers(f"tcp://127.0.0.1:{port}", 1):
            assert f"1 workers have {TRIM}" in caplog.text
    assert MMAP in caplog.text


def test_clusters_of_two_runs_do_not_meet(work, local):
    with open_workers("local", 1) as another:
        assert another.submit(os.getpid).result() != local.submit(os.getpid).result()


def test_workers_that_join_late_are_seen_at_once_and_their_lack_is_told_once(
    local, caplog, monkeypatch
):
    answers = [{}, {}, {"one": 1, "another": 1}]
    monkeypatch.setattr("nightcramp.batch.dask_workers.COUNTED_EVERY_S", 0.0)
    monkeypatch.setattr(local._client, "nthreads", lambda: answers.pop(0))
    assert [local.slots for _ in range(3)] == [1, 1, 4]
    assert caplog.text.count("no worker has joined the scheduler") == 1


def test_no_scheduler_is_wrong_use(tmp_path, run, monkeypatch):
    monkeypatch.setattr("nightcramp.batch.dask_workers.FIRST_ANSWER_S", 0.5)
    night = write_night(tmp_path / "n.edf", 1)
    address = f"tcp://127.0.0.1:{free_port()}"
    code, _, errors = run("analyze", night, "--out", tmp_path / "o", "--scheduler", address)
    assert code == 2
    assert f"{address}: no Dask scheduler answered" in errors


def test_a_scheduler_that_is_gone_breaks_the_executor_at_once_the_second_time(work, monkeypatch):
    port = free_port()
    with scheduler(port) as process:
        workers = DaskWorkers(f"tcp://127.0.0.1:{port}", 1, wait_s=0.5)
        os.killpg(process.pid, signal.SIGKILL)
        until(lambda: not workers.is_connected)
        with pytest.raises(BrokenExecutor):
            workers.submit(work.environment, None)
        monkeypatch.setattr(workers, "_connect", lambda _: pytest.fail("waited once more"))
        with pytest.raises(BrokenExecutor, match="did not come back"):
            workers.submit(work.environment, None)
        workers.shutdown()


def test_an_unusable_address_is_wrong_use():
    with pytest.raises(UsageError, match="nonsense"):
        open_workers("nonsense://x", 1)
