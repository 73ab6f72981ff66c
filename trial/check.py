"""Everything that can be found wrong with a study folder, in one go."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from nightcramp.errors import InputError, TableError
from trial.calendar import data_cut
from trial.enrolment import check_enrolment
from trial.plan import Blinding
from trial.study_folder import load_study

if TYPE_CHECKING:
    from pathlib import Path

    import pandas as pd

    from trial.enrolment import Finding

__all__ = ["StudyCheck", "check_study"]


@dataclass(frozen=True, slots=True)
class StudyCheck:
    """What was found in a study folder.

    Attributes
    ----------
    problems : tuple of InputError
        Faults of the files, each with file, line and column; nothing is computed before they are
        corrected.
    findings : tuple of Finding
        Enrolment that a person must act upon or explain; known only without problems.
    participants, randomised, nights : int
        Rows of the tables; 0 if there are problems.
    episodes : int or None
        The same; None with problems, and in a blinded study, where two checks held against each
        other would tell the episodes of whoever was added between them.
    data_cut : Timestamp or None
        Last night of the plan that the tables know of.
    """

    problems: tuple[InputError, ...]
    findings: tuple[Finding, ...] = ()
    participants: int = 0
    randomised: int = 0
    nights: int = 0
    episodes: int | None = None
    data_cut: pd.Timestamp | None = None

    @property
    def is_clean(self) -> bool:
        """Whether nothing was found."""
        return not self.problems and not self.findings


def check_study(folder: Path, *, arms: Path | None = None) -> StudyCheck:
    """Check the files of a study folder, and the enrolment of its participants.

    Parameters
    ----------
    folder : Path
    arms : Path, optional
        The allocation, to be checked with the rest.
    """
    try:
        study = load_study(folder, arms=arms)
    except TableError as error:
        return StudyCheck(error.problems)
    except InputError as error:
        return StudyCheck((error,))
    return StudyCheck(
        problems=(),
        findings=check_enrolment(study),
        participants=len(study.participants),
        randomised=len(study.randomised),
        nights=len(study.nights),
        episodes=len(study.episodes) if study.plan.blinding is Blinding.OPEN else None,
        data_cut=data_cut(study),
    )
