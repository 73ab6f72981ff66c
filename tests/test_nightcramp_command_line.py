"""The command line as a program among others: where its results go, and how it ends."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

COMMAND = [sys.executable, "-m", "nightcramp"]
FULL = Path("/dev/full")


def call(*words, stdout, unbuffered=""):
    environment = {**os.environ, "PYTHONUNBUFFERED": unbuffered}
    done = subprocess.run(
        [*COMMAND, *words],
        stdout=stdout, stderr=subprocess.PIPE, text=True, check=False, env=environment,
    )  # fmt: skip
    return done.returncode, done.stderr


@pytest.mark.skipif(not FULL.exists(), reason="this system has no /dev/full")
@pytest.mark.parametrize("unbuffered", ["", "1"])
def test_results_that_find_no_room_are_told_in_one_line(unbuffered):
    with FULL.open("w") as full:
        code, errors = call("--version", stdout=full, unbuffered=unbuffered)
    assert code == 1
    assert errors.count("\n") == 1
    assert "standard output: the results could not be written (No space left" in errors


def test_a_reader_who_has_seen_enough_ends_it_quietly():
    reading, writing = os.pipe()
    os.close(reading)
    code, errors = call("--version", stdout=writing)
    os.close(writing)
    assert (code, errors) == (1, "")


@pytest.mark.skipif(os.name != "posix", reason="closes a descriptor as a shell does")
def test_a_closed_output_is_told_before_anything_is_done():
    shell = ["sh", "-c", 'exec "$@" >&-', "sh", *COMMAND, "--version"]
    done = subprocess.run(shell, stderr=subprocess.PIPE, text=True, check=False)
    assert done.returncode == 1
    assert done.stderr.startswith("nightcramp: standard output is closed")
