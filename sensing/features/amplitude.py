"""How strong the EMG is against its noise floor, and since when."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from sensing.features.windows import (
    WINDOW_BINS,
    Windows,
    columns,
    mean_known,
    quantile_known,
    share,
)

if TYPE_CHECKING:
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

_TWO_FLOORS = 1.0


def compute(windows: Windows) -> FloatArray:
    """Return the features named in `NAMES`, shape (frames, features)."""
    level = windows.level
    return columns(
        mean_known(level[:, -10:]),
        mean_known(level[:, -50:]),
        mean_known(level[:, -150:]),
        mean_known(level[:, -300:]),
        quantile_known(level[:, -50:], 0.1),
        quantile_known(level[:, -300:], 0.95),
        mean_known(level[:, -25:]) - mean_known(level[:, -50:-25]),
        mean_known(level[:, -75:]) - mean_known(level[:, -150:-75]),
        share(level[:, -50:] > _TWO_FLOORS, level[:, -50:]),
        share(level[:, -150:] > _TWO_FLOORS, level[:, -150:]),
        share(level[:, -300:] > _TWO_FLOORS, level[:, -300:]),
        *_run(windows),
    )


def _run(windows: Windows) -> tuple[FloatArray, ...]:
    """Return length, mean level, level of the first two seconds and growth of the present run."""
    start = windows.run_start()
    places = np.arange(WINDOW_BINS)
    in_run = places >= start[:, None]
    level = np.where(in_run, windows.level, np.nan).astype(np.float32)
    known = ~np.isnan(level)
    count = np.maximum(known.sum(axis=1), 1)
    mean = np.nan_to_num(level).sum(axis=1) / count
    # A start before the window was not seen: a first two seconds cannot be told.
    seen = (start > 0) & (start <= WINDOW_BINS - 20)
    first = places[None, :20] + np.minimum(start, WINDOW_BINS - 20)[:, None]
    beginning = mean_known(np.take_along_axis(windows.level, first, axis=1))
    beginning = np.where(seen, beginning, np.nan).astype(np.float32)
    length_s = (WINDOW_BINS - start) * 0.1
    return (
        length_s.astype(np.float32),
        mean.astype(np.float32),
        beginning,
        (mean - beginning).astype(np.float32),
    )
