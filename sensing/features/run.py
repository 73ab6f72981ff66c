"""The present activity from its very start: how it grew, how it waxed and waned, where it goes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from sensing.features.windows import LONG_HOPS, Windows, columns, run_start

if TYPE_CHECKING:
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


def compute(windows: Windows) -> FloatArray:
    """Return the features named in `NAMES`, shape (frames, features)."""
    start = run_start(windows.active)
    places = np.arange(LONG_HOPS)
    level = np.where(places >= start[:, None], windows.course, np.float32(np.nan))
    usual = _quantile(level, _PLATEAU)
    grown = np.argmax(level >= usual[:, None] - _HALF, axis=1)
    later = np.where(places >= grown[:, None], level, np.float32(np.nan))
    smooth = _smooth(later)
    length = LONG_HOPS - start
    known = (start > 0) & (length >= _LEAST_HOPS)
    middle = (grown + LONG_HOPS) // 2
    first = np.where(places < middle[:, None], later, np.float32(np.nan))
    second = np.where(places >= middle[:, None], later, np.float32(np.nan))
    features = (
        usual,
        np.where(start > 0, (grown - start) * _HOP_S, np.nan),
        _spread(smooth),
        _spread(later - smooth),
        _spread(np.diff(later, axis=1)),
        _mean(second) - _mean(first),
        usual - _mean(level[:, -_SMOOTH_HOPS:]),
    )
    return columns(*(np.where(known, feature, np.nan) for feature in features))


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
