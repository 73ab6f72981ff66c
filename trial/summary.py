"""The outcomes of a study, pooled and by arm: what the report and ``outcomes.json`` say."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from trial.agreement import SensorDiary, SharesOfNights, sensor_beside_diary
from trial.blinding import counts_published, guarded, may_pool
from trial.calendar import data_cut
from trial.consort import Course, Screened, course, screened
from trial.episodes import EpisodeFlow, episode_flow
from trial.estimates import (
    Mean,
    Rate,
    geometric_mean_of_participants,
    mean_of_participants,
    pooled_rate,
)
from trial.listed import Listed, count_listings
from trial.plan import Period
from trial.release import released, released_weeks
from trial.responses import Responses, response_table, summarise_responses
from trial.wear import Flow, LostTime, flow, lost_time, nights_outside_plan
from trial.weeks import period_table, weekly_table

if TYPE_CHECKING:
    import pandas as pd

    from trial.plan import DisplayRule, SeverityScale
    from trial.study import Study

__all__ = ["Group", "Outcomes", "Span", "Summary", "summarise"]


@dataclass(frozen=True, slots=True)
class Outcomes:
    """What a group of participants went through in a stretch of time.

    Attributes
    ----------
    frequency : Rate
        Cramps per reference hours (56, or the planned hours of a week's sessions).
    cramp_minutes : Rate
        Minutes of cramp per reference hours; participants without a cramp add none.
    mean_minutes, median_minutes : Mean
        Over participants with a cramp: the mean of their mean (median) minutes per cramp.
    geometric_minutes : Mean
        Over participants with a cramp: the geometric mean of the geometric mean of theirs.
    severity : Mean
        Over participants with a cramp in the diary: the mean of their mean severity.
    censored : int or None
        Cramps of which an end could not be seen; None if that is not known or withheld.
    """

    frequency: Rate
    cramp_minutes: Rate
    mean_minutes: Mean
    median_minutes: Mean
    geometric_minutes: Mean
    severity: Mean
    censored: int | None


@dataclass(frozen=True, slots=True)
class Span:
    """A week or a period of a group: how much was seen, and what.

    Attributes
    ----------
    name : int or str
        Number of the week, or ``run_in`` or ``treatment``.
    nights_planned, nights_recorded, nights_analysable, diary_nights : int
    recorded_hours, analysable_hours : float
    displayed : int or None
        Participants with a displayed week; None for a period.
    outcomes : Outcomes
    """

    name: int | str
    nights_planned: int
    nights_recorded: int
    nights_analysable: int
    diary_nights: int
    recorded_hours: float
    analysable_hours: float
    displayed: int | None
    outcomes: Outcomes


@dataclass(frozen=True, slots=True)
class Group:
    """All randomised participants, or those of one arm.

    Attributes
    ----------
    arm : str or None
        None for all of them.
    flow : Flow
    age : Mean
    sex : dict
        Number of participants by sex, as in the participants table.
    run_in : Span or None
        None if the plan has no run-in, and for the arms of a crossover: it comes before both.
    treatment : Span
    weeks : tuple of Span
        In order, run-in first.
    responses : Responses or None
        None where participants' own counts stay closed, and over both arms of a crossover.
    course : Course
    listed : Listed
        Adverse events and what else is listed of them; in a crossover, whenever it happened.
    """

    arm: str | None
    flow: Flow
    age: Mean
    sex: dict[str, int]
    run_in: Span | None
    treatment: Span
    weeks: tuple[Span, ...]
    responses: Responses | None
    course: Course
    listed: Listed

    @property
    def periods(self) -> tuple[Span, ...]:
        """Run-in, if there is one, and treatment."""
        return (self.treatment,) if self.run_in is None else (self.run_in, self.treatment)


@dataclass(frozen=True, slots=True)
class Summary:
    """What a study shows up to its data cut.

    Attributes
    ----------
    data_cut : Timestamp or None
        Last night of the plan in the nights or the diary table.
    screened : Screened
    pooled : Group
    arms : tuple of Group
        Empty unless the arms were opened.
    lost_time : tuple of LostTime
    nights_outside_plan : int
    sensor_diary : SensorDiary or None
        None where participants' own counts may not be written.
    sensor_diary_shares : SharesOfNights or None
        None if too few participants are behind it.
    episode_flow : EpisodeFlow or None
        None if too few participants are behind it.
    versions : tuple of str
        Analyses that found the episodes.
    display_rule : DisplayRule
    reference_hours : float
        Hours that weekly rates refer to.
    severity_scale : SeverityScale
    """

    data_cut: pd.Timestamp | None
    screened: Screened
    pooled: Group
    arms: tuple[Group, ...]
    lost_time: tuple[LostTime, ...]
    nights_outside_plan: int
    sensor_diary: SensorDiary | None
    sensor_diary_shares: SharesOfNights | None
    episode_flow: EpisodeFlow | None
    versions: tuple[str, ...]
    display_rule: DisplayRule
    reference_hours: float
    severity_scale: SeverityScale

    @property
    def groups(self) -> tuple[Group, ...]:
        """The arms if they were opened, else the one pool."""
        return self.arms or (self.pooled,)


def summarise(study: Study) -> Summary:
    """Work out the outcomes of a study, as far as its blinding lets them be written.

    Participants, nights and hours are all of them; cramps are those of released weeks (see
    `trial.release`), which are all weeks unless the trial is blinded.
    """
    shown = released(study)
    pooled = _group(None, _Tables.of(study), _Tables.of_released(study, shown), study)
    both = sensor_beside_diary(shown)
    behind = pooled.treatment.outcomes.frequency.participants
    return Summary(
        data_cut=data_cut(study),
        screened=screened(study),
        pooled=pooled,
        arms=_arms(study),
        lost_time=lost_time(study),
        nights_outside_plan=nights_outside_plan(study),
        sensor_diary=both if counts_published(study) else None,
        sensor_diary_shares=both.shares() if may_pool(both.participants, study) else None,
        episode_flow=episode_flow(shown) if may_pool(behind, study) else None,
        versions=tuple(sorted(study.episodes["version"].unique())),
        display_rule=study.plan.display,
        reference_hours=study.plan.reference_hours,
        severity_scale=study.plan.severity,
    )


def _arms(study: Study) -> tuple[Group, ...]:
    """Return each arm; in a crossover everybody is in both, one treatment period in each."""
    if not study.arms_opened:
        return ()
    weekly, periods = weekly_table(study), period_table(study, by_arm=True)
    tables = {
        arm: _Tables(weekly[weekly["arm"] == arm], periods[periods["arm"] == arm])
        for arm in study.arms
    }
    return tuple(_group(arm, table, table, study) for arm, table in tables.items())


def _group(arm: str | None, rows: _Tables, shown: _Tables, study: Study) -> Group:
    """Return the outcomes of the participants in a weekly table and a table of periods.

    Parameters
    ----------
    arm : str or None
    rows, shown : _Tables
        All of them, and those whose cramps may be shown.
    study : Study
    """
    everybody = study.randomised
    people = everybody[everybody["participant_id"].isin(rows.weekly["participant_id"])]
    has_run_in = study.plan.run_in_weeks and (arm is None or study.plan.crossover is None)
    return Group(
        arm=arm,
        flow=flow(rows.weekly),
        age=mean_of_participants(people["age"].to_numpy()),
        sex={str(sex): int(n) for sex, n in people["sex"].value_counts().sort_index().items()},
        run_in=_span("run_in", rows, shown, study) if has_run_in else None,
        treatment=_span("treatment", rows, shown, study),
        weeks=tuple(_span(week, rows, shown, study) for week in study.plan.week_numbers),
        responses=_responses(arm, study),
        course=course(study, people["participant_id"]),
        listed=count_listings(study.listings, set(people["participant_id"])),
    )


@dataclass(frozen=True, slots=True)
class _Tables:
    """Person-weeks and person-periods of the same participants.

    Weeks have a ``block`` where the interval of a rate must not tell of a person (`trial.release`).
    """

    weekly: pd.DataFrame
    periods: pd.DataFrame

    @classmethod
    def of(cls, study: Study) -> _Tables:
        return cls(weekly_table(study), period_table(study))

    @classmethod
    def of_released(cls, study: Study, shown: Study) -> _Tables:
        tables = cls.of(shown)
        if counts_published(study):
            return tables
        blocks = released_weeks(study)
        weekly = tables.weekly.merge(blocks, on=["participant_id", "week"], how="left")
        return replace(tables, weekly=weekly)

    def of_span(self, name: int | str) -> pd.DataFrame:
        """Return one row for each participant."""
        if isinstance(name, int):
            return self.weeks_of_span(name)
        return self.periods[self.periods["period"] == Period(name)]

    def weeks_of_span(self, name: int | str) -> pd.DataFrame:
        """Return one row for each participant and week."""
        key = "week" if isinstance(name, int) else "period"
        return self.weekly[self.weekly[key] == name]


def _responses(arm: str | None, study: Study) -> Responses | None:
    """Return who responded, where participants' own counts may be written."""
    if not counts_published(study) or (arm is None and study.plan.crossover is not None):
        return None
    table = response_table(study)
    return summarise_responses(table if arm is None else table[table["arm"] == arm])


def _span(name: int | str, everybody: _Tables, shown: _Tables, study: Study) -> Span:
    rows = everybody.of_span(name)
    outcomes = _outcomes(shown.of_span(name), shown.weeks_of_span(name), study)
    if not outcomes.frequency.participants:
        outcomes = _withheld(_outcomes(rows, everybody.weeks_of_span(name), study))
    return Span(
        name=name,
        nights_planned=int(rows["nights_planned"].sum()),
        nights_recorded=int(rows["nights_recorded"].sum()),
        nights_analysable=int(rows["nights_analysable"].sum()),
        diary_nights=int(rows["diary_nights"].sum()),
        recorded_hours=float(rows["recorded_hours"].sum()),
        analysable_hours=float(rows["analysable_hours"].sum()),
        displayed=int(rows["displayed"].sum()) if "displayed" in rows else None,
        outcomes=outcomes,
    )


def _outcomes(rows: pd.DataFrame, weeks: pd.DataFrame, study: Study) -> Outcomes:
    """Return the outcomes of person-weeks or person-periods, one row for each participant."""
    logarithms = rows["mean_log_minutes"].to_numpy(dtype="float64")
    frequency = guarded(_rate("episodes", rows, weeks, study), study)
    amount = _rate("total_minutes", rows, weeks, study)
    known = rows["censored"].notna().any() and not frequency.withheld
    return Outcomes(
        frequency=frequency,
        cramp_minutes=guarded(amount, study),
        mean_minutes=_mean(rows["mean_minutes"], study),
        median_minutes=_mean(rows["median_minutes"], study),
        geometric_minutes=guarded(geometric_mean_of_participants(logarithms), study),
        severity=_mean(rows["mean_severity"], study),
        censored=int(rows["censored"].sum()) if known else None,
    )


def _rate(column: str, rows: pd.DataFrame, weeks: pd.DataFrame, study: Study) -> Rate:
    """Return what a column counts per reference hours, with the interval that may be written.

    It is one over participants, or where these have blocks one over the sums of blocks.
    """

    def pooled(table: pd.DataFrame) -> Rate:
        return pooled_rate(
            table[column].to_numpy(dtype="float64", na_value=0.0),
            table["analysable_hours"].to_numpy(dtype="float64"),
            per=study.plan.reference_hours,
            are_counts=column == "episodes",
        )

    rate = pooled(rows)
    if "block" not in weeks or not rate.events:
        return rate
    known = weeks.astype({column: "float64"}).fillna({column: 0.0})
    over_blocks = pooled(known.groupby("block")[[column, "analysable_hours"]].sum())
    return replace(rate, low=over_blocks.low, high=over_blocks.high)


def _mean(values: pd.Series[float], study: Study) -> Mean:
    return guarded(mean_of_participants(np.asarray(values, dtype=np.float64)), study)


def _withheld(outcomes: Outcomes) -> Outcomes:
    """Return outcomes none of which are shown; without exposure there is nothing to withhold."""
    if not outcomes.frequency.participants:
        return outcomes
    return Outcomes(
        frequency=outcomes.frequency.withhold(),
        cramp_minutes=outcomes.cramp_minutes.withhold(),
        mean_minutes=outcomes.mean_minutes.withhold(),
        median_minutes=outcomes.median_minutes.withhold(),
        geometric_minutes=outcomes.geometric_minutes.withhold(),
        severity=outcomes.severity.withhold(),
        censored=None,
    )
