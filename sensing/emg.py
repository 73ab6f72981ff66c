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

_PIECE_BINS = 300
"""Samples are worked on half a minute at a time, so that they stay in the processor's cache."""

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
    slope : float32 array
        Mean square of its first difference.
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
        Mean square of the first difference of the signal, and of the signal.
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
        self._pending = np.zeros((channels, 0), dtype=np.float32)
        self._tail = np.zeros((channels, 0))
        self._last = np.zeros((channels, 1))
        self._settling = np.zeros(channels, dtype=np.int64)
        self._epoch_rms = np.zeros((channels, 0), dtype=np.float32)

    def push(self, samples: npt.NDArray[np.floating]) -> EmgBins:
        """Take the next samples, shape (channels, samples), NaN where missing.

        Returns
        -------
        EmgBins
            The bins these samples completed; possibly none.
        """
        waiting = samples
        if self._pending.shape[1]:
            waiting = np.concatenate([self._pending, samples], axis=1)
        used = waiting.shape[1] // self.samples_per_bin * self.samples_per_bin
        self._pending = waiting[:, used:].copy()  # a view would keep all samples in memory
        if not used:
            return missing_bins(len(waiting), 0)
        step = _PIECE_BINS * self.samples_per_bin
        pieces = [waiting[:, first : min(first + step, used)] for first in range(0, used, step)]
        bins = [self._bins_of(piece.astype(np.float64)) for piece in pieces]
        return bins[0] if len(bins) == 1 else join_bins(bins)

    def _bins_of(self, raw: Samples) -> EmgBins:
        """Make whole bins."""
        total = self._split(raw).sum(axis=2)
        lost = np.isnan(total)
        filtered, restarts = self._band_pass.push(raw)
        power, hum = self._remove_mains(filtered, raw)
        known = raw
        if lost.any():
            known = np.nan_to_num(raw)
            total = self._split(known).sum(axis=2)
        missing = self._missing(lost, restarts)
        slope = self._slope(filtered)
        floor = self._follow_floor(np.where(missing, np.float32(np.nan), np.sqrt(power)))
        span, clipped = _range(known, floor, self._limits)
        return EmgBins(
            power=power,
            slope=slope,
            hum=hum,
            mean=(total / self.samples_per_bin).astype(np.float32),
            span=span,
            clipped=clipped,
            floor=floor,
            missing=missing,
        )

    def _split(self, samples: Samples) -> Samples:
        return samples.reshape(len(samples), -1, self.samples_per_bin)

    def _missing(self, lost: BoolArray, restarts: BoolArray) -> BoolArray:
        """Mark bins with lost samples, and those in which a filter still settles."""
        if not restarts.any() and not self._settling.any():
            return lost
        missing = lost.copy()
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

    def _remove_mains(self, filtered: Samples, raw: Samples) -> tuple[FloatArray, FloatArray]:
        """Notch the lines that are there, in place; return what power is left and removed."""
        before = _mean_square(self._split(filtered))
        epochs = self._epochs(before.shape[1])
        strengths = self._line_strengths(raw, [last for _, last, ended in epochs if ended])
        ends = [last * self.samples_per_bin for _, last, ended in epochs if ended]
        removed = [
            self._notch(channel, filtered[channel], list(zip(ends, by_line, strict=True)))
            for channel, by_line in enumerate(np.moveaxis(strengths, 1, 0))
        ]
        keep = self._monitors[0].segment
        self._tail = np.concatenate([self._tail, raw[:, -keep:]], axis=1)[:, -keep:]
        if not any(removed):
            return before, np.zeros_like(before)
        power = _mean_square(self._split(filtered))
        return power, np.maximum(before - power, 0)

    def _notch(self, channel: int, samples: Samples, epochs: list[tuple[int, Samples]]) -> bool:
        """Notch the lines of one channel, in place; return whether there was one.

        Parameters
        ----------
        channel : int
        samples : float64 array, shape (samples,)
        epochs : list of (int, float64 array)
            Where epochs end, and how strong each line is then: it decides on the next epoch.
        """
        notch, monitor = self._notches[channel], self._monitors[channel]
        first, removed = 0, False
        for end, strength in [*epochs, (len(samples), None)]:
            lines = notch.lines_hz
            if strength is not None and not np.isnan(strength).any():
                lines = monitor.decide(strength)
            if lines == notch.lines_hz and strength is not None:
                continue  # one long stretch is filtered faster than its epochs
            if notch.lines_hz and first < end:
                samples[first:end] = notch.push(samples[first:end])
                removed = True
            notch.tune(lines)
            first = end
        return removed

    def _line_strengths(self, raw: Samples, epoch_ends: list[int]) -> Samples:
        """Return how strong each mains line is at the ends of epochs, (epochs, channels, lines)."""
        monitor = self._monitors[0]
        if not epoch_ends:
            return np.zeros((0, len(raw), 0))
        ends = [end * self.samples_per_bin for end in epoch_ends]
        if ends[0] < monitor.segment:
            ends = [end + self._tail.shape[1] for end in ends]
            raw = np.concatenate([self._tail, raw], axis=1)
        latest = np.stack([raw[:, end - monitor.segment : end] for end in ends])
        return monitor.strengths(latest)

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

    def _slope(self, filtered: Samples) -> FloatArray:
        """Return the mean square of the first difference of each bin."""
        longer = np.concatenate([self._last, filtered], axis=1)
        self._last = longer[:, -1:]
        return _mean_square(self._split(longer[:, 1:] - longer[:, :-1]))


def _clip_limits(form: EmgFormat) -> tuple[Samples, Samples]:
    """Return the values from which on samples are clipped, shape (channels, 1) each."""
    lower, upper = np.array(form.limits, dtype=np.float64).T
    margin = _CLIP_MARGIN * (upper - lower)
    return (lower + margin)[:, None], (upper - margin)[:, None]


def _range(
    samples: Samples, floor: FloatArray, limits: tuple[Samples, Samples]
) -> tuple[FloatArray, FloatArray]:
    """Return span and clipped share of each bin of known samples, shape (channels, bins)."""
    below, above = limits
    length = samples.shape[1] // floor.shape[1]
    begins = np.arange(0, samples.shape[1], length)
    top = np.maximum.reduceat(samples, begins, axis=1)  # two and a half times as fast as max()
    bottom = np.minimum.reduceat(samples, begins, axis=1)
    span = top - bottom
    clipped = np.zeros(span.shape, dtype=np.float32)
    suspect = (top >= above) | (bottom <= below) | (span > _PLATEAU_FLOORS * floor)
    if suspect.any():
        channel, _ = np.nonzero(suspect)
        parts = samples.reshape(*floor.shape, length)[suspect]
        clipped[suspect] = _clipped(parts, below[channel], above[channel])
    return span.astype(np.float32), clipped


def _clipped(parts: Samples, below: Samples, above: Samples) -> Samples:
    """Return the clipped share of bins, from samples shaped (bins, n)."""
    at_limit = ((parts >= above) | (parts <= below)).mean(axis=1)
    top, bottom = parts.max(axis=1, keepdims=True), parts.min(axis=1, keepdims=True)
    resting = ((parts == top) | (parts == bottom)).mean(axis=1)
    return np.asarray(np.maximum(at_limit, np.where(resting >= _PLATEAU_SHARE, resting, 0.0)))


def _mean_square(parts: Samples) -> FloatArray:
    total = np.einsum("cij,cij->ci", parts, parts)
    return np.asarray(total / parts.shape[2], dtype=np.float32)
