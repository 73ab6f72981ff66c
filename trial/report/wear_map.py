"""The wear map: every participant and night of the plan at one glance."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import pandas as pd
from matplotlib.colors import to_rgba
from matplotlib.patches import Patch, Rectangle

from trial.report.drawing import GREY, INK, paper, style
from trial.report.wording import signed
from trial.wear import night_grid

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from trial.study import Study

__all__ = ["WearMap", "draw_wear", "wear_map"]

_WIDTH = 672.0  # points
_LEFT, _RIGHT, _TOP, _BOTTOM = 58.0, 6.0, 26.0, 30.0
_ROW, _SMALLEST_NAMED_ROW, _TALLEST = 12.0, 8.0, 440.0  # points
_FULL = 1.5  # times the hours of an analysable night

_NOT_RECORDED, _FEW_HOURS, _ENOUGH_HOURS, _ALL_HOURS = "#ffffff", "#f3c14b", "#4a98cf", "#0b4a7d"


@dataclass(frozen=True, slots=True)
class WearMap:
    """Analysable hours of every participant and night of the plan.

    Attributes
    ----------
    hours : float64 array, shape (participants, nights)
        NaN where nothing was recorded.
    due : bool array, shape (participants, nights)
        False for nights after the data cut.
    names, sites : tuple of str
        Of each row, by site and then by hours, the best recorded first.
    weeks : tuple of int
        Of every seven nights.
    enough, full : float
        Analysable hours of an analysable night, and of a night that left little to wish for.
    """

    hours: npt.NDArray[np.float64]
    due: npt.NDArray[np.bool_]
    names: tuple[str, ...]
    sites: tuple[str, ...]
    weeks: tuple[int, ...]
    enough: float
    full: float


def wear_map(study: Study) -> WearMap:
    """Lay out what was recorded, participant by participant and night by night."""
    people = study.randomised.set_index("participant_id")
    grid = night_grid(study)
    first = grid["participant_id"].map(people["first_treatment_night"])
    grid["night_number"] = (grid["night"] - first).dt.days + 7 * study.plan.run_in_weeks
    hours = grid["analysable_hours"].where(grid["recorded_hours"] > 0)
    people["hours"] = hours.groupby(grid["participant_id"]).sum()
    people = people.sort_values(["site", "hours"], ascending=[True, False], kind="stable")
    row = people.index.get_indexer(pd.Index(grid["participant_id"]))
    shape = (len(people), 7 * len(study.plan.week_numbers))
    seen, due = np.full(shape, np.nan), np.zeros(shape, dtype=np.bool_)
    seen[row, grid["night_number"]] = hours
    due[row, grid["night_number"]] = True
    return WearMap(
        hours=seen,
        due=due,
        names=tuple(people.index),
        sites=tuple(people["site"]),
        weeks=study.plan.week_numbers,
        enough=study.plan.display.night_hours,
        full=_FULL * study.plan.display.night_hours,
    )


def draw_wear(wear: WearMap) -> Figure:
    """Draw a wear map; a night is one cell, and cells of one participant make a row."""
    rows, nights = wear.hours.shape
    height = min(_ROW * rows, _TALLEST)
    with style():
        figure, axes = paper(_WIDTH, height + _TOP + _BOTTOM, (_LEFT, _RIGHT, _TOP, _BOTTOM))
        extent = (0, nights, rows, 0)
        axes.add_patch(
            Rectangle((0, 0), nights, rows, facecolor="#f4f4f4", edgecolor="#c4c4c4", hatch="////")
        )
        axes.imshow(_cells(wear), extent=extent, interpolation="none", aspect="auto", zorder=2)
        axes.set_xlim(0, nights)
        axes.set_ylim(rows, 0)
        _rule_weeks(axes, wear.weeks)
        if height / rows >= _SMALLEST_NAMED_ROW:
            axes.set_yticks(np.arange(rows) + 0.5, wear.names)
        else:
            _name_sites(axes, wear.sites)
        axes.tick_params(which="major", length=0)
        for spine in axes.spines.values():
            spine.set_visible(False)
        _explain_colours(axes, wear)
    return figure


def _cells(wear: WearMap) -> npt.NDArray[np.uint8]:
    """Return the colour of each cell; nights that are not due are transparent."""
    steps = (_NOT_RECORDED, _FEW_HOURS, _ENOUGH_HOURS, _ALL_HOURS)
    colours = np.array([to_rgba(step) for step in steps])
    limits = (0.0, wear.enough, wear.full)
    step = np.digitize(np.nan_to_num(wear.hours, nan=-1.0), limits)
    cells = (255 * colours[step]).astype(np.uint8)
    cells[~wear.due] = 0
    return cells


def _rule_weeks(axes: Axes, weeks: Sequence[int]) -> None:
    """Write the weeks below, with a tick between them and a line before the first treatment."""
    axes.set_xticks(7 * np.arange(len(weeks)) + 3.5, [signed(week) for week in weeks])
    axes.set_xticks(7 * np.arange(len(weeks) + 1), minor=True)
    axes.tick_params(axis="x", which="minor", length=5)
    axes.set_xlabel("week")
    if weeks[0] < 0 < weeks[-1]:
        start = 7 * weeks.index(1)
        axes.axvline(start, color="white", linewidth=3)
        axes.axvline(start, color=INK, linewidth=1.2)


def _name_sites(axes: Axes, sites: Sequence[str]) -> None:
    """Name each site in the middle of its rows, and draw a line between sites."""
    names = list(dict.fromkeys(sites))
    starts = [sites.index(name) for name in names]
    ends = [*starts[1:], len(sites)]
    for start in starts[1:]:
        axes.axhline(start, color=INK, linewidth=0.8)
    middles = [(start + end) / 2 for start, end in zip(starts, ends, strict=True)]
    labels = [f"{n}\nn = {end - start}" for n, start, end in zip(names, starts, ends, strict=True)]
    axes.set_yticks(middles, labels)


def _explain_colours(axes: Axes, wear: WearMap) -> None:
    entries = [
        (_ALL_HOURS, f"≥ {wear.full:g} h analysable"),
        (_ENOUGH_HOURS, f"{wear.enough:g} to {wear.full:g} h"),
        (_FEW_HOURS, f"under {wear.enough:g} h"),
        (_NOT_RECORDED, "not recorded"),
    ]
    patches = [Patch(facecolor=colour, edgecolor=GREY, label=label) for colour, label in entries]
    patches.append(
        Patch(facecolor="#f4f4f4", edgecolor="#c4c4c4", hatch="////", label="not due yet")
    )
    axes.legend(
        handles=patches,
        ncols=len(patches),
        loc="lower left",
        bbox_to_anchor=(0, 1),
        frameon=False,
        borderaxespad=0.4,
        handlelength=1.2,
        handleheight=1.0,
        columnspacing=1.4,
    )
