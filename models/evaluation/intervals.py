"""Counts with the limits they can be trusted to: exact ones, and ones that know of participants."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy import stats

if TYPE_CHECKING:
    from collections.abc import Sequence

RESAMPLES = 2000

SEED = 20260101

LEAST_PARTICIPANTS = 3
"""Fewer say nothing of how participants differ: no interval is given for them."""

Limits = tuple[float | None, float | None]


@dataclass(frozen=True, slots=True)
class Proportion:
    """How many of how many.

    Attributes
    ----------
    count, of : int
    low, high : float or None
        Exact 95 % limits as if every event were independent; None if there is none.
    low_participants, high_participants : float or None
        95 % limits of a bootstrap over participants; None below three of them.
    """

    count: int
    of: int
    low: float | None
    high: float | None
    low_participants: float | None
    high_participants: float | None

    @property
    def value(self) -> float | None:
        """The share; None of nothing."""
        return self.count / self.of if self.of else None

    @classmethod
    def sum_up(cls, parts: Sequence[tuple[int, int]]) -> Proportion:
        """Add the counts of participants, given as (count, of)."""
        count, of = sum(part[0] for part in parts), sum(part[1] for part in parts)
        exact: Limits = binomial_interval(count, of) if of else (None, None)
        resampled = bootstrap_ratio([part[0] for part in parts], [part[1] for part in parts])
        return cls(count, of, *exact, *resampled)


@dataclass(frozen=True, slots=True)
class Rate:
    """How many in how many hours.

    Attributes
    ----------
    count : int
    hours : float
        Analysable ones.
    low, high : float or None
        Exact 95 % limits of the rate an hour; None without hours.
    low_participants, high_participants : float or None
        The same by a bootstrap over participants; None below three of them.
    """

    count: int
    hours: float
    low: float | None
    high: float | None
    low_participants: float | None
    high_participants: float | None

    def per(self, hours: float) -> tuple[float, float, float] | None:
        """Return rate and exact limits in so many hours; None if nothing could be judged."""
        if self.low is None or self.high is None:
            return None
        return self.count / self.hours * hours, self.low * hours, self.high * hours

    @classmethod
    def sum_up(cls, parts: Sequence[tuple[int, float]]) -> Rate:
        """Add the counts of participants, given as (count, hours)."""
        count, hours = sum(part[0] for part in parts), sum(part[1] for part in parts)
        exact: Limits = (None, None)
        if hours > 0:
            low, high = poisson_interval(count)
            exact = low / hours, high / hours
        resampled = bootstrap_ratio([part[0] for part in parts], [part[1] for part in parts])
        return cls(count, hours, *exact, *resampled)


def binomial_interval(count: int, of: int, confidence: float = 0.95) -> tuple[float, float]:
    """Return exact limits for a share (Clopper and Pearson 1934, Biometrika 26:404)."""
    tail = (1 - confidence) / 2
    low = float(stats.beta.ppf(tail, count, of - count + 1)) if count else 0.0
    high = float(stats.beta.ppf(1 - tail, count + 1, of - count)) if count < of else 1.0
    return low, high


def poisson_interval(count: int, confidence: float = 0.95) -> tuple[float, float]:
    """Return exact limits for the mean of a Poisson count (Garwood 1936)."""
    tail = (1 - confidence) / 2
    lower = stats.chi2.ppf(tail, 2 * count) / 2 if count else 0.0
    return float(lower), float(stats.chi2.ppf(1 - tail, 2 * count + 2) / 2)


def bootstrap_ratio(
    counts: Sequence[float], sizes: Sequence[float], confidence: float = 0.95
) -> Limits:
    """Return limits of a ratio of sums when participants, not events, are drawn anew.

    Parameters
    ----------
    counts, sizes : sequence of float
        Numerator and denominator of each participant.
    confidence : float

    Returns
    -------
    tuple of float or None
        Percentile limits (Efron 1979); None with fewer than three participants that count.
    """
    above, below = np.asarray(counts, dtype=float), np.asarray(sizes, dtype=float)
    known = below > 0
    above, below = above[known], below[known]
    if len(below) < LEAST_PARTICIPANTS:
        return None, None
    drawn = np.random.default_rng(SEED).integers(len(below), size=(RESAMPLES, len(below)))
    ratios = above[drawn].sum(axis=1) / below[drawn].sum(axis=1)
    tail = (1 - confidence) / 2
    low, high = np.quantile(ratios, [tail, 1 - tail])
    return float(low), float(high)
