"""The minute before each frame, as the feature families see it, and statistics that skip gaps."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from sensing.types import BoolArray, FloatArray

WINDOW_BINS = 600
"""Bins a feature may look back on: one minute."""

LONG_HOPS = 600
"""Half seconds the context of a run is judged on: five minutes."""

ACTIVE_LEVEL = 0.585
"""log2(1.5): a bin above one and a half floors is activity."""

DIP_BINS = 10
"""Activity that pauses for less than a second is one run."""


_DIP_HOPS = 3
"""The same in half seconds, for runs of minutes."""


@dataclass(frozen=True, slots=True)
class AccWindows:
    """Acceleration in the last minute before the end of each frame; NaN without a sensor.

    Attributes
    ----------
    gravity : float32 array, shape (frames, 3, WINDOW_BINS)
        Mean acceleration in g.
    shake : float32 array, shape (frames, WINDOW_BINS)
        Variance of acceleration within each bin.
    resting_gravity : float32 array, shape (frames, 3)
        Direction of gravity over the last ten minutes.
    """

    gravity: FloatArray
    shake: FloatArray
    resting_gravity: FloatArray


@dataclass(frozen=True, slots=True)
class Windows:
    """One channel's last minute before the end of each frame; the newest bin is last.

    Attributes
    ----------
    level : float32 array, shape (frames, WINDOW_BINS)
        log2 of amplitude over noise floor; NaN where it cannot be judged.
    power, slope, fourth, crossings, hum, mean : float32 array, same shape
        As in `EmgBins`; NaN where the level is.
    frequency : float32 array, same shape
        Mean frequency of each bin in Hz.
    curve_frequency : float32 array, same shape
        Mean frequency of the first difference in Hz.
    floor : float32 array, shape (frames,)
        Noise floor at the frame.
    acc : AccWindows
    other_level : float32 array, shape (frames, WINDOW_BINS)
        Largest level of the other channels; NaN if there is none.
    course : float32 array, shape (frames, LONG_HOPS)
        Mean level of each half second of the last five minutes; NaN where it cannot be judged.
    active : bool array, same shape
        Whether the channel was active in each half second of the last five minutes.
    other_active : bool array, same shape
        Whether any other channel was.
    band_high_hz : float
        Upper edge of the pass band.
    """

    level: FloatArray
    power: FloatArray
    slope: FloatArray
    fourth: FloatArray
    crossings: FloatArray
    hum: FloatArray
    mean: FloatArray
    frequency: FloatArray
    curve_frequency: FloatArray
    floor: FloatArray
    acc: AccWindows
    other_level: FloatArray
    course: FloatArray
    active: BoolArray
    other_active: BoolArray
    band_high_hz: float

    def run_start(self) -> npt.NDArray[np.intp]:
        """Return where in the window the present run of activity began, shape (frames,).

        WINDOW_BINS if the muscle rests now, 0 if the run is older than the window.
        """
        places = np.arange(WINDOW_BINS)
        active = self.level > ACTIVE_LEVEL
        last_active = np.maximum.accumulate(np.where(active, places, -1), axis=1)
        resting = places - last_active >= DIP_BINS
        return np.asarray(np.where(resting, places, -1).max(axis=1) + 1, dtype=np.intp)


def run_start(active: BoolArray) -> npt.NDArray[np.intp]:
    """Return the half second in which the activity of now began; short pauses are bridged."""
    places = np.arange(active.shape[1])
    last_active = np.maximum.accumulate(np.where(active, places, -1), axis=1)
    resting = places - last_active >= _DIP_HOPS
    return np.asarray(np.where(resting, places, -1).max(axis=1) + 1, dtype=np.intp)


def mean_known(values: FloatArray, axis: int = -1) -> FloatArray:
    """Return the mean of what is known; NaN where less than half of the window is."""
    known = ~np.isnan(values)
    count = known.sum(axis=axis)
    total = np.where(known, values, 0).sum(axis=axis)
    return _where_enough(total / np.maximum(count, 1), count, values.shape[axis])


def std_known(values: FloatArray) -> FloatArray:
    """Return the standard deviation over the last axis of what is known, else NaN."""
    away = values - mean_known(values)[..., None]
    return np.asarray(np.sqrt(mean_known(away * away)), dtype=np.float32)


def share(true: BoolArray, values: FloatArray) -> FloatArray:
    """Return the share of known `values` for which `true` holds, over the last axis."""
    known = ~np.isnan(values)
    count = known.sum(axis=-1)
    return _where_enough(
        (true & known).sum(axis=-1) / np.maximum(count, 1), count, values.shape[-1]
    )


def quantile_known(values: FloatArray, quantile: float) -> FloatArray:
    """Return a quantile (nearest rank) over the last axis of what is known, else NaN."""
    ordered = np.sort(values, axis=-1)  # NaN last
    count = (~np.isnan(values)).sum(axis=-1)
    rank = np.clip(np.round(quantile * (count - 1)).astype(np.intp), 0, values.shape[-1] - 1)
    picked = np.take_along_axis(ordered, rank[..., None], axis=-1)[..., 0]
    return _where_enough(picked, count, values.shape[-1])


def moving_mean(values: FloatArray, width: int) -> FloatArray:
    """Return means over `width` neighbours along the last axis; the ends are cut off."""
    windows = np.lib.stride_tricks.sliding_window_view(values, width, axis=-1)
    return np.asarray(np.ascontiguousarray(windows).mean(axis=-1), dtype=np.float32)


def rhythm(values: FloatArray, lags: range) -> FloatArray:
    """Return the largest autocorrelation over `lags` bins along the last axis: 1 is a clock."""
    centred = np.nan_to_num(values - mean_known(values)[..., None])
    energy = np.einsum("fi,fi->f", centred, centred)
    best = np.full(len(values), -1.0)
    for lag in lags:
        product = np.einsum("fi,fi->f", centred[:, lag:], centred[:, :-lag])
        best = np.maximum(best, product / np.maximum(energy, 1e-12))
    return best.astype(np.float32)


def columns(*features: npt.NDArray[np.floating | np.integer]) -> FloatArray:
    """Put features side by side, shape (frames, features)."""
    return np.stack(features, axis=1).astype(np.float32)


def _where_enough(values: FloatArray, count: npt.NDArray[np.intp], width: int) -> FloatArray:
    return np.where(count * 2 >= width, values, np.nan).astype(np.float32)
