"""The outcomes of a study, pooled and by arm: what the report and ``outcomes.json`` say."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from trial.agreement import SensorDiary, sensor_beside_diary
from trial.blinding import guarded, may_pool, withheld_weeks
from trial.estimates import Mean, Rate, mean_of_participants, pooled_rate
from trial.wear import Flow, LostTime, flow, lost_time, nights_outside_plan
from trial.weeks import HOURS_PER_WEEK, data_cut, period_table, weekly_table

if TYPE_CHECKING:
    import pandas as pd

    from trial.study import Study

__all__ = ["Group", "Outcomes", "Span", "Summary", "summarise"]


@dataclass(frozen=True, slots=True)
class Outcomes:
    """What a group of participants went through in a stretch of time.

    Attributes
    ----------
    frequency : Rate
        Cramps per 56 analysable hours.
    cramp_minutes : Rate
        Minutes of cramp per 56 analysable hours; participants without a cramp add none.
    mean_minutes, median_minutes : Mean
        Over participants with a cramp: the mean of their mean (median) minutes per cramp.
    severity : Mean
        Over participants with a cramp in the diary: the mean of their mean severity, 0 to 10.
    censored : int or None
        Cramps of which an end could not be seen; None if that is not known or withheld.
    """

    frequency: Rate
    cramp_minutes: Rate
    mean_minutes: Mean
    median_minutes: Mean
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
        None if the plan has no run-in.
    treatment : Span
    weeks : tuple of Span
        In order, run-in first.
    """

    arm: str | None
    flow: Flow
    age: Mean
    sex: dict[str, int]
    run_in: Span | None
    treatment: Span
    weeks: tuple[Span, ...]

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
    enrolled : int
        Participants, including those who are not randomised (yet).
    pooled : Group
    arms : tuple of Group
        Empty unless the arms were opened.
    lost_time : tuple of LostTime
    nights_outside_plan : int
    sensor_diary : SensorDiary or None
        None if too few participants are behind it.
    versions : tuple of str
        Analyses that found the episodes.
    """

    data_cut: pd.Timestamp | None
    enrolled: int
    pooled: Group
    arms: tuple[Group, ...]
    lost_time: tuple[LostTime, ...]
    nights_outside_plan: int
    sensor_diary: SensorDiary | None
    versions: tuple[str, ...]

    @property
    def groups(self) -> tuple[Group, ...]:
        """The arms if they were opened, else the one pool."""
        return self.arms or (self.pooled,)


def summarise(study: Study) -> Summary:
    """Work out the outcomes of a study, as far as its blinding lets them be written."""
    weekly, periods = weekly_table(study), period_table(study)
    both = sensor_beside_diary(study)
    return Summary(
        data_cut=data_cut(study),
        enrolled=len(study.participants),
        pooled=_group(None, weekly, periods, study),
        arms=tuple(
            _group(arm, weekly[weekly["arm"] == arm], periods[periods["arm"] == arm], study)
            for arm in study.arms
        ),
        lost_time=lost_time(study),
        nights_outside_plan=nights_outside_plan(study),
        sensor_diary=both if may_pool(both.participants, study) else None,
        versions=tuple(sorted(study.episodes["version"].unique())),
    )


def _group(arm: str | None, weekly: pd.DataFrame, periods: pd.DataFrame, study: Study) -> Group:
    """Return the outcomes of the participants in a weekly table and a table of periods."""
    everybody = study.randomised
    people = everybody[everybody["participant_id"].isin(weekly["participant_id"])]
    hidden = withheld_weeks(weekly, study)
    return Group(
        arm=arm,
        flow=flow(weekly),
        age=mean_of_participants(people["age"].to_numpy()),
        sex={str(sex): int(n) for sex, n in people["sex"].value_counts().sort_index().items()},
        run_in=(
            _span("run_in", periods[periods["period"] == "run_in"], study)
            if study.plan.run_in_weeks
            else None
        ),
        treatment=_span("treatment", periods[periods["period"] == "treatment"], study),
        weeks=tuple(
            _span(week, weekly[weekly["week"] == week], study, hide=week in hidden)
            for week in study.plan.week_numbers
        ),
    )


def _span(name: int | str, rows: pd.DataFrame, study: Study, *, hide: bool = False) -> Span:
    outcomes = _outcomes(rows, study)
    return Span(
        name=name,
        nights_planned=int(rows["nights_planned"].sum()),
        nights_recorded=int(rows["nights_recorded"].sum()),
        nights_analysable=int(rows["nights_analysable"].sum()),
        diary_nights=int(rows["diary_nights"].sum()),
        recorded_hours=float(rows["recorded_hours"].sum()),
        analysable_hours=float(rows["analysable_hours"].sum()),
        displayed=int(rows["displayed"].sum()) if "displayed" in rows else None,
        outcomes=_withheld(outcomes) if hide else outcomes,
    )


def _outcomes(rows: pd.DataFrame, study: Study) -> Outcomes:
    """Return the outcomes of person-weeks or person-periods, one row for each participant."""
    hours = rows["analysable_hours"].to_numpy()
    episodes = rows["episodes"].to_numpy(dtype="float64", na_value=0.0)
    minutes = rows["total_minutes"].fillna(0.0).to_numpy()
    frequency = guarded(pooled_rate(episodes, hours, per=HOURS_PER_WEEK), study)
    amount = pooled_rate(minutes, hours, per=HOURS_PER_WEEK, are_counts=False)
    known = rows["censored"].notna().any() and not frequency.withheld
    return Outcomes(
        frequency=frequency,
        cramp_minutes=guarded(amount, study),
        mean_minutes=_mean(rows["mean_minutes"], study),
        median_minutes=_mean(rows["median_minutes"], study),
        severity=_mean(rows["mean_severity"], study),
        censored=int(rows["censored"].sum()) if known else None,
    )


def _mean(values: pd.Series[float], study: Study) -> Mean:
    return guarded(mean_of_participants(np.asarray(values, dtype=np.float64)), study)


def _withheld(outcomes: Outcomes) -> Outcomes:
    return Outcomes(
        frequency=outcomes.frequency.withhold(),
        cramp_minutes=outcomes.cramp_minutes.withhold(),
        mean_minutes=outcomes.mean_minutes.withhold(),
        median_minutes=outcomes.median_minutes.withhold(),
        severity=outcomes.severity.withhold(),
        censored=None,
    )
