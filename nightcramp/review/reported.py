"""What the participant reported of a night, from the study's diary."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from nightcramp.judged import read_judged
from nightcramp.study_tables import read_rows
from trial import read_study_plan

if TYPE_CHECKING:
    from pathlib import Path

    from nightcramp.review.nights import ReviewNight


@dataclass(frozen=True, slots=True)
class Reported:
    """A diary's answers as they stand there; ``n/a`` where there is none."""

    cramps: str
    severity: str
    minutes: str


def diary_of(night: ReviewNight, study: Path) -> Reported | None:
    """Return the diary's answers for a night; None if there are none.

    Raises
    ------
    InputError
        If the study's plan, its diary or the results cannot be read.
    """
    participant, evening = read_judged(night.files().summary, read_study_plan(study).zone).key
    answers = ("cramps", "severity", "minutes")
    for row in read_rows(study, "diary", ("participant_id", "night", *answers), [participant]):
        if (row["participant_id"], row["night"]) == (participant, evening):
            return Reported(*(row[name] for name in answers))
    return None
