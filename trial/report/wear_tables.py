"""The tables of the report that speak of participants, nights and hours."""

from __future__ import annotations

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
)
from trial.wear import attention_list
from trial.weeks import period_table

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from trial.plan import DisplayRule
    from trial.study import Study
    from trial.summary import Group, Span, Summary
    from trial.wear import Flow

__all__ = [
    "tabulate_attention",
    "tabulate_baseline",
    "tabulate_flow",
    "tabulate_lost_time",
    "tabulate_recording",
    "tabulate_sites",
]


def tabulate_flow(summary: Summary) -> Table:
    """Return participants and nights on their way into the analysis."""
    groups = (summary.pooled, *summary.arms)

    def row(label: str, cell: Callable[[Flow], str]) -> Row:
        return (label, *(cell(group.flow) for group in groups))

    def first_only(label: str, count: int) -> Row:
        return (label, counted(count), *("" for _ in summary.arms))

    analysable = _analysable_night(summary.display_rule)
    people = (
        first_only("Enrolled", summary.enrolled),
        row("Randomised", lambda f: counted(f.randomised)),
        row("With a recorded night", lambda f: part_of(f.recorded, f.randomised)),
        row("With analysable treatment time", lambda f: part_of(f.analysed, f.randomised)),
    )
    nights = (
        row("Planned up to the data cut", lambda f: counted(f.nights_planned)),
        row("Recorded", lambda f: part_of(f.nights_recorded, f.nights_planned)),
        row(analysable, lambda f: part_of(f.nights_analysable, f.nights_planned)),
        row("Answered in the diary", lambda f: part_of(f.diary_nights, f.nights_planned)),
        first_only("Recorded outside the plan, not used", summary.nights_outside_plan),
    )
    hours = (
        row("Recorded", lambda f: number(f.recorded_hours, 0)),
        row("Analysable", lambda f: part_of(f.analysable_hours, f.recorded_hours)),
    )
    bodies = (Body(people, "Participants"), Body(nights, "Nights"), Body(hours, "Hours"))
    return Table("Participants, nights and hours", ("", *_names(groups)), bodies)


def tabulate_baseline(summary: Summary) -> Table:
    """Return who the randomised participants are."""
    groups = (summary.pooled, *summary.arms)
    rows: list[Row] = [("Age in years, mean (SD)", *(mean_with_sd(g.age, 1) for g in groups))]
    for sex in summary.pooled.sex:
        cells = (part_of(group.sex.get(sex, 0), group.flow.randomised) for group in groups)
        rows.append((f"Sex: {sex}", *cells))
    return Table("Randomised participants", ("", *_names(groups)), (Body(tuple(rows)),))


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


def _names(groups: Sequence[Group]) -> Row:
    return tuple(group.arm or "All" for group in groups)


def _ratio(part: float, whole: float) -> float | None:
    return part / whole if whole else None


def _text(value: object) -> str:
    return value if isinstance(value, str) else NOT_KNOWN


def _analysable_night(rule: DisplayRule) -> str:
    return f"Analysable (at least {rule.night_hours:g} h)"
