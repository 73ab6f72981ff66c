"""What went before: cramps come out of rest, exercise and fidgeting come in series."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from sensing.features.windows import LONG_HOPS, Windows, columns, run_start

if TYPE_CHECKING:
    from sensing.types import BoolArray, FloatArray

NAMES = (
    "active_5min",
    "long_run_s",
    "active_before",
    "bursts_before",
    "rest_before_s",
    "others_bursts_5min",
)

_HOP_S = 0.5
_LEAST_HOPS_BEFORE = 40


def compute(windows: Windows) -> FloatArray:
    """Return the features named in `NAMES`, shape (frames, features)."""
    active = windows.active
    start = run_start(active)
    places = np.arange(LONG_HOPS)
    before = active & (places < start[:, None])
    last_before = np.where(before, places, -1).max(axis=1)
    share = before.sum(axis=1) / np.maximum(start, 1)
    enough = start >= _LEAST_HOPS_BEFORE
    return columns(
        active.mean(axis=1),
        (LONG_HOPS - start) * _HOP_S,
        np.where(enough, share, np.nan),
        np.where(enough, _bursts(before), np.nan),
        (start - 1 - last_before) * _HOP_S,
        _bursts(windows.other_active),
    )


def _bursts(active: BoolArray) -> npt.NDArray[np.intp]:
    """Return how often activity of at least a second began."""
    lasting = active[:, 1:] & active[:, :-1]
    return np.asarray((lasting[:, 1:] & ~lasting[:, :-1]).sum(axis=1), dtype=np.intp)
