"""Stretches of time: when a leg was analysable, alone or with the other, and in a session."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

__all__ = ["Stretch", "hours_within", "overlap", "union", "without"]

_HOUR = timedelta(hours=1)


class Stretch(NamedTuple):
    """Time from a start up to, but not including, an end; both know their offset from UTC."""

    start: datetime
    end: datetime

    def holds(self, moment: datetime) -> bool:
        """Whether a moment lies in the stretch."""
        return self.start <= moment < self.end


def union(stretches: Iterable[Stretch]) -> list[Stretch]:
    """Return the time that is in any of the stretches, in order and without overlap."""
    joined: list[Stretch] = []
    for stretch in sorted(stretches):
        if stretch.end <= stretch.start:
            continue
        if joined and stretch.start <= joined[-1].end:
            joined[-1] = Stretch(joined[-1].start, max(joined[-1].end, stretch.end))
        else:
            joined.append(stretch)
    return joined


def overlap(one: Sequence[Stretch], other: Sequence[Stretch]) -> list[Stretch]:
    """Return the time that is in stretches of both; each is in order and without overlap."""
    found: list[Stretch] = []
    a = b = 0
    while a < len(one) and b < len(other):
        start, end = max(one[a].start, other[b].start), min(one[a].end, other[b].end)
        if start < end:
            found.append(Stretch(start, end))
        if one[a].end <= other[b].end:
            a += 1
        else:
            b += 1
    return found


def without(whole: Stretch, holes: Iterable[Stretch]) -> list[Stretch]:
    """Return what is left of a stretch when the holes are taken out of it."""
    rest, start = [], whole.start
    for hole in union(holes):
        if start < hole.start:
            rest.append(Stretch(start, min(hole.start, whole.end)))
        start = max(start, hole.end)
        if start >= whole.end:
            return rest
    return [*rest, Stretch(start, whole.end)]


def hours_within(stretches: Sequence[Stretch], window: Stretch | None = None) -> float:
    """Return how many hours the stretches last, or how many of them lie in a window."""
    inside = stretches if window is None else overlap(stretches, [window])
    return sum(((stretch.end - stretch.start) / _HOUR for stretch in inside), 0.0)
