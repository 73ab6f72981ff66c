"""The tables of the report that speak of participants, nights and hours."""

from __future__ import annotations

import math
from functools import partial
from typing import TYPE_CHECKING

from trial.report.tables import Body, Row, Table, week_bodies
from trial.report.wording import (
    NOT_KNOWN,
    counted,
    day,
    mean_with_sd,
    number,
    part_of,
    signed,
    with_interval,
)
from trial.wear import attention_list
from trial.weeks import period_table

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from trial.estimates import Mean
    from trial.plan import DisplayRule
    from trial.study import Study
    from trial.summary import Group, Span, Summary
    from trial.wear import Flow

__all__ = [
    "tabulate_attention",
    "tabulate_baseline",
    "tabulate_lost_time",
    "tabulate_nights",
    "tabulate_recording",
    "tabulate_sites",
]


def tabulate_nights(summary: Summary) -> Table:
    """Return nights and hours on their way into the analysis."""
    groups = (summary.pooled, *summary.arms)

    def row(label: str, cell: Callable[[Flow], str]) -> Row:
        return (label, *(cell(group.flow) for group in groups))

    analysable = _analysable_night(summary.display_rule)
    nights = [
        row("Planned up to the data cut", lambda f: counted(f.nights_planned)),
        row("Recorded", lambda f: part_of(f.nights_recorded, f.nights_planned)),
        row(analysable, lambda f: part_of(f.nights_analysable, f.nights_planned)),
        row("Answered in the diary", lambda f: part_of(f.diary_nights, f.nights_planned)),
    ]
    if summary.nights_outside_plan:
        outside = counted(summary.nights_outside_plan)
        label = "Recorded outside the plan, not used"
        nights.append((label, outside, *("" for _ in summary.arms)))
    hours = (
        row("Recorded", lambda f: number(f.recorded_hours, 0)),
        row("Analysable", lambda f: part_of(f.analysable_hours, f.recorded_hours)),
    )
    bodies = (Body(tuple(nights), "Nights"), Body(hours, "Hours"))
    return Table("Nights and hours", ("", *_names(groups)), bodies)


def tabulate_baseline(summary: Summary) -> Table:
    """Return who the randomised participants are; arms are compared by size, never by a test."""
    groups = (summary.pooled, *summary.arms)
    pair = summary.arms if len(summary.arms) == 2 else ()

    def row(label: str, cell: Callable[[Group], str], difference: float | None) -> Row:
        end = (number(difference, 2),) if pair else ()
        return (label, *(cell(group) for group in groups), *end)

    apart = _standardised_means(pair[0].age, pair[1].age) if pair else None
    rows = [row("Age in years, mean (SD)", lambda g: mean_with_sd(g.age, 1), apart)]
    for sex in summary.pooled.sex:
        shares = [group.sex.get(sex, 0) / group.flow.randomised for group in pair]
        apart = _standardised_shares(*shares) if pair else None
        rows.append(row(f"Sex: {sex}", partial(_sex_cell, sex), apart))
    if all(group.run_in is not None for group in groups):
        label = "Cramps per week in the run\N{NON-BREAKING HYPHEN}in (95 % CI)"
        rows.append(row(label, _run_in_rate, None))
    head = ("", *_names(groups), *(("Standardised difference",) if pair else ()))
    return Table("Randomised participants", head, (Body(tuple(rows)),))


def tabulate_recording(summary: Summary) -> Table:
    """Return how well every week of the plan was recorded, for each group."""
    head = (
        *("Week", "Nights planned", "Recorded", _analysable_night(summary.display_rule)),
        *("Analysable hours", "Participants with a displayed week", "Diary answered"),
    )

    def row(week: Span) -> Row:
        return (
            signed(int(week.name)),
            counted(week.nights_planned),
            part_of(week.nights_recorded, week.nights_planned),
            part_of(week.nights_analysable, week.nights_planned),
            number(week.analysable_hours, 0),
            counted(week.displayed),
            part_of(week.diary_nights, week.nights_planned),
        )

    return Table("Recording, week by week", head, week_bodies(summary, row))


def tabulate_sites(study: Study) -> Table:
    """Return how well each site recorded; cramps are not told apart by site."""
    columns = ["nights_planned", "nights_recorded", "nights_analysable", "diary_nights"]
    hours = ["recorded_hours", "analysable_hours"]
    periods = period_table(study)
    by_site = periods.groupby("site")
    sums = by_site[[*columns, *hours]].sum()
    sums["participants"] = by_site["participant_id"].nunique()
    rows = tuple(
        (
            str(site),
            counted(row["participants"]),
            counted(row["nights_planned"]),
            part_of(row["nights_recorded"], row["nights_planned"]),
            part_of(row["nights_analysable"], row["nights_planned"]),
            number(_ratio(row["analysable_hours"], row["nights_recorded"]), 1),
            part_of(row["diary_nights"], row["nights_planned"]),
        )
        for site, row in sums.iterrows()
    )
    head = (
        "Site",
        "Partici­pants",
        "Nights planned",
        "Recorded",
        _analysable_night(study.plan.display),
        "Analysable hours per recorded night",
        "Diary answered",
    )
    return Table("Recording by site", head, (Body(rows),))


def tabulate_lost_time(summary: Summary) -> Table:
    """Return what each reason cost."""
    planned, recorded = summary.pooled.flow.nights_planned, summary.pooled.flow.recorded_hours
    rows = tuple(
        (
            lost.reason.replace("_", " "),
            part_of(lost.nights, planned),
            part_of(lost.hours, recorded),
        )
        for lost in summary.lost_time
    )
    head = ("Reason", "Planned nights without recording", "Recorded hours not analysable")
    return Table("Missing time by reason", head, (Body(rows),))


def tabulate_attention(study: Study) -> Table:
    """Return the participants a site should call."""
    people = attention_list(study)
    rows = tuple(
        (
            str(row["participant_id"]),
            str(row["site"]),
            _text(row["last_reason"]).replace("_", " "),
            day(row["last_recorded"]),
            signed(row["week"]),
            f"{row['nights_analysable']} of {row['nights_due']}",
        )
        for _, row in people.iterrows()
    )
    head = (
        "Participant",
        "Site",
        "Last reason given",
        "Last recorded night",
        "Week",
        "Analysable nights",
    )
    caption = (
        f"Participants with fewer than {study.plan.display.week_nights} analysable nights in the "
        "last seven before the data cut"
    )
    return Table(caption, head, (Body(rows),), text_columns=3)


def _sex_cell(sex: str, group: Group) -> str:
    return part_of(group.sex.get(sex, 0), group.flow.randomised)


def _run_in_rate(group: Group) -> str:
    return NOT_KNOWN if group.run_in is None else with_interval(group.run_in.outcomes.frequency)


def _standardised_means(one: Mean, other: Mean) -> float | None:
    """Return the difference in units of the common standard deviation (Austin 2009)."""
    if one.value is None or other.value is None or not (one.sd and other.sd):
        return None
    return (one.value - other.value) / math.sqrt((one.sd**2 + other.sd**2) / 2)


def _standardised_shares(one: float, other: float) -> float | None:
    spread = (one * (1 - one) + other * (1 - other)) / 2
    return (one - other) / math.sqrt(spread) if spread else None


def _names(groups: Sequence[Group]) -> Row:
    return tuple(group.arm or "All" for group in groups)


def _ratio(part: float, whole: float) -> float | None:
    return part / whole if whole else None


def _text(value: object) -> str:
    return value if isinstance(value, str) else NOT_KNOWN


def _analysable_night(rule: DisplayRule) -> str:
    return f"Analysable (at least {rule.night_hours:g} h)"
