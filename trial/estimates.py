"""Estimates with honest intervals: the participant is the unit, never a week or an episode."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.special import stdtrit

__all__ = [
    "Mean",
    "Rate",
    "geometric_mean_of_participants",
    "mean_of_participants",
    "pooled_rate",
]

FloatArray = npt.NDArray[np.float64]

_LEVEL = 0.95
_POISSON_UPPER_OF_NONE = -math.log((1 - _LEVEL) / 2)  # largest mean with which 0 is no surprise


SMALLEST_SAMPLE = 3
"""Fewer participants give an interval of many powers of ten, which says less than none."""


@dataclass(frozen=True, slots=True)
class Rate:
    """A sum of events over a sum of exposure.

    Attributes
    ----------
    value : float or None
        None without exposure.
    low, high : float or None
        95 % interval; None with fewer than `SMALLEST_SAMPLE` participants.
    participants : int
        How many have exposure.
    events : float or None
        Their sum; None without exposure, or if it is withheld.
    exposure : float
        Its sum.
    withheld : bool
        Whether the value was kept back to protect the blind.
    """

    value: float | None
    low: float | None
    high: float | None
    participants: int
    events: float | None
    exposure: float
    withheld: bool = False

    def withhold(self) -> Rate:
        """Return what may be said when the estimate may not: who and how long, not how many."""
        return Rate(None, None, None, self.participants, None, self.exposure, withheld=True)


@dataclass(frozen=True, slots=True)
class Mean:
    """A mean over participants, each of whom enters with one value.

    Attributes
    ----------
    value, sd : float or None
        None without participants, and `sd` with fewer than two.
    low, high : float or None
        95 % interval of the mean; None with fewer than `SMALLEST_SAMPLE` participants.
    participants : int or None
        How many have a value; None if it is withheld, for it is a count of those with a cramp.
    withheld : bool
        Whether the value was kept back to protect the blind.
    """

    value: float | None
    sd: float | None
    low: float | None
    high: float | None
    participants: int | None
    withheld: bool = False

    def withhold(self) -> Mean:
        """Return what may be said when the estimate may not: nothing."""
        return Mean(None, None, None, None, None, withheld=True)


def pooled_rate(
    events: FloatArray, exposure: FloatArray, *, per: float, are_counts: bool = True
) -> Rate:
    """Return the sum of events over the sum of exposure, times `per`.

    The interval is that of a ratio of two sums over participants, linearised, on the log scale
    with Student's t (Cochran, Sampling Techniques, 1977, ch. 6); it equals a Poisson regression
    with log exposure as offset, an independence working correlation and a robust variance
    clustered by participant. Where nothing was counted that variance is zero, and the interval is
    the exact Poisson one.

    Parameters
    ----------
    events, exposure : float64 array, shape (participants,)
        Totals of each participant; those without exposure are left out.
    per : float
        Exposure that the rate refers to.
    are_counts : bool
        False if events are amounts, such as minutes: there is no exact interval for none.
    """
    seen = exposure > 0
    y, x = events[seen], exposure[seen]
    n, time, total = len(x), float(x.sum()), float(y.sum())
    if n == 0:
        return Rate(None, None, None, 0, None, 0.0)
    low, high = _interval_of_ratio(y, x / per)
    if n >= 2 and total == 0 and are_counts:
        low, high = 0.0, _POISSON_UPPER_OF_NONE / time * per
    found = int(total) if are_counts else total
    return Rate(total / time * per, low, high, n, found, time)


def mean_of_participants(values: FloatArray) -> Mean:
    """Return the mean of one value for each participant, with the interval of `pooled_rate`.

    Parameters
    ----------
    values : float64 array, shape (participants,)
        Not negative; NaN where a participant has none.
    """
    known = values[~np.isnan(values)]
    n = len(known)
    if n == 0:
        return Mean(None, None, None, None, 0)
    sd = float(known.std(ddof=1)) if n >= 2 else None
    low, high = _interval_of_ratio(known, np.ones(n))
    return Mean(float(known.mean()), sd, low, high, n)


def geometric_mean_of_participants(logarithms: FloatArray) -> Mean:
    """Return the geometric mean of one value for each participant; it has no ``sd``.

    The interval is Student's t on the scale of the logarithms.

    Parameters
    ----------
    logarithms : float64 array, shape (participants,)
        Natural logarithms; NaN where a participant has none.
    """
    known = logarithms[~np.isnan(logarithms)]
    n = len(known)
    if n == 0:
        return Mean(None, None, None, None, 0)
    value = math.exp(float(known.mean()))
    if n < SMALLEST_SAMPLE:
        return Mean(value, None, None, None, n)
    error = float(known.std(ddof=1)) / math.sqrt(n)
    factor = math.exp(float(stdtrit(n - 1, (1 + _LEVEL) / 2)) * error)
    return Mean(value, None, value / factor, value * factor, n)


def _interval_of_ratio(y: FloatArray, x: FloatArray) -> tuple[float | None, float | None]:
    """Return the 95 % interval of sum(y) / sum(x) over participants, on the log scale."""
    n, total = len(x), float(y.sum())
    if n < SMALLEST_SAMPLE or total <= 0:
        return None, None
    ratio = total / float(x.sum())
    residual = y - ratio * x
    error = math.sqrt(n / (n - 1) * float(residual @ residual)) / total
    factor = math.exp(float(stdtrit(n - 1, (1 + _LEVEL) / 2)) * error)
    return ratio / factor, ratio * factor
