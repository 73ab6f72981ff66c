"""How strong the EMG is against its noise floor, and since when."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from sensing.features.windows import (
    HALF_SECOND_BINS,
    WINDOW_BINS,
    Windows,
    columns,
    cut,
    mean_known,
    quantiles_known,
)

if TYPE_CHECKING:
    import numpy.typing as npt

    from sensing.features.windows import Places
    from sensing.types import FloatArray

NAMES = (
    "level_1s",
    "level_5s",
    "level_15s",
    "level_30s",
    "level_low_5s",
    "level_high_30s",
    "rise_5s",
    "rise_15s",
    "active_5s",
    "active_15s",
    "active_30s",
    "run_s",
    "run_level",
    "run_first_2s",
    "run_growth",
)

_BEGINNING_BINS = 20
"""The first two seconds of a run."""


def compute(windows: Windows) -> FloatArray:
    """Return the features named in `NAMES`, shape (frames, features)."""
    level, strong = windows.level, windows.strong
    return columns(
        level.mean(10),
        level.mean(50),
        level.mean(150),
        level.mean(300),
        *quantiles_known(level.last(50), 0.1),
        *quantiles_known(level.last(300), 0.95),
        level.mean(25) - level.mean(25, before=25),
        level.mean(75) - level.mean(75, before=75),
        strong.mean(50),
        strong.mean(150),
        strong.mean(300),
        *_run(windows),
    )


def _run(windows: Windows) -> tuple[npt.NDArray[np.floating], ...]:
    """Return length, mean level, level of the first two seconds and growth of the present run."""
    start = windows.run_start()
    mean = _mean_from(windows, start)
    # A start before the window was not seen: a first two seconds cannot be told.
    seen = (start > 0) & (start <= WINDOW_BINS - _BEGINNING_BINS)
    first = np.minimum(start, WINDOW_BINS - _BEGINNING_BINS)
    begins = windows.level.ends - WINDOW_BINS + first
    beginning = mean_known(cut(windows.level.values, begins, _BEGINNING_BINS))
    beginning = np.where(seen, beginning, np.float32(np.nan))
    return (WINDOW_BINS - start) * 0.1, mean, beginning, mean - beginning


def _mean_from(windows: Windows, start: Places) -> FloatArray:
    """Return the mean level from a place in the window on; 0 where nothing is known."""
    level = windows.level
    hops = WINDOW_BINS // HALF_SECOND_BINS
    first_hop = np.minimum(start // HALF_SECOND_BINS, hops - 1)
    begins = level.ends // HALF_SECOND_BINS - hops
    in_first = cut(level.values, (begins + first_hop) * HALF_SECOND_BINS, HALF_SECOND_BINS)
    places = first_hop[:, None] * HALF_SECOND_BINS + np.arange(HALF_SECOND_BINS)
    known = (places >= start[:, None]) & ~np.isnan(in_first)
    total = np.where(known, in_first, np.float32(0)).sum(axis=1)
    count = known.sum(axis=1, dtype=np.float32)
    later = (np.arange(hops) > first_hop[:, None]).astype(np.float32)
    total += np.einsum("fi,fi->f", cut(level.sums, begins, hops), later)
    if level.counts is None:
        count += later.sum(axis=1) * HALF_SECOND_BINS
    else:
        count += np.einsum("fi,fi->f", cut(level.counts, begins, hops), later)
    return np.asarray(total / np.maximum(count, 1))
