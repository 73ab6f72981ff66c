"""Nights to weeks: who was seen for how long, and what was seen."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import pandas as pd

if TYPE_CHECKING:
    from trial.study import Study

__all__ = [
    "DISPLAY_RULE",
    "HOURS_PER_WEEK",
    "DisplayRule",
    "assign_weeks",
    "data_cut",
    "period_table",
    "planned_nights",
    "weekly_table",
]

HOURS_PER_WEEK = 56.0  # seven nights of eight hours

Stretch = Literal["week", "period"]

_COLUMNS = (
    *("participant_id", "site", "arm", "week", "period", "first_night"),
    *("nights_planned", "nights_recorded", "nights_analysable"),
    *("recorded_hours", "analysable_hours", "episodes", "rate"),
    *("mean_minutes", "median_minutes", "total_minutes", "censored"),
    *("diary_nights", "diary_cramps", "mean_severity"),
)


@dataclass(frozen=True, slots=True)
class DisplayRule:
    """When a week is complete enough to be shown as one participant's week.

    It never decides what enters a pooled estimate: those use all analysable hours, because
    leaving out incomplete weeks biases the rate when a bad night makes people take the sensor off.

    Attributes
    ----------
    night_hours : float
        Analysable hours that make a night an analysable night.
    week_nights : int
        Analysable nights that a displayed week has at least.
    """

    night_hours: float = 4.0
    week_nights: int = 4


DISPLAY_RULE = DisplayRule()


def assign_weeks(frame: pd.DataFrame, study: Study) -> pd.DataFrame:
    """Return the rows of a table that lie in the plan, with their ``week`` and ``period``.

    Week 1 is the seven nights from the first treatment night; week −1 the seven before it; there
    is no week 0. Dates are counted, not seconds, so clock changes do not move a night.

    Parameters
    ----------
    frame : DataFrame
        Has ``participant_id`` and ``night``.
    study : Study

    Returns
    -------
    DataFrame
        Without nights outside the plan and without participants who are not randomised.
    """
    first = study.randomised.set_index("participant_id")["first_treatment_night"]
    start = first.reindex(frame["participant_id"]).set_axis(frame.index)
    number = (frame["night"] - start).dt.days // 7
    week = number.where(number < 0, number + 1)
    rows = frame.assign(week=week)[week.isin(study.plan.week_numbers)]
    return _with_period(rows.astype({"week": "int64"}))


def data_cut(study: Study) -> pd.Timestamp | None:
    """Return the last night of the plan with a row in the nights or the diary table."""
    known = pd.concat([table[["participant_id", "night"]] for table in (study.nights, study.diary)])
    nights = assign_weeks(known.reset_index(drop=True), study)["night"]
    return None if nights.empty else nights.max()


def planned_nights(study: Study) -> pd.DataFrame:
    """Return every night of the plan up to the data cut.

    A night after the cut has not happened yet and is not missing.

    Returns
    -------
    DataFrame
        ``participant_id site week period night``, by participant and night.
    """
    nights = _person_weeks(study).merge(pd.DataFrame({"day": range(7)}), how="cross")
    nights["night"] = nights["first_night"] + pd.to_timedelta(nights["day"], unit="D")
    cut = data_cut(study)
    due = nights[nights["night"] <= cut] if cut is not None else nights.iloc[:0]
    columns = ["participant_id", "site", "week", "period", "night"]
    return due[columns].reset_index(drop=True)


def weekly_table(study: Study, rule: DisplayRule = DISPLAY_RULE) -> pd.DataFrame:
    """Return one row for each randomised participant and week of the plan.

    Missing is not zero: a week without analysable hours has missing counts, minutes and rate, and
    a week without a diary answer has missing diary counts.

    Parameters
    ----------
    study : Study
    rule : DisplayRule
        What makes a night analysable and a week displayed.

    Returns
    -------
    DataFrame
        ``participant_id site [arm] week period first_night``; nights ``nights_planned`` (up to the
        data cut) ``nights_recorded nights_analysable``; ``recorded_hours analysable_hours``;
        ``episodes rate`` (episodes per 56 analysable hours); ``mean_minutes median_minutes``
        (of an episode) ``total_minutes censored``; ``diary_nights diary_cramps mean_severity``
        (0 to 10, over nights with a cramp in the diary); ``displayed``.
    """
    table = _tabulate(study, "week", rule)
    return table.assign(displayed=table["nights_analysable"] >= rule.week_nights)


def period_table(study: Study, rule: DisplayRule = DISPLAY_RULE) -> pd.DataFrame:
    """Return one row for each randomised participant and period, ``run_in`` or ``treatment``.

    The columns are those of `weekly_table` without ``week`` and ``displayed``.
    """
    return _tabulate(study, "period", rule)


def _tabulate(study: Study, stretch: Stretch, rule: DisplayRule) -> pd.DataFrame:
    """Return what was seen of each participant in each week or period."""
    keys = ["participant_id", stretch]
    table = _person_weeks(study).drop_duplicates(keys)
    planned = planned_nights(study).groupby(keys).agg(nights_planned=("night", "size"))
    for part in (planned, _wear(study, keys, rule), _episodes(study, keys), _diary(study, keys)):
        table = table.merge(part.reset_index(), on=keys, how="left")
    nights = ["nights_planned", "nights_recorded", "nights_analysable", "diary_nights"]
    table[nights] = table[nights].fillna(0).astype("int64")
    hours = ["recorded_hours", "analysable_hours"]
    table[hours] = table[hours].fillna(0.0)
    _settle_missing(table, study)
    table["rate"] = table["episodes"].astype("float64") / table["analysable_hours"] * HOURS_PER_WEEK
    left_out = {"week"} if stretch == "period" else set()
    return table[[name for name in _COLUMNS if name in table and name not in left_out]]


def _person_weeks(study: Study) -> pd.DataFrame:
    """Return every randomised participant in every week of the plan."""
    who = ["participant_id", "site", *(["arm"] if study.arms_opened else [])]
    people = study.randomised[[*who, "first_treatment_night"]]
    grid = people.merge(pd.DataFrame({"week": study.plan.week_numbers}), how="cross")
    days = 7 * grid["week"].where(grid["week"] < 0, grid["week"] - 1)
    grid["first_night"] = grid["first_treatment_night"] + pd.to_timedelta(days, unit="D")
    return _with_period(grid.drop(columns="first_treatment_night"))


def _with_period(frame: pd.DataFrame) -> pd.DataFrame:
    period = pd.Series("treatment", index=frame.index, dtype="str")
    return frame.assign(period=period.mask(frame["week"] < 0, "run_in"))


def _wear(study: Study, keys: list[str], rule: DisplayRule) -> pd.DataFrame:
    nights = assign_weeks(study.nights, study)
    nights["nights_recorded"] = nights["recorded_hours"] > 0
    nights["nights_analysable"] = nights["analysable_hours"] >= rule.night_hours
    sums = ["nights_recorded", "nights_analysable", "recorded_hours", "analysable_hours"]
    return nights.groupby(keys)[sums].sum()


def _episodes(study: Study, keys: list[str]) -> pd.DataFrame:
    episodes = assign_weeks(study.counted_episodes, study)
    if "censored" in episodes:
        episodes["censored"] = episodes["censored"].isin(["onset", "offset", "both"])
    else:
        episodes["censored"] = False
    return episodes.groupby(keys).agg(
        episodes=("minutes", "size"),
        mean_minutes=("minutes", "mean"),
        median_minutes=("minutes", "median"),
        total_minutes=("minutes", "sum"),
        censored=("censored", "sum"),
    )


def _diary(study: Study, keys: list[str]) -> pd.DataFrame:
    answers = assign_weeks(study.diary.dropna(subset=["cramps"]), study)
    answers["severity"] = answers["severity"].where(answers["cramps"] > 0)
    return answers.groupby(keys).agg(
        diary_nights=("cramps", "size"),
        diary_cramps=("cramps", "sum"),
        mean_severity=("severity", "mean"),
    )


def _settle_missing(table: pd.DataFrame, study: Study) -> None:
    """Make counts zero where somebody could have been seen, and missing where nobody could."""
    seen = table["analysable_hours"] > 0
    for count in ("episodes", "censored"):
        table[count] = table[count].fillna(0).where(seen).astype("Int64")
    if "censored" not in study.episodes:
        table["censored"] = pd.Series(pd.NA, index=table.index, dtype="Int64")
    table["total_minutes"] = table["total_minutes"].fillna(0.0).where(seen)
    table["diary_cramps"] = table["diary_cramps"].where(table["diary_nights"] > 0).astype("Int64")
