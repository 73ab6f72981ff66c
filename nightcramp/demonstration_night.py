"""The live half of the demonstration: a night in minutes, with a link that breaks and a kill -9.

An emulated sensor and the recorder are programs of their own, as at a bedside; only the radio
between them is not there.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import select
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import IO, TYPE_CHECKING

from firmware_bridge import GapCause
from models.simulator import SENSORS, NightPlan, draw_participant, simulate_night
from nightcramp.errors import NightcrampError
from nightcramp.simulation import night_info
from recordings import open_journal_recording, write_edf
from recordings.journal import find_journals, open_journal

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from nightcramp.progress import Report

SPEED = 10.0
"""Seconds of the night per second."""

DEVICE = "profile-v1"
"""Its firmware keeps samples while the link is away, and sends them later."""

_MINUTES, _CRAMPS = 12.0, 5
_KILLED_S, _ENDED_S = 110.0, 230.0
_CUT_S = 15
_FAULTS = f'[[fault]]\nat_s = 140\nkind = "link_loss"\nseconds = {_CUT_S}\n'
_SEED, _PARTICIPANT = 2, 4
_BEHIND_S = 5.0
_MADE_UP_S = 30.0
"""A computer that is too busy for this speed never catches up: it need not, after so long."""

_ACC_S = 40.0
"""Acceleration that was missed is fetched after the EMG, in this time."""

_PATIENCE_S = 240.0
_LOOK_S = 0.1


@dataclass(frozen=True, slots=True)
class _Kill:
    """A recorder that was killed.

    Attributes
    ----------
    at_s : float
        When, on this computer's monotonic clock.
    recorded_s : float
        What it had recorded of the night.
    on_disk : (int, str)
        Number and digest of the records that were on the disk then.
    """

    at_s: float
    recorded_s: float
    on_disk: tuple[int, str]

    def is_made_up_for(self, recorded_s: float) -> bool:
        """Whether the EMG of the time without a recorder has been fetched, or will not be."""
        passed_s = time.monotonic() - self.at_s
        is_near = recorded_s >= self.recorded_s + SPEED * passed_s - _BEHIND_S
        return recorded_s >= _ENDED_S and (is_near or passed_s > _MADE_UP_S)


def record_demo_night(out: Path, progress: Report) -> Iterator[str]:
    """Record some minutes of an emulated night; yields lines for a person to read.

    Parameters
    ----------
    out : Path
        Folder of the night; what stands there is removed first.
    progress : callable
        Told how many seconds of the night are recorded.

    Raises
    ------
    NightcrampError
        If one of the programs fails; the text is its own.
    """
    shutil.rmtree(out, ignore_errors=True)
    out.mkdir(parents=True)
    night = out / "measured.edf"
    _write_night(night)
    faults, truth = out / "faults.toml", out / "truth.jsonl"
    faults.write_text(_FAULTS, encoding="utf-8")
    speed = ("--speed", f"{SPEED:g}")
    place = ("--listen", "127.0.0.1:0", "--faults", faults, "--log", truth)
    with _program("emulate", DEVICE, "--night", night, *place, *speed) as sensor:
        words = ("record", "--sensor", DEVICE, "--leg", "left", "--participant", "P001")
        radio = ("--radio", _address(sensor), *speed)
        recorder = (*words, "--out", out, "--no-check", "--json", *radio)
        kill = _record_and_kill(recorder, out, progress)
        ending = _record_to_the_end(recorder, kill, out, progress)
    yield from _lines(ending, kill)


def _write_night(path: Path) -> None:
    """Write the night that the sensor measures."""
    wired = replace(SENSORS["reference"], loss=None)
    start = datetime(2026, 1, 12, 22)  # noqa: DTZ001 (recordings have local time without zone)
    plan = NightPlan(_MINUTES / 60, start, cramps=_CRAMPS, density=0.3)
    night = simulate_night(draw_participant(_PARTICIPANT), plan, wired, _SEED)
    write_edf(path, night_info(night, path.stem), night.emg, night.acc)


def _record_and_kill(words: tuple[object, ...], out: Path, progress: Report) -> _Kill:
    with _program(*words) as recorder:
        _wait(recorder, lambda: _recorded_s(out) >= _KILLED_S, out, progress)
        at_s, recorded_s = time.monotonic(), _recorded_s(out)
        recorder.send_signal(signal.SIGKILL)
        recorder.wait()
    (journal,) = find_journals(out)
    return _Kill(at_s, recorded_s, _on_disk(journal))


def _record_to_the_end(
    words: tuple[object, ...], kill: _Kill, out: Path, progress: Report
) -> dict[str, object]:
    """Start the recorder again, and end the night when it is long enough; returns what it says."""
    with _program(*words) as recorder:
        _wait(recorder, lambda: kill.is_made_up_for(_recorded_s(out)), out, progress)
        made_up_s = _recorded_s(out)
        _wait(recorder, lambda: _recorded_s(out) >= made_up_s + _ACC_S, out, progress)
        recorder.send_signal(signal.SIGTERM)
        text, errors = recorder.communicate()
    lines = text.splitlines()
    ending: dict[str, object] = json.loads(lines[-1]) if lines else {"error": errors}
    if recorder.returncode or ending.get("error"):
        raise NightcrampError(f"the recorder failed: {ending.get('error') or errors}")
    return ending


def _lines(ending: dict[str, object], kill: _Kill) -> Iterator[str]:
    journal, files, nights = (ending[name] for name in ("journal", "files", "nights"))
    n_before = kill.on_disk[0]
    if _on_disk(Path(str(journal)), n_before) != kill.on_disk:
        raise NightcrampError(f"{journal}: what was on the disk before the kill is not there now")
    first = Path(str(files[0] if isinstance(files, list) else files))
    info = open_journal_recording(Path(str(journal))).info
    missing_s = sum(gap.duration_s for gap in info.gaps if gap.cause != GapCause.ENDED)
    found = nights[0]["cramps"] if isinstance(nights, list) else 0
    yield (
        f"{info.duration_s / 60:.1f} minutes of a simulated night recorded from an emulated "
        f"sensor, {SPEED:g} times as fast as life:"
    )
    yield f"  the link cut for {_CUT_S} s, the recorder killed (kill -9) and started again;"
    yield f"  all {n_before:,} records that were on the disk when it was killed are unchanged;"
    yield (
        f"  {missing_s:.1f} s of {info.duration_s:.0f} s of EMG are missing: the sensor sent later "
        f"what it had kept; {found} cramp{'' if found == 1 else 's'} found."
    )
    yield f"  Journal:   {journal}"
    yield f"  Recording: {first}"


def _on_disk(journal: Path, n: int | None = None) -> tuple[int, str]:
    """Return number and digest of the first `n` records of a journal; of all for None."""
    digest, records = hashlib.sha256(), 0
    for record in islice(open_journal(journal).records(), n):
        digest.update(f"{record.kind} {record.monotonic_ns} {record.wall_ns} ".encode())
        digest.update(record.payload)
        records += 1
    return records, digest.hexdigest()


def _recorded_s(out: Path) -> float:
    """Return the seconds of EMG that the recorder says it has."""
    try:
        status = json.loads((out / "status.json").read_text(encoding="utf-8"))
    except FileNotFoundError:
        return 0.0
    return max((float(sensor["recorded_s"]) for sensor in status["sensors"]), default=0.0)


def _wait(
    program: subprocess.Popen[str], is_done: Callable[[], bool], out: Path, progress: Report
) -> None:
    deadline = time.monotonic() + _PATIENCE_S
    shown = None
    while not is_done():
        if program.poll() is not None or time.monotonic() > deadline:
            program.kill()
            _, errors = program.communicate()
            raise NightcrampError(f"the recorder did not record: {errors.strip() or 'no data'}")
        now = min(round(_recorded_s(out)), round(_ENDED_S))
        if now != shown:
            progress("recorded seconds", now, round(_ENDED_S))
        shown = now
        time.sleep(_LOOK_S)


def _address(sensor: subprocess.Popen[str]) -> str:
    """Return the radio that an emulated sensor announces."""
    output = sensor.stdout
    line = output.readline() if output and _is_ready(output) else ""
    found = [word for word in line.split() if word.startswith("tcp:")]
    if not found:
        sensor.kill()
        raise NightcrampError(f"the emulated sensor did not start: {sensor.communicate()[1]}")
    return found[0]


def _is_ready(output: IO[str]) -> bool:
    return bool(select.select([output], [], [], _PATIENCE_S)[0])


@contextlib.contextmanager
def _program(*words: object) -> Iterator[subprocess.Popen[str]]:
    """Run this program a second time; it does not outlive the block."""
    # A numerical library with a thread for each core would only stand in its own way here.
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    command = [sys.executable, "-m", "nightcramp", *map(str, words)]
    pipe = subprocess.PIPE
    program = subprocess.Popen(command, stdout=pipe, stderr=pipe, text=True, env=environment)  # noqa: S603
    try:
        yield program
    finally:
        if program.poll() is None:
            program.kill()
            program.communicate()
