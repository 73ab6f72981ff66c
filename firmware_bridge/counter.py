"""A device's counter: how many samples lie between one notification and the next.

A counter of few bits comes round again and again; after silence it cannot tell by itself how
many rounds have passed. A clock can, as long as it is trusted to less than half a round:
``modulus / (2 * rate)``, 256 ms for an 8-bit counter at 500 samples a second, 20 ms for the turn
of the Myo's four characteristics.
"""

from __future__ import annotations

from collections import deque
from enum import Enum, auto
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from firmware_bridge.packets import Samples
    from firmware_bridge.streams import CounterSpec

_UNIQUE_S = 86400.0
_RECENT = 64
_RECENT_S = 2.0
_AHEAD_S = 5.0
_TICKS_KNOWN_S = 30.0
_NS = 1e-9


def signed_step(to: float, start: float, modulus: int) -> float:
    """Shortest way from `start` to `to` on a counter that comes round.

    Returns
    -------
    float
        From -modulus/2 up to but not including modulus/2.
    """
    half = modulus // 2
    return (to - start + half) % modulus - half


def rounds_missed(late_s: float, modulus: int, rate_hz: float) -> int:
    """Whole rounds of a counter that explain a lateness of the samples best, 0 or more.

    Right if the lateness is known to less than ``modulus / (2 * rate_hz)`` seconds.
    """
    return max(0, round(late_s * rate_hz / modulus))


class Relation(Enum):
    """How a notification stands to those before it."""

    FOLLOWS = auto()
    """In order; samples may be missing in between."""
    DUPLICATE = auto()
    """It came before."""
    OLDER = auto()
    """It belongs further back and did not come before."""
    FOREIGN = auto()
    """Its number fits neither to the past nor to the time that has passed."""


class Step(NamedTuple):
    """How a notification stands to those before it, and by how many samples it is off.

    Attributes
    ----------
    relation : Relation
    n : int
        Missing samples if it follows, minus the way back if it is older.
    """

    relation: Relation
    n: int


class _Seen(NamedTuple):
    samples: Samples
    monotonic_ns: int


class CounterReader:
    """Follows the counter of one stream.

    Parameters
    ----------
    spec : CounterSpec or None
        None for a device without counter: every notification follows the last.
    rate_hz : float
        Stated samples per second.
    """

    def __init__(self, spec: CounterSpec | None, rate_hz: float) -> None:
        self._spec = spec
        self.round_s = float("inf")
        if spec is not None:
            self.round_s = spec.modulus / (spec.tick_hz or rate_hz)
        self._expected: float | None = None
        self._recent: deque[_Seen] = deque(maxlen=_RECENT)
        self._ticks = 0.0
        self._ticked_samples = 0

    @property
    def unique(self) -> bool:
        """Whether no number comes twice in a night."""
        return self._spec is not None and self.round_s > _UNIQUE_S

    @property
    def counts_samples(self) -> bool:
        """Whether the device numbers samples, not its clock's ticks."""
        return self._spec is not None and self._spec.tick_hz is None

    @property
    def expected(self) -> int | None:
        """Number the next sample should have; None if unknown."""
        return None if self._expected is None else round(self._expected)

    def follow(self, samples: Samples, monotonic_ns: int, rate_hz: float) -> None:
        """Take `samples` for the newest; `rate_hz` is the best estimate of the true rate."""
        last = self._recent[-1].samples if self._recent else None
        self._recent.append(_Seen(samples, monotonic_ns))
        if self._spec is None or samples.counter is None:
            self._expected = None
            return
        if last is not None and self._off(samples, rate_hz) == 0.0:
            self._learn_ticks(last, samples.counter)
        per_sample = self._ticks_per_sample(rate_hz)
        self._expected = (samples.counter + samples.n * per_sample) % self._spec.modulus

    def _ticks_per_sample(self, rate_hz: float) -> float:
        """Tell the steps of the counter from sample to sample.

        The device's clock need not agree with the host's: after half a minute of samples
        without a loss the device itself has told how many of its ticks a sample lasts.
        """
        if self._spec is None or self._spec.tick_hz is None:
            return 1.0
        if self._ticks >= _TICKS_KNOWN_S * self._spec.tick_hz:
            return self._ticks / self._ticked_samples
        return self._spec.tick_hz / rate_hz

    def _learn_ticks(self, last: Samples, counter: int) -> None:
        """Take note of the ticks from the beginning of `last` to that of the next samples."""
        if self._spec is not None and self._spec.tick_hz and last.counter is not None:
            self._ticks += signed_step(counter, last.counter, self._spec.modulus)
            self._ticked_samples += last.n

    def _off(self, samples: Samples, rate_hz: float) -> float | None:
        """Count samples from the expected number to that of `samples`; None if none is known."""
        if self._spec is None or samples.counter is None or self._expected is None:
            return None
        off = signed_step(samples.counter, self._expected, self._spec.modulus)
        if not self._spec.tick_hz:
            return off
        off /= self._ticks_per_sample(rate_hz)
        # Time stamps scatter by parts of a notification; what is lost is whole ones.
        return 0.0 if abs(off) <= max(1, samples.n // 4) else off

    def forget(self) -> None:
        """Expect no particular number: the device began anew."""
        self._expected = None
        self._recent.clear()

    def step(self, samples: Samples, monotonic_ns: int, rate_hz: float) -> Step:
        """Relation of `samples` to the newest so far."""
        off = self._off(samples, rate_hz)
        if self._spec is None or off is None:
            return Step(Relation.FOLLOWS, 0)
        if self.unique:
            return self._unique_step(samples, round(off), monotonic_ns, rate_hz)
        if off < 0 and any(self._is_copy(samples, monotonic_ns, seen) for seen in self._recent):
            return Step(Relation.DUPLICATE, round(off))
        # A short counter cannot step back: most of a round is missing.
        return Step(Relation.FOLLOWS, round(off) % self._spec.modulus)

    def _unique_step(self, samples: Samples, off: int, monotonic_ns: int, rate_hz: float) -> Step:
        elapsed_s = (monotonic_ns - self._recent[-1].monotonic_ns) * _NS
        if 0 <= off <= (elapsed_s + _AHEAD_S) * rate_hz:
            return Step(Relation.FOLLOWS, off)
        if -_RECENT_S * rate_hz <= off < 0:
            seen = any(other.samples.counter == samples.counter for other in self._recent)
            return Step(Relation.DUPLICATE if seen else Relation.OLDER, off)
        return Step(Relation.FOREIGN, off)

    def _is_copy(self, samples: Samples, monotonic_ns: int, other: _Seen) -> bool:
        soon = (monotonic_ns - other.monotonic_ns) * _NS < self.round_s / 2
        same = other.samples.counter == samples.counter
        return soon and same and np.array_equal(other.samples.values, samples.values)
