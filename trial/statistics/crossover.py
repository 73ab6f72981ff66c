"""A crossover trial: each participant under both arms, one after the other, with a washout."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import pandas as pd

from nightcramp.errors import UsageError
from trial.estimates import pooled_rate
from trial.statistics.data import HOURS_PER_WEEK
from trial.statistics.gee import fit_gee
from trial.statistics.intervals import difference, ratio, welch
from trial.statistics.results import ArmNumbers, Comparison, Refusal, Result

if TYPE_CHECKING:
    from trial.statistics.results import Estimate

__all__ = ["SMALLEST_SEQUENCE", "compare_crossover"]

SMALLEST_SEQUENCE = 3
"""Participants with both periods that each order of the arms needs."""

_TREATED, _PERIOD = 1, 2  # columns of the model of the rate ratio

_COLUMNS = (
    *("participant_id", "arm", "treatment_period", "week", "analysable_hours"),
    "episodes",
)
_MADE_BY = "trial.statistics.crossover.compare_crossover"
_POPULATION = "randomised participants with analysable time in both periods"

FloatArray = npt.NDArray[np.float64]


def compare_crossover(
    weekly: pd.DataFrame,
    *,
    reference: str,
    hours_per_week: float = HOURS_PER_WEEK,
    analysis: str = "primary",
) -> Result:
    """Compare the arms within participants, adjusted for the period.

    The difference per week is half the difference, between the two orders, of the participants'
    mean change from the first period to the second (Hills and Armitage 1979), by Welch's t. The
    rate ratio is that of Poisson estimating equations with arm and period, participant as cluster.
    Carry-over is not tested: such a test misleads (Freeman 1989), the washout has to prevent it.

    Parameters
    ----------
    weekly : DataFrame
        One row for each participant and week: ``participant_id arm treatment_period`` (1 or 2)
        ``week analysable_hours episodes``. Other weeks (run-in, washout) are left out.
    reference : str
        Arm that the other is compared with.
    hours_per_week : float
        Analysable hours that a weekly rate refers to.
    analysis : str

    Raises
    ------
    UsageError
        If a column is missing.
    """
    if missing := [column for column in _COLUMNS if column not in weekly]:
        raise UsageError(f"the weekly table has no {', '.join(missing)}: open the arms")
    periods = _periods(weekly, hours_per_week)
    arms = _arms(periods, reference)
    if len(arms) != 2 or arms[0].arm != reference:
        names = ", ".join(arm.arm for arm in arms) or "none"
        reason = f"a comparison needs the reference {reference!r} and one other arm, found {names}"
        return Refusal(analysis, reason, instead="Each arm by itself.", arms=arms)
    both = periods[periods.groupby("participant_id")["arm"].transform("nunique") == 2]
    treated_first = both[(both["arm"] != reference) & (both["treatment_period"] == 1)]
    sizes = (len(treated_first), both["participant_id"].nunique() - len(treated_first))
    if min(sizes) < SMALLEST_SEQUENCE:
        reason = f"{sizes[0]} and {sizes[1]} participants with both periods in the two orders, "
        reason += f"each needs {SMALLEST_SEQUENCE}"
        return Refusal(analysis, reason, instead="Each arm by itself.", arms=arms)
    found = Comparison(
        analysis,
        method="Crossover: half the difference between the orders in participants' change from "
        "first to second period, Welch's t; rate ratio by Poisson estimating equations with arm "
        "and period, covariance of Mancl and DeRouen, Student's t",
        made_by=_MADE_BY,
        population=_POPULATION,
        arms=_arms(both, reference),
        estimates=(_per_week(both, reference),),
        details={
            "participants": sum(sizes),
            "treatment_first": sizes[0],
            "reference_first": sizes[1],
            "with_one_period_only": periods["participant_id"].nunique() - sum(sizes),
        },
    )
    return _with_ratio(found, both, reference)


def _periods(weekly: pd.DataFrame, hours: float) -> pd.DataFrame:
    """Return events and exposure of each participant in each period, with the rate."""
    treated = weekly[weekly["treatment_period"].isin([1, 2])].astype({"episodes": "Float64"})
    treated = treated[treated["analysable_hours"] > 0]
    keys = ["participant_id", "treatment_period", "arm"]
    sums = treated.groupby(keys, as_index=False)[["episodes", "analysable_hours"]].sum()
    events = sums["episodes"].to_numpy(np.float64)
    exposure = sums["analysable_hours"].to_numpy(np.float64) / hours
    return sums[keys].assign(events=events, exposure=exposure, rate=events / exposure)


def _arms(periods: pd.DataFrame, reference: str) -> tuple[ArmNumbers, ...]:
    """Return the crude rate of each arm, the reference first."""
    found = []
    for arm in sorted(periods["arm"].unique(), key=lambda name: (name != reference, name)):
        own = periods[periods["arm"] == arm]
        rate = pooled_rate(
            own["events"].to_numpy(np.float64), own["exposure"].to_numpy(np.float64), per=1.0
        )
        numbers = (rate.value, rate.low, rate.high, rate.events, rate.exposure)
        found.append(ArmNumbers(str(arm), rate.participants, *numbers))
    return tuple(found)


def _per_week(both: pd.DataFrame, reference: str) -> Estimate:
    """Return the difference per week adjusted for the period."""
    wide = both.pivot_table(index="participant_id", columns="treatment_period", values="rate")
    change = (wide[2] - wide[1]).to_numpy(np.float64)
    first = both[both["treatment_period"] == 1].set_index("participant_id")["arm"]
    reference_first = (first.reindex(wide.index) == reference).to_numpy()
    found = welch("difference per week", change[reference_first], change[~reference_first])
    error, df = found.standard_error or 0.0, found.df or 1.0
    return difference("difference per week", found.value / 2, error / 2, df)


def _with_ratio(found: Comparison, both: pd.DataFrame, reference: str) -> Result:
    """Return the comparison with its rate ratio, or a refusal that holds it without."""
    treated = (both["arm"] != reference).to_numpy(np.float64)
    second = (both["treatment_period"] == 2).to_numpy(np.float64)
    events = both["events"].to_numpy(np.float64)
    cells = [events[group == level].sum() for group in (treated, second) for level in (0, 1)]
    problem = "an arm or a period has no cramp" if min(cells) == 0 else None
    if problem is None:
        person = pd.factorize(both["participant_id"])[0].astype(np.int64)
        matrix = np.column_stack([np.ones(len(both)), treated, second]).astype(np.float64)
        fit = fit_gee(matrix, events, both["exposure"].to_numpy(np.float64), person)
        problem = fit.problem
    if problem is not None:
        return Refusal(
            found.analysis,
            reason=f"there is no rate ratio: {problem}",
            instead="The difference per week alone.",
            alternative=(found,),
            arms=found.arms,
        )
    people = int(person.max()) + 1
    log_ratio = float(fit.coefficients[_TREATED])
    estimate = ratio("rate ratio", log_ratio, fit.error(_TREATED), people - matrix.shape[1])
    period = {"period_ratio": float(np.exp(fit.coefficients[_PERIOD]))}
    return replace(
        found,
        estimates=(estimate, *found.estimates),
        details={**found.details, **period, "correlation": fit.correlation},
    )
