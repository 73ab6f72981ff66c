"""Sensor and recorder as programs of their own: the link cut, the recorder killed."""

import asyncio
import contextlib
import json
import os
import signal
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from firmware_bridge.emulator import index_source
from recordings import open_recording
from recordings.journal import RecordKind, json_of, open_journal

SPEED = 8.0
CUT = '[[fault]]\nat_s = 75\nkind = "link_loss"\nseconds = 4\n'


@contextlib.asynccontextmanager
async def program(*words):
    """Run ``nightcramp``; it does not outlive the test."""
    # Where neither core is free, a numerical library with a thread for each is slower than one.
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "nightcramp", *map(str, words), stdout=-1, stderr=-1,
        env={**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"},
    )  # fmt: skip
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


async def lines_until(process, wanted, seconds=60):
    """Read JSON lines until one is wanted; returns all of them."""
    lines = []
    async with asyncio.timeout(seconds):
        while not lines or not wanted(lines[-1]):
            line = await process.stdout.readline()
            assert line, (await process.stderr.read()).decode()
            lines.append(json.loads(line))
    return lines


async def recorded(folder, least_s):
    """Wait until the status file says that so much was recorded; returns how much."""
    async with asyncio.timeout(120):
        while True:
            with contextlib.suppress(OSError):
                status = json.loads((folder / "status.json").read_text())
                recorded_s = max((each["recorded_s"] for each in status["sensors"]), default=0)
                if recorded_s >= least_s():
                    return recorded_s
            await asyncio.sleep(0.05)


def records_of(folder):
    (journal,) = folder.glob("*.ncj")
    return list(open_journal(journal).records())


@pytest.mark.slow
def test_a_killed_recorder_goes_on_and_nothing_is_missing_in_the_morning(tmp_path):
    faults, out = tmp_path / "faults.toml", tmp_path / "out"
    faults.write_text(CUT)

    async def night():
        emulated = ("profile-v1", "--pattern", "--listen", "127.0.0.1:0", "--faults", faults)
        async with program("emulate", *emulated, "--speed", SPEED) as sensor:
            async with asyncio.timeout(30):
                said = (await sensor.stdout.readline()).decode().split()
            radio = next(word for word in said if word.startswith("tcp:"))
            words = ("record", "--sensor", "profile-v1", "--leg", "left", "--out", out,
                     "--no-check", "--json", "--radio", radio, "--speed", SPEED)  # fmt: skip
            async with program(*words) as first:
                known_s = await recorded(out, lambda: 45)
                known_at = time.monotonic()
                before = records_of(out)
                first.send_signal(signal.SIGKILL)
                await first.wait()
            async with program(*words) as second:
                await lines_until(second, lambda line: line["record"] == "journal")
                # Up with the night again: what the sensor measured meanwhile has been fetched.
                await recorded(out, lambda: known_s + SPEED * (time.monotonic() - known_at) - 5)
                second.send_signal(signal.SIGUSR1)
                await lines_until(second, lambda line: line["record"] == "mark")
                second.send_signal(signal.SIGTERM)
                text, errors = await second.communicate()
            return before, second.returncode, text.decode(), errors.decode()

    before, code, text, errors = asyncio.run(night())
    assert (code, errors) == (0, "")
    end = json.loads(text.splitlines()[-1])
    assert end["error"] is None
    after = records_of(out)
    assert after[: len(before)] == before
    states = [json_of(each).get("state") for each in after if each.kind is RecordKind.LINK]
    assert states.count("streaming") >= 2
    assert sum(each.kind is RecordKind.MARK for each in after) == 1

    recording = open_recording(Path(end["files"][0]))
    (block,) = recording.blocks(1000)
    emg = block.emg[0]
    counts = np.round(emg / recording.info.emg.channels[0].resolution)
    whole = ~np.isnan(emg)
    assert whole[: -int(15 * recording.info.emg.rate_hz)].all()
    assert recording.info.duration_s > 60
    source = index_source("profile-v1").counts("emg", 0, len(counts) + 200_000)[0]
    start = _place_of(counts[:32], source)
    assert np.array_equal(counts[whole], source[start : start + len(counts)][whole])


def _place_of(part, whole):
    """Return where a part begins in the whole."""
    first = np.flatnonzero(whole[: len(whole) - len(part)] == part[0])
    return next(at for at in first.tolist() if np.array_equal(whole[at : at + len(part)], part))
