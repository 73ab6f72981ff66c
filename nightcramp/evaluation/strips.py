"""The worst false alarms and misses as small pictures: what the detector saw around each."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

from models import TruthKind
from models.evaluation import HOURS_LONG
from nightcramp.evaluation.summary import cause_of
from sensing import EventKind
from trial.report.drawing import GREY, INK, LOOKS, paper

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from models import TrueEvent
    from models.evaluation import FalseAlarm, Judged, Match, Scored
    from nightcramp.evaluation.trace import Trace
    from sensing import Event

AT_MOST = 8
"""Pictures of each kind."""

MARGIN_S = 45.0

OTHER_ROW = ("#c9c9c9", INK, 1.05)
CRAMP_ROW = (LOOKS[0].colour, "white", 1.17)
REPORTED_ROW = (LOOKS[1].colour, "white", 1.29)
"""Colours of the bars and their names, and heights in heights of the signal."""

_BAR: dict[str, Any] = {"linewidth": 6, "solid_capstyle": "butt", "clip_on": False}
_NAME: dict[str, Any] = {"fontsize": 6, "ha": "center", "va": "center_baseline"}

_CLEAR = (TruthKind.GAP, TruthKind.HUM)
"""States of the recording that are named in the table, not drawn over the signal."""


@dataclass(frozen=True, slots=True)
class Strip:
    """One stretch of a night, and the words that go with it."""

    title: str
    words: str
    first_s: int
    last_s: int
    judged: Judged
    trace: Trace


def false_alarm_strips(
    scored: Sequence[Scored], trace_of: Callable[[str], Trace | None]
) -> list[Strip]:
    """Return the false alarms the detector was surest of."""
    alarms = [(alarm, one.judged) for one in scored for alarm in one.evaluation.false_alarms]
    alarms.sort(key=lambda pair: -(pair[0].event.confidence or 0.0))
    strips = []
    for alarm, judged in alarms[:AT_MOST]:
        trace = trace_of(judged.name)
        if trace is not None:
            strips.append(_strip(alarm.event, judged, trace, _alarm_words(alarm)))
    return strips


def miss_strips(scored: Sequence[Scored], trace_of: Callable[[str], Trace | None]) -> list[Strip]:
    """Return the cramps that were missed: easy ones first, then the strongest."""
    misses = [
        (match, one.judged)
        for one in scored
        for match in one.evaluation.matches
        if not match.counted and match.analysable
    ]
    misses.sort(key=lambda pair: (not pair[0].easy, -(pair[0].truth.intensity or 0.0)))
    strips = []
    for match, judged in misses[:AT_MOST]:
        trace = trace_of(judged.name)
        if trace is not None:
            strips.append(_strip(match.truth, judged, trace, _miss_words(match)))
    return strips


def draw_strip(strip: Strip) -> Figure:
    """Draw amplitude, what was true and what was reported, and the score below."""
    figure, axes = paper(300, 136, (32, 8, 30, 42))
    below = figure.add_axes((32 / 300, 18 / 136, 260 / 300, 20 / 136))
    shown = slice(strip.first_s, strip.last_s)
    time_s = np.arange(strip.last_s - strip.first_s, dtype=np.float64)
    _draw_level(axes, time_s, strip.trace.level[shown])
    _draw_marks(axes, strip)
    below.fill_between(time_s, strip.trace.score[shown], step="post", color=GREY, linewidth=0)
    below.axhline(strip.trace.on, color=LOOKS[1].colour, linewidth=0.7, linestyle=(0, (3, 2)))
    below.patch.set_visible(False)
    below.set_ylim(0, 1.05)
    below.yaxis.set_major_locator(FixedLocator([0, 1]))
    below.set_xlim(0, len(time_s))
    below.tick_params(labelsize=7)
    axes.set_xlim(0, len(time_s))
    axes.set_xticks([])
    axes.tick_params(labelsize=7)
    return figure


def _draw_level(
    axes: Axes, time_s: npt.NDArray[np.float64], level: npt.NDArray[np.float32]
) -> None:
    axes.fill_between(time_s, level, 0.5, step="post", color="#9dbfd6", linewidth=0)
    axes.step(time_s, level, where="post", color=LOOKS[0].colour, linewidth=0.8)
    axes.set_yscale("log")
    known = level[~np.isnan(level)]
    top = max(12.0, 1.3 * float(known.max())) if len(known) else 12.0
    axes.set_ylim(0.5, top)
    axes.axhline(2, color=GREY, linewidth=0.4)
    ticks = [tick for tick in (1, 10, 100, 1000, 10_000) if tick <= top]
    axes.yaxis.set_major_locator(FixedLocator(ticks))
    axes.yaxis.set_minor_locator(NullLocator())
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}×"))


def _draw_marks(axes: Axes, strip: Strip) -> None:
    """Draw above the signal other true events, above those cramps, on top what was reported."""
    other = [
        event
        for event in strip.judged.truth
        if event.kind not in (*_CLEAR, TruthKind.CRAMP) and event.detail != HOURS_LONG
    ]
    cramps = [event for event in strip.judged.truth if event.kind is TruthKind.CRAMP]
    reported = [
        event
        for event in strip.judged.detected
        if event.kind in (EventKind.CRAMP, EventKind.POSSIBLE_CRAMP)
    ]
    _draw_bars(axes, strip, other, OTHER_ROW)
    _draw_bars(axes, strip, cramps, CRAMP_ROW)
    _draw_bars(axes, strip, reported, REPORTED_ROW)


def _draw_bars(
    axes: Axes, strip: Strip, events: Sequence[TrueEvent | Event], row: tuple[str, str, float]
) -> None:
    """Draw a row of bars; a bar has its name where there is room for it."""
    colour, ink, height = row
    length = strip.last_s - strip.first_s
    free_from = 0.0
    for event in events:
        first = max(event.onset_s - strip.first_s, 0.0)
        last = min(event.offset_s - strip.first_s, float(length))
        if not _inside(event, strip):
            continue
        where = axes.get_xaxis_transform()
        end = max(last, first + length / 300)
        axes.plot([first, end], [height] * 2, transform=where, color=colour, **_BAR)
        name = "reported" if row is REPORTED_ROW else event.kind.value.replace("_", " ")
        middle, half = (first + last) / 2, 0.009 * len(name) * length
        if last - first > 2 * half and middle - half >= free_from:
            axes.text(middle, height, name, transform=where, color=ink, **_NAME)
            free_from = middle + half


def _inside(event: TrueEvent | Event, strip: Strip) -> bool:
    return event.onset_s < strip.last_s and event.offset_s > strip.first_s


def _strip(event: TrueEvent | Event, judged: Judged, trace: Trace, words: str) -> Strip:
    margin = max(MARGIN_S, event.duration_s / 2)
    first = max(0, int(event.onset_s - margin))
    last = min(len(trace.score), int(event.offset_s + margin) + 1)
    title = f"{judged.name}, {_clock(event.onset_s)}"
    return Strip(title, words, first, last, judged, trace)


def _alarm_words(alarm: FalseAlarm) -> str:
    confidence = alarm.event.confidence or 0.0
    length = f"{alarm.event.duration_s:.0f} s"
    return f"{length}, confidence {confidence:.2f}; there was: {cause_of(alarm)}"


def _miss_words(match: Match) -> str:
    amplitude = match.truth.intensity
    strength = "unknown amplitude" if amplitude is None else f"{amplitude:.1f} × the floor"
    return f"{match.truth.duration_s:.0f} s at {strength}"


def _clock(seconds: float) -> str:
    minutes, rest = divmod(int(seconds), 60)
    return f"{minutes // 60}:{minutes % 60:02d}:{rest:02d}"
