"""The final analysis of a trial: models, guards, sensitivity analyses, and what they are worth.

`analyse` takes `AnalysisData` (made by `analysis_data` from a study's tables) and returns an
`Analysis`. The participant is the unit of every analysis, never a week and never an episode; where
an analysis would give a number without a meaning, it returns a `Refusal` with the reason and with
what was done instead.
"""

from trial.statistics.analysis import Analysis, analyse
from trial.statistics.characteristics import Characteristics, Share, operating_characteristics
from trial.statistics.crossover import compare_crossover
from trial.statistics.data import AnalysisData, analysis_data
from trial.statistics.detector_errors import detector_errors
from trial.statistics.frequency import compare_rates
from trial.statistics.intervals import welch
from trial.statistics.results import (
    ArmNumbers,
    Comparison,
    DetectorErrors,
    Estimate,
    Refusal,
    Result,
    TippingPoint,
    WeeklyContrasts,
)
from trial.statistics.sample_size import SampleSize, TrialPlan, expected_power, sample_size
from trial.statistics.sensor_diary import Agreement, sensor_against_diary
from trial.statistics.simulated import TrialSpec, simulate_trial
from trial.statistics.totals import ancova, negative_binomial

__all__ = [
    "Agreement",
    "Analysis",
    "AnalysisData",
    "ArmNumbers",
    "Characteristics",
    "Comparison",
    "DetectorErrors",
    "Estimate",
    "Refusal",
    "Result",
    "SampleSize",
    "Share",
    "TippingPoint",
    "TrialPlan",
    "TrialSpec",
    "WeeklyContrasts",
    "analyse",
    "analysis_data",
    "ancova",
    "compare_crossover",
    "compare_rates",
    "detector_errors",
    "expected_power",
    "negative_binomial",
    "operating_characteristics",
    "sample_size",
    "sensor_against_diary",
    "simulate_trial",
    "welch",
]
