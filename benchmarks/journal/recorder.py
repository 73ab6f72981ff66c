"""A recorder to be killed: writes the traffic of a sensor into a journal until it is.

``python -m benchmarks.journal.recorder FOLDER SPEED SYNC_S``; SPEED 0 writes as fast as the disk
takes it. It prints when it began (seconds of the monotonic clock), then the time in nanoseconds up
to which records are safe, each time that has changed.
"""

from __future__ import annotations

import itertools
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from benchmarks.costs import ROOT
from benchmarks.journal.traffic import LABEL, WALL_NS, record, time_ns
from recordings.journal import JournalSettings, JournalWriter

BACK_PRESSURE_EVERY = 500


class Pace:
    """A clock that runs so many times as fast as the computer's, from 0 on."""

    def __init__(self, speed: float) -> None:
        self.begun = time.monotonic()
        self._speed = speed

    def monotonic_ns(self) -> int:
        return round((time.monotonic() - self.begun) * self._speed * 1e9)

    def wall_ns(self) -> int:
        return WALL_NS + self.monotonic_ns()


def main() -> None:
    folder, speed, sync_s = Path(sys.argv[1]), float(sys.argv[2]), float(sys.argv[3])
    pace = Pace(speed or 1.0)
    settings = JournalSettings(sync_s=sync_s, reserve_bytes=4 << 20)
    writer = JournalWriter(folder, LABEL, clock=pace, settings=settings, on_durable=_tell)
    print(pace.begun, flush=True)
    for number in itertools.count():
        while speed and time_ns(number) > pace.monotonic_ns():
            time.sleep(0.005)
        writer.append(record(number))
        if not speed and number % BACK_PRESSURE_EVERY == 0:
            writer.sync()


def _tell(durable_ns: int) -> None:
    print(durable_ns, flush=True)


@dataclass(slots=True)
class Recorder:
    """A recorder that runs in a process of its own."""

    folder: Path
    process: subprocess.Popen[str]
    begun: float

    @classmethod
    def start(cls, folder: Path, *, speed: float, sync_s: float) -> Recorder:
        """Start it; returns when it writes."""
        command = [sys.executable, "-m", "benchmarks.journal.recorder"]
        process = subprocess.Popen(
            [*command, str(folder), str(speed), str(sync_s)],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert process.stdout
        return cls(folder, process, float(process.stdout.readline()))

    def kill(self) -> float:
        """Kill it; return the last time, in seconds, up to which it said records were safe."""
        self.process.kill()
        told, _ = self.process.communicate()
        lines = [line for line in told.split("\n")[:-1] if line]
        return int(lines[-1]) / 1e9 if lines else 0.0


if __name__ == "__main__":
    main()
