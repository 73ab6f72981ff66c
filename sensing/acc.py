"""Acceleration samples to bins: gravity and movement of each tenth of a second."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from sensing.emg import BIN_S

if TYPE_CHECKING:
    from sensing.types import AccFormat, FloatArray

LOWEST_RATE_HZ = 10.0
"""Slower accelerometers cannot show gait or tremor and are not used."""


REST_EPOCH_BINS = 100
"""Bins whose mean direction of gravity is taken together: ten seconds."""

REST_EPOCHS = 60
"""Epochs over which the resting direction is the median: ten minutes."""


@dataclass(frozen=True, slots=True)
class AccBins:
    """Bins of one accelerometer.

    Attributes
    ----------
    mean : float32 array, shape (3, bins)
        Mean acceleration in g; NaN where a sample is missing.
    shake : float32 array, shape (bins,)
        Variance within the bin, summed over the axes, in g squared.
    resting : float32 array, shape (3, bins)
        Gravity in the position of the last ten minutes; NaN in the first ten seconds.
    """

    mean: FloatArray
    shake: FloatArray
    resting: FloatArray

    def __len__(self) -> int:
        return int(self.mean.shape[1])


_NO_BINS = AccBins(
    mean=np.zeros((3, 0), dtype=np.float32),
    shake=np.zeros(0, dtype=np.float32),
    resting=np.zeros((3, 0), dtype=np.float32),
)


class AccChain:
    """Turns acceleration samples into bins; any chunking gives the same bins.

    Unscaled counts are brought to g by the first bin: a sleeping leg feels gravity.
    """

    def __init__(self, form: AccFormat) -> None:
        self.samples_per_bin = max(1, int(BIN_S * form.rate_hz + 0.5))
        self.bin_s = self.samples_per_bin / form.rate_hz
        self._gain = 1.0 if form.scaled else float("nan")
        self._pending = np.zeros((3, 0), dtype=np.float32)
        self._resting = _RestingGravity()

    def push(self, samples: npt.NDArray[np.floating]) -> AccBins:
        """Take the next samples, shape (3, samples), NaN where missing."""
        self._pending = np.concatenate([self._pending, samples], axis=1, dtype=np.float32)
        used = self._pending.shape[1] // self.samples_per_bin * self.samples_per_bin
        if not used:
            return _NO_BINS
        parts = self._pending[:, :used].reshape(3, -1, self.samples_per_bin)
        self._pending = self._pending[:, used:]
        mean = parts.mean(axis=2)
        away = parts - mean[:, :, None]
        x, y, z = np.einsum("cij,cij->ci", away, away) / self.samples_per_bin
        shake = x + y + z  # in this order for any number of bins: chunks must not change a bit
        if np.isnan(self._gain):
            self._gain = _gain_to_g(mean)
        gravity = (mean * self._gain).astype(np.float32)
        return AccBins(
            mean=gravity,
            shake=(shake * self._gain**2).astype(np.float32),
            resting=self._resting.push(gravity),
        )


class _RestingGravity:
    """Median of gravity over the last ten minutes, renewed every ten seconds."""

    def __init__(self) -> None:
        self._means = np.full((3, REST_EPOCHS), np.nan, dtype=np.float32)
        self._count = 0
        self._epoch = np.zeros((3, 0), dtype=np.float32)
        self._value = np.full((3, 1), np.nan, dtype=np.float32)

    def push(self, gravity: FloatArray) -> FloatArray:
        """Return the resting gravity in force at each bin, shape (3, bins)."""
        begun = self._epoch.shape[1]
        waiting = np.concatenate([self._epoch, gravity], axis=1)
        in_force = []
        while waiting.shape[1] >= REST_EPOCH_BINS:
            in_force.append(self._value)
            self._end_epoch(waiting[:, :REST_EPOCH_BINS])
            waiting = waiting[:, REST_EPOCH_BINS:]
        self._epoch = waiting
        values = np.concatenate([*in_force, self._value], axis=1)
        return np.repeat(values, REST_EPOCH_BINS, axis=1)[:, begun : begun + gravity.shape[1]]

    def _end_epoch(self, gravity: FloatArray) -> None:
        known = gravity[:, ~np.isnan(gravity).any(axis=0)]
        if known.shape[1]:
            self._means[:, self._count % REST_EPOCHS] = known.mean(axis=1)
            self._count += 1
            self._value = _median(self._means[:, : self._count])


def _median(values: FloatArray) -> FloatArray:
    """Return the median of each row, shape (rows, 1); np.median costs ten times more."""
    ordered = np.sort(values, axis=1)
    count = ordered.shape[1]
    return (ordered[:, (count - 1) // 2, None] + ordered[:, count // 2, None]) / np.float32(2)


def _gain_to_g(mean: FloatArray) -> float:
    """Return what turns counts into g, from the first bin without a gap."""
    size = np.linalg.norm(mean, axis=0)
    known = size[size > 0]
    return float(1 / known[0]) if len(known) else float("nan")
