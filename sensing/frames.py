"""The front end: samples of both streams in, bins with their state and frames with features out."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from nightcramp.errors import UsageError
from sensing.acc import AccBins, AccChain
from sensing.emg import (
    EmgBins,
    EmgChain,
    bin_samples,
    cut_bins,
    join_bins,
    mean_frequency_hz,
    missing_bins,
)
from sensing.features import (
    FEATURE_NAMES,
    LONG_HOPS,
    WINDOW_BINS,
    AccWindows,
    Windows,
    compute_features,
)
from sensing.features.windows import ACTIVE_LEVEL, mean_known
from sensing.filters import band_hz
from sensing.quality import QualityMonitor
from sensing.types import AccFormat, BoolArray, ByteArray, EmgFormat, FloatArray, Quality

LOWEST_RATE_HZ, HIGHEST_RATE_HZ = 200.0, 4000.0
"""Sampling rates of EMG that leave enough of the band above 20 Hz."""

HOP_BINS = 5
"""Bins from one frame to the next: half a second."""

FRAME_BINS = 10
"""Bins of a frame: one second."""

GATE_BINS = 50
"""A frame is worth classifying if within this many bins (five seconds) ..."""

GATE_SHARE = 0.2
"""... at least this share is above one and a half noise floors; else the muscle rests."""

VALID_SHARE = 0.7
"""Share of good bins a frame needs to be judged."""


_NO_FEATURES = np.zeros((0, len(FEATURE_NAMES)), dtype=np.float32)


@dataclass(frozen=True, slots=True)
class FrontEndOutput:
    """What one push completed: whole hops of half a second.

    Attributes
    ----------
    emg : EmgBins
        Bins of the completed hops.
    quality : uint8 array, shape (channels, bins)
        State of each bin, values of `Quality`.
    level : float32 array, shape (channels, bins)
        log2 of amplitude over noise floor; NaN where it cannot be judged.
    gravity, shake : float32 arrays, shapes (3, bins) and (bins,)
        Acceleration at each EMG bin; NaN without an accelerometer.
    frame_end_bin : int array, shape (frames,)
        Number of bins from the start of the recording to the end of each frame.
    valid : bool array, shape (channels, frames)
        Whether the frame can be judged.
    active_channel, active_frame : int arrays, shape (rows,)
        Which channel and frame of this output each row of `features` belongs to.
    features : float32 array, shape (rows, features)
        Features of the frames in which something stirs; all others rest.
    """

    emg: EmgBins
    quality: ByteArray
    level: FloatArray
    gravity: FloatArray
    shake: FloatArray
    frame_end_bin: npt.NDArray[np.int64]
    valid: BoolArray
    active_channel: npt.NDArray[np.intp]
    active_frame: npt.NDArray[np.intp]
    features: FloatArray


class FrontEnd:
    """Signal stage of one recording; any chunking gives the same bins and frames.

    Parameters
    ----------
    emg : EmgFormat
    acc : AccFormat, optional

    Raises
    ------
    UsageError
        If the EMG rate is outside 200 to 4000 Hz.
    """

    def __init__(self, emg: EmgFormat, acc: AccFormat | None = None) -> None:
        if not LOWEST_RATE_HZ <= emg.rate_hz <= HIGHEST_RATE_HZ:
            raise UsageError(
                f"EMG at {emg.rate_hz:g} Hz cannot be judged: the band from 20 Hz upwards needs "
                f"{LOWEST_RATE_HZ:g} to {HIGHEST_RATE_HZ:g} samples per second"
            )
        self.format = emg
        self.bin_s = bin_samples(emg.rate_hz) / emg.rate_hz
        self._emg = EmgChain(emg)
        self._acc = AccChain(acc) if acc else None
        self._quality = QualityMonitor(len(emg.labels), emg.rate_hz, scaled=emg.scaled)
        self._history = _History(emg)
        self._acc_history = _AccHistory(self._acc.bin_s if self._acc else self.bin_s)
        self._done_bins = 0

    def push(
        self, emg: npt.NDArray[np.floating], acc: npt.NDArray[np.floating] | None = None
    ) -> FrontEndOutput:
        """Take the next samples of either stream; NaN where samples are missing.

        Parameters
        ----------
        emg : float array, shape (channels, samples)
            May be empty.
        acc : float array, shape (3, samples), optional
            Acceleration that arrived meanwhile; the streams need not be in step.
        """
        bins = self._emg.push(emg)
        self._history.add(bins, self._quality.push(bins))
        if self._acc is None:
            self._acc_history.add_nothing(len(bins))
        elif acc is not None:
            self._acc_history.add(self._acc.push(acc))
        return self._frames(self._history.pending // HOP_BINS * HOP_BINS)

    def finish(self) -> FrontEndOutput:
        """Judge what waits for acceleration that never came; the last bins form no whole hop."""
        missing = self._done_bins + self._history.pending - self._acc_history.count_at(self.bin_s)
        self._acc_history.add_nothing(max(0, missing) + 1)
        return self._frames(self._history.pending)

    def _frames(self, bins: int) -> FrontEndOutput:
        """Release up to `bins` pending bins that acceleration has caught up with."""
        covered = self._acc_history.count_at(self.bin_s) - self._done_bins
        if bins > covered:
            bins = max(0, covered // HOP_BINS * HOP_BINS)
        first = self._done_bins
        self._done_bins += bins
        ends = np.arange(first // HOP_BINS + 1, self._done_bins // HOP_BINS + 1) * HOP_BINS
        ends = ends[ends >= FRAME_BINS]
        valid, gate = self._history.judge_frames(ends - first)
        channel, frame = np.nonzero(gate)
        windows = [
            self._windows(which, ends[frame[channel == which]], first)
            for which in range(len(self.format.labels))
            if (channel == which).any()
        ]
        features = [compute_features(window) for window in windows]
        gravity, shake = self._acc_history.at_bins(first, bins, self.bin_s)
        emg, quality, level = self._history.release(bins)
        self._acc_history.forget_before(self._done_bins, self.bin_s)
        return FrontEndOutput(
            emg=emg,
            quality=quality,
            level=level,
            gravity=gravity,
            shake=shake,
            frame_end_bin=ends.astype(np.int64),
            valid=valid,
            active_channel=channel,
            active_frame=frame,
            features=np.concatenate([_NO_FEATURES, *features]),
        )

    def _windows(self, channel: int, ends: npt.NDArray[np.int64], first: int) -> Windows:
        acc = self._acc_history.windows(ends, self.bin_s)
        return self._history.windows(channel, ends - first, acc)


class _History:
    """The last minutes of EMG bins, and bins whose frames wait for acceleration.

    Levels are kept for five minutes, all else for one; both are cut when bins are released.
    """

    def __init__(self, form: EmgFormat) -> None:
        self._rate_hz = form.rate_hz
        self._bins = missing_bins(len(form.labels), WINDOW_BINS)
        self._quality = np.full((len(form.labels), WINDOW_BINS), Quality.WARM_UP, dtype=np.uint8)
        shape = len(form.labels), LONG_HOPS * HOP_BINS
        self._level = np.full(shape, np.nan, dtype=np.float32)

    @property
    def pending(self) -> int:
        """Bins not released yet."""
        return self._quality.shape[1] - WINDOW_BINS

    def add(self, bins: EmgBins, quality: ByteArray) -> None:
        """Append bins."""
        good = quality == Quality.GOOD
        ratio = np.where(good, bins.power, np.nan) / np.square(np.where(good, bins.floor, np.nan))
        level = 0.5 * np.log2(np.maximum(ratio, np.float32(1e-4)))
        self._bins = join_bins([self._bins, bins])
        self._quality = np.concatenate([self._quality, quality], axis=1)
        self._level = np.concatenate([self._level, level.astype(np.float32)], axis=1)

    def judge_frames(self, ends: npt.NDArray[np.int64]) -> tuple[BoolArray, BoolArray]:
        """Return which frames can be judged and which are worth it, (channels, frames) each."""
        at = ends[:, None] + LONG_HOPS * HOP_BINS
        frame = self._level[:, at + np.arange(-FRAME_BINS, 0)]
        valid = (~np.isnan(frame)).mean(axis=2) >= VALID_SHARE
        recent = self._level[:, at + np.arange(-GATE_BINS, 0)]
        stirring = (recent > ACTIVE_LEVEL).mean(axis=2) >= GATE_SHARE
        return valid, valid & stirring

    def windows(self, channel: int, ends: npt.NDArray[np.int64], acc: AccWindows) -> Windows:
        """Return what the features see of one channel in frames that end at `ends`."""
        index = ends[:, None] + np.arange(WINDOW_BINS)
        recent = self._level[:, LONG_HOPS * HOP_BINS - WINDOW_BINS :]
        level = recent[channel][index]
        unknown = np.isnan(level)

        def known(values: FloatArray) -> FloatArray:
            return np.where(unknown, np.float32(np.nan), values[channel][index])

        power, slope, curve = (
            known(values) for values in (self._bins.power, self._bins.slope, self._bins.curve)
        )
        hops = ends[:, None] // HOP_BINS + np.arange(LONG_HOPS)
        return Windows(
            level=level,
            power=power,
            slope=slope,
            fourth=known(self._bins.fourth),
            crossings=known(self._bins.crossings),
            hum=known(self._bins.hum),
            mean=known(self._bins.mean),
            frequency=mean_frequency_hz(slope, power, self._rate_hz),
            curve_frequency=mean_frequency_hz(curve, slope, self._rate_hz),
            floor=self._bins.floor[channel][ends + WINDOW_BINS - 1],
            acc=acc,
            other_level=_others(recent, channel)[index],
            course=_course(self._level[channel])[hops],
            active=_mostly_active(self._level[channel])[hops],
            other_active=_mostly_active(_others(self._level, channel))[hops],
            band_high_hz=band_hz(self._rate_hz)[1],
        )

    def release(self, bins: int) -> tuple[EmgBins, ByteArray, FloatArray]:
        """Hand out the oldest pending bins; the last minute stays for later windows."""
        out = slice(WINDOW_BINS, WINDOW_BINS + bins)
        level = self._level[:, LONG_HOPS * HOP_BINS : LONG_HOPS * HOP_BINS + bins]
        released = cut_bins(self._bins, out), self._quality[:, out], level
        self._bins = cut_bins(self._bins, slice(bins, None))
        self._quality = self._quality[:, bins:]
        self._level = self._level[:, bins:]
        return released


class _AccHistory:
    """The last minute of acceleration, looked up by time: its bins may differ in length."""

    def __init__(self, bin_s: float) -> None:
        self._bin_s = bin_s
        self._values = np.full((7, WINDOW_BINS), np.nan, dtype=np.float32)
        self._first = -WINDOW_BINS

    def add(self, bins: AccBins) -> None:
        """Append bins."""
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

    def windows(self, ends: npt.NDArray[np.int64], bin_s: float) -> AccWindows:
        """Return what the features see of acceleration in frames that end at `ends`."""
        last = self._place(ends * bin_s)
        index = last[:, None] + np.arange(-WINDOW_BINS, 0)
        return AccWindows(
            gravity=np.ascontiguousarray(self._values[:3, index].transpose(1, 0, 2)),
            shake=self._values[6][index],
            resting_gravity=np.ascontiguousarray(self._values[3:6, last - 1].T),
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

    def _place(self, time_s: npt.NDArray[np.floating] | np.float64) -> npt.NDArray[np.int64]:
        return np.asarray(np.floor(time_s / self._bin_s + 1e-6) - self._first, dtype=np.int64)


def _others(level: FloatArray, channel: int) -> FloatArray:
    """Return the largest level of all other channels, shape (bins,)."""
    others = np.delete(level, channel, axis=0)
    if not len(others):
        return np.full(level.shape[1], np.nan, dtype=np.float32)
    return np.asarray(np.fmax.reduce(others, axis=0))


def _course(level: FloatArray) -> FloatArray:
    """Return the mean level of each half second, NaN where most of it cannot be judged."""
    return mean_known(_by_half_second(level))


def _mostly_active(level: FloatArray) -> BoolArray:
    """Return in which half seconds most bins are active."""
    return np.asarray((_by_half_second(level) > ACTIVE_LEVEL).sum(axis=1) > HOP_BINS // 2)


def _by_half_second(level: FloatArray) -> FloatArray:
    """Return the bins of each half second, shape (half seconds, HOP_BINS)."""
    return level[: len(level) // HOP_BINS * HOP_BINS].reshape(-1, HOP_BINS)
