"""The effect week by week, with intervals that hold for all weeks together."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from trial.statistics.arms import arm_rates, obstacle
from trial.statistics.design import Design, Terms, empty_levels, weekly_design
from trial.statistics.gee import fit_gee
from trial.statistics.intervals import LEVEL, welch
from trial.statistics.results import Estimate, Refusal, WeekContrast, WeeklyContrasts

if TYPE_CHECKING:
    from trial.statistics.data import AnalysisData

__all__ = ["largest_statistics", "weekly_contrasts"]

_DRAWS = 200_000  # the critical value is then right to about 0.005
_SEED = 20241028

_MADE_BY = "trial.statistics.contrasts.weekly_contrasts"
_METHOD = (
    "Poisson estimating equations as in the primary analysis with a rate ratio for each week; "
    "simultaneous intervals from the largest of the correlated t statistics"
)

FloatArray = npt.NDArray[np.float64]


def weekly_contrasts(data: AnalysisData, *, analysis: str = "by_week") -> WeeklyContrasts | Refusal:
    """Compare the arms in each week by one model with a rate ratio for every week.

    The intervals are simultaneous: their critical value is the 95 % quantile of the largest of the
    correlated t statistics (Hothorn, Bretz and Westfall 2008), by drawing with a fixed seed.
    """
    if (reason := obstacle(data)) is not None:
        return Refusal(
            analysis,
            reason,
            instead="See the refusal of the primary analysis.",
            arms=arm_rates(data),
        )
    design, levels = weekly_design(data, Terms()), data.weeks_seen.tolist()
    if empty := _empty_cells(design, levels):
        return _by_difference(design, levels, analysis, f"no cramp in {', '.join(empty)}")
    if sites := empty_levels(design):
        design = weekly_design(data, Terms(sites=False))
    matrix, first = _interaction(design)
    fit = fit_gee(matrix, design.outcome, design.exposure, design.person)
    if fit.problem is not None:
        return _by_difference(design, levels, analysis, fit.problem)
    weeks = slice(first, first + len(levels))
    estimates, critical = _ratios(fit.coefficients[weeks], fit.covariance[weeks, weeks], design.df)
    contrasts = _of_weeks(design, levels, estimates)
    time_to_effect = _time_to_effect(contrasts)
    method = f"{_METHOD}; without site: no cramp in {', '.join(sites)}" if sites else _METHOD
    return WeeklyContrasts(analysis, method, _MADE_BY, contrasts, critical, time_to_effect)


def _of_weeks(
    design: Design, levels: list[int], estimates: list[Estimate]
) -> tuple[WeekContrast, ...]:
    """Return the estimates with the participants seen in each week."""
    arm = design.treated[design.person]
    treated = np.bincount(design.week[arm], minlength=len(levels)).tolist()
    controls = np.bincount(design.week[~arm], minlength=len(levels)).tolist()
    weeks = zip(levels, treated, controls, estimates, strict=True)
    return tuple(WeekContrast(*week) for week in weeks)


def _ratios(logs: FloatArray, covariance: FloatArray, df: float) -> tuple[list[Estimate], float]:
    """Return rate ratios with simultaneous intervals, and the critical value of these."""
    errors = np.sqrt(np.diag(covariance))
    largest = largest_statistics(covariance / np.outer(errors, errors), df)
    critical = float(np.quantile(largest, LEVEL))
    pairs = zip(logs.tolist(), errors.tolist(), strict=True)
    return [_ratio(value, error, critical, largest, df) for value, error in pairs], critical


def _ratio(
    log_value: float, error: float, critical: float, largest: FloatArray, df: float
) -> Estimate:
    value, factor = math.exp(log_value), math.exp(critical * error)
    p_value = (float((largest >= abs(log_value) / error).sum()) + 1) / (len(largest) + 1)
    return Estimate("rate ratio", value, value / factor, value * factor, p_value, error, df)


def largest_statistics(correlation: FloatArray, df: float) -> FloatArray:
    """Return draws of the largest absolute value of a multivariate t.

    Parameters
    ----------
    correlation : float64 array, shape (statistics, statistics)
    df : float
    """
    rng = np.random.default_rng(_SEED)
    values, vectors = np.linalg.eigh(correlation)
    root = vectors * np.sqrt(np.maximum(values, 0))
    normal = np.abs(rng.standard_normal((_DRAWS, len(values))) @ root.T).max(axis=1)
    return np.asarray(normal / np.sqrt(rng.chisquare(df, _DRAWS) / df), dtype=np.float64)


def _interaction(design: Design) -> tuple[FloatArray, int]:
    """Return a design with an arm column for each week, and the first of these columns."""
    between = np.delete(design.between, 1, axis=1)
    own_week = np.eye(design.within.shape[0])[design.week]
    treated = design.treated[design.person].astype(np.float64)[:, None] * own_week
    matrix = np.hstack([between[design.person], design.within[design.week], treated])
    return matrix, between.shape[1] + design.within.shape[1]


def _empty_cells(design: Design, levels: list[int]) -> list[str]:
    """Return the weeks in which an arm was not seen or had no cramp."""
    arm = design.treated[design.person]
    cells = np.zeros((2, design.within.shape[0]))
    np.add.at(cells, (arm.astype(int), design.week), design.outcome)
    names = ("reference", "treatment")
    return [
        f"week {levels[place]} of the {names[row]} arm"
        for row, place in np.argwhere(cells == 0).tolist()
    ]


def _by_difference(design: Design, levels: list[int], analysis: str, reason: str) -> Refusal:
    """Refuse rate ratios by week, and compare participants' rates within each week."""
    arm, rates = design.treated[design.person], design.outcome / design.exposure
    groups = {
        level: (rates[(design.week == place) & arm], rates[(design.week == place) & ~arm])
        for place, level in enumerate(levels)
    }
    usable = {level: pair for level, pair in groups.items() if _comparable(*pair)}
    level_each = 1 - (1 - LEVEL) / max(len(usable), 1)
    contrasts = tuple(
        WeekContrast(week, len(pair[0]), len(pair[1]), _bonferroni(*pair, level_each, len(usable)))
        for week, pair in usable.items()
    )
    method = (
        "Difference between participants' mean rates in each week, Welch's t, "
        f"Bonferroni over {len(usable)} weeks"
    )
    return Refusal(
        analysis,
        reason=f"rate ratios by week are not all finite: {reason}",
        instead=method + "; weeks in which an arm has fewer than two participants, or in which "
        "nobody has a cramp, are left out.",
        alternative=(
            WeeklyContrasts(
                analysis, method, _MADE_BY, contrasts, None, _time_to_effect(contrasts)
            ),
        ),
    )


def _comparable(treated: FloatArray, controls: FloatArray) -> bool:
    """Whether Welch's t is defined."""
    return min(len(treated), len(controls)) >= 2 and bool(treated.var() + controls.var() > 0)


def _bonferroni(treated: FloatArray, controls: FloatArray, level: float, weeks: int) -> Estimate:
    """Return Welch's estimate with interval and p value adjusted for so many weeks."""
    plain = welch("difference per week", treated, controls, level=level)
    p_value = None if plain.p_value is None else min(1.0, weeks * plain.p_value)
    return replace(plain, p_value=p_value)


def _time_to_effect(weeks: tuple[WeekContrast, ...]) -> int | None:
    """Return the first week of the unbroken run, up to the last week, of intervals of benefit."""
    first = None
    for contrast in reversed(weeks):
        neutral = 1.0 if contrast.estimate.measure == "rate ratio" else 0.0
        if contrast.estimate.high is None or contrast.estimate.high >= neutral:
            break
        first = contrast.week
    return first
