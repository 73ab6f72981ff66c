"""The front end: samples of both streams in, bins with their state and frames with features out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from nightcramp.errors import UsageError
from sensing.acc import AccChain
from sensing.emg import EmgBins, EmgChain, bin_samples
from sensing.features import FEATURE_NAMES, HALF_SECOND_BINS, Windows, compute_features
from sensing.history import AccHistory, EmgHistory
from sensing.quality import QualityMonitor

if TYPE_CHECKING:
    from sensing.types import AccFormat, BoolArray, ByteArray, EmgFormat, FloatArray

LOWEST_RATE_HZ, HIGHEST_RATE_HZ = 200.0, 4000.0
"""Sampling rates of EMG that leave enough of the band above 20 Hz."""

HOP_BINS = HALF_SECOND_BINS
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
        self._history = EmgHistory(emg)
        self._acc_history = AccHistory(self._acc.bin_s if self._acc else self.bin_s)
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
        if len(bins):
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
        valid, stirring = self._judge(ends - first)
        channel, frame = np.nonzero(valid & stirring)
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

    def _judge(self, ends: npt.NDArray[np.int64]) -> tuple[BoolArray, BoolArray]:
        """Return which frames can be judged, and in which something stirs, by channel."""
        if not len(ends):
            nothing = np.zeros((len(self.format.labels), 0), dtype=np.bool_)
            return nothing, nothing
        return (
            self._history.share_known(ends, FRAME_BINS) >= VALID_SHARE,
            self._history.share_active(ends, GATE_BINS) >= GATE_SHARE,
        )

    def _windows(self, channel: int, ends: npt.NDArray[np.int64], first: int) -> Windows:
        acc = self._acc_history.windows(ends, self.bin_s)
        return self._history.windows(channel, ends - first, acc)
