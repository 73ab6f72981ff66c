"""Finds samples that went missing without a trace in the device's counter."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING

from firmware_bridge.counter import rounds_missed

if TYPE_CHECKING:
    from firmware_bridge.clock import ClockFit
    from firmware_bridge.counter import CounterReader
    from firmware_bridge.streams import StreamSpec

# A converter's overrun loses 100 ms or more; the earliest notification of two windows in a row is
# never late by so much for another reason.
SILENT_LOSS_S = 0.08
_LEAST_LIMIT_S = 0.03
_SCATTERS = 4


@dataclass(frozen=True, slots=True)
class Discrepancy:
    """Count and time do not agree.

    Attributes
    ----------
    n : int
        Samples too few; negative if too many.
    spread_s : float
        How well that is known.
    earliest_index : int
        It happened here or later.
    """

    n: int
    spread_s: float
    earliest_index: int


class LossWatch:
    """Compares count with time.

    If even the earliest notifications of two windows are late against the clock, the stream is
    short of samples; if they are early, it has too many. Where the counter comes round, whole
    rounds are missing, else any number.

    Parameters
    ----------
    stream : StreamSpec
    counter : CounterReader
    """

    def __init__(self, stream: StreamSpec, counter: CounterReader) -> None:
        self._lateness: deque[float] = deque(maxlen=2)
        # Ends of the windows; a loss that makes two late lies after the end of the fourth last.
        self._ends: deque[int] = deque(maxlen=4)
        self._modulus = 1
        self._limit_s: float | None = SILENT_LOSS_S
        if stream.counter is not None and not stream.silent_loss:
            self._modulus = stream.counter.modulus
            half_round_s = max(counter.round_s / 2, _LEAST_LIMIT_S)
            self._limit_s = None if counter.unique else half_round_s

    def forget(self, index: int) -> None:
        """Begin anew at `index`: count and time agree there."""
        self._lateness.clear()
        self._ends.clear()
        self._ends.append(index)

    def push(self, lateness_s: float | None, index: int, clock: ClockFit) -> Discrepancy | None:
        """Take what `ClockFit.add` said; a `Discrepancy` if two windows agree on one."""
        if lateness_s is None or self._limit_s is None:
            return None
        self._lateness.append(lateness_s)
        self._ends.append(index)
        two = self._lateness
        if len(two) < 2 or not clock.settled:
            return None
        limit_s = max(self._limit_s, _SCATTERS * clock.residual_s)
        if min(two) > limit_s:
            n = self._modulus * rounds_missed(min(two), self._modulus, clock.rate_hz)
        elif max(two) < -limit_s:
            n = round(max(two) * clock.rate_hz)
        else:
            return None
        found = Discrepancy(n, max(two) - min(two), self._ends[0])
        self.forget(index)
        return found
