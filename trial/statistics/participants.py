"""Outcomes that are one value for each participant: responders, cramp-free weeks, severity."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from trial.estimates import mean_of_participants
from trial.statistics.arms import pair_refusal
from trial.statistics.intervals import newcombe, welch, wilson
from trial.statistics.results import ArmNumbers, Comparison, Refusal, Result

if TYPE_CHECKING:
    import pandas as pd

    from trial.statistics.data import AnalysisData

__all__ = [
    "RESPONSES",
    "Description",
    "compare_means",
    "cramp_free_weeks",
    "responders",
    "severity",
]

RESPONSES = (0.25, 0.50, 0.75)
"""Reductions of the weekly rate that make a responder."""

AMONG_EPISODES = "participants with episodes under treatment"

SELECTED = (
    "Among participants with episodes: whether somebody still has cramps depends on the treatment, "
    "so the arms are no longer comparable as randomised. Total cramp minutes per week compare all."
)

FloatArray = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Description:
    """What a comparison of means is called and says; see `Comparison`."""

    analysis: str
    method: str
    made_by: str
    population: str
    notes: tuple[str, ...] = ()


def responders(data: AnalysisData) -> tuple[Result, ...]:
    """Compare the shares of participants whose weekly rate fell by 25, 50 and 75 % or more.

    All randomised participants count. Whoever had no displayed week under treatment is no
    responder: in a night or two there is often no cramp, and time that was not seen would pass for
    a fall. Nor is who had no cramp in the run-in. How many these are is told.
    """
    return tuple(_responders(data, response) for response in RESPONSES)


def _responders(data: AnalysisData, response: float) -> Result:
    analysis = f"responders_{response:.0%}".removesuffix("%")
    if (refusal := pair_refusal(data, analysis)) is not None:
        return refusal
    people = data.people.set_index("participant_id")
    weeks = data.weeks.assign(displayed=data.weeks["nights"] >= data.display.week_nights)
    sums = weeks.groupby("participant_id")[["events", "exposure", "displayed"]].sum()
    sums = sums.reindex(people.index, fill_value=0)
    is_seen = (sums["exposure"] > 0) & (sums["displayed"] > 0)
    rate = sums["events"] / sums["exposure"].where(is_seen)
    fall = 1 - rate / people["baseline_rate"].where(people["baseline_rate"] > 0)
    counts = {arm: _share(fall[people["arm"] == arm], response) for arm in data.arms}
    reference, treatment = data.arms
    return Comparison(
        analysis,
        method=f"Difference between shares of participants whose weekly rate fell by at least "
        f"{response:.0%} from the run-in, with at least one displayed week; Newcombe interval",
        made_by="trial.statistics.participants.responders",
        population="all randomised participants; those who cannot be judged are no responders",
        arms=tuple(
            ArmNumbers(arm, total, hits / total, *wilson(hits, total), total=hits)
            for arm, (hits, total) in counts.items()
        ),
        estimates=(newcombe(counts[treatment], counts[reference]),),
        details={
            "not_judged": int(fall.isna().sum()),
            "without_cramp_in_run_in": int((people["baseline_rate"] == 0).sum()),
        },
    )


def _share(fall: pd.Series[float], response: float) -> tuple[int, int]:
    return int((fall >= response - 1e-12).sum()), len(fall)


def cramp_free_weeks(data: AnalysisData) -> Result:
    """Compare participants' shares of weeks without a cramp, among displayed weeks.

    A week seen for fewer nights is called neither free nor not: it would look free too often. What
    was seen of the others is told: they too look free more often than they are.
    """
    fewest = data.display.week_nights
    seen = data.weeks[data.weeks["nights"] >= fewest]
    free = (seen["events"] == 0).astype("float64")
    what = Description(
        "cramp_free_weeks",
        method="Difference between means of participants' shares of cramp-free weeks, among weeks "
        f"with at least {fewest} analysable nights; Welch's t",
        made_by="trial.statistics.participants.cramp_free_weeks",
        population="participants with such a week",
        notes=_hours_seen(data, seen),
    )
    return compare_means(data, free.groupby(seen["participant_id"]).mean(), what)


def _hours_seen(data: AnalysisData, weeks: pd.DataFrame) -> tuple[str, ...]:
    """Say how much of the weeks that are called free or not was seen in each arm."""
    if weeks.empty:
        return ()
    arm_of = weeks["participant_id"].map(data.people.set_index("participant_id")["arm"])
    hours = data.hours_per_week * weeks["exposure"].groupby(arm_of).mean()
    parts = [f"{hours[arm]:.0f} with {arm}" for arm in data.arms if arm in hours]
    note = (
        f"Of the {data.hours_per_week:g} hours of such a week so many were analysable on average: "
        f"{', '.join(parts)}. A cramp in the others was not seen, so fewer weeks were free than "
        "are counted."
    )
    return (note,)


def severity(data: AnalysisData) -> Result:
    """Compare participants' mean severity over nights with a cramp in the diary.

    Only those with episodes have one, and treatment decides who these are: the comparison is not
    that of the randomised arms.
    """
    known = data.nights[data.nights["diary_cramps"] > 0].dropna(subset=["severity"])
    means = known.groupby("participant_id")["severity"].mean()
    what = Description(
        "severity",
        method="Difference between means of participants' mean severity in the diary; Welch's t",
        made_by="trial.statistics.participants.severity",
        population=AMONG_EPISODES,
        notes=(SELECTED,),
    )
    return compare_means(data, means, what)


def compare_means(data: AnalysisData, values: pd.Series[float], what: Description) -> Result:
    """Compare the means of one value for each participant by Welch's t.

    Parameters
    ----------
    data : AnalysisData
    values : Series
        By participant; participants without a value are not in it.
    what : Description
    """
    if (refusal := pair_refusal(data, what.analysis)) is not None:
        return refusal
    arm_of = data.people.set_index("participant_id")["arm"].reindex(values.index)
    groups = {arm: np.asarray(values[arm_of == arm], dtype=np.float64) for arm in data.arms}
    arms = tuple(_arm(arm, own) for arm, own in groups.items())
    reference, treatment = (groups[arm] for arm in data.arms)
    if min(len(reference), len(treatment)) < 2:
        fewest = min(arms, key=lambda arm: arm.participants)
        reason = f"arm {fewest.arm!r} has {fewest.participants} participants with a value, needs 2"
    elif reference.var() + treatment.var() == 0:
        reason = "all participants of each arm have the same value: there is no variance"
    else:
        return Comparison(
            what.analysis,
            what.method,
            what.made_by,
            what.population,
            arms,
            (welch("difference of means", treatment, reference),),
            notes=what.notes,
        )
    return Refusal(what.analysis, reason, instead="Each arm's own mean.", arms=arms)


def _arm(arm: str, values: FloatArray) -> ArmNumbers:
    mean = mean_of_participants(values)
    return ArmNumbers(arm, len(values), mean.value, mean.low, mean.high)
