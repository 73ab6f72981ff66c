"""The converter of an emulated sensor: when samples are taken, and what they read."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from firmware_bridge.emulator.sensor import LossCause, Lost

if TYPE_CHECKING:
    from collections.abc import Iterable

    from firmware_bridge.emulator.sensor import SignalSource
    from firmware_bridge.emulator.sources import FrontEnd
    from firmware_bridge.packets import Counts, StreamKind

# A sample that is due now has been taken, whatever the last bit of the multiplication says.
_ROUNDING = 1e-6
_READ_AHEAD = 1024


class Run(NamedTuple):
    """Consecutive samples by their true number."""

    first: int
    n: int


class Converter:
    """Takes the samples of one stream, one after the other, while it runs.

    Every sample goes one way: into `block`, or into `lost`.

    Parameters
    ----------
    stream : {"emg", "acc"}
    rate_hz : float
        True samples per second.
    lost : list of Lost
        Where it tells what it gave up.

    Attributes
    ----------
    next_number : int
        True number of the next sample it will take.
    n_held : int
        Samples that wait to be given away.
    """

    def __init__(self, stream: StreamKind, rate_hz: float, lost: list[Lost]) -> None:
        self.stream = stream
        self.rate_hz = rate_hz
        self.running = False
        self._lost = lost
        self._idle_cause = LossCause.STOPPED
        self.next_number = 0
        self._held: list[Run] = []
        self.n_held = 0

    def taken(self, now_s: float) -> int:
        """Count the samples whose time has come since the sensor was switched on."""
        return int(now_s * self.rate_hz + _ROUNDING) + 1

    def time_of(self, index: int) -> float:
        """Seconds since the sensor was switched on."""
        return index / self.rate_hz

    def start(self, now_s: float) -> None:
        """Take samples from now on."""
        if not self.running:
            self._skip(self.taken(now_s) - self.next_number, self._idle_cause, now_s)
            self.running = True

    def stop(self, now_s: float, cause: LossCause) -> None:
        """Take no more samples and throw away what is held; until the start all are lost."""
        if self.running:
            self.advance(now_s)
            self.drop(self.n_held, cause, now_s)
            self.running = False
            self._idle_cause = cause

    def advance(self, now_s: float) -> None:
        """Take every sample whose time has come."""
        n = self.taken(now_s) - self.next_number
        if n <= 0 or not self.running:
            return
        if self._held and self._held[-1].first + self._held[-1].n == self.next_number:
            self._held[-1] = Run(self._held[-1].first, self._held[-1].n + n)
        else:
            self._held.append(Run(self.next_number, n))
        self.n_held += n
        self.next_number += n

    def overrun(self, now_s: float, n: int) -> None:
        """Lose the next `n` samples; those taken before are kept."""
        if self.running:
            self.advance(now_s)
            self._skip(n, LossCause.OVERRUN, now_s)

    def block(self, n: int) -> tuple[Run, ...] | None:
        """Give away the oldest `n` samples held; None if there are not so many."""
        if n > self.n_held or n <= 0:
            return None
        self.n_held -= n
        head = self._held[0]
        if head.n > n:
            self._held[0] = Run(head.first + n, head.n - n)
            return (Run(head.first, n),)
        runs: list[Run] = []
        while n:
            run = self._held.pop(0)
            if run.n > n:
                self._held.insert(0, Run(run.first + n, run.n - n))
                run = Run(run.first, n)
            runs.append(run)
            n -= run.n
        return tuple(runs)

    def drop(self, n: int, cause: LossCause, now_s: float) -> None:
        """Throw away the oldest `n` samples held."""
        lose(self._lost, self.stream, self.block(n) or (), cause, now_s)

    def _skip(self, n: int, cause: LossCause, now_s: float) -> None:
        if n > 0:
            lose(self._lost, self.stream, (Run(self.next_number, n),), cause, now_s)
            self.next_number += n


def lose(
    lost: list[Lost], stream: StreamKind, runs: Iterable[Run], cause: LossCause, now_s: float
) -> None:
    """Tell that samples are given up."""
    lost.extend(Lost(stream, run.first, run.n, cause, now_s) for run in runs)


@dataclass(frozen=True, slots=True)
class Disturbance:
    """What a fault does to the signal from one true number to before another.

    Attributes
    ----------
    first, stop : int
    channel : int or None
        None for all.
    gain : float or None
        The signal becomes so many times larger; None: no contact, the input floats to the rail.
    """

    first: int
    stop: int
    channel: int | None
    gain: float | None


class Signal:
    """What a converter reads: the source, and faults laid over it.

    Parameters
    ----------
    source : SignalSource
    stream : {"emg", "acc"}
    front_end : FrontEnd
    disturbances : list of Disturbance
        Faults; `elsewhere` shares them.
    """

    def __init__(
        self,
        source: SignalSource,
        stream: StreamKind,
        front_end: FrontEnd,
        disturbances: list[Disturbance] | None = None,
    ) -> None:
        self.stream = stream
        self.front_end = front_end
        self._source = source
        self._disturbances: list[Disturbance] = [] if disturbances is None else disturbances
        self._ahead = np.zeros((front_end.channels, 0), np.int32)
        self._ahead_first = 0
        self._ahead_disturbed: list[Disturbance] = []

    def elsewhere(self) -> Signal:
        """Give the same signal to somebody who reads at another place."""
        return Signal(self._source, self.stream, self.front_end, self._disturbances)

    def disturb(self, disturbance: Disturbance) -> None:
        """Lay a fault over the signal."""
        self._disturbances.append(disturbance)

    def restore(self, index: int) -> None:
        """End every fault that still lasts, before sample `index`."""
        self._disturbances[:] = [
            Disturbance(d.first, min(d.stop, index), d.channel, d.gain) for d in self._disturbances
        ]

    def without_contact(self, index: int) -> int:
        """Channels without skin contact at sample `index`, one bit each."""
        channels = 0
        for d in self._disturbances:
            if d.gain is None and d.first <= index < d.stop:
                all_of_them = (1 << self.front_end.channels) - 1
                channels |= all_of_them if d.channel is None else 1 << d.channel
        return channels

    def counts(self, runs: tuple[Run, ...]) -> Counts:
        """Read the runs one after the other, int32, shape (channels, n)."""
        if len(runs) == 1:
            return self._run(*runs[0])
        return np.hstack([self._run(*run) for run in runs])

    def _run(self, first: int, n: int) -> Counts:
        start = first - self._ahead_first
        stale = self._ahead_disturbed != self._disturbances
        if stale or start < 0 or start + n > self._ahead.shape[1]:
            self._read(first, max(n, _READ_AHEAD))
            start = 0
        return self._ahead[:, start : start + n]

    def _read(self, first: int, n: int) -> None:
        counts = self._source.counts(self.stream, first, n)
        for disturbance in self._disturbances:
            counts = self._disturbed(counts, first, disturbance)
        self._ahead_first, self._ahead = first, counts
        self._ahead_disturbed = list(self._disturbances)

    def _disturbed(self, counts: Counts, first: int, fault: Disturbance) -> Counts:
        start, stop = max(fault.first - first, 0), max(fault.stop - first, 0)
        rows = slice(None) if fault.channel is None else slice(fault.channel, fault.channel + 1)
        front, changed = self.front_end, counts.copy()
        if fault.gain is None:
            changed[rows, start:stop] = front.high
        else:
            larger = (counts[rows, start:stop] - front.offset) * fault.gain + front.offset
            changed[rows, start:stop] = np.clip(np.rint(larger), front.low, front.high)
        return changed
