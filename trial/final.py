"""The final analysis of a study: its tables handed to `trial.statistics`."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from nightcramp.errors import InputError, UsageError
from trial.calendar import assign_weeks
from trial.plan import NIGHTS_OF_A_WEEK
from trial.recounting import recounted
from trial.weeks import nightly_table, weekly_table

if TYPE_CHECKING:
    from trial.statistics import Analysis, AnalysisData
    from trial.study import Study

__all__ = ["final_analysis"]


def final_analysis(study: Study) -> Analysis:
    """Compare the arms of a study with parallel groups; the participant is the unit.

    Raises
    ------
    UsageError
        If the arms are closed, or the study is a crossover.
    InputError
        If the plan does not say which arm the other is compared with.
    """
    from trial.statistics import analyse  # noqa: PLC0415  (takes a second to import)

    if not study.arms_opened:
        raise UsageError("the arms are closed: give the allocation with --arms")
    if study.plan.crossover is not None:
        raise UsageError(
            "the final analysis is one of parallel groups, and this study is a crossover, which "
            "needs terms for period and sequence: analyse weekly.csv, whose columns arm, "
            "treatment_period and sequence are there for it"
        )
    if study.plan.reference_arm is None:
        arms = " or ".join(f'"{arm}"' for arm in study.arms)
        raise InputError(
            "the key reference_arm is missing: which arm is the other compared with?",
            file="study.toml",
            advice=f"Add reference_arm = {arms}",
        )
    reference = study.plan.reference_arm
    by_other_rules = {name: _data(other, reference) for name, other in recounted(study).items()}
    return analyse(_data(study, reference), by_other_rules)


def _data(study: Study, reference: str) -> AnalysisData:
    """Hand the tables of a study whose arms are open to the statistics."""
    from trial.statistics import analysis_data  # noqa: PLC0415  (takes a second to import)

    sessions = study.plan.sessions
    data = analysis_data(
        weekly_table(study),
        reference=reference,
        hours_per_week=study.plan.reference_hours,
        nights_per_week=NIGHTS_OF_A_WEEK if sessions is None else sessions.per_week,
        episodes=assign_weeks(study.counted_episodes, study),
        nights=nightly_table(study),
        last_weeks=_last_weeks(study),
    )
    return replace(data, display=study.plan.display)


def _last_weeks(study: Study) -> dict[str, int]:
    """Return the week of the last treatment night of those who stopped treatment early."""
    if "treatment_stopped_on" not in study.participants:
        return {}
    stopped = study.participants.dropna(subset=["treatment_stopped_on"])
    named = stopped.rename(columns={"treatment_stopped_on": "night"})
    weeks = assign_weeks(named, study).set_index("participant_id")["week"].clip(lower=0)
    return {str(participant): int(week) for participant, week in weeks.items()}
