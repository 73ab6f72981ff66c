"""Can this second be judged? If not, the reason: missing is never counted as cramp-free."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from sensing.emg import EmgBins, mean_frequency_hz
from sensing.types import BoolArray, ByteArray, Quality

MISSING_SHARE = 0.3
"""A second that lost more of its bins than this is a gap."""

CLIPPED_SHARE = 0.1
"""A second that clips more of its samples than this is saturated."""

FLAT_BINS = 20
"""A signal that does not move for two seconds is no signal ..."""

FLAT_RATIO = 0.5
"""... nor is one this far below its own noise floor: skin and amplifier would be heard."""

HUM_RATIO = 100.0
"""Removed mains power over what remains: 20 dB, where notches no longer leave EMG behind."""

LIFT_OFF_FLOORS = 30.0
"""Hum this many floors strong, and above all else, is not picked up through skin: an electrode came
off."""

NOISY_UV = 30.0
"""Above this floor weak activity cannot be seen (S-PLMAD rule for leg EMG)."""

NOISY_RISE = 8.0
"""Without a scale: the same once the floor exceeds this multiple of its lowest value."""

MOTION_HZ = 32.0
"""Mean frequency of a filtered signal that is motion artefact, not EMG (EMG is above 50 Hz)."""

MOTION_LEVEL = 4.0
"""Only above this multiple of the floor is motion artefact called by its name."""

SHORTEST_STRETCH_S = 10
"""Good seconds in shorter stretches cannot hold a cramp and do not count as analysable."""


class QualityMonitor:
    """Gives every bin of one recording its state; keeps what it must remember.

    Parameters
    ----------
    channels : int
    rate_hz : float
    scaled : bool
        Whether samples are microvolts.
    """

    def __init__(self, channels: int, rate_hz: float, *, scaled: bool) -> None:
        self._rate_hz = rate_hz
        self._scaled = scaled
        self._still = np.zeros(channels, dtype=np.int64)
        self._lowest_floor = np.full(channels, np.inf)

    def push(self, bins: EmgBins) -> ByteArray:
        """Return the state of each bin, shape (channels, bins), most serious reason first."""
        quality = np.full(bins.power.shape, Quality.GOOD, dtype=np.uint8)
        swamped = bins.hum > HUM_RATIO * bins.power
        for state, where in (
            (Quality.MOTION, self._motion(bins)),
            (Quality.NOISY, self._noisy(bins)),
            (Quality.HUM, swamped),
            (Quality.LIFT_OFF, self._lifted_off(bins)),
            (Quality.SATURATED, bins.clipped > CLIPPED_SHARE),
            (Quality.FLAT, self._flat(bins)),
            (Quality.WARM_UP, np.isnan(bins.floor)),
            (Quality.GAP, bins.missing),
        ):
            quality[where] = state
        return quality

    def _motion(self, bins: EmgBins) -> BoolArray:
        strong = np.sqrt(bins.power) > MOTION_LEVEL * bins.floor
        slow = mean_frequency_hz(bins.slope, bins.power, self._rate_hz) < MOTION_HZ
        return np.asarray(strong & slow)

    def _lifted_off(self, bins: EmgBins) -> BoolArray:
        # A notch takes some of the EMG with the hum: strong EMG alone must not look like hum.
        strong = bins.hum > (LIFT_OFF_FLOORS * bins.floor) ** 2
        return np.asarray(strong & (bins.hum > bins.power))

    def _noisy(self, bins: EmgBins) -> BoolArray:
        if self._scaled:
            return np.asarray(bins.floor > NOISY_UV)
        noisy = np.zeros(bins.floor.shape, dtype=np.bool_)
        for channel, floor in enumerate(bins.floor):
            known = np.fmin.accumulate(np.r_[self._lowest_floor[channel], floor])
            noisy[channel] = floor > NOISY_RISE * known[1:]
            self._lowest_floor[channel] = known[-1]
        return noisy

    def _flat(self, bins: EmgBins) -> BoolArray:
        flat = np.zeros(bins.span.shape, dtype=np.bool_)
        silent = (bins.span == 0) | (np.sqrt(bins.power) < FLAT_RATIO * bins.floor)
        for channel, still in enumerate(silent & ~bins.missing):
            run = run_lengths(still, int(self._still[channel]))
            if len(run):
                self._still[channel] = run[-1]
            flat[channel] = run >= FLAT_BINS
        return flat


def run_lengths(true: BoolArray, before: int = 0) -> npt.NDArray[np.int64]:
    """Return for each place how long the run of True is that ends there, 0 where False.

    Parameters
    ----------
    true : bool array, shape (n,)
    before : int
        Length of the run that ended just before the first place.
    """
    places = np.arange(1, len(true) + 1)
    last_false = np.maximum.accumulate(np.where(true, -before, places))
    return np.where(true, places - last_false, 0)


def mark_isolated(quality: ByteArray) -> ByteArray:
    """Mark good seconds of stretches too short to hold a cramp, over all channels together."""
    good = (quality == Quality.GOOD).any(axis=0)
    edges = np.flatnonzero(np.diff(np.r_[False, good, False]))
    marked = quality.copy()
    for first, last in edges.reshape(-1, 2):
        if last - first < SHORTEST_STRETCH_S:
            stretch = marked[:, first:last]
            stretch[stretch == Quality.GOOD] = Quality.ISOLATED
    return marked
