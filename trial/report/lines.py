"""The line figures of the weekly report: how often, and how long."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
from matplotlib.ticker import FixedFormatter, FixedLocator, MaxNLocator, NullLocator

from trial.report.drawing import GREY, INK, LOOKS, RUN_IN_LOOK, paper, style
from trial.report.wording import counted, people, signed

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from trial.estimates import Mean, Rate
    from trial.report.drawing import Look
    from trial.summary import Group, Outcomes, Span

    Week = tuple[int | str, Rate | Mean]

__all__ = [
    "FREQUENCY",
    "SEVERITY",
    "Durations",
    "Measure",
    "draw_duration",
    "draw_weeks",
    "has_clipped_interval",
]

FloatArray = npt.NDArray[np.float64]

_WIDTH, _HEIGHT, _LEFT = 330.0, 236.0, 34.0  # points
_NARROWEST_LABEL = 19.0  # points: three figures and some air
_HIGHEST_INTERVAL = 3.0  # times the largest rate
_LONGEST_NAME = 16  # letters of an arm
_RUN_IN_GAP = 0.5  # between the last run-in week and week 1, in weeks
_MINUTES = {1 / 6: "10 s", 0.5: "30 s", 1: "1", 2: "2", 5: "5", 10: "10", 30: "30", 60: "60"}


@dataclass(frozen=True, slots=True)
class Measure:
    """What a figure shows of every week.

    Attributes
    ----------
    name : str
    pick : callable
    most : float
        Largest value there can be.
    """

    name: str
    pick: Callable[[Outcomes], Rate | Mean]
    most: float = math.inf

    def of(self, week: Span) -> Rate | Mean:
        """Return the estimate of a week."""
        return self.pick(week.outcomes)


FREQUENCY = Measure("Cramps per week", lambda outcomes: outcomes.frequency)
SEVERITY = Measure("Severity by the diary", lambda outcomes: outcomes.severity, most=10)


@dataclass(frozen=True, slots=True)
class Durations:
    """Minutes of each cramp of a group in a period.

    Attributes
    ----------
    name : str
    minutes, weights : float64 array, shape (cramps,)
        The weights of one participant's cramps are equal, and all participants weigh the same.
    participants : int
        How many have a cramp.
    is_run_in : bool
    """

    name: str
    minutes: FloatArray
    weights: FloatArray
    participants: int
    is_run_in: bool = False

    def share_up_to(self, minutes: FloatArray) -> FloatArray:
        """Return the weighted share of cramps that last at most so long."""
        order = np.argsort(self.minutes, kind="stable")
        share = np.concatenate([[0.0], np.cumsum(self.weights[order])])
        rank = np.searchsorted(self.minutes[order], minutes, side="right")
        return np.asarray(share[rank], dtype=np.float64)

    @property
    def median(self) -> float:
        """The shortest duration that half of the cramps do not exceed."""
        durations = np.sort(self.minutes)
        return float(durations[np.argmax(self.share_up_to(durations) >= 0.5 - 1e-9)])


def draw_weeks(groups: Sequence[Group], measure: Measure) -> Figure:
    """Draw a measure week by week with 95 % intervals, one line for each group."""
    places = _places([span.name for span in groups[0].weeks])
    with style():
        figure, axes = paper(_WIDTH, _HEIGHT, (_LEFT, _right(groups), 18, _bottom(len(groups))))
        for group, look in zip(groups, LOOKS, strict=False):
            _draw_weeks(axes, [(w.name, measure.of(w)) for w in group.weeks], places, look)
        axes.set_ylim(0, min(1.1 * _highest(groups, measure), measure.most))
        axes.set_xlim(min(places.values()) - 0.4, max(places.values()) + 0.4)
        axes.yaxis.set_major_locator(MaxNLocator(5, steps=[1, 2, 5, 10]))
        axes.grid(axis="y", color=GREY, alpha=0.2, linewidth=0.5)
        _title(axes, measure.name)
        _mark_first_treatment_night(axes, places)
        _mark_withheld(axes, [(w.name, measure.of(w)) for w in groups[0].weeks], places)
        _label_weeks(axes, groups, measure, places)
        _label_ends(axes, groups, measure, places)
    return figure


def has_clipped_interval(groups: Sequence[Group], measure: Measure) -> bool:
    """Whether `draw_weeks` lets an interval run off the figure."""
    estimates = _weekly_estimates(groups, measure)
    return max(found.high or 0.0 for found in estimates) > _highest(groups, measure)


def draw_duration(samples: Sequence[Durations]) -> Figure:
    """Draw the share of cramps that last at most so long, each participant weighing the same.

    It is drawn in whole percents: finer steps would tell how many cramps single participants had.
    """
    longest = max(float(sample.minutes.max()) for sample in samples)
    grid = np.geomspace(1 / 6, max(2.0, 1.1 * longest), 120)
    looks = iter(LOOKS)
    lines = max(1, sum(not sample.is_run_in for sample in samples))  # one shows withheld cramps
    with style():
        figure, axes = paper(_WIDTH, _HEIGHT, (_LEFT, 8, 18, _bottom(lines)))
        for sample in samples:
            look = RUN_IN_LOOK if sample.is_run_in else next(looks)
            share = np.rint(100 * sample.share_up_to(grid))
            axes.step(grid, share, where="post", color=look.colour, linestyle=look.dash)
            axes.lines[-1].set_label(f"{_short(sample.name)}, {people(sample.participants)}")
        _label_durations(axes, float(grid[-1]))
        _title(axes, "Cramps that last at most so long (%)")
        axes.legend(loc="best", frameon=False, handlelength=2.8, borderaxespad=0.2)
    return figure


def _bottom(groups: int) -> float:
    """Return room for the weeks and a row of numbers for each group; the same in both figures."""
    return 23.0 + 11 * groups


def _short(name: str) -> str:
    return name if len(name) <= _LONGEST_NAME else f"{name[: _LONGEST_NAME - 1]}…"


def _right(groups: Sequence[Group]) -> float:
    """Return room for the names of the arms beside the last week."""
    return 10.0 + 5 * max(len(_short(group.arm or "")) for group in groups)


def _weekly_estimates(groups: Sequence[Group], measure: Measure) -> list[Rate | Mean]:
    return [measure.of(week) for group in groups for week in group.weeks]


def _highest(groups: Sequence[Group], measure: Measure) -> float:
    """Return the highest value to draw, so that intervals of very few people do not rule it."""
    found = _weekly_estimates(groups, measure)
    largest = max(one.value or 0.0 for one in found) or 1.0
    highest = max(largest, *(one.high or 0.0 for one in found))
    return min(highest, _HIGHEST_INTERVAL * largest, measure.most)


def _places(weeks: Sequence[int | str]) -> dict[int | str, float]:
    """Return where each week stands on the axis; there is no week 0 but a gap."""
    return {
        week: place + (_RUN_IN_GAP if int(week) > 0 else 0.0) for place, week in enumerate(weeks)
    }


def _draw_weeks(
    axes: Axes, weeks: Sequence[Week], places: Mapping[int | str, float], look: Look
) -> None:
    """Draw one group, the run-in apart from the treatment; weeks without a value leave a hole."""
    for part in ([w for w in weeks if int(w[0]) < 0], [w for w in weeks if int(w[0]) > 0]):
        x = [places[week] for week, _ in part]
        value = np.array([found.value for _, found in part], dtype=np.float64)
        low = np.array([found.low for _, found in part], dtype=np.float64)
        high = np.array([found.high for _, found in part], dtype=np.float64)
        axes.fill_between(x, low, high, color=look.colour, alpha=0.15, linewidth=0)
        axes.vlines(x, low, high, color=look.colour, linewidth=0.9, alpha=0.7)
        axes.plot(x, value, color=look.colour, linestyle=look.dash, marker=look.marker)


def _title(axes: Axes, text: str) -> None:
    """Say on top of the axis what it counts, where no head must be turned."""
    axes.annotate(
        text, (0, 1), (-30, 8), xycoords="axes fraction", textcoords="offset points", va="bottom"
    )


def _mark_first_treatment_night(axes: Axes, places: Mapping[int | str, float]) -> None:
    if min(int(week) for week in places) > 0:
        return
    x = places[1] - (1 + _RUN_IN_GAP) / 2
    axes.axvline(x, color=GREY, linewidth=0.6)
    axes.annotate(
        "first treatment night",
        (x, 1),
        (3, 0),
        textcoords="offset points",
        xycoords=axes.get_xaxis_transform(),
        color=GREY,
        va="top",
    )


def _mark_withheld(axes: Axes, weeks: Sequence[Week], places: Mapping[int | str, float]) -> None:
    """Say where a value is known but not shown, so that it does not pass for missing."""
    for week, found in weeks:
        if found.withheld:
            axes.annotate(
                "withheld",
                (places[week], 0),
                (0, 4),
                textcoords="offset points",
                ha="center",
                rotation=90,
                color=GREY,
            )


def _label_weeks(
    axes: Axes, groups: Sequence[Group], measure: Measure, places: Mapping[int | str, float]
) -> None:
    """Write the weeks below the axis, and below them how many participants are behind each."""
    room = (_WIDTH - _LEFT - _right(groups)) / len(places)
    step = math.ceil(_NARROWEST_LABEL / room)
    shown = [week for number, week in enumerate(places) if number % step == 0]
    axes.set_xticks([places[week] for week in shown], [signed(int(week)) for week in shown])
    _below(axes, 0, "week", INK)
    for row, (group, look) in enumerate(zip(groups, LOOKS, strict=False), start=1):
        colour = look.colour if group.arm else GREY
        _below(axes, row, "n", colour)
        for week in group.weeks:
            if week.name in shown:
                text = counted(measure.of(week).participants)
                _below(axes, row, text, colour, places[week.name])


def _below(axes: Axes, row: int, text: str, colour: str, x: float | None = None) -> None:
    """Write below the axis, in a row counted from that of the weeks; without `x`, its heading."""
    axes.annotate(
        text,
        (0 if x is None else x, 0),
        (-8 if x is None else 0, -6 - 11 * row),
        xycoords="axes fraction" if x is None else axes.get_xaxis_transform(),
        textcoords="offset points",
        ha="right" if x is None else "center",
        va="top",
        color=colour,
    )


def _label_ends(
    axes: Axes, groups: Sequence[Group], measure: Measure, places: Mapping[int | str, float]
) -> None:
    """Name each line at its last point, without one name on top of the other."""
    ends = []
    for group, look in zip(groups, LOOKS, strict=False):
        values = [(week.name, measure.of(week).value) for week in group.weeks]
        known = [(places[week], value) for week, value in values if value is not None]
        if known and group.arm:
            ends.append((known[-1], _short(group.arm), look))
    ends.sort(key=lambda end: end[0][1])
    room = 0.07 * axes.get_ylim()[1]
    lowest = -np.inf
    for (x, y), name, look in ends:
        height = max(y, lowest + room)
        lowest = height
        axes.annotate(
            name, (x, height), (7, 0), textcoords="offset points", va="center", color=look.colour
        )


def _label_durations(axes: Axes, longest: float) -> None:
    shown = {minutes: label for minutes, label in _MINUTES.items() if minutes <= longest}
    axes.set_xscale("log")
    axes.set_xlim(1 / 6, longest)
    axes.xaxis.set_major_locator(FixedLocator(list(shown)))
    axes.xaxis.set_major_formatter(FixedFormatter(list(shown.values())))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.set_xlabel("minutes, logarithmic", color=INK)
    axes.set_ylim(0, 100)
    axes.grid(color=GREY, alpha=0.2, linewidth=0.5)
