"""The calendar of a study: which night belongs to which week, and which nights were planned."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from trial.plan import NIGHTS_OF_A_WEEK, Period

if TYPE_CHECKING:
    from trial.study import Study

__all__ = ["assign_weeks", "data_cut", "person_weeks", "planned_nights", "with_arm"]

_NIGHT = ["participant_id", "night"]


def assign_weeks(frame: pd.DataFrame, study: Study) -> pd.DataFrame:
    """Return the rows of a table that lie in the plan, with their ``week`` and ``period``.

    Week 1 is the seven nights from the first treatment night; week −1 the seven before it; there
    is no week 0. Dates are counted, not seconds, so clock changes do not move a night. Periods are
    ``run_in``, ``treatment`` and, in a crossover, ``washout``; a crossover also has
    ``treatment_period``, 1 or 2, and 0 outside both.

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
    number = (frame["night"] - start).dt.days // NIGHTS_OF_A_WEEK
    week = number.where(number < 0, number + 1)
    rows = frame.assign(week=week)[week.isin(study.plan.week_numbers)]
    return _with_period(rows.astype({"week": "int64"}), study)


def data_cut(study: Study) -> pd.Timestamp | None:
    """Return the last night of the plan that the nights (or sessions) or the diary know of."""
    windows = study.windows.dropna(subset=["recorded_hours"])
    known = pd.concat([table[_NIGHT] for table in (windows, study.diary)])
    nights = assign_weeks(known.reset_index(drop=True), study)["night"]
    return None if nights.empty else nights.max()


def person_weeks(study: Study) -> pd.DataFrame:
    """Return every randomised participant in every week of the plan.

    Returns
    -------
    DataFrame
        ``participant_id site`` [``sequence``] [``arm``] ``week period`` [``treatment_period``]
        ``first_night``; the arm of a crossover is that of the treatment period.
    """
    named = ["sequence"] if "sequence" in study.participants else []
    people = study.randomised[["participant_id", "site", *named, "first_treatment_night"]]
    grid = people.merge(pd.DataFrame({"week": study.plan.week_numbers}), how="cross")
    days = NIGHTS_OF_A_WEEK * grid["week"].where(grid["week"] < 0, grid["week"] - 1)
    grid["first_night"] = grid["first_treatment_night"] + pd.to_timedelta(days, unit="D")
    return with_arm(_with_period(grid.drop(columns="first_treatment_night"), study), study)


def with_arm(frame: pd.DataFrame, study: Study) -> pd.DataFrame:
    """Return a table of weeks with the ``arm`` of each, if the arms were opened.

    In a crossover it is that of the treatment period, and missing outside both.
    """
    if study.allocation is None:
        return frame
    keys = [name for name in ("participant_id", "treatment_period") if name in study.allocation]
    return frame.merge(study.allocation, on=keys, how="left")


def planned_nights(study: Study) -> pd.DataFrame:
    """Return every planned night (or session) up to the data cut.

    A night after the cut has not happened yet and is not missing. Of a study that plans fewer than
    seven nights a week, those are taken for the planned ones that were recorded, then those with a
    reason why not, then nights spread evenly over the week; a night recorded beyond the plan counts
    as planned. The washout of a crossover plans none.

    Returns
    -------
    DataFrame
        ``participant_id site week period night``, by participant and night.
    """
    cut = data_cut(study)
    nights = _nights_of_weeks(study)
    nights = nights[nights["night"] <= cut] if cut is not None else nights.iloc[:0]
    rows = study.windows[[*_NIGHT, "recorded_hours"]]
    nights = nights.merge(rows, on=_NIGHT, how="left", indicator="listed")
    if study.sessions is None:
        planned = nights[_is_planned(nights, study.plan.nights_per_week)]
    else:
        planned = nights[nights["listed"] == "both"]
    columns = ["participant_id", "site", "week", "period", "night"]
    return planned[columns].reset_index(drop=True)


def _nights_of_weeks(study: Study) -> pd.DataFrame:
    nights = person_weeks(study).merge(pd.DataFrame({"day": range(NIGHTS_OF_A_WEEK)}), how="cross")
    nights["night"] = nights["first_night"] + pd.to_timedelta(nights["day"], unit="D")
    return nights


def _is_planned(nights: pd.DataFrame, per_week: int) -> pd.Series[bool]:
    """Tell which of the nights that have come were planned; see `planned_nights`."""
    spread = {turn * NIGHTS_OF_A_WEEK // per_week for turn in range(per_week)}
    due = nights["day"].isin(spread) & (nights["period"] != Period.WASHOUT)
    recorded = nights["recorded_hours"] > 0
    ranked = pd.DataFrame(
        {
            "participant_id": nights["participant_id"],
            "week": nights["week"],
            "recorded": ~recorded,
            "listed": nights["listed"] != "both",
            "due": ~due,
            "day": nights["day"],
        }
    ).sort_values(["recorded", "listed", "due", "day"], kind="stable")
    keys = ["participant_id", "week"]
    rank = ranked.groupby(keys, sort=False).cumcount().reindex(nights.index)
    owed = due.groupby([nights[key] for key in keys], sort=False).transform("sum")
    return (rank < owed) | recorded


def _with_period(frame: pd.DataFrame, study: Study) -> pd.DataFrame:
    plan = study.plan
    periods = {week: str(plan.period(week)) for week in plan.week_numbers}
    named = frame.assign(period=frame["week"].map(periods).astype("str"))
    if plan.crossover is None:
        return named
    numbers = {week: plan.treatment_period(week) for week in plan.week_numbers}
    return named.assign(treatment_period=frame["week"].map(numbers).astype("int64"))
