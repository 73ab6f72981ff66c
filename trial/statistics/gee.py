"""Poisson estimating equations with the participant as cluster, and what follows from a fit."""

from __future__ import annotations

import math
import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from trial.statistics.design import Design

__all__ = ["Fit", "Standardised", "fit_gee", "standardise"]

FloatArray = npt.NDArray[np.float64]

Working = Literal["exchangeable", "independence"]
Covariance = Literal["bias_reduced", "robust"]

_LARGEST = 15.0  # a coefficient of e^15 is one that runs away
_SMALLEST_EIGENVALUE = 1e-10  # of the correlation of the columns


@dataclass(frozen=True, slots=True)
class Fit:
    """A fitted log-linear model.

    Attributes
    ----------
    coefficients : float64 array, shape (columns,)
    covariance : float64 array, shape (columns, columns)
    correlation : float
        Between two weeks of a participant.
    problem : str or None
        Why the fit must not be used.
    """

    coefficients: FloatArray
    covariance: FloatArray
    correlation: float
    problem: str | None

    def error(self, column: int) -> float:
        """Return the standard error of a coefficient."""
        return math.sqrt(self.covariance[column, column])


@dataclass(frozen=True, slots=True)
class Standardised:
    """Mean weekly rates if all analysed participants were in one arm, and if in the other.

    Attributes
    ----------
    treatment, reference : float
        Cramps (or minutes) per week of 56 analysable hours.
    treatment_error, reference_error, error : float
        Standard errors, the last that of their difference.
    """

    treatment: float
    reference: float
    treatment_error: float
    reference_error: float
    error: float


def fit_gee(
    matrix: FloatArray,
    outcome: FloatArray,
    exposure: FloatArray,
    person: npt.NDArray[np.int64],
    *,
    working: Working = "exchangeable",
    covariance: Covariance = "bias_reduced",
) -> Fit:
    """Fit a Poisson model with log exposure as offset (Liang and Zeger 1986) by statsmodels.

    The mean alone needs to be right: events need not be Poisson, and amounts such as minutes do.

    Parameters
    ----------
    matrix : float64 array, shape (rows, columns)
    outcome, exposure : float64 array, shape (rows,)
    person : int64 array, shape (rows,)
        Cluster of each row.
    working : str
        Working correlation; with one row for each participant it does not matter.
    covariance : str
        ``bias_reduced`` corrects for few clusters (Mancl and DeRouen 2001).
    """
    from statsmodels.genmod import cov_struct, families  # noqa: PLC0415  costs a second
    from statsmodels.genmod.generalized_estimating_equations import GEE  # noqa: PLC0415

    if (problem := _collinear(matrix)) is not None:
        return _unusable(matrix, problem)
    if covariance == "bias_reduced" and len(person) == len(np.unique(person)):
        return _fit_single_rows(matrix, outcome, exposure)
    exchangeable = working == "exchangeable"
    structure = cov_struct.Exchangeable() if exchangeable else cov_struct.Independence()
    model = GEE(
        outcome,
        matrix,
        groups=person,
        family=families.Poisson(),
        cov_struct=structure,
        offset=np.log(exposure),
    )
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")  # what they warn of is in `converged` and in the numbers
        found = model.fit(cov_type=covariance)
    coefficients = np.asarray(found.params, dtype=np.float64)
    matrix_of_errors = np.asarray(found.cov_params(), dtype=np.float64)
    rho = float(structure.dep_params) if exchangeable else 0.0
    usable = bool(found.converged) and math.isfinite(rho)
    return Fit(
        coefficients,
        matrix_of_errors,
        rho,
        _problem(coefficients, matrix_of_errors, converged=usable),
    )


def _fit_single_rows(matrix: FloatArray, outcome: FloatArray, exposure: FloatArray) -> Fit:
    """Fit with one row for each participant: a generalised linear model, and the same covariance.

    With clusters of one row the correction of Mancl and DeRouen is a division by what leverage
    leaves of each residual. It is as `GEE` finds it, in a tenth of the time.
    """
    from statsmodels.genmod import families  # noqa: PLC0415  costs a second
    from statsmodels.genmod.generalized_linear_model import GLM  # noqa: PLC0415

    model = GLM(outcome, matrix, family=families.Poisson(), offset=np.log(exposure))
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")  # what they warn of is in `converged` and in the numbers
        # Rounding alone moves a large deviance by more than 1e-12, by chance of how sums are taken.
        found = model.fit(tol=1e-12, rtol=1e-12)
        mean = np.asarray(found.mu, dtype=np.float64)
        bread = np.linalg.pinv((matrix.T * mean) @ matrix)
        leverage = mean * np.einsum("rc,cd,rd->r", matrix, bread, matrix)
        score = matrix * ((outcome - mean) / (1 - leverage))[:, None]
        covariance = bread @ (score.T @ score) @ bread
    coefficients = np.asarray(found.params, dtype=np.float64)
    problem = _problem(coefficients, covariance, converged=bool(found.converged))
    return Fit(coefficients, covariance, 0.0, problem)


def standardise(fit: Fit, design: Design) -> Standardised:
    """Return mean weekly rates of all analysed participants under one arm and under the other.

    Predicted rates are averaged over everybody and all weeks, and what the model leaves unexplained
    in an arm's participants is added (augmented inverse probability weighting; Ye, Shao, Yi and
    Zhao 2023). Each participant counts once, however long they were seen: so people who take the
    sensor off because of cramps do not lower the rate, as they do in a rate per pooled hour. The
    variance is that of the influence function, each participant's unexplained rate divided by what
    leverage leaves of it, as in the covariance of Mancl and DeRouen.
    """
    treated, between = design.treated, design.between
    share = treated.mean()
    under = {arm: _predict(fit, design, treatment=arm) for arm in (True, False)}
    rest = _unexplained(fit, design)
    rate = under[True].mean() + rest[treated].sum() / treated.sum()
    reference = under[False].mean() + rest[~treated].sum() / (~treated).sum()
    own = np.where(treated, under[True], under[False])
    bread = np.linalg.pinv((between.T * own) @ between)
    leverage = own * np.einsum("rc,cd,rd->r", between, bread, between)
    freed = rest / (1 - leverage)
    with_treatment = under[True] + freed * treated / share
    with_reference = under[False] + freed * ~treated / (1 - share)
    errors = (
        math.sqrt(influence.var(ddof=1) / len(influence))
        for influence in (with_treatment, with_reference, with_treatment - with_reference)
    )
    return Standardised(float(rate), float(reference), *errors)


def _predict(fit: Fit, design: Design, *, treatment: bool) -> FloatArray:
    """Return each participant's predicted weekly rate in an arm, averaged over the weeks."""
    split = design.between.shape[1]
    people = np.exp(design.under(treatment=treatment) @ fit.coefficients[:split])
    weeks = np.exp(design.within @ fit.coefficients[split:])
    return np.asarray(people * weeks.mean(), dtype=np.float64)


def _unexplained(fit: Fit, design: Design) -> FloatArray:
    """Return each participant's weekly rate less the one predicted for the time they were seen."""
    people = len(design.between)
    predicted = np.exp(design.matrix @ fit.coefficients) * design.exposure
    surplus = np.bincount(design.person, design.outcome - predicted, people)
    return np.asarray(surplus / np.bincount(design.person, design.exposure, people))


def _collinear(matrix: FloatArray) -> str | None:
    if len(matrix) <= matrix.shape[1]:
        return f"{len(matrix)} rows are too few for {matrix.shape[1]} coefficients"
    scaled = matrix / np.linalg.norm(matrix, axis=0)
    if np.linalg.eigvalsh(scaled.T @ scaled)[0] < _SMALLEST_EIGENVALUE:
        return "its covariates determine each other or the arm"
    return None


def _problem(coefficients: FloatArray, covariance: FloatArray, *, converged: bool) -> str | None:
    variances = np.diag(covariance)
    if not converged:
        return "its iterations did not converge"
    if not (np.isfinite(coefficients).all() and np.isfinite(covariance).all()):
        return "its coefficients or their variances are not finite"
    if np.abs(coefficients).max() > _LARGEST:
        return "a coefficient ran away, as when a covariate separates those with and without cramps"
    if variances.min() <= 0:
        return "a variance is not above zero"
    return None


def _unusable(matrix: FloatArray, problem: str) -> Fit:
    columns = matrix.shape[1]
    nothing = np.full((columns, columns), math.nan)
    return Fit(nothing[0], nothing, math.nan, problem)
