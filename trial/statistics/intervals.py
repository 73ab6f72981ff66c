"""Intervals and p values, from an estimate and its standard error or from counts."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt
from scipy.special import stdtr, stdtrit

from trial.statistics.results import Estimate, Measure

__all__ = ["LEVEL", "difference", "newcombe", "ratio", "t_quantile", "welch", "wilson"]

LEVEL = 0.95
"""Of every interval."""

_Z = 1.959963984540054  # standard normal quantile of (1 + LEVEL) / 2

FloatArray = npt.NDArray[np.float64]


def t_quantile(df: float, level: float = LEVEL) -> float:
    """Return how many standard errors an interval reaches out."""
    return float(stdtrit(df, (1 + level) / 2))


def difference(
    measure: Measure, value: float, error: float, df: float, *, level: float = LEVEL
) -> Estimate:
    """Return a difference with its interval and p value from Student's t."""
    reach = t_quantile(df, level) * error
    return Estimate(
        measure, value, value - reach, value + reach, _two_sided(value, error, df), error, df
    )


def ratio(measure: Measure, log_value: float, error: float, df: float) -> Estimate:
    """Return a ratio with its interval and p value from Student's t on the log scale."""
    value, factor = math.exp(log_value), math.exp(t_quantile(df) * error)
    p_value = _two_sided(log_value, error, df)
    return Estimate(measure, value, value / factor, value * factor, p_value, error, df)


def _two_sided(value: float, error: float, df: float) -> float:
    return float(2 * stdtr(df, -abs(value) / error))


def welch(
    measure: Measure, treated: FloatArray, reference: FloatArray, *, level: float = LEVEL
) -> Estimate:
    """Return the difference of two means without assuming equal variances (Welch 1947).

    Parameters
    ----------
    measure : str
    treated, reference : float64 array, shape (participants,)
        At least two values each, not all the same in both.
    level : float
        Of the interval.
    """
    parts = [float(values.var(ddof=1)) / len(values) for values in (treated, reference)]
    variance = sum(parts)
    sizes = (len(treated), len(reference))
    df = variance**2 / sum(p**2 / (n - 1) for p, n in zip(parts, sizes, strict=True))
    value = float(treated.mean() - reference.mean())
    return difference(measure, value, math.sqrt(variance), df, level=level)


def wilson(count: int, total: int) -> tuple[float, float]:
    """Return the 95 % score interval of a share (Wilson 1927)."""
    share, square = count / total, _Z**2 / total
    centre = (share + square / 2) / (1 + square)
    reach = _Z * math.sqrt(share * (1 - share) / total + square / (4 * total)) / (1 + square)
    low, high = centre - reach, centre + reach
    return max(0.0, min(low, share)), min(1.0, max(high, share))  # rounding at 0 and 1


def newcombe(treated: tuple[int, int], reference: tuple[int, int]) -> Estimate:
    """Return a risk difference with the hybrid score interval (Newcombe 1998, method 10).

    Parameters
    ----------
    treated, reference : (int, int)
        Participants with the outcome, and all of them.
    """
    (low_1, high_1), (low_0, high_0) = wilson(*treated), wilson(*reference)
    share_1, share_0 = treated[0] / treated[1], reference[0] / reference[1]
    value = share_1 - share_0
    return Estimate(
        "risk difference",
        value,
        max(-1.0, value - math.hypot(share_1 - low_1, high_0 - share_0)),
        min(1.0, value + math.hypot(high_1 - share_1, share_0 - low_0)),
    )
