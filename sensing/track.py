"""The recent past of a recording, as episodes are found in it: levels, amplitudes, stretches."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from sensing.frames import FRAME_BINS, HOP_BINS, FrontEndOutput

if TYPE_CHECKING:
    from sensing.types import BoolArray, FloatArray

SMOOTH_BINS = 5
"""The envelope is looked at over half a second; edges are right to a quarter."""


class Track:
    """Levels, amplitudes, scores and movement of the recent past, by bin number."""

    def __init__(self, channels: int, bin_s: float) -> None:
        self.start = 0
        self.bin_s = bin_s
        self._level = np.zeros((channels, 0), dtype=np.float32)
        self._rms = np.zeros((channels, 0), dtype=np.float32)
        self._scores = np.zeros((channels, 0), dtype=np.float32)
        self._acceleration = np.zeros((4, 0), dtype=np.float32)

    @property
    def end(self) -> int:
        """Number of the bin after the newest."""
        return self.start + self._level.shape[1]

    def add(self, output: FrontEndOutput, scores: FloatArray) -> None:
        """Append bins, and the scores of their frames to the half second each frame ends with."""
        by_bin = np.full(output.level.shape, np.nan, dtype=np.float32)
        if len(output.frame_end_bin):
            first = int(output.frame_end_bin[0]) - HOP_BINS - self.end
            spread = np.repeat(scores, HOP_BINS, axis=1)
            by_bin[:, first : first + spread.shape[1]] = spread
        movement = _movement(output, self._acceleration[:3, -1:])
        acceleration = np.concatenate([output.gravity, movement[None]])
        self._level = np.concatenate([self._level, output.level], axis=1)
        self._rms = np.concatenate([self._rms, np.sqrt(output.emg.power)], axis=1)
        self._scores = np.concatenate([self._scores, by_bin], axis=1)
        self._acceleration = np.concatenate([self._acceleration, acceleration], axis=1)

    def forget_before(self, bin_number: int) -> None:
        """Drop older bins."""
        drop = max(0, bin_number - self.start)
        self._level = self._level[:, drop:]
        self._rms = self._rms[:, drop:]
        self._scores = self._scores[:, drop:]
        self._acceleration = self._acceleration[:, drop:]
        self.start += drop

    def scores(self, channel: int, first: int, last: int) -> FloatArray:
        """Return the score of each bin, NaN where there is none."""
        return self._scores[channel, self._part(first, last)]

    def levels(self, first: int, last: int) -> FloatArray:
        """Return the level of all channels, shape (channels, bins); NaN where it is not known."""
        return self._level[:, self._part(first, last)]

    def gravity(self, first: int, last: int) -> FloatArray:
        """Return acceleration in g, shape (3, bins); NaN where it is not known."""
        return self._acceleration[:3, self._part(first, last)]

    def movement(self, first: int, last: int) -> FloatArray:
        """Return how much the leg moves in each bin, in g squared; NaN where it is not known."""
        return self._acceleration[3, self._part(first, last)]

    def _part(self, first: int, last: int) -> slice:
        """Return where bins are kept; those before the start of the track are left out."""
        return slice(max(first - self.start, 0), max(last - self.start, 0))

    def envelope(self, channel: int, first: int, last: int) -> FloatArray:
        """Return the level smoothed over half a second; NaN where a bin cannot be judged."""
        level = self._level[channel, self._part(first, last)]
        if len(level) < SMOOTH_BINS:
            return level
        half = SMOOTH_BINS // 2
        padded = np.pad(level, half, mode="edge")
        windows = np.lib.stride_tricks.sliding_window_view(padded, SMOOTH_BINS)
        return np.where(np.isnan(level), np.float32(np.nan), np.median(windows, axis=1))

    def strength(self, channel: int, first: int, last: int) -> tuple[float, float]:
        """Return median amplitude in multiples of the floor and in the recording's unit."""
        part = self._part(first, last)
        level = self._level[channel, part]
        known = ~np.isnan(level)
        if not known.any():
            return float("nan"), float("nan")
        return (
            float(2.0 ** np.median(level[known])),
            float(np.median(self._rms[channel, part][known])),
        )


def _movement(output: FrontEndOutput, before: FloatArray) -> FloatArray:
    """Return squared change of acceleration since the last bin, and variance within the bin.

    The change alone is seen by an accelerometer that takes one sample a bin. `before` is what the
    last bin held, shape (3, 1), or (3, 0) at the start.
    """
    if not before.shape[1]:
        before = np.full((3, 1), np.nan, dtype=np.float32)
    x, y, z = np.square(np.diff(output.gravity, axis=1, prepend=before))
    return np.asarray(x + y + z + output.shake, dtype=np.float32)


def start_of_activity(up: BoolArray, dip: int) -> int:
    """Return where the activity that reaches the end began; quiet of `dip` bins ends it."""
    found = stretches(up, dip)
    return found[-1][0] if found else max(0, len(up) - FRAME_BINS)


def stretches(up: BoolArray, dip: int) -> list[tuple[int, int]]:
    """Return (first, last + 1) of stretches of True; pauses of up to `dip` are bridged."""
    places = np.flatnonzero(up)
    if not len(places):
        return []
    breaks = np.flatnonzero(np.diff(places) > dip)
    begins = places[np.r_[0, breaks + 1]]
    ends = places[np.r_[breaks, len(places) - 1]] + 1
    return list(zip(begins.tolist(), ends.tolist(), strict=True))
