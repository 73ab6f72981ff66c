"""Comparisons that hold when no model does: the randomisation itself is their distribution."""

from __future__ import annotations

import itertools
import math
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from trial.estimates import mean_of_participants
from trial.statistics.design import Terms, totals_design
from trial.statistics.intervals import newcombe, wilson
from trial.statistics.results import ArmNumbers, Comparison, Estimate

if TYPE_CHECKING:
    from collections.abc import Iterator

    from trial.statistics.data import AnalysisData
    from trial.statistics.design import Outcome

__all__ = ["any_event", "randomisation_test"]

_MOST_ALLOCATIONS = 20_000
_SEED = 20241028
_TIE = 1e-9  # allocations that differ from the observed one by rounding only

FloatArray = npt.NDArray[np.float64]
BoolArray = npt.NDArray[np.bool_]


def randomisation_test(
    data: AnalysisData, *, analysis: str, outcome: Outcome = "events"
) -> Comparison:
    """Compare participants' mean weekly rates over all ways to allocate them (Fisher 1935).

    All allocations with the observed sizes of the arms are tried if there are at most 20 000, else
    20 000 drawn with a fixed seed. There is a p value and no interval.

    Parameters
    ----------
    data : AnalysisData
        Two arms, each with a participant with analysable time.
    analysis : str
    outcome : str
    """
    design = totals_design(data, Terms(None, sites=False, weeks=False), outcome)
    rates = design.outcome / design.exposure
    observed = _mean_difference(rates, design.treated[None, :])[0]
    allocations, are_all = _allocations(design.treated)
    extreme = np.abs(_mean_difference(rates, allocations)) >= abs(observed) * (1 - _TIE)
    hits, tried = int(extreme.sum()), len(allocations)
    p_value = hits / tried if are_all else (hits + 1) / (tried + 1)
    return Comparison(
        analysis,
        method="Randomisation test of the difference between mean weekly rates of participants",
        made_by="trial.statistics.randomisation.randomisation_test",
        population="randomised participants with analysable time",
        arms=tuple(_mean_rates(data, rates, design.treated)),
        estimates=(Estimate("difference per week", float(observed), p_value=p_value),),
        details={"allocations": tried, "all_allocations": "yes" if are_all else "no"},
        notes=("A randomisation test has a p value and no interval.",),
    )


def any_event(data: AnalysisData, *, analysis: str) -> Comparison:
    """Compare the shares of participants with at least one cramp (Newcombe 1998)."""
    design = totals_design(data, Terms(None, sites=False, weeks=False))
    arms, counts = [], []
    for arm in data.arms:
        own = design.treated == (arm != data.reference)
        with_cramp, total = int((design.outcome[own] > 0).sum()), int(own.sum())
        counts.append((with_cramp, total))
        arms.append(ArmNumbers(arm, total, with_cramp / total, *wilson(with_cramp, total)))
    return Comparison(
        analysis,
        method="Difference between shares of participants with a cramp, Newcombe interval",
        made_by="trial.statistics.randomisation.any_event",
        population="randomised participants with analysable time",
        arms=tuple(arms),
        estimates=(newcombe(counts[1], counts[0]),),
    )


def _mean_rates(data: AnalysisData, rates: FloatArray, treated: BoolArray) -> Iterator[ArmNumbers]:
    """Yield the mean weekly rate of each arm's participants, whose difference is tested."""
    for arm in data.arms:
        mean = mean_of_participants(rates[treated == (arm != data.reference)])
        yield ArmNumbers(arm, mean.participants or 0, mean.value, mean.low, mean.high)


def _mean_difference(rates: FloatArray, allocations: BoolArray) -> FloatArray:
    """Return mean of the treated minus mean of the others for each allocation."""
    size = allocations.sum(axis=1)
    treated = allocations @ rates
    return np.asarray(treated / size - (rates.sum() - treated) / (len(rates) - size))


def _allocations(treated: BoolArray) -> tuple[BoolArray, bool]:
    """Return allocations with the observed sizes, one in a row, and whether these are all."""
    people, size = len(treated), int(treated.sum())
    if math.comb(people, size) <= _MOST_ALLOCATIONS:
        chosen = np.array(list(itertools.combinations(range(people), size)))
        allocations = np.zeros((len(chosen), people), dtype=bool)
        np.put_along_axis(allocations, chosen, values=True, axis=1)
        return allocations, True
    rng = np.random.default_rng(_SEED)
    return rng.permuted(np.tile(treated, (_MOST_ALLOCATIONS, 1)), axis=1), False
