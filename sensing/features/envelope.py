"""How steady the EMG envelope is: cramps wax and wane, rhythmic movements beat."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from sensing.features.windows import (
    Series,
    Windows,
    columns,
    mean_known,
    moving_mean,
    quantiles_known,
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

CYCLE_HOPS = 120
CYCLE_LAGS = range(6, 31)
"""Lags of 3 to 15 s in half seconds: contractions that somebody repeats on purpose."""


def compute(windows: Windows) -> FloatArray:
    """Return the features named in `NAMES`, shape (frames, features)."""
    level, ends = windows.level.values, windows.level.ends
    amplitude = windows.amplitude.last(100)
    high, low = quantiles_known(windows.level.last(150), 0.9, 0.1)
    return columns(
        _coefficient_of_variation(amplitude[:, -30:]),
        _coefficient_of_variation(amplitude),
        high - low,
        mean_known(Series(_steps(level), ends).last(49)),
        std_known(Series(_slow(level), ends).last(100)),
        std_known(Series(_fast(level), ends).last(100)),
        rhythm(windows.level.last(100), _BEAT_LAGS),
        rhythm(windows.course.last(CYCLE_HOPS), CYCLE_LAGS),
    )


def _coefficient_of_variation(amplitude: FloatArray) -> FloatArray:
    mean = np.maximum(mean_known(amplitude), np.float32(1e-9))
    return np.asarray(std_known(amplitude) / mean, dtype=np.float32)


def _steps(level: FloatArray) -> FloatArray:
    """Return how far each bin is from the one before it."""
    return _up_to_date(np.abs(np.diff(level)), level)


def _slow(level: FloatArray) -> FloatArray:
    """Return the part of the level between about 0.5 and 2 Hz, half a second late."""
    return _up_to_date(moving_mean(level, 3)[3:-4] - moving_mean(level, 10), level)


def _fast(level: FloatArray) -> FloatArray:
    """Return the part of the level above about 2 Hz, one bin late."""
    return _up_to_date(level[1:-1] - moving_mean(level, 3), level)


def _up_to_date(values: FloatArray, level: FloatArray) -> FloatArray:
    """Put each value at the newest bin it was made from."""
    return np.pad(values, (len(level) - len(values), 0), constant_values=np.nan)
