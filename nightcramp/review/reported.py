"""What the participant reported of a night, from the study's diary."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from typing import TYPE_CHECKING

from nightcramp.errors import InputError
from nightcramp.judged import read_judged
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
    file = study / "diary.tsv"
    if not file.is_file():
        return None
    key = read_judged(night.files().summary, read_study_plan(study).zone).key
    try:
        with file.open(encoding="utf-8-sig", newline="") as lines:
            rows = list(csv.DictReader(lines, delimiter="\t", restval="n/a"))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"cannot be read ({error})", file=file) from error
    for row in rows:
        if (row.get("participant_id"), row.get("night")) == key:
            return Reported(*(row.get(name, "n/a") for name in ("cramps", "severity", "minutes")))
    return None
