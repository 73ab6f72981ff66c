"""Movement close up: every sample of the acceleration, without gravity."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from nightcramp.review.extremes import Series

if TYPE_CHECKING:
    from nightcramp.review.extremes import FloatArray
    from recordings import Recording

CLOSE_S = 300.0
"""Farther out the activity of each second shows as much as a drawing can."""

AROUND_S = 1.0
"""Gravity is the mean of so much time: what is left is faster than a change of posture."""


def movement_between(
    recording: Recording, gravity: FloatArray, first_s: float, last_s: float
) -> Series | None:
    """Return each sample's acceleration without gravity, in g, one row an axis; None without any.

    Unscaled counts are brought to g by what the detector took for gravity.

    Parameters
    ----------
    recording : Recording
    gravity : float32 array, shape (3, seconds)
        Of each second of the recording, in g.
    first_s, last_s : float
        From the start of the recording.
    """
    acc = recording.info.acc
    if acc is None:
        return None
    around = _acc_between(recording, first_s - AROUND_S / 2, last_s + AROUND_S / 2, acc.rate_hz)
    level = _mean_around(around.values, round(AROUND_S * acc.rate_hz / 2))
    gain = 1.0 if acc.scaled else _gain(level, gravity[:, int(first_s) : math.ceil(last_s)])
    moved = ((around.values - level) * gain).astype(np.float32)
    first, last = (_places(time_s - around.onset_s, acc.rate_hz) for time_s in (first_s, last_s))
    return Series(around.onset_s + first * around.step_s, around.step_s, moved[:, first:last])


def _acc_between(recording: Recording, first_s: float, last_s: float, rate_hz: float) -> Series:
    """Return the samples of a stretch; what lies outside of the recording is left out."""
    blocks = list(recording.blocks(last_s - first_s, start_s=first_s, stop_s=last_s))
    first = _places(blocks[0].onset_s, rate_hz) if blocks else 0
    parts = [block.acc for block in blocks if block.acc is not None]
    values = np.concatenate([np.zeros((3, 0), dtype=np.float32), *parts], axis=1)
    return Series(first / rate_hz, 1 / rate_hz, values)


def _places(seconds: float, rate_hz: float) -> int:
    """Return how many samples lie before a time; a thousandth of a sample counts as on it."""
    return max(0, math.ceil(seconds * rate_hz - 1e-3))


def _mean_around(values: FloatArray, reach: int) -> npt.NDArray[np.float64]:
    """Return the mean of the known samples around each, `reach` of them on either side."""
    known = ~np.isnan(values)
    sums = _sums(np.where(known, values, 0), reach)
    return sums / np.maximum(_sums(known, reach), 1)


def _sums(values: npt.NDArray[np.generic], reach: int) -> npt.NDArray[np.float64]:
    total = np.pad(np.cumsum(values, axis=1, dtype=np.float64), ((0, 0), (1, 0)))
    place = np.arange(values.shape[1])
    end = np.minimum(place + reach + 1, values.shape[1])
    return np.asarray(total[:, end] - total[:, np.maximum(place - reach, 0)])


def _gain(level: npt.NDArray[np.float64], gravity: FloatArray) -> float:
    """Return what turns counts into g; NaN where no second tells it."""
    counts, size = np.linalg.norm(level, axis=0), np.linalg.norm(gravity, axis=0)
    counts, size = counts[counts > 0], size[size > 0]
    return float(np.median(size) / np.median(counts)) if len(counts) and len(size) else math.nan
