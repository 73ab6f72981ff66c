"""The last minutes of both streams, as far as frames look back."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from sensing.emg import EmgBins, cut_bins, join_bins, missing_bins
from sensing.features import HALF_SECOND_BINS, LONG_HOPS, WINDOW_BINS, AccWindows, Windows
from sensing.features.windows import (
    ACTIVE_LEVEL,
    STRONG_LEVEL,
    Activity,
    Places,
    Series,
    SummedSeries,
    known_by_hop,
    mean_by_hop,
    sum_by_hop,
)
from sensing.types import Quality

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sensing.acc import AccBins
    from sensing.types import BoolArray, ByteArray, EmgFormat, FloatArray

Shares = npt.NDArray[np.float64]

_LONG_BINS = LONG_HOPS * HALF_SECOND_BINS
"""Bins the context of a run is judged on."""

_SERIES = ("strong", "power", "hum", "mean")
"""Fields of `Windows` that are made once for each bin."""


class EmgHistory:
    """Bins that wait for acceleration, and what features see of those before them.

    Levels are kept for five minutes before the oldest waiting bin, other series for one minute.
    """

    def __init__(self, form: EmgFormat) -> None:
        channels = len(form.labels)
        self._bins = missing_bins(channels, 0)
        self._quality = np.zeros((channels, 0), dtype=np.uint8)
        self._level = np.full((channels, _LONG_BINS), np.nan, dtype=np.float32)
        self._series = np.full((len(_SERIES), channels, WINDOW_BINS), np.nan, dtype=np.float32)

    @property
    def pending(self) -> int:
        """Bins not released yet."""
        return self._quality.shape[1]

    def add(self, bins: EmgBins, quality: ByteArray) -> None:
        """Append bins."""
        level = _level(bins, quality)
        series = np.stack(_series_of(bins, level))
        series[:, np.isnan(level)] = np.nan
        self._bins = join_bins([self._bins, bins])
        self._quality = np.concatenate([self._quality, quality], axis=1)
        self._level = np.concatenate([self._level, level], axis=1)
        self._series = np.concatenate([self._series, series], axis=2)

    def share_known(self, ends: Places, width: int) -> Shares:
        """Return how much of the `width` bins before each of `ends` can be judged, by channel."""
        level, ends = self._reaching(ends, width)
        return _share(~np.isnan(level), ends, width)

    def share_active(self, ends: Places, width: int) -> Shares:
        """Return in how much of the `width` bins before each of `ends` a channel was active."""
        level, ends = self._reaching(ends, width)
        return _share(level > ACTIVE_LEVEL, ends, width)

    def _reaching(self, ends: Places, width: int) -> tuple[FloatArray, Places]:
        """Return the levels from before the first window on, and where the windows end in them."""
        first = int(ends[0]) + _LONG_BINS - width - 1
        return self._level[:, first:], ends + (_LONG_BINS - first)

    def windows(self, channel: int, ends: Places, acc: AccWindows) -> Windows:
        """Return what the features see of one channel in frames that end at `ends`."""
        level, other_level = self._level[channel], _others(self._level, channel)
        recent = [both[_LONG_BINS - WINDOW_BINS :] for both in (level, other_level)]
        names = (*_SERIES, "level", "other_level")
        hops = ends // HALF_SECOND_BINS + LONG_HOPS
        return Windows(
            **_summed(names, [*self._series[:, channel], *recent], ends),
            floor=self._bins.floor[channel][ends - 1],
            acc=acc,
            course=Series(mean_by_hop(level), hops),
            activity=Activity(_mostly_active(level), hops),
            other_activity=Activity(_mostly_active(other_level), hops),
        )

    def release(self, bins: int) -> tuple[EmgBins, ByteArray, FloatArray]:
        """Hand out the oldest pending bins; what later windows reach of them stays."""
        level = self._level[:, _LONG_BINS : _LONG_BINS + bins]
        released = cut_bins(self._bins, slice(bins)), self._quality[:, :bins], level
        self._bins = cut_bins(self._bins, slice(bins, None))
        self._quality = self._quality[:, bins:]
        self._level = self._level[:, bins:]
        self._series = self._series[:, :, bins:]
        return released


class AccHistory:
    """The last minute of acceleration, looked up by time: its bins may differ in length."""

    def __init__(self, bin_s: float) -> None:
        self._bin_s = bin_s
        self._values = np.full((7, WINDOW_BINS), np.nan, dtype=np.float32)
        self._first = -WINDOW_BINS

    def add(self, bins: AccBins) -> None:
        """Append bins."""
        if not len(bins):
            return
        new = np.concatenate([bins.mean, bins.resting, bins.shake[None]])
        self._values = np.concatenate([self._values, new], axis=1)

    def add_nothing(self, bins: int) -> None:
        """Append bins without acceleration."""
        nothing = np.full((7, bins), np.nan, dtype=np.float32)
        self._values = np.concatenate([self._values, nothing], axis=1)

    def count_at(self, bin_s: float) -> int:
        """Return how many EMG bins of `bin_s` seconds are covered."""
        known = self._first + self._values.shape[1]
        return int(known * self._bin_s / bin_s + 1e-6)

    def windows(self, ends: Places, bin_s: float) -> AccWindows:
        """Return what the features see of acceleration in frames that end at `ends`."""
        last = self._place(ends * bin_s)
        return AccWindows(
            gravity=self._values[:3],
            shake=Series(self._values[6], last),
            resting_gravity=self._values[3:6, last - 1],
        )

    def at_bins(self, first: int, bins: int, bin_s: float) -> tuple[FloatArray, FloatArray]:
        """Return gravity and shake at consecutive EMG bins."""
        index = self._place((first + np.arange(bins) + 0.5) * bin_s)
        index = np.minimum(index, self._values.shape[1] - 1)
        return self._values[:3, index], self._values[6, index]

    def forget_before(self, bin_number: int, bin_s: float) -> None:
        """Drop what no later window can reach."""
        drop = int(self._place(np.float64(bin_number * bin_s))) - WINDOW_BINS
        self._values = self._values[:, drop:]
        self._first += drop

    def _place(self, time_s: npt.NDArray[np.floating] | np.float64) -> Places:
        return np.asarray(np.floor(time_s / self._bin_s + 1e-6) - self._first, dtype=np.int64)


def _level(bins: EmgBins, quality: ByteArray) -> FloatArray:
    """Return log2 of amplitude over noise floor, NaN where a bin cannot be judged."""
    floor = np.where(quality == Quality.GOOD, bins.floor, np.float32(np.nan))
    ratio = bins.power / np.square(floor)
    return np.asarray(0.5 * np.log2(np.maximum(ratio, np.float32(1e-4))), dtype=np.float32)


def _series_of(bins: EmgBins, level: FloatArray) -> tuple[FloatArray, ...]:
    """Return the series named in `_SERIES`, shape (channels, bins) each."""
    return (level > STRONG_LEVEL).astype(np.float32), bins.power, bins.hum, bins.mean


def _summed(
    names: Sequence[str], rows: Sequence[FloatArray], ends: Places
) -> dict[str, SummedSeries]:
    """Return series of the last minute by their names in `Windows`."""
    values = np.stack(rows)
    sums, counts = known_by_hop(values)
    places = ends + WINDOW_BINS
    return {
        name: SummedSeries(values[row], places, sums[row], None if counts is None else counts[row])
        for row, name in enumerate(names)
    }


def _share(true: BoolArray, ends: Places, width: int) -> Shares:
    """Return the share of True in the `width` bins before each of `ends`, by channel."""
    begun = np.cumsum(true, axis=1, dtype=np.int32)  # of bins up to, and with, each place
    return np.asarray((begun[:, ends - 1] - begun[:, ends - 1 - width]) / width)


def _others(level: FloatArray, channel: int) -> FloatArray:
    """Return the largest level of all other channels, shape (bins,)."""
    others = np.delete(level, channel, axis=0)
    if not len(others):
        return np.full(level.shape[1], np.nan, dtype=np.float32)
    return np.asarray(np.fmax.reduce(others, axis=0))


def _mostly_active(level: FloatArray) -> BoolArray:
    """Return in which half seconds most bins are active."""
    return sum_by_hop((level > ACTIVE_LEVEL).astype(np.float32)) > HALF_SECOND_BINS // 2
