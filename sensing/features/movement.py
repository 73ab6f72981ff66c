"""What the leg does: movement, turning, gait, and whether movement came before the EMG."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from sensing.features.windows import (
    WINDOW_BINS,
    Windows,
    columns,
    mean_known,
    quantile_known,
    rhythm,
)

if TYPE_CHECKING:
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


def compute(windows: Windows) -> FloatArray:
    """Return the features named in `NAMES`, shape (frames, features)."""
    gravity = windows.acc.gravity
    activity = _activity(gravity, windows.acc.shake)
    size = np.sqrt((gravity * gravity).sum(axis=1))
    now = mean_known(gravity[:, :, -10:])
    return columns(
        _log(mean_known(activity[:, -10:])),
        _log(mean_known(activity[:, -50:])),
        _log(mean_known(activity[:, -300:])),
        _log(quantile_known(activity[:, -300:], 0.95)),
        _angle(now, mean_known(gravity[:, :, -60:-50])),
        _angle(now, mean_known(gravity[:, :, -310:-300])),
        _angle(now, windows.acc.resting_gravity),
        _log(quantile_known(size[:, -50:], 0.9) - quantile_known(size[:, -50:], 0.1)),
        rhythm(size[:, -60:], _STEP_LAGS),
        *_at_start(windows, activity, now),
    )


def _activity(gravity: FloatArray, shake: FloatArray) -> FloatArray:
    """Return movement of each bin in g: change since the last bin, and shaking within."""
    step = np.diff(gravity, axis=2, prepend=gravity[:, :, :1])
    return np.asarray(np.sqrt((step * step).sum(axis=1) + shake), dtype=np.float32)


def _log(value: FloatArray) -> FloatArray:
    return np.asarray(np.log2(np.maximum(value, _LEAST_G)), dtype=np.float32)


def _angle(one: FloatArray, other: FloatArray) -> FloatArray:
    """Return the angle between directions in degrees, shape (frames,)."""
    sizes = np.sqrt((one * one).sum(axis=1) * (other * other).sum(axis=1))
    cosine = (one * other).sum(axis=1) / np.maximum(sizes, _LEAST_G)
    return np.asarray(np.degrees(np.arccos(np.clip(cosine, -1, 1))), dtype=np.float32)


def _at_start(
    windows: Windows, activity: FloatArray, now: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Return movement around the start of the present run of EMG, and turning since then."""
    start = windows.run_start()
    seen = (start >= 20) & (start < WINDOW_BINS)
    first = np.clip(start, 20, WINDOW_BINS - 10)
    around = first[:, None] + np.arange(-20, 10)
    movement = _log(quantile_known(np.take_along_axis(activity, around, axis=1), 0.95))
    before = first[:, None, None] + np.arange(-20, -10)
    direction = mean_known(np.take_along_axis(windows.acc.gravity, before, axis=2))
    turn = _angle(now, direction)
    unseen = np.float32(np.nan)
    return np.where(seen, movement, unseen), np.where(seen, turn, unseen)
