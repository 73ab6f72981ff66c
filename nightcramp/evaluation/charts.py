"""The figures of the page: rates with their limits, durations, calibration, latency."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator, PercentFormatter

from models.evaluation import NIGHT_H, RatioLimits
from trial.report.drawing import GREY, INK, LOOKS, paper

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from models.evaluation import Reliability, Stratum

BLUE, VERMILLION = LOOKS

WIDTH = 460.0
"""Points; what a page column shows at its own size."""

ROW = 17.0


@dataclass(frozen=True, slots=True)
class Bar:
    """A line of a chart of limits: value, limits, and what stands at the right."""

    name: str
    value: float
    low: float
    high: float
    text: str


def draw_sensitivity(strata: Sequence[Stratum], goal: float) -> Figure:
    """Draw the share of cramps found in each group, with exact limits."""
    bars = [
        Bar(
            stratum.name,
            stratum.cramps.value,
            stratum.cramps.low,
            stratum.cramps.high,
            f"{stratum.cramps.count} of {stratum.cramps.of}",
        )
        for stratum in strata
        if stratum.cramps.value is not None
        and stratum.cramps.low is not None
        and stratum.cramps.high is not None
    ]
    figure, axes = _rows(bars)
    axes.set_xlim(-0.015, 1.015)
    axes.xaxis.set_major_formatter(PercentFormatter(1.0))
    _goal(axes, goal)
    return figure


def draw_alarms(strata: Sequence[Stratum], goal: float) -> Figure:
    """Draw false alarms a night in each group, with exact limits; a root scale keeps zero."""
    bars = []
    for stratum in strata:
        per_night = stratum.alarms.per(NIGHT_H) if stratum.alarms else None
        if per_night is not None and stratum.alarms is not None:
            nights = stratum.alarms.hours / NIGHT_H
            text = f"{stratum.alarms.count} in {nights:.1f}"
            bars.append(Bar(stratum.name, *per_night, text))
    figure, axes = _rows(bars)
    axes.set_xscale("function", functions=(_root, np.square))
    top = max([bar.high for bar in bars] + [2 * goal])
    axes.set_xlim(0, 1.02 * top)
    axes.xaxis.set_major_locator(FixedLocator(_apart(top)))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    _goal(axes, goal)
    return figure


def draw_durations(
    true_s: npt.NDArray[np.float64], found_s: npt.NDArray[np.float64], limits: RatioLimits
) -> Figure:
    """Draw found over true duration against their geometric mean, with limits of agreement."""
    figure, axes = paper(WIDTH, 210, (48, 92, 10, 34))
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.plot(
        np.sqrt(true_s * found_s),
        found_s / true_s,
        BLUE.marker,
        color=BLUE.colour,
        markersize=2.6,
        markerfacecolor="none",
        markeredgewidth=0.5,
        rasterized=len(true_s) > 1000,
    )
    for value, dash, name in (
        (limits.ratio, "-", "mean"),
        (limits.low, "--", "lower limit"),
        (limits.high, "--", "upper limit"),
    ):
        axes.axhline(value, color=VERMILLION.colour, linestyle=dash, linewidth=1)
        axes.annotate(
            f"{name} {value:.2f}",
            (1, value),
            xycoords=("axes fraction", "data"),
            xytext=(4, 0),
            textcoords="offset points",
            va="center",
            color=INK,
        )
    reach = max(1.25, 1.1 * limits.high, 1.1 / limits.low, float(np.max(found_s / true_s)))
    reach = max(reach, 1.05 / float(np.min(found_s / true_s)))
    axes.set_ylim(1 / reach, reach)
    _plain_ticks(axes, seconds=np.sqrt(true_s * found_s), reach=reach)
    axes.set_xlabel("geometric mean of true and found duration, s")
    axes.set_ylabel("found / true duration")
    return figure


def draw_reliability(seconds: Reliability | None, episodes: Reliability) -> Figure:
    """Draw observed against predicted share; a perfect line is the diagonal."""
    figure, axes = paper(300, 252, (46, 12, 10, 38))
    axes.plot([0, 1], [0, 1], color=GREY, linewidth=0.8, linestyle=(0, (1, 1.5)))
    parts = [("seconds", seconds, BLUE), ("episodes", episodes, VERMILLION)]
    for name, found, look in parts:
        if found is None or not found.count:
            continue
        bins = [each for each in found.bins if each.count]
        axes.plot(
            [each.probability / each.count for each in bins],
            [each.true / each.count for each in bins],
            color=look.colour,
            linestyle=look.dash,
            marker=look.marker,
            label=f"{name} ({found.count:,})".replace(",", "\N{NARROW NO-BREAK SPACE}"),
        )
    axes.set_xlim(-0.02, 1.02)
    axes.set_ylim(-0.02, 1.02)
    axes.set_xlabel("predicted probability of a cramp")
    axes.set_ylabel("share that were cramps")
    axes.legend(loc="upper left", frameon=False, handlelength=3)
    return figure


def draw_latency(latency_s: npt.NDArray[np.float64]) -> Figure:
    """Draw the share of cramps decided on within so many seconds of their onset."""
    figure, axes = paper(300, 252, (46, 12, 10, 38))
    ordered = np.sort(latency_s)
    share = np.arange(1, len(ordered) + 1) / len(ordered)
    axes.step(np.r_[ordered[0], ordered], np.r_[0, share], where="post", color=BLUE.colour)
    median = float(np.median(ordered))
    axes.plot([median], [0.5], BLUE.marker, color=BLUE.colour)
    axes.annotate(
        f"half within {median:.1f} s", (median, 0.5), xytext=(7, -4), textcoords="offset points"
    )
    # What was up before the onset that is called true was seen early; one such would hide the rest.
    axes.set_xlim(
        min(0.0, float(np.quantile(ordered, 0.02))),
        max(30.0, 1.05 * float(np.quantile(ordered, 0.98))),
    )
    axes.set_ylim(0, 1.02)
    axes.yaxis.set_major_formatter(PercentFormatter(1.0))
    axes.set_xlabel("seconds from onset to decision")
    axes.set_ylabel("cramps found")
    return figure


def _rows(bars: Sequence[Bar]) -> tuple[Figure, Axes]:
    """Return a chart with a line of value and limits for each bar, the first on top."""
    height = 30 + ROW * max(len(bars), 1)
    figure, axes = paper(WIDTH, height, (128, 74, 6, 24))
    places = np.arange(len(bars))[::-1]
    for place, bar in zip(places, bars, strict=True):
        axes.plot([bar.low, bar.high], [place, place], color=BLUE.colour, linewidth=1.6)
        axes.plot([bar.value], [place], BLUE.marker, color=BLUE.colour, clip_on=False)
        axes.annotate(
            bar.text,
            (1, place),
            xycoords=("axes fraction", "data"),
            xytext=(70, 0),
            textcoords="offset points",
            ha="right",
            va="center",
        )
    axes.set_ylim(-0.6, len(bars) - 0.4)
    axes.set_yticks(places, [bar.name for bar in bars])
    axes.tick_params(axis="y", length=0)
    axes.spines["left"].set_visible(False)
    return figure, axes


def _apart(top: float) -> list[float]:
    """Return ticks up to `top` whose labels do not touch on a root scale."""
    ticks = [0.0]
    for tick in (0.05, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0, 200.0):
        if tick <= top and math.sqrt(tick) - math.sqrt(ticks[-1]) > 0.09 * math.sqrt(top):
            ticks.append(tick)
    return ticks


def _goal(axes: Axes, value: float) -> None:
    axes.axvline(value, color=VERMILLION.colour, linestyle=VERMILLION.dash, linewidth=1, zorder=0)


def _plain_ticks(axes: Axes, seconds: npt.NDArray[np.float64], reach: float) -> None:
    plain = FuncFormatter(lambda value, _: f"{value:g}")
    lengths = [15, 30, 60, 120, 300, 600]
    ratios = [0.25, 0.5, 0.67, 0.8, 0.9, 1, 1.1, 1.25, 1.5, 2, 4]
    if reach > 1.6:
        ratios = [0.125, 0.25, 0.5, 0.67, 1, 1.5, 2, 4, 8]
    shown = [ratio for ratio in ratios if 1 / reach <= ratio <= reach]
    places = [s for s in lengths if 0.8 * seconds.min() <= s <= 1.2 * seconds.max()]
    for axis, ticks in ((axes.xaxis, places), (axes.yaxis, shown)):
        axis.set_major_locator(FixedLocator(ticks))
        axis.set_minor_locator(NullLocator())
        axis.set_major_formatter(plain)


def _root(values: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    return np.sqrt(np.maximum(values, 0))
