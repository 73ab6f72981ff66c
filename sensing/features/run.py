"""The present activity from its very start: how it grew, how it waxed and waned, where it goes."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from sensing.features.windows import LONG_HOPS, Windows

if TYPE_CHECKING:
    from sensing.features.windows import Places
    from sensing.types import FloatArray

NAMES = (
    "whole_level",
    "whole_growth_s",
    "whole_waxing",
    "whole_flutter",
    "whole_jumps",
    "whole_trend",
    "whole_below_peak",
)

_HOP_S = 0.5
_HALF = np.float32(1.0)
"""One binary order: the activity has grown once it is at half of its usual amplitude."""

_PLATEAU = 0.7
"""Quantile of the run so far that stands for its usual amplitude."""

_SMOOTH_HOPS = 4
_LEAST_HOPS = 10
"""Shorter runs have no course to speak of."""

_WIDTHS = (_LEAST_HOPS - 1, 30, 90, 240, LONG_HOPS - 1)
"""A run is looked at in the narrowest of these windows that holds it: most runs are short."""


def compute(windows: Windows) -> FloatArray:
    """Return the features named in `NAMES`, shape (frames, features); NaN if the run is older."""
    length = LONG_HOPS - windows.activity.run_start()
    features = np.full((len(length), len(NAMES)), np.nan, dtype=np.float32)
    for too_narrow, width in pairwise(_WIDTHS):
        rows = np.flatnonzero((length > too_narrow) & (length <= width))
        if len(rows):
            features[rows] = _of_runs(windows.course.last(width)[rows], length[rows])
    return features


def _of_runs(course: FloatArray, length: Places) -> FloatArray:
    """Return the features of runs of `length` half seconds, shape (runs, features).

    Parameters
    ----------
    course : float32 array, shape (runs, width)
        Level of each half second, none of the runs is longer.
    length : int array, shape (runs,)
    """
    width = course.shape[1]
    places = np.arange(width)
    start = width - length
    level = np.where(places >= start[:, None], course, np.float32(np.nan))
    usual = _quantile(level, _PLATEAU)
    grown = np.argmax(level >= usual[:, None] - _HALF, axis=1)
    later = np.where(places >= grown[:, None], level, np.float32(np.nan))
    smooth = _smooth(later)
    middle = ((grown + width) // 2)[:, None]
    first = np.where(places < middle, later, np.float32(np.nan))
    second = np.where(places >= middle, later, np.float32(np.nan))
    features = (
        usual,
        (grown - start) * _HOP_S,
        _spread(smooth),
        _spread(later - smooth),
        _spread(np.diff(later, axis=1)),
        _mean(second) - _mean(first),
        usual - _mean(level[:, -_SMOOTH_HOPS:]),
    )
    return np.stack(features, axis=1).astype(np.float32)


def _smooth(level: FloatArray) -> FloatArray:
    """Return the mean over two seconds up to each half second, NaN where one is unknown."""
    total = np.full_like(level, np.nan)
    windows = np.lib.stride_tricks.sliding_window_view(level, _SMOOTH_HOPS, axis=1)
    total[:, _SMOOTH_HOPS - 1 :] = sum(windows[..., lag] for lag in range(_SMOOTH_HOPS))
    return np.asarray(total / np.float32(_SMOOTH_HOPS))


def _mean(values: FloatArray) -> FloatArray:
    known = ~np.isnan(values)
    count = known.sum(axis=1)
    mean = np.where(known, values, 0).sum(axis=1) / np.maximum(count, 1)
    return np.where(count > 0, mean, np.nan).astype(np.float32)


def _spread(values: FloatArray) -> FloatArray:
    away = values - _mean(values)[:, None]
    return np.sqrt(_mean(away * away))


def _quantile(values: FloatArray, quantile: float) -> FloatArray:
    """Return a quantile (nearest rank) of what is known of each row; NaN without any."""
    ordered = np.sort(values, axis=1)  # NaN last
    count = (~np.isnan(values)).sum(axis=1)
    rank = np.maximum((quantile * (count - 1)).astype(np.intp), 0)
    return np.take_along_axis(ordered, rank[:, None], axis=1)[:, 0]
