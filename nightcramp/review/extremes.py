"""Smallest and largest samples of every stretch of a night: any zoom is drawn at once."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float32]

STRETCH = 64
"""Samples for each pair of the finest level; nearer than that, samples are read from the file."""

FACTOR = 4
"""How many pairs of a level make one of the next."""


@dataclass(frozen=True, slots=True)
class Series:
    """Values at even distances.

    Attributes
    ----------
    onset_s : float
        Start of the first value's stretch, from the start of the recording.
    step_s : float
        Length of a stretch.
    values : float32 array, shape (rows, stretches)
        NaN where nothing is known.
    """

    onset_s: float
    step_s: float
    values: FloatArray


class ExtremesBuilder:
    """Collects the extremes of a night as its samples pass.

    Parameters
    ----------
    channels : int
    """

    def __init__(self, channels: int) -> None:
        self._rest: FloatArray = np.zeros((channels, 0), dtype=np.float32)
        self._low: list[FloatArray] = [self._rest]
        self._high: list[FloatArray] = [self._rest]

    def push(self, emg: FloatArray) -> None:
        """Take the next samples, shape (channels, samples), NaN where missing."""
        samples = np.concatenate([self._rest, emg], axis=1)
        whole = samples.shape[1] // STRETCH * STRETCH
        self._reduce(samples[:, :whole])
        self._rest = samples[:, whole:].copy()

    def finish(self) -> tuple[FloatArray, FloatArray]:
        """Return smallest and largest values, each of shape (channels, stretches)."""
        missing = -self._rest.shape[1] % STRETCH
        self._reduce(np.pad(self._rest, ((0, 0), (0, missing)), constant_values=np.nan))
        return np.concatenate(self._low, axis=1), np.concatenate(self._high, axis=1)

    def _reduce(self, samples: FloatArray) -> None:
        low, high = extremes_of(samples, STRETCH)
        self._low.append(low)
        self._high.append(high)


@dataclass(frozen=True, slots=True)
class Pyramid:
    """Extremes of a night at several levels, each `FACTOR` times coarser than the one before.

    Attributes
    ----------
    rate_hz : float
        Of the samples.
    levels : tuple of (low, high)
        Arrays of shape (channels, stretches), the finest first.
    """

    rate_hz: float
    levels: tuple[tuple[FloatArray, FloatArray], ...]

    @classmethod
    def over(cls, low: FloatArray, high: FloatArray, rate_hz: float) -> Pyramid:
        """Build the coarser levels over the finest."""
        levels = [(low, high)]
        while levels[-1][0].shape[1] > FACTOR:
            lower, higher = levels[-1]
            levels.append((_coarser(lower)[0], _coarser(higher)[1]))
        return cls(rate_hz, tuple(levels))

    def is_fine_enough(self, first_s: float, last_s: float, width: int) -> bool:
        """Whether a view of that width needs no samples."""
        return (last_s - first_s) * self.rate_hz >= STRETCH * width

    def view(self, first_s: float, last_s: float, width: int) -> tuple[Series, Series]:
        """Return smallest and largest values with one to `FACTOR` values for each column.

        Parameters
        ----------
        first_s, last_s : float
            Stretch of the recording.
        width : int
            Columns of the drawing.
        """
        columns = (last_s - first_s) * self.rate_hz / (STRETCH * width)
        level = min(max(0, int(math.log(max(columns, 1.0), FACTOR))), len(self.levels) - 1)
        step_s = STRETCH * FACTOR**level / self.rate_hz
        first = max(0, int(first_s / step_s))
        last = max(first, int(np.ceil(last_s / step_s)))
        low, high = (values[:, first:last] for values in self.levels[level])
        return Series(first * step_s, step_s, low), Series(first * step_s, step_s, high)


def extremes_of(samples: FloatArray, stretch: int) -> tuple[FloatArray, FloatArray]:
    """Return smallest and largest value of each stretch; the samples must fill them."""
    table = samples.reshape(len(samples), -1, stretch)
    return np.fmin.reduce(table, axis=2), np.fmax.reduce(table, axis=2)


def thinned(values: FloatArray, stretch: int) -> FloatArray:
    """Return the largest value of each stretch; the last may be shorter."""
    if stretch <= 1:
        return values
    missing = -values.shape[1] % stretch
    padded = np.pad(values, ((0, 0), (0, missing)), constant_values=np.nan)
    return extremes_of(padded, stretch)[1]


def _coarser(values: FloatArray) -> tuple[FloatArray, FloatArray]:
    missing = -values.shape[1] % FACTOR
    return extremes_of(np.pad(values, ((0, 0), (0, missing)), constant_values=np.nan), FACTOR)
