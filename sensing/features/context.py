"""What went before: cramps come out of rest, exercise and fidgeting come in series."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from sensing.features.windows import LONG_HOPS, Windows, columns

if TYPE_CHECKING:
    from sensing.types import FloatArray

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
    activity, others = windows.activity, windows.other_activity
    ends = activity.ends
    begins = ends - LONG_HOPS
    start = activity.run_start()
    enough = start >= _LEAST_HOPS_BEFORE
    share = activity.count(begins, begins + start) / np.maximum(start, 1)
    last_before = np.maximum(activity.last_before(begins + start) - begins, -1)
    return columns(
        activity.count(begins, ends) / LONG_HOPS,
        (LONG_HOPS - start) * _HOP_S,
        np.where(enough, share, np.nan),
        np.where(enough, activity.bursts(begins, begins + start), np.nan),
        (start - 1 - last_before) * _HOP_S,
        others.bursts(begins, ends),
    )
