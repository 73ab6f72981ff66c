"""Nights to weeks: who was seen for how long, and what was seen."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from trial.calendar import assign_weeks, person_weeks, planned_nights, with_arm

if TYPE_CHECKING:
    from trial.study import Study

__all__ = ["nightly_table", "period_table", "weekly_table"]

_NIGHT = ["participant_id", "night"]
_NIGHTLY = (
    *("participant_id", "night", "week", "period", "treatment_period", "arm"),
    *("recorded_hours", "analysable_hours", "reason"),
    *("episodes", "minutes", "cramps", "severity"),
)
_COLUMNS = (
    *("participant_id", "site", "sequence", "arm", "week", "period", "treatment_period"),
    *("first_night", "nights_planned", "nights_recorded", "nights_analysable"),
    *("recorded_hours", "analysable_hours", "episodes", "rate"),
    *("mean_minutes", "median_minutes", "mean_log_minutes", "total_minutes", "censored"),
    *("diary_nights", "diary_cramps", "mean_severity"),
)


def nightly_table(study: Study) -> pd.DataFrame:
    """Return one row for each night (or session) of the plan that the tables hold.

    Returns
    -------
    DataFrame
        ``participant_id night week period`` [``treatment_period``] [``arm``] ``recorded_hours
        analysable_hours reason``; ``episodes minutes`` of cramp, missing without analysable hours;
        ``cramps severity`` by the diary, missing without an answer.
    """
    nights = with_arm(assign_weeks(study.windows, study), study)
    episodes = study.counted_episodes.groupby(_NIGHT).agg(
        episodes=("minutes", "size"), minutes=("minutes", "sum")
    )
    table = nights.merge(episodes.reset_index(), on=_NIGHT, how="left")
    table = table.merge(study.diary[[*_NIGHT, "cramps", "severity"]], on=_NIGHT, how="left")
    seen = table["analysable_hours"] > 0
    for sum_ in ("episodes", "minutes"):
        table[sum_] = table[sum_].fillna(0.0).where(seen)
    return table[[name for name in _NIGHTLY if name in table]]


def weekly_table(study: Study) -> pd.DataFrame:
    """Return one row for each randomised participant and week of the plan.

    Missing is not zero: a week without analysable hours has missing counts, minutes and rate, and
    a week without a diary answer has missing diary counts.

    Returns
    -------
    DataFrame
        ``participant_id site`` [``sequence``] [``arm``] ``week period`` [``treatment_period``]
        ``first_night``; nights ``nights_planned`` (up to the data cut) ``nights_recorded
        nights_analysable``; ``recorded_hours analysable_hours``; ``episodes rate`` (episodes per
        `StudyPlan.reference_hours`); ``mean_minutes median_minutes`` (of an episode)
        ``mean_log_minutes`` (mean of their natural logarithm) ``total_minutes censored``;
        ``diary_nights diary_cramps mean_severity`` (over nights with a cramp in the diary);
        ``displayed``. Where sessions are analysed, a night is a session.
    """
    table = _tabulate(study, ["participant_id", "week"])
    return table.assign(displayed=table["nights_analysable"] >= study.plan.display.week_nights)


def period_table(study: Study, *, by_arm: bool = False) -> pd.DataFrame:
    """Return one row for each randomised participant and period: run-in, treatment, washout.

    Parameters
    ----------
    study : Study
    by_arm : bool
        In a crossover, two rows for the treatment: one for each treatment period and its arm.

    Returns
    -------
    DataFrame
        The columns of `weekly_table` without ``week`` and ``displayed``, and in a crossover
        without ``arm`` unless it is by arm.
    """
    if study.plan.crossover is None:
        return _tabulate(study, ["participant_id", "period"]).drop(columns="week")
    if by_arm:
        table = _tabulate(study, ["participant_id", "period", "treatment_period"])
        return table.drop(columns="week")
    table = _tabulate(study, ["participant_id", "period"])
    return table.drop(columns=["week", "treatment_period", "arm"], errors="ignore")


def _tabulate(study: Study, keys: list[str]) -> pd.DataFrame:
    """Return what was seen of each participant in each week or period."""
    weeks = person_weeks(study)
    table = weeks.drop_duplicates(keys)
    for part in (_planned(study, weeks, keys), _wear(study, keys), _diary(study, keys)):
        table = table.merge(part.reset_index(), on=keys, how="left")
    table = table.merge(_episodes(study, keys).reset_index(), on=keys, how="left")
    nights = ["nights_planned", "nights_recorded", "nights_analysable", "diary_nights"]
    table[nights] = table[nights].fillna(0).astype("int64")
    hours = ["recorded_hours", "analysable_hours"]
    table[hours] = table[hours].fillna(0.0)
    _settle_missing(table, study)
    episodes = table["episodes"].astype("float64")
    table["rate"] = episodes / table["analysable_hours"] * study.plan.reference_hours
    return table[[name for name in _COLUMNS if name in table]]


def _planned(study: Study, weeks: pd.DataFrame, keys: list[str]) -> pd.DataFrame:
    planned = planned_nights(study)[["participant_id", "week"]]
    named = planned.merge(weeks, on=["participant_id", "week"])
    return named.groupby(keys).agg(nights_planned=("week", "size"))


def _wear(study: Study, keys: list[str]) -> pd.DataFrame:
    nights = assign_weeks(study.windows, study)
    nights["nights_recorded"] = nights["recorded_hours"] > 0
    nights["nights_analysable"] = nights["analysable_hours"] >= study.plan.display.night_hours
    sums = ["nights_recorded", "nights_analysable", "recorded_hours", "analysable_hours"]
    return nights.groupby(keys)[sums].sum()


def _episodes(study: Study, keys: list[str]) -> pd.DataFrame:
    episodes = assign_weeks(study.counted_episodes, study)
    if "censored" in episodes:
        episodes["censored"] = episodes["censored"].isin(["onset", "offset", "both"])
    else:
        episodes["censored"] = False
    episodes["log_minutes"] = np.log(episodes["minutes"])
    return episodes.groupby(keys).agg(
        episodes=("minutes", "size"),
        mean_minutes=("minutes", "mean"),
        median_minutes=("minutes", "median"),
        mean_log_minutes=("log_minutes", "mean"),
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
