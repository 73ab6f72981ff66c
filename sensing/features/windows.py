"""What the feature families see before each frame, and statistics that skip gaps.

Frames overlap by far the most of their windows. So nothing that holds for a bin is computed anew
for each frame that sees the bin: families take series, one value a bin, and cut from them what a
frame sees; means over whole half seconds are made from the sums of half seconds.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from sensing.types import BoolArray, FloatArray

Places = npt.NDArray[np.intp]

_Value = TypeVar("_Value", bound=np.generic)

WINDOW_BINS = 600
"""Bins a feature may look back on: one minute."""

HALF_SECOND_BINS = 5
"""Bins of half a second, the hop from one frame to the next."""

LONG_HOPS = 600
"""Half seconds the context of a run is judged on: five minutes."""

ACTIVE_LEVEL = 0.585
"""log2(1.5): a bin above one and a half floors is activity."""

STRONG_LEVEL = 1.0
"""A bin above two floors is strong."""

DIP_BINS = 10
"""Activity that pauses for less than a second is one run."""

DIP_HOPS = 3
"""The same in half seconds, for runs of minutes."""


@dataclass(frozen=True, slots=True, eq=False)
class Series:
    """One value a bin, and where frames end in it.

    Attributes
    ----------
    values : float32 array, shape (bins,)
        NaN where unknown.
    ends : int array, shape (frames,)
        Place after the last bin of each frame.
    """

    values: FloatArray
    ends: Places

    def last(self, count: int, before: int = 0) -> FloatArray:
        """Return the last `count` values up to `before` bins before each frame's end."""
        return cut(self.values, self.ends - (before + count), count)


@dataclass(frozen=True, slots=True, eq=False)
class SummedSeries(Series):
    """A series with its sums over half seconds; frames end where half seconds do.

    Attributes
    ----------
    sums : float32 array, shape (half seconds,)
        Of what is known.
    counts : float32 array, shape (half seconds,), or None
        Number of known bins; None where all of the series are known.
    """

    sums: FloatArray
    counts: FloatArray | None

    def mean(self, count: int, before: int = 0) -> FloatArray:
        """Return `mean_known` of ``last(count, before)``; both whole half seconds."""
        hops = count // HALF_SECOND_BINS
        begins = (self.ends - before) // HALF_SECOND_BINS - hops
        total = cut(self.sums, begins, hops).sum(axis=1)
        if self.counts is None:
            return np.asarray(total / np.float32(count))
        known = cut(self.counts, begins, hops).sum(axis=1, dtype=np.intp)
        return _where_enough(total / np.maximum(known, 1), known, count)


@dataclass(frozen=True, slots=True, eq=False)
class Activity:
    """In which half seconds a muscle was active, and where frames end in them.

    Attributes
    ----------
    active : bool array, shape (half seconds,)
    ends : int array, shape (frames,)
    """

    active: BoolArray
    ends: Places

    def run_start(self) -> Places:
        """Return where in the last LONG_HOPS the activity of now began; pauses are bridged.

        LONG_HOPS if the muscle rests now, 0 if the run is older.
        """
        return run_start(self.active, self.ends, LONG_HOPS, DIP_HOPS)

    def count(self, begins: Places, ends: Places) -> Places:
        """Return how many half seconds from `begins` to `ends` are active."""
        before = np.concatenate([[0], np.cumsum(self.active)])
        return np.asarray(before[ends] - before[begins])

    def bursts(self, begins: Places, ends: Places) -> Places:
        """Return how often activity of at least a second began from `begins` to `ends`."""
        lasting = self.active[1:] & self.active[:-1]
        began = np.zeros(len(self.active), dtype=np.bool_)
        began[1:-1] = lasting[1:] & ~lasting[:-1]
        before = np.concatenate([[0], np.cumsum(began)])
        return np.asarray(before[np.maximum(ends - 1, begins + 1)] - before[begins + 1])

    def last_before(self, places: Places) -> Places:
        """Return the newest active half second before each of `places`, -1 without any."""
        newest = np.maximum.accumulate(np.where(self.active, np.arange(len(self.active)), -1))
        return np.asarray(np.where(places > 0, newest[places - 1], -1))


@dataclass(frozen=True, slots=True, eq=False)
class AccWindows:
    """Acceleration up to the end of each frame, by its own bins; NaN without a sensor.

    Attributes
    ----------
    gravity : float32 array, shape (3, bins)
        Mean acceleration in g.
    shake : Series
        Variance of acceleration within each bin.
    resting_gravity : float32 array, shape (3, frames)
        Direction of gravity over the last ten minutes.
    """

    gravity: FloatArray
    shake: Series
    resting_gravity: FloatArray


@dataclass(frozen=True, slots=True, eq=False)
class Windows:
    """One channel up to the end of each frame: the last minute, and five in half seconds.

    Attributes
    ----------
    level : SummedSeries
        log2 of amplitude over noise floor; NaN where it cannot be judged.
    strong : SummedSeries
        1 where the level is above `STRONG_LEVEL`, 0 where below.
    power, hum, mean : SummedSeries
        As in `EmgBins`; NaN where the level is.
    floor : float32 array, shape (frames,)
        Noise floor at the frame.
    acc : AccWindows
    other_level : SummedSeries
        Largest level of the other channels; NaN if there is none.
    course : Series
        Mean level of each half second; NaN where it cannot be judged.
    activity, other_activity : Activity
        In which half seconds the channel, and any other channel, was active.
    """

    level: SummedSeries
    strong: SummedSeries
    power: SummedSeries
    hum: SummedSeries
    mean: SummedSeries
    floor: FloatArray
    acc: AccWindows
    other_level: SummedSeries
    course: Series
    activity: Activity
    other_activity: Activity

    def run_start(self) -> Places:
        """Return where in the last minute the present run of activity began, shape (frames,).

        WINDOW_BINS if the muscle rests now, 0 if the run is older than the minute.
        """
        active = self.level.values > ACTIVE_LEVEL
        return run_start(active, self.level.ends, WINDOW_BINS, DIP_BINS)


def cut(values: npt.NDArray[_Value], begins: Places, count: int) -> npt.NDArray[_Value]:
    """Return `count` values from each of `begins` on, shape (..., frames, count)."""
    shape = *values.shape[:-1], values.shape[-1] - count + 1, count
    strides = *values.strides, values.strides[-1]
    windows = np.lib.stride_tricks.as_strided(values, shape, strides, writeable=False)
    return np.asarray(windows[..., begins, :])


def sum_by_hop(values: FloatArray) -> FloatArray:
    """Return the sum of each half second, shape (..., half seconds), NaN if a bin is.

    Bins that do not fill a half second are left out.
    """
    bins = values.shape[-1] // HALF_SECOND_BINS * HALF_SECOND_BINS
    total = values[..., :bins:HALF_SECOND_BINS]
    for place in range(1, HALF_SECOND_BINS):
        total = total + values[..., place:bins:HALF_SECOND_BINS]
    return total


def mean_by_hop(values: FloatArray) -> FloatArray:
    """Return the mean of each half second, NaN where most of it is unknown."""
    sums, counts = known_by_hop(values)
    if counts is None:
        return np.asarray(sums / np.float32(HALF_SECOND_BINS))
    return _where_enough(sums / np.maximum(counts, 1), counts, HALF_SECOND_BINS)


def known_by_hop(values: FloatArray) -> tuple[FloatArray, FloatArray | None]:
    """Return `sum_by_hop` of what is known, and of how many bins; None if all are known."""
    unknown = np.isnan(values)
    if not unknown.any():
        return sum_by_hop(values), None
    known = (~unknown).astype(np.float32)
    return sum_by_hop(np.where(unknown, np.float32(0), values)), sum_by_hop(known)


def run_start(active: BoolArray, ends: Places, window: int, dip: int) -> Places:
    """Return where in the `window` places before each of `ends` the present activity began.

    `window` if there is none now, 0 if it is older than the window; pauses shorter than `dip` are
    bridged. Places the window does not hold play no part.
    """
    places = np.arange(len(active))
    resting = places - np.maximum.accumulate(np.where(active, places, -1)) >= dip
    last_resting = np.maximum.accumulate(np.where(resting, places, -1))[ends - 1]
    start = last_resting + 1 - (ends - window)
    return np.asarray(np.where(start >= dip, start, 0), dtype=np.intp)


def mean_known(values: FloatArray) -> FloatArray:
    """Return the mean over the last axis of what is known; NaN where less than half is."""
    width = values.shape[-1]
    unknown = np.isnan(values)
    if not unknown.any():
        return np.asarray(values.sum(axis=-1) / np.float32(width))
    count = width - unknown.sum(axis=-1)
    total = np.where(unknown, np.float32(0), values).sum(axis=-1)
    return _where_enough(total / np.maximum(count, 1), count, width)


def std_known(values: FloatArray) -> FloatArray:
    """Return the standard deviation over the last axis of what is known, else NaN."""
    away = values - mean_known(values)[..., None]
    return np.sqrt(mean_known(away * away))


def quantiles_known(values: FloatArray, *quantiles: float) -> list[FloatArray]:
    """Return quantiles (nearest rank) over the last axis of what is known, else NaN."""
    width = values.shape[-1]
    ordered = np.sort(values, axis=-1)  # NaN last
    if not np.isnan(ordered[..., -1]).any():
        return [ordered[..., round(quantile * (width - 1))] for quantile in quantiles]
    count = (~np.isnan(values)).sum(axis=-1)
    picked = []
    for quantile in quantiles:
        rank = np.clip(np.round(quantile * (count - 1)).astype(np.intp), 0, width - 1)
        value = np.take_along_axis(ordered, rank[..., None], axis=-1)[..., 0]
        picked.append(_where_enough(value, count, width))
    return picked


def rhythm(values: FloatArray, lags: range) -> FloatArray:
    """Return the largest autocorrelation over `lags` bins along the last axis: 1 is a clock."""
    away = values - mean_known(values)[..., None]
    away[np.isnan(away)] = 0
    frames, width = away.shape
    padded = np.concatenate([np.zeros((frames, lags[-1]), dtype=np.float32), away], axis=1)
    shifted = np.lib.stride_tricks.sliding_window_view(padded, width, axis=1)[:, : len(lags)]
    products = np.einsum("fi,fli->fl", away, shifted)
    energy = np.einsum("fi,fi->f", away, away)
    return np.asarray(products.max(axis=1) / np.maximum(energy, np.float32(1e-12)))


def columns(*features: npt.NDArray[np.floating | np.integer]) -> FloatArray:
    """Put features side by side, shape (frames, features)."""
    return np.stack(features, axis=1).astype(np.float32)


def _where_enough(
    values: npt.NDArray[np.floating], count: npt.NDArray[np.integer | np.floating], width: int
) -> FloatArray:
    return np.where(count * 2 >= width, values, np.nan).astype(np.float32)
