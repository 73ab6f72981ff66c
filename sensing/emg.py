"""EMG samples to bins: what each tenth of a second of each channel looks like.

Everything later (quality, features, episodes, leg movements) is made from bins, so that a night
passes through this stage once and is never kept.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from sensing.filters import BandPass, MainsNotch, band_hz
from sensing.floor import NoiseFloor
from sensing.mains import MainsMonitor

if TYPE_CHECKING:
    from sensing.types import BoolArray, EmgFormat, FloatArray

Samples = npt.NDArray[np.float64]

BIN_S = 0.1
"""Length of a bin; rounded to whole samples of the stream."""

EPOCH_BINS = 100
"""Bins between two judgements of mains and noise floor (10 s)."""

SETTLING_S = 0.3
"""After a gap the filters need this long; bins in it count as missing."""

_CLIP_MARGIN = 0.005
"""Samples within this share of the range from its ends are clipped."""

_PLATEAU_FLOORS = 20.0
"""A bin that spans more floors than this and rests on its own extremes is clipped as well."""

_PLATEAU_SHARE = 0.3


@dataclass(frozen=True, slots=True)
class EmgBins:
    """Bins of all channels; every array has shape (channels, bins).

    Attributes
    ----------
    power : float32 array
        Mean square of the filtered signal, in squared units of the recording.
    slope, curve : float32 array
        Mean square of its first and second difference.
    fourth : float32 array
        Mean fourth power.
    crossings : float32 array
        Zero crossings per second.
    hum : float32 array
        Mean square of what the mains notches removed.
    mean : float32 array
        Mean of the unfiltered signal.
    span : float32 array
        Largest minus smallest value of the unfiltered signal.
    clipped : float32 array
        Share of samples at the end of the range.
    floor : float32 array
        Noise floor (RMS) in force; NaN while it is not known.
    missing : bool array
        True where samples were lost or the filters still settle.
    """

    power: FloatArray
    slope: FloatArray
    curve: FloatArray
    fourth: FloatArray
    crossings: FloatArray
    hum: FloatArray
    mean: FloatArray
    span: FloatArray
    clipped: FloatArray
    floor: FloatArray
    missing: BoolArray

    def __len__(self) -> int:
        return int(self.power.shape[1])


def join_bins(parts: list[EmgBins]) -> EmgBins:
    """Put consecutive bins one after the other."""
    return EmgBins(
        **{
            field.name: np.concatenate([getattr(part, field.name) for part in parts], axis=1)
            for field in fields(EmgBins)
        }
    )


def cut_bins(bins: EmgBins, part: slice) -> EmgBins:
    """Return a stretch of bins."""
    return EmgBins(**{field.name: getattr(bins, field.name)[:, part] for field in fields(EmgBins)})


def missing_bins(channels: int, count: int) -> EmgBins:
    """Return bins of which nothing is known."""
    values = np.zeros((channels, count), dtype=np.float32)
    return EmgBins(
        **{field.name: values for field in fields(EmgBins) if field.name != "missing"},
        missing=np.ones((channels, count), dtype=np.bool_),
    )


def mean_frequency_hz(above: FloatArray, below: FloatArray, rate_hz: float) -> FloatArray:
    """Return the root-mean-square frequency of each bin (mobility, Hjorth 1970).

    Parameters
    ----------
    above, below : float32 arrays
        Mean square of a difference of the signal, and of what it is the difference of.
    rate_hz : float
        The arcsine makes up for differences standing in for derivatives, so that recordings of
        different rates compare.
    """
    ratio = above / np.maximum(below, np.float32(1e-12))
    half_angle = np.arcsin(np.minimum(np.sqrt(ratio) / 2, 1))
    return np.asarray(half_angle * (rate_hz / np.pi), dtype=np.float32)


def bin_samples(rate_hz: float) -> int:
    """Return the number of samples of one bin."""
    return int(BIN_S * rate_hz + 0.5)


class EmgChain:
    """Turns EMG samples into bins; state is explicit, any chunking gives the same bins.

    Parameters
    ----------
    form : EmgFormat
        The stream it is fed with.
    """

    def __init__(self, form: EmgFormat) -> None:
        channels = len(form.labels)
        self._form = form
        self.samples_per_bin = bin_samples(form.rate_hz)
        self._band_pass = BandPass(channels, form.rate_hz)
        self._notches = [MainsNotch(form.rate_hz) for _ in range(channels)]
        self._monitors = [
            MainsMonitor(form.rate_hz, band_hz(form.rate_hz)) for _ in range(channels)
        ]
        self._floors = [NoiseFloor(0.3 * step) for step in form.resolution]
        self._limits = _clip_limits(form)
        self._pending = np.zeros((channels, 0))
        self._tail = np.zeros((channels, 0))
        self._last_two = np.zeros((channels, 2))
        self._settling = np.zeros(channels, dtype=np.int64)
        self._epoch_rms = np.zeros((channels, 0), dtype=np.float32)

    def push(self, samples: npt.NDArray[np.floating]) -> EmgBins:
        """Take the next samples, shape (channels, samples), NaN where missing.

        Returns
        -------
        EmgBins
            The bins these samples completed; possibly none.
        """
        self._pending = np.concatenate([self._pending, samples], axis=1, dtype=np.float64)
        used = self._pending.shape[1] // self.samples_per_bin * self.samples_per_bin
        raw, self._pending = self._pending[:, :used], self._pending[:, used:]
        if not used:
            return missing_bins(len(raw), 0)
        return self._bins_of(raw)

    def _bins_of(self, raw: Samples) -> EmgBins:
        """Make whole bins."""
        filtered, restarts = self._band_pass.push(raw)
        missing = self._missing(np.isnan(raw), restarts)
        known = np.nan_to_num(raw)
        hum = self._remove_mains(filtered, raw)
        parts = self._split(filtered)
        power = _mean_square(parts)
        slope, curve, crossings = self._differences(filtered)
        floor = self._follow_floor(np.where(missing, np.float32(np.nan), np.sqrt(power)))
        span, clipped = _range(self._split(known), floor, self._limits)
        return EmgBins(
            power=power,
            slope=slope,
            curve=curve,
            fourth=_mean_square(parts * parts),
            crossings=crossings,
            hum=hum,
            mean=self._split(known).mean(axis=2).astype(np.float32),
            span=span,
            clipped=clipped,
            floor=floor,
            missing=missing,
        )

    def _split(self, samples: Samples) -> Samples:
        return samples.reshape(len(samples), -1, self.samples_per_bin)

    def _missing(self, lost: BoolArray, restarts: BoolArray) -> BoolArray:
        """Mark bins with lost samples, and those in which a filter still settles."""
        by_bin = len(lost), -1, self.samples_per_bin
        missing: BoolArray = np.asarray(lost.reshape(by_bin).any(axis=2), dtype=np.bool_)
        if not restarts.any() and not self._settling.any():
            return missing
        settle = round(SETTLING_S * self._form.rate_hz)
        for channel, restart in enumerate(restarts):
            settling = np.zeros(len(restart), dtype=np.bool_)
            settling[: self._settling[channel]] = True
            left = int(self._settling[channel]) - len(restart)
            for first in np.flatnonzero(restart).tolist():
                settling[first : first + settle] = True
                left = first + settle - len(restart)
            self._settling[channel] = max(0, left)
            missing[channel] |= settling.reshape(-1, self.samples_per_bin).any(axis=1)
        return missing

    def _remove_mains(self, filtered: Samples, raw: Samples) -> FloatArray:
        """Notch the lines that are there, in place; return the power removed in each bin."""
        before = _mean_square(self._split(filtered))
        removed = False
        for first, last, epoch_ends in self._epochs(before.shape[1]):
            part = slice(first * self.samples_per_bin, last * self.samples_per_bin)
            for channel, notch in enumerate(self._notches):
                if notch.lines_hz:
                    removed = True
                    filtered[channel, part] = notch.push(filtered[channel, part])
            if epoch_ends:
                self._judge_mains(raw[:, : part.stop])
        keep = self._monitors[0].segment
        self._tail = np.concatenate([self._tail, raw], axis=1)[:, -keep:]
        if not removed:
            return np.zeros_like(before)
        return np.asarray(np.maximum(before - _mean_square(self._split(filtered)), 0))

    def _judge_mains(self, raw: Samples) -> None:
        """Decide, at the end of an epoch, which lines to remove in the next."""
        length = self._monitors[0].segment
        latest = raw[:, -length:]
        if latest.shape[1] < length:
            latest = np.concatenate([self._tail, latest], axis=1)[:, -length:]
        for channel, monitor in enumerate(self._monitors):
            if not np.isnan(latest[channel]).any():
                self._notches[channel].tune(monitor.judge(latest[channel]))

    def _follow_floor(self, rms: FloatArray) -> FloatArray:
        """Return the noise floor in force in each bin; an epoch's end renews it."""
        floor = np.empty_like(rms)
        for first, last, epoch_ends in self._epochs(rms.shape[1]):
            floor[:, first:last] = [[channel.value] for channel in self._floors]
            self._epoch_rms = np.concatenate([self._epoch_rms, rms[:, first:last]], axis=1)
            if epoch_ends:
                for channel, follower in enumerate(self._floors):
                    follower.add_epoch(self._epoch_rms[channel])
                self._epoch_rms = self._epoch_rms[:, :0]
        return floor

    def _epochs(self, bins: int) -> list[tuple[int, int, bool]]:
        """Return (first, last + 1, whether an epoch ends there) of the parts of the next bins."""
        begun = self._epoch_rms.shape[1]
        edges = [0, *range(EPOCH_BINS - begun, bins, EPOCH_BINS), bins]
        return [(first, last, (begun + last) % EPOCH_BINS == 0) for first, last in pairwise(edges)]

    def _differences(self, filtered: Samples) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Return mean squares of first and second differences, and zero crossings per second."""
        longer = np.concatenate([self._last_two, filtered], axis=1)
        self._last_two = longer[:, -2:]
        first = longer[:, 1:] - longer[:, :-1]
        second = first[:, 1:] - first[:, :-1]
        changes = np.signbit(longer[:, 2:]) != np.signbit(longer[:, 1:-1])
        counts = changes.reshape(len(changes), -1, self.samples_per_bin).sum(axis=2)
        per_second = counts * (self._form.rate_hz / self.samples_per_bin)
        return (
            _mean_square(self._split(first[:, 1:])),
            _mean_square(self._split(second)),
            per_second.astype(np.float32),
        )


def _clip_limits(form: EmgFormat) -> tuple[Samples, Samples]:
    """Return the values from which on samples are clipped, shape (channels, 1) each."""
    lower, upper = np.array(form.limits, dtype=np.float64).T
    margin = _CLIP_MARGIN * (upper - lower)
    return (lower + margin)[:, None], (upper - margin)[:, None]


def _range(
    parts: Samples, floor: FloatArray, limits: tuple[Samples, Samples]
) -> tuple[FloatArray, FloatArray]:
    """Return span and clipped share of each bin, from samples shaped (channels, bins, n)."""
    below, above = limits
    top, bottom = parts.max(axis=2), parts.min(axis=2)
    span = top - bottom
    clipped = np.zeros(span.shape)
    suspect = (top >= above) | (bottom <= below) | (span > _PLATEAU_FLOORS * floor)
    for channel, index in np.argwhere(suspect):
        part = parts[channel, index]
        at_limit = (part >= above[channel]) | (part <= below[channel])
        resting = ((part == part.max()) | (part == part.min())).mean()
        plateau = resting if resting >= _PLATEAU_SHARE else 0.0
        clipped[channel, index] = max(at_limit.mean(), plateau)
    return span.astype(np.float32), clipped.astype(np.float32)


def _mean_square(parts: Samples) -> FloatArray:
    total = np.einsum("cij,cij->ci", parts, parts)
    return np.asarray(total / parts.shape[2], dtype=np.float32)
