"""The memory of an emulated sensor that keeps samples until the host has them on disk."""

from __future__ import annotations

from typing import TYPE_CHECKING

from firmware_bridge.emulator.devices.converter import Run, lose
from firmware_bridge.emulator.sensor import LossCause

if TYPE_CHECKING:
    from collections.abc import Iterable

    from firmware_bridge.emulator.sensor import Lost
    from firmware_bridge.packets import StreamKind


class Runs:
    """A set of samples, as runs in rising order."""

    def __init__(self) -> None:
        self._runs: list[Run] = []
        self.n = 0

    def append(self, run: Run) -> None:
        """Add samples after all others."""
        self.n += run.n
        last = self._runs[-1] if self._runs else None
        if last is not None and last.first + last.n == run.first:
            self._runs[-1] = Run(last.first, last.n + run.n)
        else:
            self._runs.append(run)

    def within(self, first: int, stop: int) -> list[Run]:
        """Those of the samples from `first` to before `stop` that are in the set."""
        found = ((max(run.first, first), min(run.first + run.n, stop)) for run in self._runs)
        return [Run(start, end - start) for start, end in found if end > start]

    def remove(self, first: int, stop: int) -> list[Run]:
        """Take samples out; which of them were in the set."""
        removed = self.within(first, stop)
        if removed:
            last = self._runs[-1]
            before, after = self.within(0, first), self.within(stop, last.first + last.n)
            self._runs = before + after
            self.n -= sum(run.n for run in removed)
        return removed

    def oldest(self, n: int) -> int:
        """Find the number after the oldest `n` samples."""
        for run in self._runs:
            if n <= run.n:
                return run.first + n
            n -= run.n
        return self._runs[-1].first + self._runs[-1].n if self._runs else 0


class Memory:
    """Samples of one stream: the newest that fit, and which of them were never sent.

    Parameters
    ----------
    stream : {"emg", "acc"}
    capacity : int
        Samples; 0 for a sensor that keeps nothing.
    lost : list of Lost
        Told of samples that were given up unsent.
    """

    def __init__(self, stream: StreamKind, capacity: int, lost: list[Lost]) -> None:
        self._stream = stream
        self._capacity = capacity
        self._lost = lost
        self._stored = Runs()
        self._unsent = Runs()

    @property
    def fill(self) -> float | None:
        """Filled part, 0 to 1; None for a sensor that keeps nothing."""
        return self._stored.n / self._capacity if self._capacity else None

    def keep(self, runs: Iterable[Run], now_s: float) -> int:
        """Store the newest samples; how many older ones were given up unsent for them."""
        for run in runs if self._capacity else ():
            self._stored.append(run)
            self._unsent.append(run)
        surplus = self._stored.n - self._capacity
        if surplus <= 0:
            return 0
        return self.forget(0, self._stored.oldest(surplus), LossCause.OVERWRITTEN, now_s)

    def sent(self, run: Run) -> None:
        """Take note that samples went out."""
        self._unsent.remove(run.first, run.first + run.n)

    def forget(self, first: int, stop: int, cause: LossCause, now_s: float) -> int:
        """Forget samples from `first` to before `stop`; how many of them were never sent."""
        self._stored.remove(first, stop)
        unsent = self._unsent.remove(first, stop)
        lose(self._lost, self._stream, unsent, cause, now_s)
        return sum(run.n for run in unsent)

    def break_down(self, now_s: float) -> int:
        """Lose everything and keep nothing any more; how many samples were never sent."""
        self._capacity = 0
        end = self._stored.oldest(self._stored.n)
        return self.forget(0, end, LossCause.OVERWRITTEN, now_s)

    def within(self, first: int, stop: int) -> list[Run]:
        """Find what is stored of a range."""
        return self._stored.within(first, stop)
