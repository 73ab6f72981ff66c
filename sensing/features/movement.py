"""What the leg does: movement, turning, gait, and whether movement came before the EMG."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from sensing.features.windows import (
    WINDOW_BINS,
    Series,
    Windows,
    columns,
    cut,
    mean_known,
    quantiles_known,
    rhythm,
)

if TYPE_CHECKING:
    from sensing.features.windows import AccWindows, Places
    from sensing.types import FloatArray

NAMES = (
    "activity_1s",
    "activity_5s",
    "activity_30s",
    "activity_high_30s",
    "turn_5s",
    "turn_30s",
    "turn_from_rest",
    "sway_5s",
    "step_rhythm",
    "activity_at_start",
    "turn_since_start",
)

_STEP_LAGS = range(4, 16)
"""Lags of 0.4 to 1.5 s hold the step and stride times of walking."""

_LEAST_G = np.float32(1e-3)

_BEFORE_START, _AFTER_START = 20, 10
"""Bins around the start of a run in which movement is looked for."""


def compute(windows: Windows) -> FloatArray:
    """Return the features named in `NAMES`, shape (frames, features)."""
    acc = windows.acc
    ends = acc.shake.ends
    activity = Series(_activity(acc), ends)
    recent = activity.last(300)
    size = Series(np.sqrt(_square(acc.gravity)), ends).last(60)
    high, low = quantiles_known(size[:, -50:], 0.9, 0.1)
    now = _direction(acc, ends)
    return columns(
        _log(mean_known(recent[:, -10:])),
        _log(mean_known(recent[:, -50:])),
        _log(mean_known(recent)),
        _log(*quantiles_known(recent, 0.95)),
        _angle(now, _direction(acc, ends - 50)),
        _angle(now, _direction(acc, ends - 300)),
        _angle(now, acc.resting_gravity),
        _log(high - low),
        rhythm(size, _STEP_LAGS),
        *_at_start(windows, activity, now),
    )


def _activity(acc: AccWindows) -> FloatArray:
    """Return movement of each bin in g: change since the last bin, and shaking within."""
    step = np.diff(acc.gravity, axis=1, prepend=acc.gravity[:, :1])
    return np.asarray(np.sqrt(_square(step) + acc.shake.values))


def _square(vectors: FloatArray) -> FloatArray:
    """Return the squared length of vectors, shape (3, n)."""
    x, y, z = vectors * vectors
    return np.asarray(x + y + z)


def _direction(acc: AccWindows, ends: Places) -> FloatArray:
    """Return the mean gravity over the second before each of `ends`, shape (3, frames)."""
    return mean_known(cut(acc.gravity, ends - 10, 10))


def _log(value: FloatArray) -> FloatArray:
    return np.asarray(np.log2(np.maximum(value, _LEAST_G)))


def _angle(one: FloatArray, other: FloatArray) -> FloatArray:
    """Return the angle between directions in degrees, shape (frames,)."""
    sizes = np.sqrt(_square(one) * _square(other))
    x, y, z = one * other
    cosine = (x + y + z) / np.maximum(sizes, _LEAST_G)
    return np.asarray(np.degrees(np.arccos(np.clip(cosine, -1, 1))), dtype=np.float32)


def _at_start(windows: Windows, activity: Series, now: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return movement around the start of the present run of EMG, and turning since then."""
    start = windows.run_start()
    seen = (start >= _BEFORE_START) & (start < WINDOW_BINS)
    first = np.clip(start, _BEFORE_START, WINDOW_BINS - _AFTER_START)
    begins = activity.ends - WINDOW_BINS + first - _BEFORE_START
    around = cut(activity.values, begins, _BEFORE_START + _AFTER_START)
    # The window's first bin has none before it, whatever else is still in memory.
    alone = first == _BEFORE_START
    around[alone, 0] = np.sqrt(windows.acc.shake.values[begins[alone]])
    (movement,) = quantiles_known(around, 0.95)
    turn = _angle(now, _direction(windows.acc, begins + 10))
    unseen = np.float32(np.nan)
    return np.where(seen, _log(movement), unseen), np.where(seen, turn, unseen)
