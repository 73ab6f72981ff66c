"""How many participants a trial needs, or what it can find with those it has."""

from __future__ import annotations

import math
from dataclasses import dataclass

from scipy.special import ndtr, ndtri

from nightcramp.errors import UsageError
from trial.statistics.data import NIGHTS_PER_WEEK

__all__ = ["SampleSize", "TrialPlan", "expected_power", "sample_size"]


@dataclass(frozen=True, slots=True)
class TrialPlan:
    """What a sample size rests on.

    Attributes
    ----------
    rate_ratio : float
        Effect that is to be found; above 0 and not 1.
    reference_rate : float
        Cramps per week in the reference arm.
    dispersion : float
        Variance of the participants' levels, alpha of the negative binomial model: what is left
        after adjusting for the run-in (0.36 without, 0.16 with two weeks of it, in simulation). It
        is that of what is counted: false alarms alike in everybody would lower it, false alarms of
        few people raise it.
    weeks : float
        Under treatment.
    wear : float
        Share of that time that is analysable.
    stopping : float
        Share of participants of whom nothing is to be had.
    false_alarms : float
        Of the detector in eight analysable hours. They add the same to both arms, and so draw the
        ratio of what is counted towards 1.
    allocation : float
        Treated for each control.
    alpha : float
        Two-sided.
    """

    rate_ratio: float
    reference_rate: float = 3.63
    dispersion: float = 0.36
    weeks: float = 8.0
    wear: float = 1.0
    stopping: float = 0.0
    false_alarms: float = 0.0
    allocation: float = 1.0
    alpha: float = 0.05

    def __post_init__(self) -> None:
        """Refuse a plan that no formula can answer.

        Raises
        ------
        UsageError
            A value is out of range; the text names it.
        """
        checks = {
            "rate_ratio must be above 0 and not 1": self.rate_ratio > 0 and self.rate_ratio != 1,
            "reference_rate, weeks and allocation must be above 0": min(
                self.reference_rate, self.weeks, self.allocation
            )
            > 0,
            "dispersion must not be negative": self.dispersion >= 0,
            "false_alarms must not be negative": self.false_alarms >= 0,
            "wear must be above 0 and at most 1": 0 < self.wear <= 1,
            "stopping must be at least 0 and below 1": 0 <= self.stopping < 1,
            "alpha must be between 0 and 1": 0 < self.alpha < 1,
        }
        if wrong := [rule for rule, kept in checks.items() if not kept]:
            raise UsageError("; ".join(wrong))

    @property
    def counted(self) -> tuple[float, float]:
        """What is counted per week in the reference arm and under treatment."""
        added = NIGHTS_PER_WEEK * self.false_alarms
        return self.reference_rate + added, self.reference_rate * self.rate_ratio + added

    @property
    def distance(self) -> float:
        """Size of the log ratio of what is counted."""
        reference, treated = self.counted
        return abs(math.log(treated / reference))

    @property
    def variance(self) -> float:
        """Variance of the log rate ratio, times the number of controls."""
        exposure = self.weeks * self.wear
        reference, treated = (1 / (exposure * rate) + self.dispersion for rate in self.counted)
        return reference + treated / self.allocation


@dataclass(frozen=True, slots=True)
class SampleSize:
    """Participants to randomise.

    Attributes
    ----------
    treated, controls : int
    power : float
        With these whole numbers.
    plan : TrialPlan
    method : str
    """

    treated: int
    controls: int
    power: float
    plan: TrialPlan
    method: str = "Negative binomial totals, Wald test of the log rate ratio (Zhu and Lakkis 2014)"


def sample_size(plan: TrialPlan, power: float = 0.9) -> SampleSize:
    """Return how many participants find the effect with this power.

    The variance of each arm is that under the alternative (Zhu and Lakkis, Statistics in Medicine
    2014, method 3 for equal exposure).

    Raises
    ------
    UsageError
        If `power` is not between `alpha` and 1.
    """
    if not plan.alpha < power < 1:
        raise UsageError(f"power {power:g} must lie between alpha {plan.alpha:g} and 1")
    reach = float(ndtri(1 - plan.alpha / 2) + ndtri(power))
    analysed = reach**2 * plan.variance / plan.distance**2
    analysed = math.ceil(analysed - 1e-9)
    kept = 1 - plan.stopping
    controls = math.ceil(analysed / kept - 1e-9)
    treated = math.ceil(plan.allocation * analysed / kept - 1e-9)
    return SampleSize(treated, controls, expected_power(plan, controls), plan)


def expected_power(plan: TrialPlan, controls: int) -> float:
    """Return the power with so many controls randomised, and the treated that belong to them."""
    analysed = controls * (1 - plan.stopping)
    distance = plan.distance / math.sqrt(plan.variance / analysed)
    return float(ndtr(distance - ndtri(1 - plan.alpha / 2)))
