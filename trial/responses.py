"""Responders, cramp-free weeks and time to effect: each participant held against their run-in."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from trial.estimates import Rate, pooled_rate
from trial.plan import Period
from trial.weeks import period_table, weekly_table

if TYPE_CHECKING:
    import pandas as pd

    from trial.study import Study

__all__ = [
    "EFFECT",
    "THRESHOLDS",
    "Responders",
    "Responses",
    "TimeToEffect",
    "response_table",
    "summarise_responses",
]

THRESHOLDS = (25, 50, 75)
"""Reductions of the weekly rate, in percent of the run-in, that make a responder."""

EFFECT = 50
"""Reduction, in percent, that is called an effect where the time to it is told."""


@dataclass(frozen=True, slots=True)
class Responders:
    """Participants whose rate fell by at least `threshold` percent, of those where it is known."""

    threshold: int
    responders: int
    participants: int


@dataclass(frozen=True, slots=True)
class TimeToEffect:
    """When the effect began.

    Attributes
    ----------
    participants : int
        With a run-in rate above 0 and a displayed week under treatment.
    reached : int
        In whom it began.
    median_weeks : int or None
        By the Kaplan-Meier estimate, censored at the last displayed week; None if fewer than half
        are estimated to reach it.
    """

    participants: int
    reached: int
    median_weeks: int | None


@dataclass(frozen=True, slots=True)
class Responses:
    """Responses of a group.

    Attributes
    ----------
    responders : tuple of Responders
        One for each threshold.
    cramp_free_weeks : Rate
        Displayed treatment weeks without a cramp, as a share of all displayed treatment weeks.
    time_to_effect : TimeToEffect
    """

    responders: tuple[Responders, ...]
    cramp_free_weeks: Rate
    time_to_effect: TimeToEffect


def response_table(study: Study) -> pd.DataFrame:
    """Return one row for each randomised participant; in a crossover one for each arm.

    Whether somebody responded is not known without a displayed week of treatment: in a night or
    two there is often no cramp, and time that was not seen would pass for a fall. Without a cramp
    in the run-in nothing can fall.

    Returns
    -------
    DataFrame
        ``participant_id site`` [``sequence``] [``arm``] ``run_in_rate treatment_rate``;
        ``reduction``, the share by which the rate fell; ``responder_25 responder_50
        responder_75``; ``weeks_displayed cramp_free_weeks`` of the treatment; ``weeks_to_effect``,
        the first of two displayed weeks in a row with at least half the run-in rate gone.
    """
    keys = _keys(study)
    periods = period_table(study, by_arm="arm" in keys)
    who = [name for name in ("participant_id", "site", "sequence", "arm") if name in periods]
    treatment = periods[periods["period"] == Period.TREATMENT]
    table = treatment[who].assign(treatment_rate=treatment["rate"])
    run_in = periods[periods["period"] == Period.RUN_IN].set_index("participant_id")["rate"]
    table["run_in_rate"] = run_in.reindex(table["participant_id"]).to_numpy(dtype="float64")
    before = table["run_in_rate"].where(table["run_in_rate"] > 0)
    table["reduction"] = 1 - table["treatment_rate"] / before
    table = table.merge(_weeks(study, keys, table), on=keys, how="left")
    table["weeks_displayed"] = table["weeks_displayed"].fillna(0).astype("int64")
    is_known = table["reduction"].notna() & (table["weeks_displayed"] > 0)
    responses = {threshold: f"responder_{threshold}" for threshold in THRESHOLDS}
    for threshold, name in responses.items():
        table[name] = (table["reduction"] >= threshold / 100).astype("boolean").where(is_known)
    order = [*who, "run_in_rate", "treatment_rate", "reduction", *responses.values()]
    return table[order + [name for name in table if name not in order]]


def summarise_responses(table: pd.DataFrame) -> Responses:
    """Return the responses of the participants in a `response_table`."""
    free = table["cramp_free_weeks"].to_numpy(dtype="float64", na_value=0.0)
    displayed = table["weeks_displayed"].to_numpy(dtype="float64")
    return Responses(
        responders=tuple(_responders(table, threshold) for threshold in THRESHOLDS),
        cramp_free_weeks=pooled_rate(free, displayed, per=1),
        time_to_effect=_time_to_effect(table),
    )


def _keys(study: Study) -> list[str]:
    by_arm = study.plan.crossover is not None and study.arms_opened
    return ["participant_id", "arm"] if by_arm else ["participant_id"]


def _weeks(study: Study, keys: list[str], table: pd.DataFrame) -> pd.DataFrame:
    """Return displayed and cramp-free weeks, and the week in which the effect begins."""
    weekly = weekly_table(study)
    weeks = weekly[(weekly["period"] == Period.TREATMENT) & weekly["displayed"]]
    weeks = weeks.merge(table[[*keys, "run_in_rate"]], on=keys)
    weeks["number"] = weeks["week"].map(_number_in_period(study))
    weeks["free"] = weeks["episodes"] == 0
    low = weeks["rate"] <= (1 - EFFECT / 100) * weeks["run_in_rate"]
    low &= weeks["run_in_rate"] > 0
    weeks["low"] = low
    stays = weeks.groupby(keys, sort=False)["low"].shift(-1, fill_value=False)
    weeks["begins"] = weeks["number"].where(low & stays)
    found = weeks.groupby(keys, sort=False).agg(
        weeks_displayed=("week", "size"),
        cramp_free_weeks=("free", "sum"),
        weeks_to_effect=("begins", "min"),
        last_week=("number", "max"),
    )
    whole = ["cramp_free_weeks", "weeks_to_effect", "last_week"]
    return found.astype(dict.fromkeys(whole, "Int64")).reset_index()


def _number_in_period(study: Study) -> dict[int, int]:
    """Return how many weeks into its treatment period each week is."""
    plan = study.plan
    start = {1: 0, 2: plan.last_week - plan.weeks}
    return {
        week: week - start[plan.treatment_period(week)]
        for week in plan.week_numbers
        if plan.treatment_period(week)
    }


def _responders(table: pd.DataFrame, threshold: int) -> Responders:
    known = table[f"responder_{threshold}"].dropna()
    return Responders(threshold, int(known.sum()), len(known))


def _time_to_effect(table: pd.DataFrame) -> TimeToEffect:
    known = table[(table["run_in_rate"] > 0) & (table["weeks_displayed"] > 0)]
    reached = known["weeks_to_effect"].notna().to_numpy()
    time = known["weeks_to_effect"].fillna(known["last_week"]).to_numpy(dtype="int64")
    return TimeToEffect(len(known), int(reached.sum()), _median(time, reached))


def _median(time: npt.NDArray[np.int64], reached: npt.NDArray[np.bool_]) -> int | None:
    """Return the median time by Kaplan and Meier (J Am Stat Assoc 1958;53:457-481)."""
    share = 1.0
    for week in np.unique(time[reached]):
        share *= 1 - (time[reached] == week).sum() / (time >= week).sum()
        if share <= 0.5:
            return int(week)
    return None
