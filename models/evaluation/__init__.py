"""How well episodes agree with the truth: matches, rates with exact limits, errors, calibration."""

from models.evaluation.agreement import Agreement, TimeInAlarm, agreement, time_in_alarm
from models.evaluation.edges import RatioLimits, Spread, durations_s, ratio_limits, spread_of
from models.evaluation.intervals import (
    Proportion,
    Rate,
    binomial_interval,
    bootstrap_ratio,
    poisson_interval,
)
from models.evaluation.latency import decision_s
from models.evaluation.matching import (
    EASY_S,
    HOURS_LONG,
    NIGHT_H,
    Evaluation,
    FalseAlarm,
    Judged,
    Match,
    Origin,
    evaluate,
    match_by_overlap,
)
from models.evaluation.reliability import (
    Reliability,
    ReliabilityBin,
    add_reliability,
    reliability_of_episodes,
    reliability_of_seconds,
)
from models.evaluation.strata import (
    Scored,
    Stratum,
    by_amplitude,
    by_amplitude_and_duration,
    by_duration,
    by_origin,
    false_alarms,
    reported,
    score_each,
    sensitivity,
)
from models.evaluation.weekly import WeeklyCount, weekly_count

__all__ = [
    "EASY_S",
    "HOURS_LONG",
    "NIGHT_H",
    "Agreement",
    "Evaluation",
    "FalseAlarm",
    "Judged",
    "Match",
    "Origin",
    "Proportion",
    "Rate",
    "RatioLimits",
    "Reliability",
    "ReliabilityBin",
    "Scored",
    "Spread",
    "Stratum",
    "TimeInAlarm",
    "WeeklyCount",
    "add_reliability",
    "agreement",
    "binomial_interval",
    "bootstrap_ratio",
    "by_amplitude",
    "by_amplitude_and_duration",
    "by_duration",
    "by_origin",
    "decision_s",
    "durations_s",
    "evaluate",
    "false_alarms",
    "match_by_overlap",
    "poisson_interval",
    "ratio_limits",
    "reliability_of_episodes",
    "reliability_of_seconds",
    "reported",
    "score_each",
    "sensitivity",
    "spread_of",
    "time_in_alarm",
    "weekly_count",
]
