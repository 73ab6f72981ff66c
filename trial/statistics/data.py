"""What the statistics start from, and how it is made from the tables of a study."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import pandas as pd

from nightcramp.errors import UsageError
from trial.plan import DisplayRule

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = [
    "EPISODE_COLUMNS",
    "HOURS_PER_WEEK",
    "NIGHTS_PER_WEEK",
    "NIGHT_COLUMNS",
    "AnalysisData",
    "analysis_data",
    "log_baseline",
]

FloatArray = npt.NDArray[np.float64]

HOURS_PER_WEEK = 56.0
"""Seven nights of eight hours: one week of exposure."""

NIGHTS_PER_WEEK = 7
"""Nights that these hours are divided among."""

EPISODE_COLUMNS = ("participant_id", "week", "minutes", "censored")
NIGHT_COLUMNS = (
    *("participant_id", "night", "week", "hours", "events"),
    *("diary_cramps", "severity"),
)

_WEEKLY = (
    *("participant_id", "site", "arm", "week", "analysable_hours", "episodes"),
    *("total_minutes", "nights_analysable", "nights_planned"),
)


@dataclass(frozen=True, slots=True)
class AnalysisData:
    """The data of a parallel-group trial as the models take them.

    Attributes
    ----------
    reference : str
        Arm that the others are compared with.
    planned_weeks : int
        Treatment weeks of the plan.
    people : DataFrame
        One row for each randomised participant: ``participant_id arm site``; ``baseline_rate``
        (cramps per week of the run-in) and ``baseline`` (`log_baseline`), missing without run-in;
        ``last_week``, the last treatment week before the participant stopped, or the last one with
        analysable time.
    weeks : DataFrame
        One row for each of them and each treatment week: ``participant_id week``; ``exposure``,
        analysable time in weeks of 56 h (0 if there is none), and ``planned``, what it would be
        with all nights that were planned up to the data cut; ``events`` and ``minutes`` of cramp
        seen in it; ``nights``, analysable ones.
    episodes : DataFrame
        Cramps under treatment: ``participant_id week minutes censored``; a censored one lasted
        longer than was seen.
    nights : DataFrame
        Nights under treatment: ``participant_id night week hours events diary_cramps severity``,
        the last two missing where the diary has no answer.
    display : DisplayRule
        Which nights are analysable, and which weeks are displayed.
    hours_per_week : float
        Analysable hours of a week of exposure.
    """

    reference: str
    planned_weeks: int
    people: pd.DataFrame
    weeks: pd.DataFrame
    episodes: pd.DataFrame
    nights: pd.DataFrame
    display: DisplayRule = field(default_factory=DisplayRule)
    hours_per_week: float = HOURS_PER_WEEK

    @property
    def arms(self) -> tuple[str, ...]:
        """Arms that have participants, the reference first."""
        present = sorted(self.people["arm"].unique())
        return tuple(sorted(present, key=lambda arm: arm != self.reference))

    @property
    def weeks_seen(self) -> npt.NDArray[np.int64]:
        """Treatment weeks in which anybody has analysable time, in order."""
        return np.unique(self.weeks.loc[self.weeks["exposure"] > 0, "week"].to_numpy(np.int64))


def log_baseline(events: FloatArray, exposure: FloatArray) -> FloatArray:
    """Return the log weekly rate of the run-in, as a covariate.

    Half a cramp and half a night are added, so that nobody has the logarithm of zero. Without
    exposure it is missing, never that half a cramp in half a night.

    Parameters
    ----------
    events, exposure : float64 array, shape (participants,)
        Cramps, and weeks of 56 analysable hours.
    """
    known = np.where(exposure > 0, exposure, np.nan)
    return np.asarray(np.log((events + 0.5) / (7 * known + 0.5) * 7), dtype=np.float64)


def analysis_data(
    weekly: pd.DataFrame,
    *,
    reference: str,
    hours_per_week: float = HOURS_PER_WEEK,
    nights_per_week: int = NIGHTS_PER_WEEK,
    episodes: pd.DataFrame | None = None,
    nights: pd.DataFrame | None = None,
    last_weeks: Mapping[str, int] | None = None,
) -> AnalysisData:
    """Return the data of an analysis from the tables of a study whose arms are open.

    Parameters
    ----------
    weekly : DataFrame
        One row for each randomised participant and week: ``participant_id site arm week
        analysable_hours episodes total_minutes nights_analysable nights_planned``; run-in weeks
        are negative.
    reference : str
        Arm that the other is compared with.
    hours_per_week : float
        Analysable hours that a weekly rate refers to.
    nights_per_week : int
        Nights (or sessions) that these hours are divided among.
    episodes : DataFrame, optional
        Cramps that stand: ``participant_id week minutes``, and ``censored`` (``none``, ``onset``,
        ``offset``, ``both``) where it is known. Without it durations are not compared.
    nights : DataFrame, optional
        ``participant_id night week analysable_hours episodes cramps severity``, the last two from
        the diary. Without it neither severity nor the diary is compared.
    last_weeks : mapping, optional
        Last treatment week of participants who stopped treatment. Without an entry it is the last
        week with analysable time.

    Raises
    ------
    UsageError
        If the arms are closed, or a column or an arm is missing.
    """
    _require(weekly, _WEEKLY, "weekly table")
    if weekly["arm"].isna().any():
        who = weekly.loc[weekly["arm"].isna(), "participant_id"].iloc[0]
        raise UsageError(f"participant {who} has no arm: complete the allocation")
    arms_each = weekly.groupby("participant_id")["arm"].nunique()
    if (arms_each > 1).any():
        who = arms_each.index[arms_each > 1][0]
        raise UsageError(f"participant {who} has two arms: a crossover is compared within people")
    treated = weekly[weekly["week"] > 0]
    weeks = pd.DataFrame(
        {
            "participant_id": treated["participant_id"],
            "week": treated["week"].astype("int64"),
            "exposure": treated["analysable_hours"].astype("float64") / hours_per_week,
            "planned": treated["nights_planned"].astype("float64") / nights_per_week,
            "events": treated["episodes"].astype("Float64").fillna(0.0).astype("float64"),
            "minutes": treated["total_minutes"].astype("Float64").fillna(0.0).astype("float64"),
            "nights": treated["nights_analysable"].astype("int64"),
        }
    ).reset_index(drop=True)
    return AnalysisData(
        reference=reference,
        planned_weeks=int(weeks["week"].max()) if len(weeks) else 0,
        people=_people(weekly, weeks, hours_per_week, last_weeks or {}),
        weeks=weeks,
        episodes=_episodes(episodes),
        nights=_nights(nights),
        hours_per_week=hours_per_week,
    )


def _people(
    weekly: pd.DataFrame, weeks: pd.DataFrame, hours: float, last_weeks: Mapping[str, int]
) -> pd.DataFrame:
    """Return arm, site, baseline and last week of each participant."""
    people = weekly.drop_duplicates("participant_id")[["participant_id", "arm", "site"]]
    people = people.reset_index(drop=True)
    run_in = weekly[weekly["week"] < 0].astype({"episodes": "Float64"})
    sums = run_in.groupby("participant_id")[["episodes", "analysable_hours"]].sum()
    sums = sums.reindex(people["participant_id"], fill_value=0.0)
    events = sums["episodes"].to_numpy(np.float64)
    exposure = sums["analysable_hours"].to_numpy(np.float64) / hours
    rate = np.divide(events, exposure, out=np.full(len(people), np.nan), where=exposure > 0)
    seen = weeks[weeks["exposure"] > 0].groupby("participant_id")["week"].max()
    last = seen.reindex(people["participant_id"], fill_value=0).to_numpy(np.int64)
    told = [last_weeks.get(who) for who in people["participant_id"]]
    return people.assign(
        baseline_rate=rate,
        baseline=log_baseline(events, exposure),
        last_week=[own if week is None else week for own, week in zip(last, told, strict=True)],
    )


def _episodes(episodes: pd.DataFrame | None) -> pd.DataFrame:
    if episodes is None:
        return pd.DataFrame({name: [] for name in EPISODE_COLUMNS}).astype({"censored": bool})
    _require(episodes, EPISODE_COLUMNS[:3], "episodes table")
    treated = episodes[episodes["week"] > 0]
    cut = treated["censored"] if "censored" in treated else pd.Series("none", index=treated.index)
    table = treated.assign(censored=cut.isin(["onset", "offset", "both"]))
    return table[[*EPISODE_COLUMNS]].reset_index(drop=True)


def _nights(nights: pd.DataFrame | None) -> pd.DataFrame:
    if nights is None:
        return pd.DataFrame({name: [] for name in NIGHT_COLUMNS})
    named = nights.rename(
        columns={"analysable_hours": "hours", "episodes": "events", "cramps": "diary_cramps"}
    )
    _require(named, NIGHT_COLUMNS, "nights table")
    return named.loc[named["week"] > 0, [*NIGHT_COLUMNS]].reset_index(drop=True)


def _require(table: pd.DataFrame, columns: Sequence[str], name: str) -> None:
    if missing := [column for column in columns if column not in table]:
        hint = ": open the arms" if "arm" in missing else ""
        raise UsageError(f"the {name} has no {', '.join(missing)}{hint}")
