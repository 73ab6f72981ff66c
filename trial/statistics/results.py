"""What an analysis hands back: a comparison of the arms, or a refusal that says what to do instead.

Every number is in an `Estimate` inside a `Comparison`, which names the method, the function that
made it, whom it speaks of, and that the participant was the unit.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = [
    "UNIT",
    "ArmNumbers",
    "Comparison",
    "Detail",
    "DetectorErrors",
    "Estimate",
    "LessFalseAlarms",
    "Measure",
    "Refusal",
    "Result",
    "Tipping",
    "TippingPoint",
    "WeekContrast",
    "WeeklyContrasts",
]

UNIT = "participant"

Detail = str | int | float | None

Measure = Literal[
    "rate ratio",
    "difference per week",
    "ratio of geometric means",
    "difference of means",
    "risk difference",
]


@dataclass(frozen=True, slots=True)
class Estimate:
    """A comparison of the treatment with the reference arm, or a value within one arm.

    Attributes
    ----------
    measure : str
        A ratio is treatment over reference, a difference treatment minus reference.
    value : float
    low, high : float or None
        95 % interval; None where the method has none.
    p_value : float or None
        Two-sided.
    standard_error : float or None
        Of the logarithm if the measure is a ratio.
    df : float or None
        Degrees of freedom of the t distribution behind interval and p value.
    """

    measure: Measure
    value: float
    low: float | None = None
    high: float | None = None
    p_value: float | None = None
    standard_error: float | None = None
    df: float | None = None


@dataclass(frozen=True, slots=True)
class ArmNumbers:
    """What the participants of one arm brought into an analysis, unadjusted.

    Attributes
    ----------
    arm : str
    participants : int
    value : float or None
        Cramps per week, mean or share, whichever the analysis compares.
    low, high : float or None
        95 % interval of `value`.
    total, exposure : float or None
        Events or minutes, and weeks of 56 analysable hours, where the analysis is of rates.
    adjusted, adjusted_error : float or None
        Value of the arm after adjustment, from the same model as the comparison; its standard
        error, where the method gives one.
    """

    arm: str
    participants: int
    value: float | None
    low: float | None = None
    high: float | None = None
    total: float | None = None
    exposure: float | None = None
    adjusted: float | None = None
    adjusted_error: float | None = None


@dataclass(frozen=True, slots=True)
class Comparison:
    """Treatment against reference, by one method.

    Attributes
    ----------
    analysis : str
        Which analysis of the plan it is, such as ``primary``.
    method : str
        In words, with its source.
    made_by : str
        Function that worked it out.
    population : str
        Whom it speaks of.
    arms : tuple of ArmNumbers
        The reference first.
    estimates : tuple of Estimate
    details : mapping
        Parameters of the fit and counts a reader needs, such as ``correlation``.
    notes : tuple of str
        What a reader must not overlook.
    unit : str
        Always the participant.
    kind : str
        ``comparison``; tells it from a refusal in JSON.
    """

    analysis: str
    method: str
    made_by: str
    population: str
    arms: tuple[ArmNumbers, ...]
    estimates: tuple[Estimate, ...]
    details: Mapping[str, Detail] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    unit: str = UNIT
    kind: Literal["comparison"] = "comparison"

    def estimate(self, measure: Measure) -> Estimate:
        """Return the estimate of a measure.

        Raises
        ------
        KeyError
            If the analysis has none of it.
        """
        for estimate in self.estimates:
            if estimate.measure == measure:
                return estimate
        raise KeyError(measure)


@dataclass(frozen=True, slots=True)
class WeekContrast:
    """Treatment against reference in one week.

    Attributes
    ----------
    week : int
    treated, controls : int
        Participants with analysable time in the week.
    estimate : Estimate
        With its simultaneous interval; the p value is adjusted for all weeks.
    """

    week: int
    treated: int
    controls: int
    estimate: Estimate


@dataclass(frozen=True, slots=True)
class WeeklyContrasts:
    """The effect in every week.

    Attributes
    ----------
    analysis, method, made_by : str
    weeks : tuple of WeekContrast
    critical_value : float or None
        Standard errors that each interval reaches out; None if it differs between weeks.
    time_to_effect : int or None
        First week from which every interval, to the last week, lies on the side of fewer cramps
        under treatment; None if there is none.
    unit : str
        Always the participant.
    kind : str
        ``weekly contrasts``.
    """

    analysis: str
    method: str
    made_by: str
    weeks: tuple[WeekContrast, ...]
    critical_value: float | None
    time_to_effect: int | None
    unit: str = UNIT
    kind: Literal["weekly contrasts"] = "weekly contrasts"


@dataclass(frozen=True, slots=True)
class Tipping:
    """The result if missing time of the treated had `factor` times the cramps."""

    factor: float
    estimate: Estimate


@dataclass(frozen=True, slots=True)
class TippingPoint:
    """How much worse missing time must have been for the benefit to lose significance.

    Attributes
    ----------
    analysis, method, made_by : str
    steps : tuple of Tipping
        From factor 1 upwards.
    tips_at : float or None
        First factor whose interval of the rate ratio reaches 1 (1: there is nothing to tip); None
        if even the largest leaves it below 1.
    unit, kind : str
    """

    method: str
    made_by: str
    steps: tuple[Tipping, ...]
    tips_at: float | None
    analysis: str = "tipping_point"
    unit: str = UNIT
    kind: Literal["tipping point"] = "tipping point"


@dataclass(frozen=True, slots=True)
class LessFalseAlarms:
    """The arms if so many of the counted cramps were false alarms.

    Attributes
    ----------
    false_alarms : float
        In eight analysable hours, in both arms.
    reference, treatment : float
        Cramps per week without them; negative if there cannot have been so many.
    estimate : Estimate or None
        Rate ratio; None if a rate without them may be zero.
    """

    false_alarms: float
    reference: float
    treatment: float
    estimate: Estimate | None


@dataclass(frozen=True, slots=True)
class DetectorErrors:
    """What errors of the detector could do to the primary comparison.

    Attributes
    ----------
    analysis, method, made_by : str
    steps : tuple of LessFalseAlarms
        False alarms that both arms have alike.
    more_false_alarms : float or None
        How many more of them in eight hours the reference arm alone would need for the benefit to
        lose significance; None if there is no significant benefit.
    less_found : float or None
        How small the share of cramps found under treatment must be, over that under reference, for
        the same; None if there is no significant benefit.
    unit, kind : str
    """

    method: str
    made_by: str
    steps: tuple[LessFalseAlarms, ...]
    more_false_alarms: float | None
    less_found: float | None
    analysis: str = "detector_errors"
    unit: str = UNIT
    kind: Literal["detector errors"] = "detector errors"


@dataclass(frozen=True, slots=True)
class Refusal:
    """An analysis that would have given a number without a meaning.

    Attributes
    ----------
    analysis : str
    reason : str
        What stands against it, with the figures.
    instead : str
        What was done instead, or is to be done.
    alternative : tuple of Comparison, WeeklyContrasts or Refusal
        What was done instead; empty if nothing can be.
    arms : tuple of ArmNumbers
        What can still be said of each arm by itself.
    kind : str
        ``refusal``.
    """

    analysis: str
    reason: str
    instead: str
    alternative: tuple[Comparison | WeeklyContrasts | Refusal, ...] = ()
    arms: tuple[ArmNumbers, ...] = ()
    kind: Literal["refusal"] = "refusal"


Result = Comparison | Refusal
