"""What the EMG itself looks like: frequency content, peakedness, mains hum, baseline wander."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from sensing.features.windows import Windows, columns, mean_known, std_known

if TYPE_CHECKING:
    from sensing.types import FloatArray

NAMES = (
    "frequency_2s",
    "frequency_10s",
    "frequency_change",
    "frequency_spread",
    "curve_frequency_2s",
    "crossings_2s",
    "peakedness_5s",
    "hum_share",
    "wander_2s",
    "band_high_hz",
)


def compute(windows: Windows) -> FloatArray:
    """Return the features named in `NAMES`, shape (frames, features)."""
    power = np.maximum(windows.power, np.float32(1e-12))
    short = mean_known(windows.frequency[:, -20:])
    long = mean_known(windows.frequency[:, -100:])
    hum = mean_known(windows.hum[:, -20:])
    wander = std_known(windows.mean[:, -20:])
    return columns(
        short,
        long,
        short - mean_known(windows.frequency[:, -300:]),
        std_known(windows.frequency[:, -50:]),
        mean_known(windows.curve_frequency[:, -20:]),
        mean_known(windows.crossings[:, -20:]),
        mean_known((windows.fourth / (power * power))[:, -50:]),
        hum / np.maximum(hum + mean_known(power[:, -20:]), np.float32(1e-12)),
        np.log2(np.maximum(wander / windows.floor, np.float32(1e-3))),
        np.full(len(power), windows.band_high_hz, dtype=np.float32),
    )
