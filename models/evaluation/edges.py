"""How far onset, offset and duration are off."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from collections.abc import Sequence

    from models.evaluation.matching import Match

FloatArray = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Spread:
    """What errors look like together, in seconds.

    Attributes
    ----------
    count : int
    median : float
        Of signed errors.
    p90_absolute : float
        Nine in ten are not larger.
    """

    count: int
    median: float
    p90_absolute: float


@dataclass(frozen=True, slots=True)
class RatioLimits:
    """Agreement of durations as ratios: long cramps are off by more seconds than short ones.

    Bland and Altman 1999 (Stat Methods Med Res 8:135), limits of agreement on the log scale.

    Attributes
    ----------
    count : int
    ratio : float
        Geometric mean of found over true duration.
    low, high : float
        19 of 20 ratios lie between them.
    """

    count: int
    ratio: float
    low: float
    high: float


def spread_of(errors_s: FloatArray) -> Spread | None:
    """Return how errors spread; None without any."""
    if not len(errors_s):
        return None
    return Spread(
        len(errors_s), float(np.median(errors_s)), float(np.quantile(np.abs(errors_s), 0.9))
    )


def durations_s(matches: Sequence[Match]) -> tuple[FloatArray, FloatArray]:
    """Return true and found duration of the easy cramps counted and seen whole."""
    pairs = [
        (match.truth.duration_s, found.duration_s)
        for match in matches
        if (found := match.seen_whole)
    ]
    both = np.array(pairs, dtype=np.float64).reshape(-1, 2)
    return both[:, 0], both[:, 1]


def ratio_limits(matches: Sequence[Match]) -> RatioLimits | None:
    """Return the ratio limits of agreement of durations; None with fewer than two."""
    true, found = durations_s(matches)
    if len(true) < 2:
        return None
    ratio = np.log(found / true)
    middle, half = float(ratio.mean()), 1.96 * float(ratio.std(ddof=1))
    low, centre, high = np.exp([middle - half, middle, middle + half]).tolist()
    return RatioLimits(len(true), centre, low, high)
