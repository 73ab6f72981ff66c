"""Who was enrolled, which nights were recorded, and why time is missing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pandas as pd

from trial.blinding import told_reasons
from trial.calendar import assign_weeks, person_weeks, planned_nights
from trial.plan import NIGHTS_OF_A_WEEK, Period

if TYPE_CHECKING:
    from trial.study import Study

__all__ = [
    "Flow",
    "LostTime",
    "attention_list",
    "flow",
    "lost_time",
    "night_grid",
    "nights_outside_plan",
]

NO_ROW = "not reported"
NO_REASON = "no reason given"

_NIGHT = ["participant_id", "night"]


@dataclass(frozen=True, slots=True)
class Flow:
    """Participants and nights on their way into the analysis, up to the data cut.

    Attributes
    ----------
    randomised, recorded, analysed : int
        Participants: randomised; with a recorded night; with analysable time under treatment.
    nights_planned, nights_recorded, nights_analysable, diary_nights : int
    recorded_hours, analysable_hours : float
    """

    randomised: int
    recorded: int
    analysed: int
    nights_planned: int
    nights_recorded: int
    nights_analysable: int
    diary_nights: int
    recorded_hours: float
    analysable_hours: float


@dataclass(frozen=True, slots=True)
class LostTime:
    """What one reason cost.

    Attributes
    ----------
    reason : str
    nights : int
        Planned nights without any recording.
    hours : float
        Recorded hours in which a cramp could not have been seen.
    """

    reason: str
    nights: int
    hours: float


def flow(weekly: pd.DataFrame) -> Flow:
    """Return the flow of the participants in a weekly table."""
    people = weekly.groupby("participant_id")
    treated = weekly[weekly["period"] == Period.TREATMENT].groupby("participant_id")
    return Flow(
        randomised=people.ngroups,
        recorded=int((people["nights_recorded"].sum() > 0).sum()),
        analysed=int((treated["analysable_hours"].sum() > 0).sum()),
        nights_planned=int(weekly["nights_planned"].sum()),
        nights_recorded=int(weekly["nights_recorded"].sum()),
        nights_analysable=int(weekly["nights_analysable"].sum()),
        diary_nights=int(weekly["diary_nights"].sum()),
        recorded_hours=float(weekly["recorded_hours"].sum()),
        analysable_hours=float(weekly["analysable_hours"].sum()),
    )


def night_grid(study: Study) -> pd.DataFrame:
    """Return every planned night up to the data cut beside what was recorded in it.

    Returns
    -------
    DataFrame
        ``participant_id site week night`` with ``recorded_hours analysable_hours reason``, which
        are missing where the nights table has no row.
    """
    columns = [*_NIGHT, "recorded_hours", "analysable_hours", "reason"]
    windows = study.windows[columns].assign(reason=told_reasons(study.windows["reason"], study))
    return planned_nights(study).merge(windows, on=_NIGHT, how="left")


def lost_time(study: Study) -> tuple[LostTime, ...]:
    """Return what was lost for each reason, the most nights first."""
    grid = night_grid(study)
    has_row = grid["recorded_hours"].notna()
    grid["reason"] = grid["reason"].fillna(NO_REASON).where(has_row, NO_ROW)
    grid["nights"] = ~(grid["recorded_hours"] > 0)
    grid["hours"] = (grid["recorded_hours"] - grid["analysable_hours"]).fillna(0.0)
    lost = grid[grid["nights"] | (grid["hours"] > 0)].groupby("reason")[["nights", "hours"]].sum()
    lost = lost.sort_values(["nights", "hours"], ascending=False, kind="stable")
    return tuple(
        LostTime(str(reason), int(nights), float(hours))
        for reason, nights, hours in lost.itertuples(name=None)
    )


def nights_outside_plan(study: Study) -> int:
    """Return how many recorded nights belong to no week of the plan."""
    recorded = study.windows[study.windows["recorded_hours"] > 0]
    return len(recorded) - len(assign_weeks(recorded, study))


def attention_list(study: Study) -> pd.DataFrame:
    """Return participants whose last seven nights were poorly recorded, the poorest first.

    Listed is whoever is in a week of the plan on the day of the data cut and, over the seven
    nights up to it, lacks more analysable nights than a displayed week may lack.

    Returns
    -------
    DataFrame
        ``participant_id site week nights_due nights_analysable last_recorded last_reason``.
    """
    grid = night_grid(study)
    cut = grid["night"].max()
    grid = grid[grid["participant_id"].isin(_in_plan_on(cut, study))]
    recent = grid[grid["night"] > cut - pd.Timedelta(days=NIGHTS_OF_A_WEEK)]
    recent = recent.assign(analysable=recent["analysable_hours"] >= study.plan.display.night_hours)
    people = recent.groupby("participant_id", sort=False).agg(
        site=("site", "first"),
        week=("week", "last"),
        nights_due=("night", "size"),
        nights_analysable=("analysable", "sum"),
        last_reason=("reason", "last"),
    )
    recorded = grid[grid["recorded_hours"] > 0].groupby("participant_id")["night"].max()
    people["last_recorded"] = recorded
    may_lack = study.plan.windows_per_week - study.plan.display.week_nights
    short = people["nights_due"] - people["nights_analysable"] > may_lack
    poor: pd.DataFrame = people[short].sort_values("nights_analysable", kind="stable")
    return poor.reset_index()


def _in_plan_on(night: pd.Timestamp, study: Study) -> pd.Series[str]:
    """Return who is in a run-in or treatment week on a night."""
    weeks = person_weeks(study)
    since = (night - weeks["first_night"]).dt.days
    current = since.between(0, NIGHTS_OF_A_WEEK - 1) & (weeks["period"] != Period.WASHOUT)
    people: pd.Series[str] = weeks.loc[current, "participant_id"]
    return people
