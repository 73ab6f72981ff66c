"""What of the signal is not muscle: mains hum and the wander of the baseline."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from sensing.features.windows import Windows, columns, std_known

if TYPE_CHECKING:
    from sensing.types import FloatArray

NAMES = ("hum_share", "wander_2s")


def compute(windows: Windows) -> FloatArray:
    """Return the features named in `NAMES`, shape (frames, features)."""
    hum = windows.hum.mean(20)
    wander = std_known(windows.mean.last(20))
    return columns(
        hum / np.maximum(hum + windows.power.mean(20), np.float32(1e-12)),
        np.log2(np.maximum(wander / windows.floor, np.float32(1e-3))),
    )
