"""The forest of rate ratios: the primary analysis and whatever else could have been done."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.ticker import FixedFormatter, FixedLocator, NullLocator

from trial.report.drawing import GREY, INK, LOOKS, paper, style
from trial.report.wording import counted, interval, number

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from trial.statistics import Analysis, Result

__all__ = ["ForestRow", "draw_forest", "forest_rows"]

_WIDTH, _LEFT, _RIGHT, _TOP, _BOTTOM, _ROW = 672.0, 218.0, 180.0, 24.0, 34.0, 20.0  # points
_TICKS = (0.05, 0.1, 0.2, 0.3, 0.5, 0.7, 1.0, 1.5, 2.0, 3.0, 5.0, 10.0)
_AIR = 1.15


@dataclass(frozen=True, slots=True)
class ForestRow:
    """A rate ratio with its interval, and how many participants are behind it."""

    name: str
    value: float
    low: float
    high: float
    participants: int


def forest_rows(analysis: Analysis) -> tuple[ForestRow, ...]:
    """Return the rate ratios of cramps per week that could be worked out, the primary one first."""
    displayed, at_random, jump = analysis.sensitivity
    named = (
        ("Primary: estimating equations", analysis.primary),
        ("Negative binomial totals", analysis.second),
        ("Displayed weeks only", displayed),
        ("Missing time imputed at random", at_random),
        ("Jump to reference after stopping", jump),
    )
    return tuple(row for name, result in named for row in _rows(name, result))


def draw_forest(rows: Sequence[ForestRow], treatment: str, reference: str) -> Figure:
    """Draw rate ratios on a logarithmic scale, with their numbers at the right."""
    height = _TOP + _BOTTOM + _ROW * len(rows)
    low = min(0.7, *(row.low for row in rows)) / _AIR
    high = max(1.4, *(row.high for row in rows)) * _AIR
    with style():
        figure, axes = paper(_WIDTH, height, (_LEFT, _RIGHT, _TOP, _BOTTOM))
        axes.set_xscale("log")
        axes.set_xlim(low, high)
        axes.set_ylim(len(rows) - 0.5, -0.5)
        axes.axvline(1, color=INK, linewidth=0.8)
        for place, row in enumerate(rows):
            _draw_row(axes, place, row, is_primary=place == 0)
        _label(axes, (low, high), treatment, reference)
    return figure


def _rows(name: str, result: Result) -> list[ForestRow]:
    if result.kind == "refusal":
        return []
    found = result.estimate("rate ratio")
    if found.low is None or found.high is None:
        return []
    behind = sum(arm.participants for arm in result.arms)
    return [ForestRow(name, found.value, found.low, found.high, behind)]


def _draw_row(axes: Axes, place: int, row: ForestRow, *, is_primary: bool) -> None:
    colour = LOOKS[0].colour if is_primary else INK
    axes.plot([row.low, row.high], [place, place], color=colour)
    marker = "D" if is_primary else "s"
    axes.plot([row.value], [place], marker=marker, color=colour, linestyle="none")
    _beside(axes, place, row.name, -_LEFT + 4, "left", 0)
    text = f"{number(row.value, 2)} ({interval(row.low, row.high)})"
    _beside(axes, place, text, 12, "left", 1)
    _beside(axes, place, counted(row.participants), _RIGHT - 6, "right", 1)


def _beside(axes: Axes, place: float, text: str, shift: float, side: str, edge: int) -> None:
    """Write beside the axes, so many points from their left (0) or right (1) edge."""
    axes.annotate(
        text,
        (edge, place),
        (shift, 0),
        xycoords=axes.get_yaxis_transform(),
        textcoords="offset points",
        ha=side,
        va="center",
        annotation_clip=False,
    )


def _label(axes: Axes, limits: tuple[float, float], treatment: str, reference: str) -> None:
    shown = [tick for tick in _TICKS if limits[0] <= tick <= limits[1]]
    room = math.log(limits[1] / limits[0]) / 12
    apart = [t for t in shown if t == 1 or abs(math.log(t)) > room]
    kept = [t for n, t in enumerate(apart) if n == 0 or np.log(t / apart[n - 1]) > room]
    axes.xaxis.set_major_locator(FixedLocator(kept))
    axes.xaxis.set_major_formatter(FixedFormatter([f"{tick:g}" for tick in kept]))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.set_yticks([])
    axes.spines["left"].set_visible(False)
    for x, side, text in (
        (0, "left", f"← fewer cramps with {treatment}"),
        (1, "right", f"fewer with {reference} →"),
    ):
        axes.annotate(
            text,
            (x, 0),
            (0, -20),
            xycoords="axes fraction",
            textcoords="offset points",
            ha=side,
            va="top",
            color=GREY,
            annotation_clip=False,
        )
    _beside(axes, -1, "Rate ratio (95 % CI)", 12, "left", 1)
    _beside(axes, -1, "Participants", _RIGHT - 6, "right", 1)
    _beside(axes, -1, "Analysis", -_LEFT + 4, "left", 0)
