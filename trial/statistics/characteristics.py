"""What the analyses do over many simulated trials: bias, coverage, error rate."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np
import numpy.typing as npt

from trial.statistics.arms import arm_rates
from trial.statistics.results import Comparison
from trial.statistics.simulated import simulate_trial

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from trial.statistics.data import AnalysisData
    from trial.statistics.results import Result
    from trial.statistics.simulated import TrialSpec

__all__ = ["POOLED", "Characteristics", "Share", "operating_characteristics"]

FloatArray = npt.NDArray[np.float64]

POOLED = "rate per pooled hour"

Quantity = Literal["rate ratio", "difference per week", "rate of the treated", "rate of controls"]


@dataclass(frozen=True, slots=True)
class Share:
    """A share of the simulated trials, with its Monte Carlo standard error."""

    value: float
    error: float


@dataclass(frozen=True, slots=True)
class Characteristics:
    """How one quantity of one analysis behaved.

    Attributes
    ----------
    analysis : str
    quantity : str
    trials, refused : int
        Simulated, and of these without an estimate.
    truth, mean : float
        Planted value, and mean of the estimates (geometric for a ratio).
    bias, bias_error : float
        Mean over truth − 1, and its Monte Carlo standard error.
    coverage : Share or None
        Of the 95 % interval; None where there is none.
    rejected : Share or None
        Share of p values below 0.05: type I error if there is no effect, else power. None where
        the analysis has no p value.
    width : float or None
        Median width of the interval.
    """

    analysis: str
    quantity: Quantity
    trials: int
    refused: int
    truth: float
    mean: float
    bias: float
    bias_error: float
    coverage: Share | None
    rejected: Share | None
    width: float | None


@dataclass(frozen=True, slots=True)
class _Found:
    """One estimate of one trial."""

    value: float
    low: float | None = None
    high: float | None = None
    p_value: float | None = None


def operating_characteristics(
    spec: TrialSpec,
    analyses: Mapping[str, Callable[[AnalysisData], Result]],
    *,
    trials: int,
    seed: int,
    tell: Callable[[int], None] | None = None,
) -> tuple[Characteristics, ...]:
    """Analyse so many simulated trials and count how often each analysis was right.

    Trial number i is drawn from the seed ``[seed, i]``, so that a run can be repeated in part.

    Parameters
    ----------
    spec : TrialSpec
        Holds the true effect.
    analyses : mapping
        By name, functions from data to a result. They are judged by their rate ratio, difference
        per week and adjusted rates of the arms, whichever they have; beside them stands the
        crude rate of each arm.
    trials, seed : int
    tell : callable, optional
        Called with the number of each trial that is done.
    """
    found: dict[tuple[str, Quantity], list[_Found]] = {}
    for number in range(trials):
        data = simulate_trial(spec, [seed, number])
        for quantity, arm in zip(_RATES, arm_rates(data), strict=True):
            if arm.value is not None:
                one = _Found(arm.value, arm.low, arm.high)
                found.setdefault((POOLED, quantity), []).append(one)
        for name, analysis in analyses.items():
            for quantity, one in _of_result(analysis(data)):
                found.setdefault((name, quantity), []).append(one)
        if tell is not None:
            tell(number + 1)
    truths = _truths(spec)
    return tuple(
        _characteristics(name, quantity, values, truths[quantity], trials)
        for (name, quantity), values in found.items()
    )


_RATES: tuple[Quantity, Quantity] = ("rate of controls", "rate of the treated")


def _truths(spec: TrialSpec) -> dict[Quantity, float]:
    return {
        "rate ratio": spec.rate_ratio,
        "difference per week": spec.difference,
        "rate of the treated": spec.reference_rate * spec.rate_ratio,
        "rate of controls": spec.reference_rate,
    }


def _of_result(result: Result) -> Iterator[tuple[Quantity, _Found]]:
    """Yield what a result says of the planted quantities; a refusal says nothing."""
    if not isinstance(result, Comparison):
        return
    for estimate in result.estimates:
        one = _Found(estimate.value, estimate.low, estimate.high, estimate.p_value)
        if estimate.measure == "rate ratio":
            yield "rate ratio", one
        elif estimate.measure == "difference per week":
            yield "difference per week", one
    for quantity, arm in zip(_RATES, result.arms, strict=False):
        if arm.adjusted is not None:
            yield quantity, _Found(arm.adjusted)


def _characteristics(
    name: str, quantity: Quantity, found: list[_Found], truth: float, trials: int
) -> Characteristics:
    values = np.array([one.value for one in found])
    ends = np.array([(one.low, one.high) for one in found if one.low is not None], dtype=np.float64)
    p_values = np.array([one.p_value for one in found if one.p_value is not None])
    mean, error = _mean(values, on_log_scale=quantity == "rate ratio")
    return Characteristics(
        analysis=name,
        quantity=quantity,
        trials=trials,
        refused=trials - len(found),
        truth=truth,
        mean=mean,
        bias=mean / truth - 1 if truth else math.nan,
        bias_error=error / abs(truth) if truth else error,
        coverage=_share((ends[:, 0] <= truth) & (truth <= ends[:, 1])) if len(ends) else None,
        rejected=_share(p_values < 0.05) if len(p_values) else None,
        width=float(np.median(ends[:, 1] - ends[:, 0])) if len(ends) else None,
    )


def _mean(values: FloatArray, *, on_log_scale: bool) -> tuple[float, float]:
    """Return a mean, geometric on the log scale, and its standard error."""
    if not on_log_scale:
        return float(values.mean()), float(values.std(ddof=1)) / math.sqrt(len(values))
    logs = np.log(values)
    mean = math.exp(float(logs.mean()))
    return mean, mean * float(logs.std(ddof=1)) / math.sqrt(len(values))


def _share(hits: npt.NDArray[np.bool_]) -> Share:
    value = float(hits.mean())
    return Share(value, math.sqrt(value * (1 - value) / len(hits)))
