"""How long cramps lasted, compared between participants who had any."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import pandas as pd

from trial.statistics.arms import pair_refusal
from trial.statistics.censoring import complete, fit_durations
from trial.statistics.intervals import t_quantile
from trial.statistics.participants import AMONG_EPISODES, SELECTED, Description, compare_means
from trial.statistics.results import ArmNumbers, Comparison, Detail, Estimate, Refusal, Result

if TYPE_CHECKING:
    from trial.statistics.data import AnalysisData

__all__ = ["FEWEST_COMPLETE", "durations"]

FEWEST_COMPLETE = 10
"""Episodes seen from end to end without which censored ones are not completed."""

FloatArray = npt.NDArray[np.float64]


def durations(data: AnalysisData) -> tuple[Result, ...]:
    """Compare participants' mean log duration and mean duration of a cramp.

    Each participant enters once, however many cramps they had. Censored durations are completed
    (`trial.statistics.censoring`), and the same comparison with durations as seen stands beside it.
    """
    episodes = data.episodes
    if (refusal := pair_refusal(data, "duration")) is not None:
        return (refusal,)
    if episodes.empty:
        return (Refusal("duration", "there is no episode", instead="Nothing."),)
    censored = episodes["censored"].to_numpy(bool)
    seen = _log_comparison(data, np.log(episodes["minutes"]), analysis="duration_as_seen")
    if not censored.any():
        return (replace(seen, analysis="duration"), _minutes(data, episodes["minutes"]))
    if (whole := int((~censored).sum())) < FEWEST_COMPLETE:
        reason = f"{whole} episodes were seen from end to end, to complete the {censored.sum()} "
        reason += f"censored ones takes {FEWEST_COMPLETE}"
        instead = "Durations as seen, which are too short."
        return (Refusal("duration", reason, instead, alternative=(seen,)),)
    person = pd.factorize(episodes["participant_id"])[0].astype(np.int64)
    minutes = episodes["minutes"].to_numpy(np.float64)
    model = fit_durations(minutes, censored, person)
    whole_length = complete(model, minutes, censored, person)
    return (
        _log_comparison(data, pd.Series(whole_length.log_minutes, index=episodes.index)),
        _minutes(data, pd.Series(whole_length.minutes, index=episodes.index)),
        seen,
    )


def _log_comparison(
    data: AnalysisData, log_minutes: pd.Series[float], *, analysis: str = "duration"
) -> Result:
    means = log_minutes.groupby(data.episodes["participant_id"]).mean()
    found = compare_means(data, means, _describe(analysis, "Ratio of geometric means"))
    if isinstance(found, Refusal):
        return found
    return replace(
        found,
        arms=_geometric_means(data, means),
        estimates=(_as_ratio(found.estimates[0]),),
        details=_counts(data),
    )


def _minutes(data: AnalysisData, minutes: pd.Series[float]) -> Result:
    means = minutes.groupby(data.episodes["participant_id"]).mean()
    found = compare_means(data, means, _describe("duration_minutes", "Difference of means"))
    return replace(found, details=_counts(data)) if isinstance(found, Comparison) else found


def _describe(analysis: str, compared: str) -> Description:
    of = "log minutes" if compared.startswith("Ratio") else "minutes"
    censored = (
        "as far as they were seen, hence too short"
        if analysis == "duration_as_seen"
        else "in expectation under a log-normal model"
    )
    return Description(
        analysis,
        method=f"{compared}: participants' means of {of}, Welch's t; censored durations {censored}",
        made_by="trial.statistics.durations.durations",
        population=AMONG_EPISODES,
        notes=(SELECTED,),
    )


def _counts(data: AnalysisData) -> dict[str, Detail]:
    return {
        "episodes": len(data.episodes),
        "censored_episodes": int(data.episodes["censored"].sum()),
    }


def _as_ratio(log: Estimate) -> Estimate:
    return replace(
        log,
        measure="ratio of geometric means",
        value=math.exp(log.value),
        low=None if log.low is None else math.exp(log.low),
        high=None if log.high is None else math.exp(log.high),
    )


def _geometric_means(data: AnalysisData, means: pd.Series[float]) -> tuple[ArmNumbers, ...]:
    arm_of = data.people.set_index("participant_id")["arm"].reindex(means.index)
    found = []
    for arm in data.arms:
        own = means[arm_of == arm].to_numpy(np.float64)
        middle = float(own.mean())
        reach = t_quantile(len(own) - 1) * float(own.std(ddof=1)) / math.sqrt(len(own))
        found.append(
            ArmNumbers(arm, len(own), *(math.exp(middle + step) for step in (0, -reach, reach)))
        )
    return tuple(found)
