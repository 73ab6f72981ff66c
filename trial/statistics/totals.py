"""One row for each participant: negative binomial regression, and analysis of covariance."""

from __future__ import annotations

import math
import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from trial.statistics.arms import SMALLEST_ARM, arm_rates, obstacle, pair_refusal
from trial.statistics.design import ARM, Design, Terms, empty_levels, totals_design
from trial.statistics.gee import fit_gee
from trial.statistics.intervals import difference, ratio
from trial.statistics.results import Comparison, Refusal, Result

if TYPE_CHECKING:
    from collections.abc import Sequence

    from trial.statistics.data import AnalysisData
    from trial.statistics.design import Outcome

__all__ = [
    "POPULATION",
    "NegativeBinomialFit",
    "ancova",
    "fit_negative_binomial",
    "least_squares_hc3",
    "negative_binomial",
]

_NO_OVERDISPERSION = 1e-4  # alpha whose variance cannot be told from Poisson
_ITERATIONS = 200
_LARGEST_VARIANCE = 100.0  # of a log rate

FEWEST_FOR_ANCOVA = 6
"""Participants of both arms: intercept, arm and baseline leave three degrees of freedom."""

POPULATION = "randomised participants with analysable time under treatment"

FloatArray = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class NegativeBinomialFit:
    """A fitted negative binomial model, variance mean + alpha mean².

    Attributes
    ----------
    coefficients : float64 array, shape (columns,)
    covariance : float64 array, shape (columns, columns)
        From the joint Hessian with alpha.
    alpha, alpha_error : float
    problem : str or None
        Why the fit must not be used.
    """

    coefficients: FloatArray
    covariance: FloatArray
    alpha: float
    alpha_error: float
    problem: str | None


def fit_negative_binomial(design: Design) -> NegativeBinomialFit:
    """Fit totals by maximum likelihood with alpha estimated (NB2; Cameron and Trivedi 2013).

    statsmodels' generalised linear model of that name is of no use here: it fixes alpha at 1.
    """
    from statsmodels.discrete.discrete_model import NegativeBinomial  # noqa: PLC0415  slow import

    model = NegativeBinomial(design.outcome, design.matrix, offset=np.log(design.exposure))
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")  # what they warn of is judged below
        found = model.fit(disp=0, maxiter=_ITERATIONS)
        problem = _no_maximum(float(found.params[-1]), converged=found.mle_retvals["converged"])
        if problem is not None:
            return _unusable(design, float(found.params[-1]), problem)
        found = model.fit(disp=0, method="newton", start_params=found.params)
    if found.normalized_cov_params is None:
        return _unusable(design, float(found.params[-1]), "its information matrix is singular")
    values = np.asarray(found.params, dtype=np.float64)
    errors = np.asarray(found.cov_params(), dtype=np.float64)
    return NegativeBinomialFit(
        values[:-1],
        errors[:-1, :-1],
        float(values[-1]),
        float(np.sqrt(errors[-1, -1])) if errors[-1, -1] > 0 else math.nan,
        _not_determined(errors),
    )


def negative_binomial(data: AnalysisData, *, analysis: str) -> Result:
    """Compare participants' totals by negative binomial regression with log exposure as offset."""
    if (reason := obstacle(data)) is not None:
        return Refusal(
            analysis,
            reason,
            instead="See the refusal of the primary analysis.",
            arms=arm_rates(data),
        )
    design = totals_design(data, Terms(weeks=False))
    if empty := empty_levels(design):
        design = totals_design(data, Terms(sites=False, weeks=False))
    fit = fit_negative_binomial(design)
    if fit.problem is not None:
        return Refusal(
            analysis,
            reason=f"the negative binomial model cannot be used: {fit.problem}",
            instead="Poisson model of the totals with a covariance that assumes no distribution.",
            alternative=(_robust_poisson(data, design, analysis),),
            arms=arm_rates(data),
        )
    error = math.sqrt(fit.covariance[ARM, ARM])
    left_out = f"Without site: no cramp in {', '.join(empty)}."
    return Comparison(
        analysis,
        method="Negative binomial regression of participants' totals, alpha estimated, log of "
        "analysable time as offset; Student's t",
        made_by="trial.statistics.totals.negative_binomial",
        population=POPULATION,
        arms=arm_rates(data),
        estimates=(ratio("rate ratio", float(fit.coefficients[ARM]), error, design.df),),
        details={
            "participants": len(design.person),
            "alpha": fit.alpha,
            "alpha_error": fit.alpha_error,
            "columns": ", ".join(design.names),
        },
        notes=(left_out,) if empty else (),
    )


def ancova(data: AnalysisData, *, analysis: str, outcome: Outcome = "events") -> Result:
    """Compare participants' weekly rates by least squares, adjusted for run-in rate and site.

    The standard error is HC3 (MacKinnon and White 1985), the reference Student's t. It needs no
    distribution and no convergence, and is the fallback of the primary analysis.
    """
    if (refusal := pair_refusal(data, analysis)) is not None:
        return refusal
    arms = arm_rates(data, outcome)
    people = [arm.participants for arm in arms]
    if min(people) < 2 or sum(people) < FEWEST_FOR_ANCOVA:
        return Refusal(
            analysis,
            reason=f"{people[1]} against {people[0]} participants with analysable time are too few",
            instead="Each arm's own rate.",
            arms=arms,
        )
    design = totals_design(data, Terms("baseline_rate", weeks=False), outcome)
    matrix, rates = design.matrix, design.outcome / design.exposure
    coefficients, errors = least_squares_hc3(matrix, rates)
    if not errors[ARM] > 0:
        return Refusal(
            analysis,
            reason="a participant alone decides a coefficient, its HC3 error is not defined",
            instead="Each arm's own rate.",
            arms=arms,
        )
    adjusted = tuple(
        float((design.under(treatment=is_treated) @ coefficients).mean())
        for is_treated in (False, True)
    )
    return Comparison(
        analysis,
        method="Analysis of covariance of participants' weekly rates, HC3 standard error, "
        "Student's t",
        made_by="trial.statistics.totals.ancova",
        population=POPULATION,
        arms=arm_rates(data, outcome, adjusted),
        estimates=(
            difference(
                "difference per week", float(coefficients[ARM]), float(errors[ARM]), design.df
            ),
        ),
        details={"participants": len(rates), "columns": ", ".join(design.names)},
        notes=_small_arms(people),
    )


def _small_arms(people: Sequence[int]) -> tuple[str, ...]:
    if min(people) >= SMALLEST_ARM:
        return ()
    note = (
        f"{people[1]} against {people[0]} participants: fewer than the {SMALLEST_ARM} in each arm "
        "that other models need. Interval and p value were not checked with so few; the "
        "randomisation test holds with any number."
    )
    return (note,)


def least_squares_hc3(matrix: FloatArray, values: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return coefficients and their HC3 standard errors, NaN where leverage is 1.

    Parameters
    ----------
    matrix : float64 array, shape (rows, columns)
    values : float64 array, shape (rows,)
    """
    inverse = np.linalg.pinv(matrix)
    coefficients = inverse @ values
    leverage = np.einsum("rc,cr->r", matrix, inverse)
    free = 1 - leverage
    free[free < 1e-12] = math.nan
    scaled = (values - matrix @ coefficients) / free
    return coefficients, np.sqrt(((inverse * scaled) ** 2).sum(axis=1))


def _robust_poisson(data: AnalysisData, design: Design, analysis: str) -> Result:
    fit = fit_gee(design.matrix, design.outcome, design.exposure, design.person)
    if fit.problem is not None:
        return ancova(data, analysis=analysis)
    return Comparison(
        analysis,
        method="Poisson regression of participants' totals, log of analysable time as offset; "
        "covariance of Mancl and DeRouen, Student's t",
        made_by="trial.statistics.totals.negative_binomial",
        population=POPULATION,
        arms=arm_rates(data),
        estimates=(ratio("rate ratio", float(fit.coefficients[ARM]), fit.error(ARM), design.df),),
        details={"participants": len(design.person), "columns": ", ".join(design.names)},
    )


def _no_maximum(alpha: float, *, converged: bool) -> str | None:
    if alpha < _NO_OVERDISPERSION:
        return f"no overdispersion, alpha ({alpha:.1e}) is at its boundary"
    if not (converged and math.isfinite(alpha)):
        return "its iterations did not converge"
    return None


def _not_determined(errors: FloatArray) -> str | None:
    variances = np.diag(errors)
    if not (np.isfinite(errors).all() and variances.min() > 0):
        return "its variances are not finite"
    if variances[:-1].max() > _LARGEST_VARIANCE:
        return "a coefficient is not determined by the data"
    return None


def _unusable(design: Design, alpha: float, problem: str) -> NegativeBinomialFit:
    columns = len(design.names)
    nothing = np.full((columns, columns), math.nan)
    return NegativeBinomialFit(nothing[0], nothing, alpha, math.nan, problem)
