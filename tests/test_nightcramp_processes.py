"""Processes that work for the program: their results, and that none outlives it."""

import os
import runpy
import signal
import subprocess
import sys
import time
from functools import partial
from pathlib import Path

import pytest

from nightcramp.processes import each

nights = runpy.run_path(str(Path(__file__).with_name("reviewed_nights.py")))
write_recording = nights["write_recording"]

PROGRAM = [sys.executable, "-m", "nightcramp"]
PATIENCE_S = 20.0
"""Far more than is needed: a test that fails takes long, one that succeeds does not."""

linux_only = pytest.mark.skipif(not Path("/proc/self/task").is_dir(), reason="needs Linux")


@pytest.mark.parametrize("processes", [1, 2])
def test_results_come_in_order_whoever_makes_them(processes):
    assert list(each(str, range(5), processes)) == ["0", "1", "2", "3", "4"]
    assert list(each(str, [], processes)) == []


def until(condition):
    """Wait for a condition and return what it found."""
    end = time.monotonic() + PATIENCE_S
    while not (found := condition()):
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.01)
    return found


def children_of(pid):
    """Return the running children of a process, by number."""
    found = []
    for thread in Path(f"/proc/{pid}/task").iterdir():
        found += (thread / "children").read_text().split()
    return found


def is_running(pid):
    try:
        state = Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state.rpartition(")")[2].split()[0] != "Z"


def workers_of(program):
    """Return the processes that a program has spawned for work, once there are two."""
    found = [
        child
        for child in children_of(program.pid)
        if "spawn_main" in Path(f"/proc/{child}/cmdline").read_text()
    ]
    return found if len(found) == 2 else None


COMMANDS = {
    "analyze": "analyze {folder} --out {folder}/results --no-picture --jobs 2",
    "simulate": "simulate nights --count 40 --out {folder}/nights --jobs 2",
    "train": "train --out {folder}/model.onnx --jobs 2",
    "evaluate": "evaluate --suites --out {folder}/page --jobs 2",
}


@linux_only
@pytest.mark.parametrize("end", [signal.SIGTERM, signal.SIGKILL])
@pytest.mark.parametrize("words", COMMANDS.values(), ids=COMMANDS)
def test_a_program_that_is_killed_leaves_no_process_behind(tmp_path, words, end):
    first = write_recording(tmp_path / "n0.edf", 600.0)
    for number in range(1, 40):
        (tmp_path / f"n{number}.edf").hardlink_to(first)
    command = [*PROGRAM, *words.format(folder=tmp_path).split()]
    with subprocess.Popen(command, stderr=subprocess.DEVNULL) as program:
        workers = until(lambda: workers_of(program))
        program.send_signal(end)
    try:
        until(lambda: not any(map(is_running, workers)))
    finally:
        for worker in filter(is_running, workers):
            os.kill(int(worker), signal.SIGKILL)


def interrupted(words, handler):
    """Press Ctrl-C in the terminal of a program that has workers; return it, them, what it said.

    `handler` is what the program inherits: ``SIG_IGN`` in the background of a script.
    """
    with subprocess.Popen(
        [*PROGRAM, *words.split()],
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        preexec_fn=partial(signal.signal, signal.SIGINT, handler),  # noqa: PLW1509 (no threads)
    ) as program:
        workers = until(lambda: workers_of(program))
        time.sleep(0.5)  # in the midst of their imports, or of the work: it must not matter
        os.killpg(program.pid, signal.SIGINT)
        _, errors = program.communicate(timeout=PATIENCE_S)
    return program, workers, errors


@linux_only
@pytest.mark.parametrize("words", [COMMANDS["analyze"], COMMANDS["simulate"]])
def test_ctrl_c_ends_all_processes_with_one_sentence(tmp_path, words):
    first = write_recording(tmp_path / "n0.edf", 600.0)
    for number in range(1, 40):
        (tmp_path / f"n{number}.edf").hardlink_to(first)
    program, workers, errors = interrupted(words.format(folder=tmp_path), signal.SIG_DFL)
    assert program.returncode == 130
    assert "Traceback" not in errors
    assert errors.splitlines()[-1].startswith("nightcramp: interrupted")
    until(lambda: not any(map(is_running, workers)))


@linux_only
def test_a_program_in_the_background_of_a_script_heeds_no_ctrl_c_and_nor_do_its_workers(tmp_path):
    out = tmp_path / "nights"
    words = f"simulate nights --count 2 --hours 0.2 --out {out} --jobs 2"
    program, _, _ = interrupted(words, signal.SIG_IGN)
    assert program.returncode == 0
    assert len(list(out.glob("*.edf"))) == 2
