"""The diary in a study's folder: one row for each participant and night."""

from __future__ import annotations

from statistics import fmean
from typing import TYPE_CHECKING

from nightcramp.errors import InputError
from recordings import write_bytes

if TYPE_CHECKING:
    from pathlib import Path

    from nightcramp.app.diary import DiaryEntry, NightKey
    from nightcramp.study_tables import Row

COLUMNS = ("participant_id", "night", "cramps", "severity", "minutes")
OWN_COLUMNS = ("written_utc", "late")
"""Beside those of the study: when it was written, and whether after the noon that ends a night."""

MISSING = "n/a"


def counts_are_closed(study: Path | None) -> bool:
    """Whether the participant must not see what was counted: in a blinded study.

    A study whose plan cannot be read is taken for blinded.
    """
    from trial import read_study_plan
    from trial.plan import Blinding

    if study is None:
        return False
    try:
        return read_study_plan(study).blinding is Blinding.BLINDED
    except InputError:
        return True


def sensors_of(study: Path | None) -> int | None:
    """Return how many sensors a participant of a study wears; None where no plan says it."""
    from trial import read_study_plan

    if study is None:
        return None
    try:
        return 1 if read_study_plan(study).leg is None else 2
    except InputError:
        return None


def is_enrolled(study: Path, participant: str) -> bool:
    """Whether the study's table of participants knows a code.

    Raises
    ------
    InputError
        If the table cannot be read.
    """
    from nightcramp.study_tables import read_rows

    rows = read_rows(study, "participants", ("participant_id",))
    return any(row["participant_id"] == participant for row in rows)


def write_study_diary(study: Path, key: NightKey, entry: DiaryEntry) -> None:
    """Put an answer into the study's diary; an earlier one of the same night gives way to it.

    The diary may be a tab-separated file or, of a large study, in Parquet. Severity is the mean of
    the night's cramps, minutes their sum, as the table's columns mean.

    Raises
    ------
    InputError
        If the table is there and cannot be understood.
    OutputError
        If it cannot be written.
    """
    from nightcramp.study_tables import read_rows, table_files
    from trial import read_study_plan

    new = _row(key, entry)
    rows = read_rows(study, "diary", COLUMNS, [key.participant])
    columns = (*(rows[0] if rows else COLUMNS), *OWN_COLUMNS)
    kept = [row for row in rows if any(row[name] != new[name] for name in COLUMNS[:2])]
    plan = read_study_plan(study)
    files = table_files(study, "diary", columns, [*kept, new], plan, [key.participant])
    for file, content in files.items():
        write_bytes(file, content)


def _row(key: NightKey, entry: DiaryEntry) -> Row:
    minutes = [cramp.minutes for cramp in entry.cramps]
    known = [each for each in minutes if each is not None]
    severity = f"{fmean(cramp.severity for cramp in entry.cramps):g}" if entry.cramps else MISSING
    return {
        "participant_id": key.participant,
        "night": key.night.isoformat(),
        "cramps": str(len(entry.cramps)),
        "severity": severity,
        "minutes": f"{sum(known):g}" if minutes and len(known) == len(minutes) else MISSING,
        "written_utc": entry.written_utc,
        "late": "yes" if entry.late else "no",
    }
