"""Missing time filled in many times over, as if it was like the rest, or worse.

The model is gamma-Poisson. A participant's level, given what was seen of them, is gamma
distributed; cramps in the hours that were not seen are Poisson given the level. Coefficients and
alpha are drawn anew for each completed data set. Each is analysed by Poisson estimating equations
on totals, and the results are combined by Rubin's rules with the degrees of freedom of Barnard and
Rubin (1999).
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from trial.statistics.arms import arm_rates, obstacle
from trial.statistics.design import ARM, Design, Terms, empty_levels, full_design
from trial.statistics.gee import fit_gee, standardise
from trial.statistics.intervals import difference, ratio
from trial.statistics.results import (
    ArmNumbers,
    Comparison,
    Refusal,
    Result,
    Tipping,
    TippingPoint,
)
from trial.statistics.totals import fit_negative_binomial

if TYPE_CHECKING:
    from collections.abc import Iterator

    from trial.statistics.data import AnalysisData
    from trial.statistics.gee import Fit

__all__ = ["IMPUTATIONS", "Assumption", "combine", "impute", "tipping_point"]

IMPUTATIONS = 25

POPULATION = "all randomised participants whose treatment has begun"

FACTORS = (1.0, 1.5, 2.0, 3.0, 4.0, 6.0, 8.0, 12.0, 16.0)
"""By how much the missing time of the treated is made worse, step by step."""

_SEED = 20241028
_LEAST_ALPHA = 1e-3  # next to Poisson

FloatArray = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Assumption:
    """What missing time was like.

    Attributes
    ----------
    name, words : str
    reference_after_stop : bool
        Whether the treated, after they stopped, had the rate of the reference arm.
    factor : float
        By which the rate of the treated was higher in missing time than in seen time.
    """

    name: str
    words: str
    reference_after_stop: bool = False
    factor: float = 1.0


MISSING_AT_RANDOM = Assumption(
    "missing_at_random",
    "missing time like seen time of the same participant, arm and week (missing at random)",
)

JUMP_TO_REFERENCE = Assumption(
    "jump_to_reference",
    "after stopping, the treated have the rate of the reference arm; other missing time at random",
    reference_after_stop=True,
)


@dataclass(frozen=True, slots=True)
class _Gaps:
    """What is known, and how much is not; arrays by participant, and by week where two-way."""

    design: Design  # one row for each participant, outcome and exposure are totals seen
    weekly: Design  # coefficients of `fit` belong to its columns
    fit: Fit
    alpha: float
    log_alpha_error: float
    exposure: FloatArray  # (participants, weeks)
    missing: FloatArray
    stopped: npt.NDArray[np.bool_]


def impute(data: AnalysisData, assumption: Assumption) -> Result:
    """Compare the arms as if everybody had been seen in every night planned up to the data cut.

    Nights that have not come yet, or that were not planned, are not missing. Of the randomised
    participants those count whose treatment has begun.

    Parameters
    ----------
    data : AnalysisData
    assumption : Assumption
        `MISSING_AT_RANDOM` and `JUMP_TO_REFERENCE` are those of the plan.
    """
    gaps = _gaps(data)
    if isinstance(gaps, str):
        return Refusal(
            assumption.name,
            reason=gaps,
            instead="See the refusal of the primary analysis.",
            arms=arm_rates(data),
        )
    return _impute(data, gaps, assumption)


def tipping_point(data: AnalysisData) -> TippingPoint | Refusal:
    """Make the missing time of the treated worse and worse, until there is no significant benefit.

    The rate of the treated in missing time is multiplied by each of `FACTORS`.
    """
    gaps = _gaps(data)
    if isinstance(gaps, str):
        return Refusal(
            "tipping_point",
            reason=gaps,
            instead="See the refusal of the primary analysis.",
            arms=arm_rates(data),
        )
    steps: list[Tipping] = []
    for factor in FACTORS:
        words = f"the treated have {factor:g} times as many cramps in missing time"
        found = _impute(data, gaps, Assumption("tipping_point", words, factor=factor))
        if isinstance(found, Refusal):
            return found
        steps.append(Tipping(factor, found.estimate("rate ratio")))
    lost = [step.factor for step in steps if (step.estimate.high or 1) >= 1]
    return TippingPoint(
        method="Multiple imputation as missing at random, with the rate of the treated in missing "
        "time multiplied by a factor",
        made_by="trial.statistics.imputation.tipping_point",
        steps=tuple(steps),
        tips_at=min(lost) if lost else None,
    )


def combine(found: FloatArray, df: float) -> tuple[float, float, float]:
    """Combine estimates from completed data sets by Rubin's rules.

    Parameters
    ----------
    found : float64 array, shape (imputations, 2)
        Estimates and their standard errors.
    df : float
        Degrees of freedom, had nothing been missing.

    Returns
    -------
    value, error, df : float
        With the degrees of freedom of Barnard and Rubin (1999).
    """
    values, errors = found.T
    count = len(values)
    between = (1 + 1 / count) * float(values.var(ddof=1))
    total = float((errors**2).mean()) + between
    share = between / total
    observed = (df + 1) / (df + 3) * df * (1 - share)
    inverse = 1 / observed + share**2 / (count - 1)
    return float(values.mean()), math.sqrt(total), 1 / inverse


@dataclass(slots=True)
class _Completed:
    """What each completed data set gave: estimates with their errors, and rates of the arms."""

    logs: list[tuple[float, float]]
    differences: list[tuple[float, float]]
    rates: list[tuple[float, float]]


def _analyse_completed(gaps: _Gaps, assumption: Assumption) -> _Completed | str:
    """Complete and analyse the data over and over; return why if one cannot be."""
    results = _Completed([], [], [])
    for number in range(IMPUTATIONS):
        rng = np.random.default_rng([_SEED, number])
        completed = _complete(gaps, assumption, rng)
        fit = fit_gee(completed.matrix, completed.outcome, completed.exposure, completed.person)
        if fit.problem is not None:
            return fit.problem
        standard = standardise(fit, completed)
        results.logs.append((float(fit.coefficients[ARM]), fit.error(ARM)))
        results.differences.append((standard.treatment - standard.reference, standard.error))
        results.rates.append((standard.reference, standard.treatment))
    return results


def _impute(data: AnalysisData, gaps: _Gaps, assumption: Assumption) -> Result:
    results = _analyse_completed(gaps, assumption)
    if isinstance(results, str):
        return Refusal(
            assumption.name,
            reason=f"a completed data set cannot be analysed: {results}",
            instead="See the primary analysis.",
            arms=arm_rates(data),
        )
    df = gaps.design.df
    log_ratio = combine(np.array(results.logs), df)
    per_week = combine(np.array(results.differences), df)
    adjusted = tuple(float(rate) for rate in np.mean(results.rates, axis=0))
    return Comparison(
        assumption.name,
        method=f"Multiple imputation ({IMPUTATIONS} times, gamma-Poisson), Poisson estimating "
        f"equations on totals, Rubin's rules; {assumption.words}",
        made_by="trial.statistics.imputation.impute",
        population=POPULATION,
        arms=tuple(_with_everybody(gaps, arm_rates(data, "events", adjusted))),
        estimates=(
            ratio("rate ratio", *log_ratio),
            difference("difference per week", *per_week),
        ),
        details={
            "imputations": IMPUTATIONS,
            "missing_share": float(gaps.missing.sum() / (gaps.missing + gaps.exposure).sum()),
            "missing_weeks_after_stop": float(gaps.missing[gaps.stopped].sum()),
            "alpha": gaps.alpha,
            "columns_of_the_imputation": ", ".join(gaps.weekly.names),
        },
    )


def _with_everybody(gaps: _Gaps, arms: tuple[ArmNumbers, ...]) -> Iterator[ArmNumbers]:
    """Yield reference and treatment with all participants, those without analysable time too."""
    treated = int(gaps.design.treated.sum())
    people = (len(gaps.design.between) - treated, treated)
    for arm, count in zip(arms, people, strict=True):
        yield replace(arm, participants=count)


def _complete(gaps: _Gaps, assumption: Assumption, rng: np.random.Generator) -> Design:
    """Draw coefficients, levels and cramps of missing time; return the completed totals."""
    design = gaps.weekly
    drawn = rng.multivariate_normal(gaps.fit.coefficients, gaps.fit.covariance, method="eigh")
    alpha = math.exp(math.log(gaps.alpha) + gaps.log_alpha_error * rng.standard_normal())
    split = design.between.shape[1]
    mean = np.exp((design.between @ drawn[:split])[:, None] + design.within @ drawn[split:])
    shape = 1 / alpha + gaps.design.outcome
    level = rng.gamma(shape, 1 / (1 / alpha + (mean * gaps.exposure).sum(axis=1)))
    treated = design.treated[:, None]
    if assumption.reference_after_stop:
        mean = np.where(treated & gaps.stopped, mean * math.exp(-drawn[ARM]), mean)
    mean = np.where(treated, assumption.factor * mean, mean)
    cramps = rng.poisson(level * (mean * gaps.missing).sum(axis=1))
    return gaps.design.with_totals(
        gaps.design.outcome + cramps, (gaps.exposure + gaps.missing).sum(axis=1)
    )


def _gaps(data: AnalysisData) -> _Gaps | str:
    """Return what is missing and the model to fill it, or why there is none."""
    if (reason := obstacle(data)) is not None:
        return reason
    data = _begun(data)
    terms = Terms()
    weekly = full_design(data, terms)
    seen = weekly.exposure > 0
    observed = weekly.rows(seen)
    if empty_levels(observed):
        terms = Terms(sites=False, weeks=False)
        weekly = full_design(data, terms)
        observed = weekly.rows(seen)
    fit = fit_gee(observed.matrix, observed.outcome, observed.exposure, observed.person)
    if fit.problem is not None:
        return f"the model of missing time has no usable solution: {fit.problem}"
    totals = weekly.totals()
    spread = fit_negative_binomial(totals.rows(totals.exposure > 0))
    known = spread.problem is None
    exposure = weekly.exposure.reshape(len(weekly.between), -1)
    people = data.people.sort_values("participant_id").set_index("participant_id")
    planned = data.weeks.pivot_table(index="participant_id", columns="week", values="planned")
    planned = planned.reindex(index=people.index, columns=data.weeks_seen).fillna(0.0)
    return _Gaps(
        design=totals,
        weekly=weekly,
        fit=fit,
        alpha=spread.alpha if known else _LEAST_ALPHA,
        log_alpha_error=spread.alpha_error / spread.alpha if known else 0.0,
        exposure=exposure,
        missing=np.maximum(planned.to_numpy(np.float64) - exposure, 0.0),
        stopped=data.weeks_seen > people["last_week"].to_numpy(np.int64)[:, None],
    )


def _begun(data: AnalysisData) -> AnalysisData:
    """Return the data without those for whom no treatment night was planned yet."""
    come = data.weeks[["planned", "exposure"]].max(axis=1) > 0
    begun = data.people["participant_id"].isin(data.weeks.loc[come, "participant_id"])
    return replace(data, people=data.people[begun])
