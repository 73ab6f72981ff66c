"""The tables of the report that speak of cramps."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trial.blinding import counts_published
from trial.report.tables import Body, Row, Table, week_bodies
from trial.report.wording import (
    WITHHELD,
    as_percent,
    counted,
    mean_with_sd,
    number,
    people_behind,
    signed,
    with_interval,
)
from trial.weeks import period_table

if TYPE_CHECKING:
    from collections.abc import Callable

    import pandas as pd

    from trial.agreement import SensorDiary, SharesOfNights
    from trial.study import Study
    from trial.summary import Group, Outcomes, Span, Summary

__all__ = [
    "tabulate_outcomes",
    "tabulate_participants",
    "tabulate_sensor_diary",
    "tabulate_shares_of_nights",
    "tabulate_weeks",
]

_PERIOD_NAMES = {"run_in": "run\N{NON-BREAKING HYPHEN}in", "treatment": "treatment"}


def tabulate_outcomes(summary: Summary) -> Table:
    """Return the outcomes of run-in and treatment, for each group."""
    spans = [(group, span) for group in summary.groups for span in group.periods]
    head = ("", *(_span_name(group, span) for group, span in spans))

    def row(label: str, cell: Callable[[Outcomes], str]) -> Row:
        return (label, *(cell(span.outcomes) for _, span in spans))

    frequency = (
        row("Cramps", _events),
        row("of these cut short by a gap", _censored),
        row("Analysable hours", lambda o: number(o.frequency.exposure, 0)),
        row("Cramps per week (95 % CI)", lambda o: with_interval(o.frequency)),
        row("Cramp minutes per week (95 % CI)", lambda o: with_interval(o.cramp_minutes)),
        row("Participants", lambda o: counted(o.frequency.participants)),
    )
    duration = (
        row("Mean minutes per cramp (SD)", lambda o: mean_with_sd(o.mean_minutes)),
        row("Median minutes per cramp (SD)", lambda o: mean_with_sd(o.median_minutes)),
        row("Geometric mean minutes (95 % CI)", lambda o: with_interval(o.geometric_minutes)),
        row("Participants", lambda o: people_behind(o.mean_minutes)),
    )
    severity = (
        row(f"Severity, {summary.severity_scale} (SD)", lambda o: mean_with_sd(o.severity, 1)),
        row("Participants", lambda o: people_behind(o.severity)),
    )
    bodies = (
        Body(frequency, "Everybody with analysable time"),
        Body(duration, "Those with a cramp seen by the sensor"),
        Body(severity, "Those with a cramp in the diary"),
    )
    return Table("Run-in and treatment", head, bodies)


def tabulate_weeks(summary: Summary) -> Table:
    """Return the cramps of every week of the plan, for each group."""
    head = (
        *("Week", "Partici­pants", "Analysable hours", "Cramps"),
        *("Cramps per week (95 % CI)", "Cramp minutes per week (95 % CI)"),
        *("Minutes per cramp, mean (SD)", "Participants with a cramp"),
    )

    def row(week: Span) -> Row:
        found = week.outcomes
        return (
            signed(int(week.name)),
            counted(found.frequency.participants),
            number(found.frequency.exposure, 0),
            _events(found),
            with_interval(found.frequency),
            with_interval(found.cramp_minutes),
            mean_with_sd(found.mean_minutes),
            people_behind(found.mean_minutes),
        )

    return Table("Cramps, week by week", head, week_bodies(summary, row))


def tabulate_shares_of_nights(found: SharesOfNights) -> Table:
    """Return in how many of the nights with a cramp in one of them the other has one."""
    rows = (
        ("Diary has a cramp: sensor has one", as_percent(found.sensor_of_diary)),
        ("Sensor has a cramp: diary has one", as_percent(found.diary_of_sensor)),
    )
    caption = "Analysable nights with a diary answer, run-in and treatment"
    return Table(caption, ("", "Share of nights"), (Body(rows),))


def tabulate_sensor_diary(found: SensorDiary) -> Table:
    """Return nights by what sensor and diary say of them."""
    sensor, diary = found.both + found.sensor_only, found.both + found.diary_only
    rows = (
        ("Sensor: cramp", found.both, found.sensor_only, sensor),
        ("Sensor: no cramp", found.diary_only, found.neither, found.nights - sensor),
        ("All", diary, found.nights - diary, found.nights),
    )
    head = ("Nights", "Diary: cramp", "Diary: no cramp", "All")
    body = Body(tuple((label, *map(counted, counts)) for label, *counts in rows))
    caption = "Analysable nights with a diary answer, run-in and treatment"
    return Table(caption, head, (body,))


def tabulate_participants(study: Study) -> Table:
    """Return one row for each participant, with cramps only where they may be written."""
    published = counts_published(study)
    head = ["Participant", "Site", *(name.capitalize() for name in _allocation(study))]
    text_columns = len(head)
    head += ["Nights planned", "Recorded", "Analys­able", "Analys­able hours", "Diary nights"]
    if published:
        head += ["Cramps, run-in", "Cramps, treat­ment", "Per week, run-in"]
        head += ["Per week, treat­ment", "Mean min", "Median min", "Total min", "Seve­rity"]
    rows = tuple(
        _wear_cells(periods, study) + (_count_cells(periods) if published else ())
        for _, periods in period_table(study).groupby("participant_id", sort=False)
    )
    return Table(
        "Randomised participants, run-in and treatment", tuple(head), (Body(rows),), text_columns
    )


def _allocation(study: Study) -> list[str]:
    """Return the column that says who is in which arm, if the arms were opened."""
    return [name for name in ("sequence", "arm") if name in study.participants]


def _wear_cells(periods: pd.DataFrame, study: Study) -> Row:
    who = ["participant_id", "site", *_allocation(study)]
    nights = ["nights_planned", "nights_recorded", "nights_analysable"]
    return (
        *(str(periods[column].iloc[0]) for column in who),
        *(number(periods[column].sum(), 0) for column in nights),
        number(periods["analysable_hours"].sum(), 1),
        number(periods["diary_nights"].sum(), 0),
    )


def _count_cells(periods: pd.DataFrame) -> Row:
    """Return a participant's cramps; minutes and severity are those of the treatment."""
    known = periods.set_index("period")

    def cell(column: str, period: str, digits: int) -> str:
        return number(known[column].astype("float64").get(period), digits)

    return (
        *(cell("episodes", period, 0) for period in _PERIOD_NAMES),
        *(cell("rate", period, 2) for period in _PERIOD_NAMES),
        *(cell(f"{kind}_minutes", "treatment", 1) for kind in ("mean", "median", "total")),
        cell("mean_severity", "treatment", 1),
    )


def _events(outcomes: Outcomes) -> str:
    rate = outcomes.frequency
    return WITHHELD if rate.withheld else number(rate.events, 0)


def _censored(outcomes: Outcomes) -> str:
    return WITHHELD if outcomes.frequency.withheld else counted(outcomes.censored)


def _span_name(group: Group, span: Span) -> str:
    period = _PERIOD_NAMES[str(span.name)]
    return f"{group.arm}, {period}" if group.arm else period.capitalize()
