"""The forest of rate ratios: the primary analysis and whatever else could have been done."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.ticker import FixedFormatter, FixedLocator, NullLocator

from trial.report.comparison_tables import analysis_name, comparisons_in
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
    """A rate ratio with its interval, and how many participants are behind it.

    Attributes
    ----------
    name : str
    participants : int
    ratio : (float, float, float) or None
        Value, lower and upper limit; None if it could not be estimated.
    is_primary : bool
        Whether it is the primary analysis, not what was done in its place.
    """

    name: str
    participants: int
    ratio: tuple[float, float, float] | None
    is_primary: bool = False

    @property
    def text(self) -> str:
        """Value with its interval, or that there is none."""
        if self.ratio is None:
            return "not estimable"
        value, low, high = self.ratio
        return f"{number(value, 2)} ({interval(low, high)})"


def forest_rows(analysis: Analysis) -> tuple[ForestRow, ...]:
    """Return the rate ratios of cramps per week, the primary one first.

    In place of a refused one stands the rate ratio that was worked out instead, if there is one.
    There are no rows if no rate ratio could be worked out at all.
    """
    displayed, at_random, jump = analysis.sensitivity
    named = (
        ("Primary: estimating equations", analysis.primary),
        ("Negative binomial totals", analysis.second),
        ("Displayed weeks only", displayed),
        ("Missing time imputed at random", at_random),
        ("Jump to reference after stopping", jump),
        *((analysis_name(result.analysis), result) for result in analysis.recounted),
    )
    rows = tuple(_row(name, result) for name, result in named)
    return rows if any(row.ratio for row in rows) else ()


def draw_forest(rows: Sequence[ForestRow], treatment: str, reference: str) -> Figure:
    """Draw rate ratios on a logarithmic scale, with their numbers at the right."""
    height = _TOP + _BOTTOM + _ROW * len(rows)
    ratios = [row.ratio for row in rows if row.ratio is not None]
    low = min(0.7, *(low for _, low, _ in ratios)) / _AIR
    high = max(1.4, *(high for _, _, high in ratios)) * _AIR
    with style():
        figure, axes = paper(_WIDTH, height, (_LEFT, _RIGHT, _TOP, _BOTTOM))
        axes.set_xscale("log")
        axes.set_xlim(low, high)
        axes.set_ylim(len(rows) - 0.5, -0.5)
        axes.axvline(1, color=INK, linewidth=0.8)
        for place, row in enumerate(rows):
            _draw_row(axes, place, row)
        _label(axes, (low, high), treatment, reference)
    return figure


def _row(name: str, result: Result) -> ForestRow:
    is_refused = result.kind == "refusal"
    for found in comparisons_in(result):
        for estimate in found.estimates:
            if estimate.measure == "rate ratio" and estimate.low and estimate.high:
                return ForestRow(
                    f"{name} (instead)" if is_refused else name,
                    sum(arm.participants for arm in found.arms),
                    (estimate.value, estimate.low, estimate.high),
                    is_primary=result.analysis == "primary" and not is_refused,
                )
    return ForestRow(name, sum(arm.participants for arm in result.arms), None)


def _draw_row(axes: Axes, place: int, row: ForestRow) -> None:
    _beside(axes, place, row.name, -_LEFT + 4, "left", 0)
    _beside(axes, place, row.text, 12, "left", 1)
    _beside(axes, place, counted(row.participants), _RIGHT - 6, "right", 1)
    if row.ratio is None:
        return
    value, low, high = row.ratio
    colour = LOOKS[0].colour if row.is_primary else INK
    axes.plot([low, high], [place, place], color=colour)
    marker = "D" if row.is_primary else "s"
    axes.plot([value], [place], marker=marker, color=colour, linestyle="none")


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
