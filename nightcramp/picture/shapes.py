"""Shapes and scales that matplotlib draws slowly or not at all."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
import numpy.typing as npt
from matplotlib.path import Path
from scipy.optimize import isotonic_regression

if TYPE_CHECKING:
    from nightcramp.picture.decimate import Line

_ROUND: Final = (1.0, 2.0, 5.0)


def rectangles(left: Line, right: Line, *, bottom: Line | float, top: Line | float) -> Path:
    """One path of many rectangles: drawn, hatched and filed as a single thing."""
    corners = np.empty((len(left), 5, 2))
    corners[:, :, 0] = np.stack([left, right, right, left, left], axis=1)
    low, high = np.broadcast_to(bottom, left.shape), np.broadcast_to(top, left.shape)
    corners[:, :, 1] = np.stack([low, low, high, high, low], axis=1)
    codes = [Path.MOVETO, Path.LINETO, Path.LINETO, Path.LINETO, Path.CLOSEPOLY] * len(left)
    return Path(corners.reshape(-1, 2), codes)


def verticals(position: Line, bottom: float, top: float) -> tuple[Line, Line]:
    """Vertices of one line that is a vertical tick at every position."""
    x = np.repeat(position, 3)
    return x, np.tile([bottom, top, np.nan], len(position))


def spread(wanted: Line, gap: float, low: float, high: float) -> Line:
    """Move labels as little as order and `gap` allow, so that none covers another.

    Parameters
    ----------
    wanted : float64 array
        Where the labels should stand, in any order.
    gap : float
        Least distance; smaller if they cannot all fit.
    low, high : float
        Where the first and the last may stand.
    """
    if not len(wanted):
        return wanted
    order = np.argsort(wanted, kind="stable")
    gap = min(gap, (high - low) / max(1, len(wanted) - 1))
    offsets = gap * np.arange(len(wanted))
    # With the gaps taken out, "in order and apart" is "never falling": isotonic regression.
    shifted = isotonic_regression(wanted[order] - offsets).x
    result = np.empty(len(wanted))
    result[order] = np.clip(shifted, low, high - offsets[-1]) + offsets
    return result


def round_down(value: float) -> float:
    """Return the largest 1, 2 or 5 times a power of ten that is not above `value`."""
    decade = float(10.0 ** np.floor(np.log10(value)))
    # The half is for values whose logarithm was rounded up to the next decade.
    return max(step for step in (decade / 2, decade, 2 * decade, 5 * decade) if step <= value)


@dataclass(frozen=True, slots=True)
class LogScale:
    """A logarithmic scale over one lane of a strip, 0 at its foot to 1 at its top."""

    low: float
    high: float

    @classmethod
    def spanning(cls, *series: npt.NDArray[np.float32]) -> LogScale:
        """Scale that holds all positive values of `series`; 1 to 10 if there is none.

        The lowest thousandth may fall under its foot: a single quiet second must not flatten
        the whole night.
        """
        values = np.concatenate([each.ravel() for each in series])
        values = values[np.isfinite(values) & (values > 0)]
        if not values.size:
            return cls(1.0, 10.0)
        low, high = float(np.quantile(values, 0.001)) * 0.8, float(values.max()) * 1.15
        return cls(low, max(high, low * 10))

    def fraction(self, values: npt.ArrayLike) -> Line:
        """Height of `values` in the lane; what is off the scale lies on its edge."""
        clipped = np.clip(np.asarray(values, dtype=np.float64), self.low, self.high)
        return np.asarray(np.log(clipped / self.low) / np.log(self.high / self.low))

    def ticks(self, at_most: int) -> list[float]:
        """Round values on the scale: decades, or finer steps where there are fewer than two."""
        powers = np.arange(np.floor(np.log10(self.low)), np.ceil(np.log10(self.high)) + 1)
        decades = [float(10.0**power) for power in powers]
        candidates = [tick for tick in decades if self.low <= tick <= self.high]
        if len(candidates) < 2:
            finer = [decade * step for decade in decades for step in _ROUND]
            candidates = [tick for tick in finer if self.low <= tick <= self.high]
        stride = -(-len(candidates) // max(1, at_most))
        return candidates[::stride]
