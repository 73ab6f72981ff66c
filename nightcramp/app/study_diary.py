"""The diary in a study's folder: one row for each participant and night in ``diary.tsv``."""

from __future__ import annotations

import csv
import io
from statistics import fmean
from typing import TYPE_CHECKING

from nightcramp.errors import InputError
from recordings import write_text

if TYPE_CHECKING:
    from pathlib import Path

    from nightcramp.app.diary import DiaryEntry, NightKey

COLUMNS = ("participant_id", "night", "cramps", "severity", "minutes")
OWN_COLUMNS = ("written_utc", "late")
"""Beside those of the study: when it was written, and whether after the noon that ends a night."""

MISSING = "n/a"

Row = dict[str, str]


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
    _, rows = _read(study / "participants.tsv")
    return any(row.get("participant_id") == participant for row in rows)


def write_study_diary(study: Path, key: NightKey, entry: DiaryEntry) -> None:
    """Put an answer into the study's diary; an earlier one of the same night gives way to it.

    Severity is the mean of the night's cramps, minutes their sum, as the table's columns mean.

    Raises
    ------
    InputError
        If the table is there and cannot be understood.
    OutputError
        If it cannot be written.
    """
    path = study / "diary.tsv"
    columns, rows = _read(path) if path.exists() else (list(COLUMNS), [])
    missing = [name for name in COLUMNS if name not in columns]
    if missing:
        raise InputError(f"the column {missing[0]!r} is missing", file=path, place="line 1")
    columns += [name for name in OWN_COLUMNS if name not in columns]
    new = _row(key, entry)
    kept = [row for row in rows if any(row[name] != new[name] for name in COLUMNS[:2])]
    write_text(path, _text(columns, [*kept, new]))


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


def _read(path: Path) -> tuple[list[str], list[Row]]:
    try:
        reader = csv.DictReader(io.StringIO(path.read_text(encoding="utf-8-sig")), delimiter="\t")
        rows = list(reader)
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"cannot be read ({error})", file=path) from error
    for line, row in enumerate(rows, start=2):
        if None in row or None in row.values():
            problem = "the row has more or fewer cells than the header"
            raise InputError(problem, file=path, place=f"line {line}")
    return list(reader.fieldnames or ()), rows


def _text(columns: list[str], rows: list[Row]) -> str:
    buffer = io.StringIO()
    writer = csv.DictWriter(buffer, columns, restval=MISSING, delimiter="\t", lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return buffer.getvalue()
