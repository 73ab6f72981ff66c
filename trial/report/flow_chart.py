"""The flow diagram of CONSORT 2025, with nights planned, recorded and analysable."""

from __future__ import annotations

import textwrap
from dataclasses import dataclass
from typing import TYPE_CHECKING

from matplotlib.patches import FancyBboxPatch

from trial.report.drawing import GREY, INK, LOOKS, paper, style
from trial.report.wording import counted, part_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from trial.consort import Reason
    from trial.summary import Group, Summary

__all__ = ["draw_flow", "flow_in_words"]

_WIDTH, _LINE, _PADDING, _GAP, _MARGIN = 672.0, 12.0, 6.0, 18.0, 4.0  # points
_LETTER = 4.9  # points, of an average letter
_MOST_REASONS = 6
_BOX_WIDTH = 270.0


@dataclass(frozen=True, slots=True)
class _Box:
    """A heading and the lines below it, wrapped to the box."""

    head: str
    lines: tuple[str, ...] = ()
    width: float = _BOX_WIDTH

    @property
    def text(self) -> list[str]:
        letters = int((self.width - 2 * _PADDING) / _LETTER)
        wrapped = textwrap.wrap(self.head, letters)
        for line in self.lines:
            wrapped += textwrap.wrap(line, letters, initial_indent="  ", subsequent_indent="    ")
        return wrapped

    @property
    def height(self) -> float:
        return _LINE * len(self.text) + 2 * _PADDING


def draw_flow(summary: Summary) -> Figure:
    """Draw how participants and nights came into the analysis, one column for each group."""
    top = _top_boxes(summary)
    columns = [_column(group, summary) for group in summary.groups]
    heights = [max(boxes[row].height for boxes in columns) for row in range(len(columns[0]))]
    height = sum(box.height for box in top) + sum(heights) + _GAP * (len(heights) + 2)
    with style():
        figure, axes = paper(_WIDTH, height + 2 * _MARGIN, (0, 0, _MARGIN, _MARGIN))
        axes.set_axis_off()
        axes.set_xlim(0, _WIDTH)
        axes.set_ylim(height, 0)
        below = _draw_top(axes, top)
        _draw_columns(axes, columns, heights, below)
    return figure


def flow_in_words(summary: Summary) -> str:
    """Return the text of all boxes, for readers who cannot see them."""
    boxes = [*_top_boxes(summary)]
    for group in summary.groups:
        boxes += _column(group, summary)
    return ". ".join("; ".join((box.head, *box.lines)) for box in boxes)


def _top_boxes(summary: Summary) -> list[_Box]:
    found = summary.screened
    left = found.assessed - found.randomised
    return [
        _Box(f"Assessed for eligibility (n = {counted(found.assessed)})"),
        _Box(f"Excluded (n = {counted(left)})", _reasons(found.excluded)),
        _Box(f"Randomised (n = {counted(found.randomised)})"),
    ]


def _column(group: Group, summary: Summary) -> list[_Box]:
    flow, course = group.flow, group.course
    width = _BOX_WIDTH if len(summary.groups) == 1 else (_WIDTH - _GAP) / 2 - _MARGIN
    stopped = sum(reason.participants for reason in course.stopped)
    enough = f"analysable for {summary.display_rule.night_hours:g} h or more"
    name = f"Allocated to {group.arm}" if group.arm else "Allocated, arms not opened"
    return [
        _Box(
            f"{name} (n = {counted(flow.randomised)})",
            (f"first treatment night has come: {counted(course.started)}",),
            width,
        ),
        _Box(
            f"Stopped treatment early (n = {counted(stopped)})",
            (*_reasons(course.stopped), f"completed the treatment: {counted(course.completed)}"),
            width,
        ),
        _Box(
            f"Nights planned up to the data cut (n = {counted(flow.nights_planned)})",
            (
                f"worn, with a recording: {part_of(flow.nights_recorded, flow.nights_planned)}",
                f"valid, {enough}: {part_of(flow.nights_analysable, flow.nights_planned)}",
            ),
            width,
        ),
        _Box(
            f"Analysed (n = {counted(flow.analysed)})",
            (f"no analysable treatment time: {counted(flow.randomised - flow.analysed)}",),
            width,
        ),
    ]


def _reasons(reasons: Sequence[Reason]) -> tuple[str, ...]:
    """Return the most frequent reasons, and the others together."""
    shown = list(reasons[:_MOST_REASONS])
    lines = [f"{reason.reason}: {counted(reason.participants)}" for reason in shown]
    rest = sum(reason.participants for reason in reasons[_MOST_REASONS:])
    return (*lines, *([f"other reasons: {counted(rest)}"] if rest else []))


def _draw_top(axes: Axes, boxes: Sequence[_Box]) -> float:
    """Draw assessment, exclusion at its right, and randomisation; return where it ends."""
    assessed, excluded, randomised = boxes
    middle = _WIDTH / 2
    _draw_box(axes, assessed, middle, 0)
    side = assessed.height + _GAP / 2
    end = side + excluded.height + _GAP / 2
    _arrow(axes, (middle, assessed.height), (middle, end))
    turn = side + excluded.height / 2
    left = middle + _GAP
    _arrow(axes, (middle, turn), (left, turn))
    _draw_box(axes, excluded, left + excluded.width / 2, side)
    _draw_box(axes, randomised, middle, end)
    return end + randomised.height


def _draw_columns(
    axes: Axes, columns: Sequence[Sequence[_Box]], heights: Sequence[float], top: float
) -> None:
    places = [_WIDTH * (2 * number + 1) / (2 * len(columns)) for number in range(len(columns))]
    for boxes, place, look in zip(columns, places, LOOKS, strict=False):
        if len(columns) > 1:
            axes.plot([_WIDTH / 2, place], [top + _GAP / 2] * 2, color=GREY, linewidth=0.8)
            axes.plot([_WIDTH / 2] * 2, [top, top + _GAP / 2], color=GREY, linewidth=0.8)
        edge = look.colour if len(columns) > 1 else INK
        start = top + (_GAP / 2 if len(columns) > 1 else 0)
        y = top + _GAP
        for box, height in zip(boxes, heights, strict=True):
            _arrow(axes, (place, start), (place, y))
            _draw_box(axes, box, place, y, height=height, edge=edge)
            start, y = y + height, y + height + _GAP


def _draw_box(
    axes: Axes, box: _Box, middle: float, top: float, *, height: float = 0.0, edge: str = INK
) -> None:
    corner = (middle - box.width / 2, top)
    size = (box.width, max(height, box.height))
    axes.add_patch(
        FancyBboxPatch(
            corner,
            *size,
            boxstyle="square,pad=0",
            facecolor="white",
            edgecolor=edge,
            linewidth=0.9,
            clip_on=False,
        )
    )
    for number, line in enumerate(box.text):
        indent = len(line) - len(line.lstrip())
        axes.text(
            corner[0] + _PADDING + 5 * indent,
            top + _PADDING + _LINE * (number + 0.5),
            line.strip(),
            va="center",
            color=INK,
        )


def _arrow(axes: Axes, start: tuple[float, float], end: tuple[float, float]) -> None:
    axes.annotate(
        "", end, start, arrowprops={"arrowstyle": "-|>", "color": GREY, "shrinkA": 0, "shrinkB": 0}
    )
