"""A whole night of one sensor, as fast as the processor goes: ``python -m benchmarks.soak``.

An emulated NPG-Lite-band streams over the emulated radio and both host stacks to the link and the
assembler, in virtual time. Told are the memory of the process, the CPU of what runs on a
participant's computer, and how old samples are when they arrive.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import platform
import random
import sys
import time
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from benchmarks.__main__ import DOCS
from benchmarks.report import processor, put_into_page
from firmware_bridge import DEVICES, Assembler, Stretch
from firmware_bridge.emulator import (
    EMULATED,
    FRONT_ENDS,
    Air,
    BumbleAdapter,
    SensorHost,
    Truth,
    VirtualClock,
    index_source,
    radio_of,
    run_virtual,
)
from firmware_bridge.link import Link, LinkState, Sought
from nightcramp.version import code_version

if TYPE_CHECKING:
    from firmware_bridge import Item, Notification
    from firmware_bridge.emulator.sensor import Emission
    from firmware_bridge.link import LinkEvent

DEVICE = "npg-lite-band"
HALF_HOUR_S = 1800.0
STATED_PER_S = 45.0
"""Notifications of the band in a second, by its maker's recordings."""

_EVERY = 64  # one notification in so many is timed


@dataclass(slots=True, repr=False)
class Soak:
    """What was measured.

    Attributes
    ----------
    notifications, samples, disconnections : int
        Samples of EMG in the recording.
    recording_us : list of float
        CPU from the callback of the Bluetooth stack to the assembled samples, for some.
    age_ms : list of float
        How old the newest sample of a notification was when it reached the computer, for some.
    rss_mb : list of float
        Memory of the process after every half hour.
    cpu_s : float
        Of the whole process: sensor, radio and two host stacks too.
    """

    notifications: int = 0
    samples: int = 0
    disconnections: int = 0
    recording_us: list[float] = field(default_factory=list)
    age_ms: list[float] = field(default_factory=list)
    rss_mb: list[float] = field(default_factory=list)
    cpu_s: float = 0.0


class _Recorder:
    """Assembles what the link delivers, and keeps nothing."""

    def __init__(self, soak: Soak) -> None:
        self._soak = soak
        self._assembler = Assembler(DEVICES[DEVICE])

    def notification(self, notification: Notification) -> None:
        self._soak.notifications += 1
        if self._soak.notifications % _EVERY:
            self._count(self._assembler.push(notification))
            return
        before = time.thread_time_ns()
        items = self._assembler.push(notification)
        self._soak.recording_us.append((time.thread_time_ns() - before) / 1000)
        self._count(items)

    def event(self, event: LinkEvent) -> None:
        if event.state is LinkState.SETTING_UP:
            self._count(self._assembler.connected(event.monotonic_ns))
        elif event.state is LinkState.LOST:
            self._soak.disconnections += 1
            self._count(self._assembler.lost(event.monotonic_ns))

    def _count(self, items: list[Item]) -> None:
        stretches = (item for item in items if isinstance(item, Stretch) and item.stream == "emg")
        self._soak.samples += sum(stretch.n for stretch in stretches)


class _Aged(Truth):
    """Notes how old samples are when they reach the computer; forgets everything else."""

    def __init__(self, clock: VirtualClock, soak: Soak) -> None:
        super().__init__(clock)
        self._soak = soak
        self._rate_hz = FRONT_ENDS[DEVICE]["emg"].rate_hz
        self._seen = 0

    def arrived(self, emission: Emission) -> None:
        super().arrived(emission)
        for stream, first, n in emission.samples:
            self._seen += 1
            if stream == "emg" and self._seen % _EVERY == 0:
                taken_s = (first + n - 1) / self._rate_hz
                self._soak.age_ms.append(1e3 * (self.now_s() - taken_s))


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.soak", description=__doc__)
    parser.add_argument("--hours", type=float, default=8.0)
    parser.add_argument("--publish", action="store_true", help="put the result into docs/")
    options = parser.parse_args()
    soak = Soak()
    before_s = time.process_time()
    run_virtual(_stream(soak, options.hours * 3600))
    soak.cpu_s = time.process_time() - before_s
    text = _text(soak, options.hours)
    print(text)
    if options.publish:
        put_into_page(text, DOCS / "soak.md")


async def _stream(soak: Soak, seconds: float) -> None:
    clock, air = VirtualClock(asyncio.get_running_loop()), Air()
    host = SensorHost(EMULATED[DEVICE](index_source(DEVICE)), air.plug, _Aged(clock, soak))
    adapter = BumbleAdapter()
    await adapter.attach(await air.plug())
    radio, sought = radio_of(adapter), Sought(DEVICES[DEVICE])
    dice = random.Random(1)  # noqa: S311 (a simulation)
    link = Link(sought, _Recorder(soak), radio=radio, clock=clock, rng=dice)
    serving, linking = asyncio.create_task(host.run()), asyncio.create_task(link.run())
    for _ in range(round(seconds / HALF_HOUR_S)):
        await clock.sleep(HALF_HOUR_S)
        soak.rss_mb.append(_rss_mb())
        print(f"{clock.monotonic_ns() / 3.6e12:.1f} h: {soak.rss_mb[-1]:.1f} MB", file=sys.stderr)
    link.stop()
    await linking
    serving.cancel()
    await asyncio.gather(serving, return_exceptions=True)


def _rss_mb() -> float:
    """Memory of this process that is in use, as Linux tells it."""
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


def _text(soak: Soak, hours: float) -> str:
    recording_us = float(np.median(soak.recording_us))
    whole_us = 1e6 * soak.cpu_s / soak.notifications
    cpu = " / ".join(f"{v:.0f}" for v in np.percentile(soak.recording_us, [50, 95, 99]))
    age = " / ".join(f"{v:.0f}" for v in np.percentile(soak.age_ms, [50, 95, 99]))
    rows = [
        ("hours of the night", f"{hours:g}"),
        (
            "notifications",
            f"{soak.notifications:,}, {soak.notifications / hours / 3600:.1f} a second",
        ),
        ("samples of EMG recorded", f"{soak.samples:,}"),
        ("disconnections", f"{soak.disconnections}"),
        ("memory after every half hour, MB", ", ".join(f"{mb:.0f}" for mb in soak.rss_mb)),
        ("CPU of decoder and assembler for a notification, us, p50 / p95 / p99", cpu),
        (f"the same at {STATED_PER_S:g} a second, of a core", _share(recording_us)),
        (
            "CPU of everything (sensor, air, two host stacks, link, assembler), us",
            f"{whole_us:.0f}",
        ),
        (f"the same at {STATED_PER_S:g} a second, of a core", _share(whole_us)),
        ("age of the newest sample on arrival, ms, p50 / p95 / p99", age),
    ]
    lines = ["| | |", "| --- | ---: |", *(f"| {name} | {value} |" for name, value in rows)]
    made_by = f"nightcramp {code_version()}, Python {platform.python_version()}"
    date = f"{datetime.now().astimezone():%Y-%m-%d}"
    return "\n".join([*lines, "", f"{date}, {processor()}, {made_by}.", ""])


def _share(us: float) -> str:
    return f"{us * STATED_PER_S / 1e4:.2f} %"


if __name__ == "__main__":
    main()
