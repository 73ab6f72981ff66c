"""The night at one value a second, built as it passes."""

from __future__ import annotations

from dataclasses import fields, replace

import numpy as np
import numpy.typing as npt

from sensing.frames import HOP_BINS, FrontEndOutput
from sensing.quality import MISSING_SHARE, mark_isolated
from sensing.types import ByteArray, FloatArray, Quality, Seconds

_MOST_PARTS = 256
"""Parts of the night that are kept apart: live, each is a second in six arrays, whose headers take
far more room than what is in them."""


class SecondsBuilder:
    """Collects bins and scores into seconds; bins of an unfinished second wait.

    Parameters
    ----------
    channels : int
    bin_s : float
        Length of a bin in seconds.
    """

    def __init__(self, channels: int, bin_s: float) -> None:
        self._bin_s = bin_s
        self._first_bin = 0
        self._waiting = _nothing(channels)
        self._done = [_nothing(channels)]

    def push(self, output: FrontEndOutput, scores: FloatArray) -> None:
        """Take what the front end completed, and the score of each of its frames."""
        if not output.quality.shape[1]:
            return
        new = _in_bins(output, scores, self._first_bin + self._count())
        self._waiting = _join([self._waiting, new])
        end = self._first_bin + self._count()
        self._collect(int(np.searchsorted(self._seconds(), self._second_of(end))))

    def finish(self) -> Seconds:
        """Return the whole night; good seconds too isolated to hold a cramp are marked."""
        self._collect(self._count())
        night = _join(self._done)
        return replace(night, quality=mark_isolated(night.quality))

    def _count(self) -> int:
        return int(self._waiting.quality.shape[1])

    def _second_of(self, place: int) -> int:
        return int(place * self._bin_s + 1e-6)

    def _seconds(self) -> npt.NDArray[np.int64]:
        """Return the second in which each waiting bin begins."""
        places = self._first_bin + np.arange(self._count())
        return np.asarray(np.floor(places * self._bin_s + 1e-6), dtype=np.int64)

    def _collect(self, bins: int) -> None:
        """Turn the oldest waiting bins into seconds."""
        if not bins:
            return
        starts = np.flatnonzero(np.diff(self._seconds()[:bins], prepend=-1))
        self._done.append(_per_second(_cut(self._waiting, slice(bins)), starts))
        if len(self._done) > _MOST_PARTS:
            self._done = [_join(self._done)]
        self._waiting = _cut(self._waiting, slice(bins, None))
        self._first_bin += bins


def _in_bins(output: FrontEndOutput, scores: FloatArray, first_bin: int) -> Seconds:
    """Return the fields of `Seconds` with one value a bin; activity is a variance still."""
    emg = output.emg
    score = np.full(output.quality.shape[1], np.nan, dtype=np.float32)
    if len(scores):  # frames follow each other hop by hop
        begin = output.frame_end_bin[0] - first_bin - HOP_BINS
        score[begin : begin + len(scores) * HOP_BINS] = np.repeat(scores, HOP_BINS)
    return Seconds(
        rms=np.where(emg.missing, np.float32(np.nan), np.sqrt(emg.power)),
        floor=emg.floor,
        quality=output.quality,
        gravity=output.gravity,
        activity=output.shake,
        score=score,
    )


def _per_second(fine: Seconds, starts: npt.NDArray[np.intp]) -> Seconds:
    """Summarise bins; `starts` holds the first bin of each second."""
    count = np.diff(np.r_[starts, fine.quality.shape[1]])
    gravity = np.add.reduceat(fine.gravity, starts, axis=1) / count
    squares = np.add.reduceat(fine.gravity**2, starts, axis=1) / count
    between = np.maximum((squares - gravity**2).sum(axis=0), 0)
    within = np.add.reduceat(fine.activity, starts) / count
    return Seconds(
        rms=np.fmax.reduceat(fine.rms, starts, axis=1),
        floor=fine.floor[:, starts],
        quality=_worst_state(fine.quality, starts, count),
        gravity=gravity.astype(np.float32),
        activity=np.sqrt(between + within).astype(np.float32),
        score=np.fmax.reduceat(fine.score, starts),
    )


def _worst_state(
    quality: ByteArray, starts: npt.NDArray[np.intp], count: npt.NDArray[np.intp]
) -> ByteArray:
    """Return the most frequent bad state of each second, GOOD unless bad bins are too many."""
    if not quality.any():
        return np.zeros((len(quality), len(starts)), dtype=np.uint8)
    shares = np.stack(
        [np.add.reduceat(quality == state, starts, axis=1, dtype=np.float32) for state in Quality]
    )
    shares[Quality.GOOD] = 0
    bad = shares.sum(axis=0) / count
    return np.where(bad > MISSING_SHARE, shares.argmax(axis=0), Quality.GOOD).astype(np.uint8)


def _nothing(channels: int) -> Seconds:
    """Return no seconds at all."""
    values = np.zeros((channels, 0), dtype=np.float32)
    one = np.zeros(0, dtype=np.float32)
    gravity = np.zeros((3, 0), dtype=np.float32)
    return Seconds(values, values, values.astype(np.uint8), gravity, one, one)


def _join(parts: list[Seconds]) -> Seconds:
    return Seconds(
        **{
            field.name: np.concatenate([getattr(part, field.name) for part in parts], axis=-1)
            for field in fields(Seconds)
        }
    )


def _cut(part: Seconds, where: slice) -> Seconds:
    return Seconds(
        **{field.name: getattr(part, field.name)[..., where] for field in fields(Seconds)}
    )
