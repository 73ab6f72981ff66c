"""What the EMG itself looks like: frequency content, peakedness, mains hum, baseline wander."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from sensing.features.windows import Windows, columns, std_known

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
    short = windows.frequency.mean(20)
    hum = windows.hum.mean(20)
    wander = std_known(windows.mean.last(20))
    return columns(
        short,
        windows.frequency.mean(100),
        short - windows.frequency.mean(300),
        std_known(windows.frequency.last(50)),
        windows.curve_frequency.mean(20),
        windows.crossings.mean(20),
        windows.peakedness.mean(50),
        hum / np.maximum(hum + windows.power.mean(20), np.float32(1e-12)),
        np.log2(np.maximum(wander / windows.floor, np.float32(1e-3))),
        np.full(len(short), windows.band_high_hz, dtype=np.float32),
    )
