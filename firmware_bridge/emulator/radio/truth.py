"""What really happened to an emulated sensor: every event, every lost sample, as JSON lines."""

from __future__ import annotations

import json
from bisect import bisect_left
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from firmware_bridge.emulator.sensor import Emission, Lost
    from firmware_bridge.host_clock import Clock
    from firmware_bridge.packets import StreamKind


class Stretches:
    """A set of sample numbers, as stretches from a first number up to the one after the last."""

    def __init__(self) -> None:
        self._stretches: list[tuple[int, int]] = []

    def __iter__(self) -> Iterator[tuple[int, int]]:
        return iter(self._stretches)

    def add(self, first: int, following: int) -> None:
        """Add the numbers from `first` up to but not including `following`."""
        at, until = self._touched(first, following)
        touched = self._stretches[at:until]
        if touched:
            first, following = min(first, touched[0][0]), max(following, touched[-1][1])
        self._stretches[at:until] = [(first, following)]

    def remove(self, first: int, following: int) -> int:
        """Remove the numbers from `first` up to but not including `following`.

        Returns
        -------
        int
            How many of them were there.
        """
        at, until = self._touched(first, following)
        touched = self._stretches[at:until]
        left = [(start, min(stop, first)) for start, stop in touched]
        right = [(max(start, following), stop) for start, stop in touched]
        kept = [(start, stop) for start, stop in left + right if start < stop]
        self._stretches[at:until] = kept
        return _length(touched) - _length(kept)

    def _touched(self, first: int, following: int) -> tuple[int, int]:
        """Positions of the stretches that overlap or adjoin these numbers."""
        at = bisect_left(self._stretches, first, key=lambda stretch: stretch[1])
        until = at
        while until < len(self._stretches) and self._stretches[until][0] <= following:
            until += 1
        return at, until


def _length(stretches: Sequence[tuple[int, int]]) -> int:
    return sum(stop - start for start, stop in stretches)


class Truth:
    """Keeps and writes the truth of one sensor.

    Every line has ``event``, ``at_s`` (true seconds since the sensor was switched on) and
    ``monotonic_ns`` (the host's clock at that moment, as in the journal of a recorder on the same
    computer). Lost samples are told as ``lost`` with ``stream``, ``first``, ``n`` and ``cause``,
    and as ``recovered`` if they are sent again and arrive.

    Parameters
    ----------
    clock : Clock
    write : function or None
        Called with each line; None to only keep what was lost.
    """

    def __init__(self, clock: Clock, write: Callable[[str], object] | None = None) -> None:
        self.clock = clock
        self._write = write
        self._started_ns = clock.monotonic_ns()
        self._lost: dict[StreamKind, Stretches] = {}
        self._delivered: dict[StreamKind, Stretches] = {}

    def now_s(self) -> float:
        """Return the true seconds since the sensor was switched on."""
        return (self.clock.monotonic_ns() - self._started_ns) * 1e-9

    def missing(self, stream: StreamKind) -> list[tuple[int, int]]:
        """Return the samples that did not arrive: from a first up to but not including a last.

        What still waits in the sensor is neither missing nor delivered.
        """
        return list(self._lost.get(stream, ()))

    def delivered(self, stream: StreamKind) -> list[tuple[int, int]]:
        """Return the samples that reached the other side's controller."""
        return list(self._delivered.get(stream, ()))

    def event(self, event: str, **facts: object) -> None:
        """Write a line."""
        if self._write is not None:
            line = {
                "event": event,
                "at_s": round(self.now_s(), 6),
                "monotonic_ns": self.clock.monotonic_ns(),
                **facts,
            }
            self._write(json.dumps(line) + "\n")

    def arrived(self, emission: Emission) -> None:
        """Note that what a notification carries has arrived."""
        for stream, first, n in emission.samples:
            self._delivered.setdefault(stream, Stretches()).add(first, first + n)
            if stream in self._lost and self._lost[stream].remove(first, first + n):
                self.event("recovered", stream=stream, first=first, n=n)

    def vanished(self, emission: Emission, cause: str) -> None:
        """Note that what a notification carries was lost on its way."""
        for stream, first, n in emission.samples:
            self._lose(stream, first, n, cause)

    def given_up(self, lost: Lost) -> None:
        """Note what the sensor itself has lost."""
        self._lose(lost.stream, lost.first, lost.n, lost.cause)

    def close(self) -> None:
        """Write what arrived in all."""
        streams = {
            stream: {"delivered": list(stretches), "missing": self.missing(stream)}
            for stream, stretches in self._delivered.items()
        }
        self.event("end", streams=streams)

    def _lose(self, stream: StreamKind, first: int, n: int, cause: str) -> None:
        self._lost.setdefault(stream, Stretches()).add(first, first + n)
        self.event("lost", stream=stream, first=first, n=n, cause=cause)
