"""Where samples belong in their stream: what a tracker says of every arrival."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from firmware_bridge.packets import Samples


class GapCause(StrEnum):
    """Why samples are missing."""

    LINK = "link_lost"
    LOST = "notifications_lost"
    SILENT = "lost_without_notice"
    DEVICE = "lost_in_device"
    RESTART = "device_restarted"
    DRIFT = "clock_drift"
    """None was taken: this stream's clock is slower than that of the EMG."""
    NOT_SENT = "not_sent"
    """The stream had not begun, or was silent while others were not."""
    ENDED = "ended"
    """The recording is filled up to a whole second."""


class AnomalyKind(StrEnum):
    """What was odd about an arrival."""

    DUPLICATE = "duplicate"
    REORDERED = "reordered"
    STRAY = "stray"
    OVERCOUNT = "overcount"
    LATE = "late"
    """Its place had been given up when it came."""
    EARLY = "before_start"
    """Taken before the first sample of the EMG."""
    SURPLUS = "left_out"
    """Left out because this stream's clock is faster than that of the EMG."""
    UNDESCRIBED = "undescribed"
    """Of a stream, or with channels, that the device has not described."""


@dataclass(frozen=True, slots=True)
class Placed:
    """Samples with their place in the stream.

    Attributes
    ----------
    index : int
        Of the first sample.
    samples : Samples
    late : bool
        Whether they fill a gap that was told before.
    """

    index: int
    samples: Samples
    late: bool = False


@dataclass(frozen=True, slots=True)
class Gap:
    """Samples that are missing.

    Attributes
    ----------
    index : int
        Of the first missing sample.
    n : int
    cause : GapCause
    uncertainty_s : float
        Standard uncertainty of the length, in seconds; 0 if the device's own count alone tells it,
        as many rounds of a short counter as may hide in the silence if it does not.
    earliest_index : int
        The samples are missing somewhere from here to `index`; less than `index` only where the
        loss was noticed later.
    """

    index: int
    n: int
    cause: GapCause
    uncertainty_s: float
    earliest_index: int


@dataclass(frozen=True, slots=True)
class Anomaly:
    """An arrival that was odd; its samples are not placed, except reordered ones.

    Attributes
    ----------
    kind : AnomalyKind
    index : int
        Where it seemed to belong.
    n : int
        Samples concerned.
    """

    kind: AnomalyKind
    index: int
    n: int


Outcome: TypeAlias = Placed | Gap | Anomaly


@dataclass(frozen=True, slots=True)
class Missing:
    """Samples the device may still have, by its own count."""

    session: int
    first: int
    n: int


def _without(gap: Missing, session: int, first: int, n: int) -> list[Missing]:
    """Cut from a range what is no longer missing after `n` samples from `first` on have come."""
    if gap.session != session:
        return [gap]
    stop, gap_stop = first + n, gap.first + gap.n
    left = Missing(session, gap.first, min(first, gap_stop) - gap.first)
    right_first = max(stop, gap.first)
    right = Missing(session, right_first, gap_stop - right_first)
    return [part for part in (left, right) if part.n > 0]


class MissingList:
    """Samples that are missing and may still come, oldest first."""

    def __init__(self) -> None:
        self._gaps: list[Missing] = []

    @property
    def gaps(self) -> tuple[Missing, ...]:
        """What is missing now."""
        return tuple(self._gaps)

    def add(self, gap: Missing) -> None:
        """Put a range on the list."""
        if gap.n > 0:
            self._gaps.append(gap)

    def give_up(self, gap: Missing) -> None:
        """Take a range off the list that will never come."""
        self.came(gap.session, gap.first, gap.n)

    def came(self, session: int, first: int, n: int) -> bool:
        """Strike `n` samples from `first` on; whether any of them was on the list."""
        left = [part for gap in self._gaps for part in _without(gap, session, first, n)]
        before, self._gaps = self._gaps, left
        return before != left
