"""How steady the EMG envelope is: cramps wax and wane, rhythmic movements beat."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from sensing.features.windows import (
    Windows,
    columns,
    mean_known,
    moving_mean,
    quantile_known,
    rhythm,
    std_known,
)

if TYPE_CHECKING:
    from sensing.types import FloatArray

NAMES = (
    "variation_3s",
    "variation_10s",
    "range_15s",
    "roughness_5s",
    "beat_slow",
    "beat_fast",
    "rhythm_10s",
    "cycle_60s",
)

_BEAT_LAGS = range(4, 21)
"""Lags of 0.4 to 2 s: rhythmic feet movements and gait lie between 0.5 and 2.5 Hz."""

CYCLE_LAGS = range(6, 31)
"""Lags of 3 to 15 s in half seconds: contractions that somebody repeats on purpose."""


def compute(windows: Windows) -> FloatArray:
    """Return the features named in `NAMES`, shape (frames, features)."""
    amplitude = np.sqrt(windows.power)
    level = windows.level
    return columns(
        _coefficient_of_variation(amplitude[:, -30:]),
        _coefficient_of_variation(amplitude[:, -100:]),
        quantile_known(level[:, -150:], 0.9) - quantile_known(level[:, -150:], 0.1),
        mean_known(np.abs(np.diff(level[:, -50:], axis=1))),
        std_known(_slow(level[:, -109:])),
        std_known(_fast(level[:, -102:])),
        rhythm(level[:, -100:], _BEAT_LAGS),
        rhythm(half_seconds(level), CYCLE_LAGS),
    )


def _coefficient_of_variation(amplitude: FloatArray) -> FloatArray:
    mean = np.maximum(mean_known(amplitude), np.float32(1e-9))
    return np.asarray(std_known(amplitude) / mean, dtype=np.float32)


def half_seconds(level: FloatArray) -> FloatArray:
    """Return the mean of every five bins."""
    return mean_known(level.reshape(len(level), -1, 5))


def _slow(level: FloatArray) -> FloatArray:
    """Return the part of the level between about 0.5 and 2 Hz."""
    return moving_mean(level, 3)[:, 3:-4] - moving_mean(level, 10)


def _fast(level: FloatArray) -> FloatArray:
    """Return the part of the level above about 2 Hz."""
    return level[:, 1:-1] - moving_mean(level, 3)
