"""Samples in the order of their stream, held back behind gaps that may still be filled."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, TypeAlias

from firmware_bridge.placement import GapCause

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from firmware_bridge.packets import Counts, SampleFlag


@dataclass(frozen=True, slots=True, eq=False)
class Piece:
    """Samples with their position on the grid."""

    start: int
    counts: Counts
    flags: SampleFlag

    @property
    def n(self) -> int:
        """Number of samples per channel."""
        return int(self.counts.shape[1])


@dataclass(frozen=True, slots=True)
class Line:
    """Which positions the missing indices of a gap belong to: `n` for `n_index`, evenly."""

    index: int
    n_index: int
    start: int
    n: int

    def position(self, index: int) -> int:
        """Position of an index in the gap or at its end."""
        return self.start + (index - self.index) * self.n // self.n_index


@dataclass(frozen=True, slots=True)
class Hole:
    """Positions without samples.

    Attributes
    ----------
    start, n : int
        Positions.
    index, n_index : int
        Samples of the device that belong there; none where a clock's step left the hole.
    line : Line
        Of the whole gap that this is a part of.
    cause : GapCause
    error_s : float
    earliest : int
        As in `MissingStretch`.
    born_ns : int
        When it was found.
    """

    start: int
    n: int
    index: int
    n_index: int
    line: Line
    cause: GapCause
    error_s: float
    earliest: int
    born_ns: int

    def before(self, index: int) -> Hole:
        """Return the part before a sample."""
        n, n_index = self.line.position(index) - self.start, index - self.index
        return replace(self, n=n, n_index=n_index, cause=self._cause(n_index))

    def after(self, index: int, start: int) -> Hole:
        """Return the part from a sample and a position on."""
        n_index = self.index + self.n_index - index
        n, cause = self.start + self.n - start, self._cause(n_index)
        return replace(self, start=start, n=n, index=index, n_index=n_index, cause=cause)

    def _cause(self, n_index: int) -> GapCause:
        """Cause of a part: once the device's samples are there, only the clocks differ."""
        return self.cause if n_index else GapCause.DRIFT


Part: TypeAlias = Piece | Hole


class StretchQueue:
    """What has not been released yet, without overlap and without a position left out."""

    def __init__(self) -> None:
        self._parts: deque[Part] = deque()

    def __len__(self) -> int:
        return len(self._parts)

    def append(self, part: Part) -> None:
        """Add what follows."""
        if part.n > 0:
            self._parts.append(part)

    def fill(self, index: int, counts: Counts, flags: SampleFlag) -> tuple[int, int]:
        """Put samples that came late into the holes they belong to.

        Returns
        -------
        placed, surplus : int
            How many of them found a place, and how many a hole that is shorter, because the
            clock of its stream is faster than that of the EMG.
        """
        placed = surplus = 0
        for at, hole in reversed(self._holes(index, index + counts.shape[1])):
            first = max(index, hole.index)
            last = min(index + counts.shape[1], hole.index + hole.n_index)
            start, stop = hole.line.position(first), hole.line.position(last)
            piece = Piece(start, counts[:, first - index : last - index][:, : stop - start], flags)
            del self._parts[at]
            for part in (hole.after(last, start + piece.n), piece, hole.before(first)):
                if part.n > 0:
                    self._parts.insert(at, part)
            placed += piece.n
            surplus += last - first - piece.n
        return placed, surplus

    def _holes(self, index: int, end: int) -> list[tuple[int, Hole]]:
        """Holes that samples from `index` up to `end` belong to, and where in the queue they are.

        Gaps are filled from the oldest on, so the search ends soon.
        """
        found = []
        for at, part in enumerate(self._parts):
            if isinstance(part, Hole) and part.n_index and part.index + part.n_index > index:
                if part.index < end:
                    found.append((at, part))
                if part.index + part.n_index >= end:
                    break
        return found

    def release(self, held: Callable[[Hole], bool]) -> Iterator[Part]:
        """Yield and forget everything up to the first hole that is `held`."""
        while self._parts:
            head = self._parts[0]
            if isinstance(head, Hole) and held(head):
                return
            yield self._parts.popleft()
