"""What a run finds, worked out once for everything that is written of it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from trial.final import final_analysis
from trial.summary import summarise

if TYPE_CHECKING:
    from trial.statistics import Analysis
    from trial.study import Study
    from trial.summary import Summary

__all__ = ["Results", "RunKind", "work_out"]


class RunKind(StrEnum):
    """What a run is for. Tests and models belong to the last two: peeking weekly inflates error."""

    WEEKLY = "weekly"
    DMC = "dmc"
    FINAL = "final"


@dataclass(frozen=True, slots=True)
class Results:
    """What a run found in a study.

    Attributes
    ----------
    study : Study
    run : RunKind
    summary : Summary
    analysis : Analysis or None
        The comparison of the arms; None in a weekly run.
    """

    study: Study
    run: RunKind
    summary: Summary
    analysis: Analysis | None


def work_out(study: Study, run: RunKind = RunKind.WEEKLY) -> Results:
    """Describe a study and, unless the run is a weekly one, compare its arms.

    Raises
    ------
    UsageError
        If the arms are to be compared while they are closed, or in a crossover.
    InputError
        If they are and the plan does not say which arm the other is compared with.
    """
    analysis = None if run is RunKind.WEEKLY else final_analysis(study)
    return Results(study, run, summarise(study), analysis)
