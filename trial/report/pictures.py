"""The figures of the report with their captions, and with words for those who cannot see them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from trial.blinding import may_pool
from trial.calendar import assign_weeks, with_arm
from trial.release import released
from trial.report.agreement_plot import draw_agreement, weeks_of_both
from trial.report.flow_chart import draw_flow, flow_in_words
from trial.report.forest import draw_forest, forest_rows
from trial.report.lines import (
    FREQUENCY,
    SEVERITY,
    Durations,
    draw_duration,
    draw_weeks,
    has_clipped_interval,
)
from trial.report.svg import inline_svg
from trial.report.wear_map import draw_wear, wear_map
from trial.report.wording import counted, interval, number, signed, value_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd

    from trial.report.forest import ForestRow
    from trial.report.lines import Measure
    from trial.results import Results
    from trial.statistics import Analysis
    from trial.statistics.sensor_diary import WeeklyAgreement
    from trial.study import Study
    from trial.summary import Summary

__all__ = ["Picture", "draw_pictures"]


@dataclass(frozen=True, slots=True)
class Picture:
    """A figure of the report: its drawing and what stands below it."""

    title: str
    caption: str
    svg: str


def draw_pictures(results: Results) -> dict[str, Picture]:
    """Return the figures that there is something to draw for."""
    study, summary = results.study, results.summary
    pictures = {}
    if summary.pooled.flow.analysable_hours:
        pictures["frequency"] = _frequency_picture(summary)
    samples = _durations(study)
    if samples:
        pictures["duration"] = _duration_picture(samples)
    if any(SEVERITY.of(week).value is not None for g in summary.groups for week in g.weeks):
        pictures["severity"] = _severity_picture(summary)
    if not study.randomised.empty:
        pictures["flow"] = _flow_picture(summary)
        pictures["wear"] = _wear_picture(study, summary)
    if results.analysis is not None:
        pictures |= _comparison_pictures(study, results.analysis)
    return pictures


def _frequency_picture(summary: Summary) -> Picture:
    caption = (
        f"Cramps per week ({summary.reference_hours:g} analysable hours) with 95 % confidence "
        "intervals (CI); n is the number of participants behind each."
    )
    return _weekly_picture("frequency", FREQUENCY, caption, summary)


def _severity_picture(summary: Summary) -> Picture:
    caption = (
        f"Severity by the diary, {summary.severity_scale}, with 95 % confidence intervals: mean "
        "over the participants who noted a cramp in the week; n is their number."
    )
    return _weekly_picture("severity", SEVERITY, caption, summary)


def _weekly_picture(name: str, measure: Measure, caption: str, summary: Summary) -> Picture:
    known = [
        f"{group.arm or 'all'}, week {signed(int(week.name))}: {value_of(measure.of(week))}"
        for group in summary.groups
        for week in group.weeks
    ]
    if has_clipped_interval(summary.groups, measure):
        caption += " Some intervals run off the figure."
    drawing = draw_weeks(summary.groups, measure)
    return Picture(measure.name, caption, inline_svg(drawing, name, measure.name, "; ".join(known)))


def _flow_picture(summary: Summary) -> Picture:
    caption = (
        "Participants and nights up to the data cut. Nights planned, worn and valid are those of "
        "run-in and treatment."
    )
    title = "Flow of participants and nights"
    drawing = inline_svg(draw_flow(summary), "flow", title, flow_in_words(summary))
    return Picture(title, caption, drawing)


def _comparison_pictures(study: Study, analysis: Analysis) -> dict[str, Picture]:
    """Return the forest and the agreement, as far as their analyses could be done."""
    pictures = {}
    rows = forest_rows(analysis)
    if rows:
        pictures["forest"] = _forest_picture(rows, analysis)
    agreement = analysis.sensor_against_diary
    if agreement.kind == "agreement" and agreement.weekly is not None:
        pictures["agreement"] = _agreement_picture(study, agreement.weekly)
    return pictures


def _forest_picture(rows: Sequence[ForestRow], analysis: Analysis) -> Picture:
    caption = (
        "Rate ratio of cramps per week, with 95 % confidence intervals, by the primary analysis "
        "and by those that vary what it assumes."
    )
    if any(row.ratio is None for row in rows):
        caption += " What is not estimable is among the analyses that were not done."
    words = "; ".join(f"{row.name}: {row.text}" for row in rows)
    (treatment,) = (arm.arm for arm in analysis.arms if arm.arm != analysis.reference)
    drawing = draw_forest(rows, treatment, analysis.reference)
    title = "Sensitivity analyses"
    return Picture(title, caption, inline_svg(drawing, "forest", title, words))


def _agreement_picture(study: Study, found: WeeklyAgreement) -> Picture:
    caption = (
        f"Bland–Altman plot of {counted(found.person_weeks)} treatment weeks of "
        f"{counted(found.participants)} participants, on the square root scale, where the spread "
        "does not grow with the mean. A dot's area is the number of weeks; dashed: 95 % limits "
        "of agreement."
    )
    words = (
        f"mean difference {number(found.bias, 2)}, limits of agreement "
        f"{interval(found.low, found.high)}"
    )
    drawing = draw_agreement(weeks_of_both(study), found)
    title = "Sensor against diary, week by week"
    return Picture(title, caption, inline_svg(drawing, "agreement", title, words))


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
    episodes = with_arm(assign_weeks(released(study).counted_episodes, study), study)
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
