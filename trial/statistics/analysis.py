"""All analyses of a two-arm trial, in one call."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING

from trial.statistics.arms import arm_rates
from trial.statistics.contrasts import weekly_contrasts
from trial.statistics.detector_errors import detector_errors
from trial.statistics.durations import durations
from trial.statistics.frequency import compare_rates
from trial.statistics.imputation import (
    JUMP_TO_REFERENCE,
    MISSING_AT_RANDOM,
    impute,
    tipping_point,
)
from trial.statistics.participants import cramp_free_weeks, responders, severity
from trial.statistics.results import (
    UNIT,
    ArmNumbers,
    DetectorErrors,
    Refusal,
    Result,
    TippingPoint,
    WeeklyContrasts,
)
from trial.statistics.sensor_diary import Agreement, sensor_against_diary
from trial.statistics.totals import ancova, negative_binomial

if TYPE_CHECKING:
    from collections.abc import Mapping

    from trial.statistics.data import AnalysisData

__all__ = ["Analysis", "analyse"]


@dataclass(frozen=True, slots=True)
class Analysis:
    """Everything the final analysis says; each part is a result or a refusal with its reason.

    Attributes
    ----------
    reference : str
        Arm that the other is compared with.
    randomised, planned_weeks : int
    arms : tuple of ArmNumbers
        Crude weekly rates.
    primary : Comparison or Refusal
        Cramps per week: rate ratio and standardised difference.
    second, fallback : Comparison or Refusal
        Negative binomial totals; analysis of covariance.
    by_week : WeeklyContrasts or Refusal
        With the time to effect.
    cramp_minutes : Comparison or Refusal
        Total minutes of cramp per week, in which all randomised participants with analysable time
        count. They are the minutes seen over the hours seen, so censoring does not bias them.
    durations : tuple
        Among participants with episodes.
    severity : Comparison or Refusal
        Among participants with cramps in the diary.
    responders : tuple
    cramp_free_weeks : Comparison or Refusal
    sensitivity : tuple
        The primary comparison with displayed weeks only, missing time at random, and jump to
        reference.
    recounted : tuple
        The primary comparison of episodes counted by other rules, where they are known.
    tipping_point : TippingPoint or Refusal
        Of missing time.
    detector_errors : DetectorErrors or Refusal
        What false alarms and missed cramps could do to the primary comparison.
    sensor_against_diary : Agreement or Refusal
    unit : str
        Always the participant.
    """

    reference: str
    randomised: int
    planned_weeks: int
    arms: tuple[ArmNumbers, ...]
    primary: Result
    second: Result
    fallback: Result
    by_week: WeeklyContrasts | Refusal
    cramp_minutes: Result
    durations: tuple[Result, ...]
    severity: Result
    responders: tuple[Result, ...]
    cramp_free_weeks: Result
    sensitivity: tuple[Result, ...]
    recounted: tuple[Result, ...]
    tipping_point: TippingPoint | Refusal
    detector_errors: DetectorErrors | Refusal
    sensor_against_diary: Agreement | Refusal
    unit: str = UNIT

    def document(self) -> dict[str, object]:
        """Return the analysis as `json.dumps` takes it."""
        return asdict(self)


def analyse(data: AnalysisData, recounted: Mapping[str, AnalysisData] | None = None) -> Analysis:
    """Carry out all analyses; the same data give the same numbers, to the last bit.

    Parameters
    ----------
    data : AnalysisData
        With the arms open: for the final analysis or a data monitoring committee.
    recounted : mapping, optional
        By the name of the analysis, the same with episodes counted by other rules.
    """
    displayed = data.weeks["nights"] >= data.display.week_nights
    primary = compare_rates(data, analysis="primary")
    return Analysis(
        reference=data.reference,
        randomised=len(data.people),
        planned_weeks=data.planned_weeks,
        arms=arm_rates(data),
        primary=primary,
        second=negative_binomial(data, analysis="negative_binomial"),
        fallback=ancova(data, analysis="ancova"),
        by_week=weekly_contrasts(data),
        cramp_minutes=compare_rates(data, analysis="cramp_minutes", outcome="minutes"),
        durations=durations(data),
        severity=severity(data),
        responders=responders(data),
        cramp_free_weeks=cramp_free_weeks(data),
        sensitivity=(
            compare_rates(replace(data, weeks=data.weeks[displayed]), analysis="displayed_weeks"),
            impute(data, MISSING_AT_RANDOM),
            impute(data, JUMP_TO_REFERENCE),
        ),
        recounted=tuple(
            compare_rates(other, analysis=name) for name, other in (recounted or {}).items()
        ),
        tipping_point=tipping_point(data),
        detector_errors=detector_errors(primary, hours_per_week=data.hours_per_week),
        sensor_against_diary=sensor_against_diary(data.nights, data.display.night_hours),
    )
