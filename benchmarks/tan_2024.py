"""The results of Tan and colleagues (JAMA Internal Medicine 2024), rebuilt from their summaries.

Data are simulated to the published means and standard deviations, exactly, and analysed twice: with
every person-week as if it were a participant of its own, and with the participant as the unit.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.special import gammaincinv, ndtr, ndtri

from trial.statistics import welch

FloatArray = npt.NDArray[np.float64]

WEEKS = 8
_SEED = 2024

_Z = float(ndtri(0.975))


@dataclass(frozen=True, slots=True)
class Published:
    """One row of the published results: means and standard deviations, treatment first."""

    outcome: str
    means: tuple[float, float]
    sds: tuple[float, float]
    interval: tuple[float, float] | None = None

    @property
    def difference(self) -> float:
        return self.means[0] - self.means[1]


SIZES = (103, 96)

FREQUENCY = Published("cramps per week, weeks 1 to 8", (0.96, 3.63), (1.41, 2.20), (-2.86, -2.49))

ROWS = (
    Published("cramps per week, run-in", (2.60, 2.71), (0.81, 0.80)),
    FREQUENCY,
    Published("severity, change", (-2.55, -1.24), (2.12, 1.16)),
    Published("minutes per cramp, change", (-0.90, -0.32), (0.88, 0.78)),
)


@dataclass(frozen=True, slots=True)
class Rebuilt:
    """A difference of means with its 95 % interval under one reading of the published numbers.

    Attributes
    ----------
    outcome, reading : str
    units : (int, int)
        What was counted as independent in each arm.
    difference, low, high : float
    """

    outcome: str
    reading: str
    units: tuple[int, int]
    difference: float
    low: float
    high: float

    @property
    def half_width(self) -> float:
        return (self.high - self.low) / 2


def rebuild(correlations: tuple[float, ...] = (0.0, 0.25, 0.46)) -> tuple[Rebuilt, ...]:
    """Return every published row with intervals that have the participant as unit.

    The published standard deviations of the weekly frequency may be those of participants or of
    person-weeks; the text does not say. Both are shown, the second for several correlations
    between the weeks of a participant (0.46 in simulated trials with a sensor).
    """
    rebuilt = []
    for row in ROWS:
        if row is FREQUENCY:
            weeks = [person_weeks(row, correlation) for correlation in correlations]
            rebuilt.append(_by_person_week(row, weeks[0]))
            rebuilt += [
                _by_participant(row, arms, f"participant; SDs of person-weeks, correlation {rho:g}")
                for rho, arms in zip(correlations, weeks, strict=True)
            ]
        reading = "participant; SDs of participants"
        rebuilt.append(_by_participant(row, participants(row), reading))
    return tuple(rebuilt)


def participants(row: Published) -> tuple[FloatArray, FloatArray]:
    """Return one value for each participant, with exactly the published means and SDs."""
    rng = np.random.default_rng(_SEED)
    treated, controls = (
        mean + sd * _standardised(rng.standard_normal(size))
        for size, mean, sd in zip(SIZES, row.means, row.sds, strict=True)
    )
    return treated, controls


def person_weeks(row: Published, correlation: float) -> tuple[FloatArray, FloatArray]:
    """Return values of shape (participants, weeks) with exactly the published means and SDs.

    They are gamma distributed, skewed as counts are, and correlated within a participant through a
    normal copula; then shifted and stretched onto the published numbers.
    """
    rng = np.random.default_rng(_SEED)
    arms = []
    for size, mean, sd in zip(SIZES, row.means, row.sds, strict=True):
        own = rng.standard_normal((size, 1)) * math.sqrt(correlation)
        normal = own + rng.standard_normal((size, WEEKS)) * math.sqrt(1 - correlation)
        arms.append(mean + sd * _standardised(_gamma_scores(normal, (mean / sd) ** 2)))
    return arms[0], arms[1]


def _gamma_scores(normal: FloatArray, shape: float) -> FloatArray:
    """Return gamma distributed values with the ranks of the given ones."""
    return np.asarray(gammaincinv(shape, np.clip(ndtr(normal), 1e-12, 1 - 1e-12)))


def _standardised(values: FloatArray) -> FloatArray:
    return np.asarray((values - values.mean()) / values.std(ddof=1))


def _by_person_week(row: Published, arms: tuple[FloatArray, FloatArray]) -> Rebuilt:
    """Return the normal interval with person-weeks as units: the published one."""
    variance = sum(float(arm.var(ddof=1)) / arm.size for arm in arms)
    reach = _Z * math.sqrt(variance)
    difference = float(arms[0].mean() - arms[1].mean())
    return Rebuilt(
        row.outcome,
        "person-week (wrong: weeks of a participant are not independent)",
        (arms[0].size, arms[1].size),
        difference,
        difference - reach,
        difference + reach,
    )


def _by_participant(row: Published, arms: tuple[FloatArray, FloatArray], reading: str) -> Rebuilt:
    """Return Welch's interval of the difference between means of participants."""
    means = [arm.reshape(len(arm), -1).mean(axis=1) for arm in arms]
    found = welch("difference of means", means[0], means[1])
    assert found.low is not None
    assert found.high is not None
    return Rebuilt(row.outcome, reading, SIZES, found.value, found.low, found.high)
