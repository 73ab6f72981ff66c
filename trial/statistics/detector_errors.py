"""What errors of the detector could do to the comparison of the arms.

Counted are the cramps that were found, and false alarms: an arm's rate is ``s r + 7 f`` per week,
with ``r`` the true rate, ``s`` the share of cramps that is found and ``f`` the false alarms in a
night of eight hours. Alike in both arms, false alarms leave the difference as it is and draw the
ratio towards 1, and missed cramps leave the ratio as it is. Unlike in the arms, either can make an
effect, or hide one.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from trial.statistics.data import HOURS_PER_WEEK
from trial.statistics.intervals import ratio, t_quantile
from trial.statistics.results import Comparison, DetectorErrors, LessFalseAlarms, Refusal, Result

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from trial.statistics.results import Estimate

__all__ = ["FALSE_ALARMS", "detector_errors"]

FALSE_ALARMS = (0.0, 0.05, 0.1, 0.2, 0.3, 0.5)
"""In eight analysable hours, in both arms."""

_HOURS_OF_A_NIGHT = 8.0

_METHOD = (
    "Standardised rates of the primary model less the same false alarms in both arms, the ratio "
    "with its interval by the delta method on the log scale, Student's t"
)

FloatArray = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class _Rates:
    """Weekly rates of reference and treatment, with their covariance."""

    values: FloatArray
    covariance: FloatArray
    df: float

    def less(self, taken: float) -> Estimate | None:
        """Return the ratio of the rates less `taken`; None if one of them may be zero then."""
        rates = self.values - taken
        if (rates <= t_quantile(self.df) * np.sqrt(np.diag(self.covariance))).any():
            return None
        slope = np.array([-1.0, 1.0]) / rates
        error = math.sqrt(slope @ self.covariance @ slope)
        return ratio("rate ratio", math.log(rates[1] / rates[0]), error, self.df)

    def step(self, false_alarms: float, nights: float) -> LessFalseAlarms:
        """Take so many false alarms a night from both arms."""
        taken = nights * false_alarms
        reference, treatment = (float(rate) for rate in self.values - taken)
        return LessFalseAlarms(false_alarms, reference, treatment, self.less(taken))


def detector_errors(
    primary: Result,
    *,
    hours_per_week: float = HOURS_PER_WEEK,
    false_alarms: Sequence[float] = FALSE_ALARMS,
) -> DetectorErrors | Refusal:
    """Return what remains of an effect if some of what was counted were false alarms.

    Parameters
    ----------
    primary : Comparison or Refusal
        Comparison of cramps per week, or a refusal with what was done instead.
    hours_per_week : float
        Analysable hours that a weekly rate refers to.
    false_alarms : sequence of float
        In eight analysable hours, in both arms.

    Returns
    -------
    DetectorErrors or Refusal
        A refusal where no model gave the arms rates with their errors.
    """
    found = next(_with_rates(primary), None)
    if found is None:
        reason = primary.reason if primary.kind == "refusal" else "the arms have no adjusted rates"
        return Refusal(
            "detector_errors",
            reason,
            instead="See the refusal of the primary analysis.",
            arms=primary.arms,
        )
    comparison, rates = found
    nights = hours_per_week / _HOURS_OF_A_NIGHT
    worst_difference = comparison.estimate("difference per week").high
    worst_ratio = comparison.estimate("rate ratio").high
    return DetectorErrors(
        method=_METHOD,
        made_by="trial.statistics.detector_errors.detector_errors",
        steps=tuple(rates.step(each, nights) for each in false_alarms),
        more_false_alarms=-worst_difference / nights
        if worst_difference is not None and worst_difference < 0
        else None,
        less_found=worst_ratio if worst_ratio is not None and worst_ratio < 1 else None,
    )


def _with_rates(result: Result) -> Iterator[tuple[Comparison, _Rates]]:
    """Yield the comparison, or those made in its place, that give both arms rates with errors."""
    if result.kind == "refusal":
        for other in result.alternative:
            if other.kind != "weekly contrasts":
                yield from _with_rates(other)
    elif (rates := _rates_of(result)) is not None:
        yield result, rates


def _rates_of(comparison: Comparison) -> _Rates | None:
    known = [
        (arm.adjusted, arm.adjusted_error)
        for arm in comparison.arms
        if arm.adjusted is not None and arm.adjusted_error is not None
    ]
    if len(known) != 2:
        return None
    values, errors = np.array(known, dtype=np.float64).T
    apart = comparison.estimate("difference per week")
    if apart.standard_error is None or apart.df is None:
        return None
    # The variance of a difference is that of its parts less twice their covariance.
    shared = (float((errors**2).sum()) - apart.standard_error**2) / 2
    covariance = np.array([[errors[0] ** 2, shared], [shared, errors[1] ** 2]])
    return _Rates(values, covariance, apart.df)
