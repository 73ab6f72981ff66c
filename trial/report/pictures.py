"""The figures of the report with their captions, and with words for those who cannot see them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from trial.blinding import may_pool
from trial.calendar import assign_weeks, with_arm
from trial.report.lines import Durations, draw_duration, draw_frequency, has_clipped_interval
from trial.report.svg import inline_svg
from trial.report.wear_map import draw_wear, wear_map
from trial.report.wording import counted, number, signed, value_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd

    from trial.study import Study
    from trial.summary import Summary

__all__ = ["Picture", "draw_pictures"]


@dataclass(frozen=True, slots=True)
class Picture:
    """A figure of the report: its drawing and what stands below it."""

    title: str
    caption: str
    svg: str


def draw_pictures(study: Study, summary: Summary) -> dict[str, Picture]:
    """Return the figures that there is something to draw for."""
    pictures = {}
    if summary.pooled.flow.analysable_hours:
        pictures["frequency"] = _frequency_picture(summary)
    samples = _durations(study)
    if samples:
        pictures["duration"] = _duration_picture(samples)
    if not study.randomised.empty:
        pictures["wear"] = _wear_picture(study, summary)
    return pictures


def _frequency_picture(summary: Summary) -> Picture:
    known = [
        f"{group.arm or 'all'}, week {signed(int(week.name))}: {value_of(week.outcomes.frequency)}"
        for group in summary.groups
        for week in group.weeks
    ]
    caption = (
        f"Cramps per week ({summary.reference_hours:g} analysable hours) with 95 % confidence "
        "intervals (CI); n is the number of participants with analysable time in the week."
    )
    if has_clipped_interval(summary.groups):
        caption += " Some intervals run off the figure; the table has their limits."
    figure = draw_frequency(summary.groups)
    words = "; ".join(known)
    title = "Cramps per week"
    return Picture(title, caption, inline_svg(figure, "frequency", title, words))


def _duration_picture(samples: Sequence[Durations]) -> Picture:
    caption = (
        "Minutes per cramp: the share of cramps that last at most so long. Each participant "
        "weighs the same, however many cramps there were."
    )
    words = "; ".join(
        f"{sample.name}: half of the cramps last at most {number(sample.median, 1)} minutes"
        for sample in samples
    )
    figure = draw_duration(samples)
    title = "Minutes per cramp"
    return Picture(title, caption, inline_svg(figure, "duration", title, words))


def _wear_picture(study: Study, summary: Summary) -> Picture:
    caption = (
        "Analysable hours of every planned night. Rows are participants, by site and then by "
        "hours; columns are nights; the line is the first treatment night."
    )
    flow = summary.pooled.flow
    words = (
        f"{counted(flow.nights_planned)} nights planned, {counted(flow.nights_recorded)} recorded, "
        f"{counted(flow.nights_analysable)} of them analysable"
    )
    figure = draw_wear(wear_map(study))
    title = "Wear map"
    return Picture(title, caption, inline_svg(figure, "wear", title, words))


def _durations(study: Study) -> list[Durations]:
    """Return the minutes of all cramps: run-in and treatment, or the treatment of each arm."""
    episodes = with_arm(assign_weeks(study.counted_episodes, study), study)
    treatment = episodes[episodes["period"] == "treatment"]
    if study.arms_opened:
        samples = [_sample(arm, treatment[treatment["arm"] == arm]) for arm in study.arms]
    else:
        run_in = episodes[episodes["period"] == "run_in"]
        samples = [_sample("treatment", treatment), _sample("run-in", run_in, is_run_in=True)]
    return [
        sample for sample in samples if sample.participants and may_pool(sample.participants, study)
    ]


def _sample(name: str, episodes: pd.DataFrame, *, is_run_in: bool = False) -> Durations:
    share = 1 / episodes.groupby("participant_id")["minutes"].transform("size")
    return Durations(
        name=name,
        minutes=episodes["minutes"].to_numpy(),
        weights=(share / share.sum()).to_numpy(),
        participants=episodes["participant_id"].nunique(),
        is_run_in=is_run_in,
    )
