"""The rows of a study's tables as text cells, from a tab-separated file or from Parquet parts."""

from __future__ import annotations

import csv
import io
import itertools
from datetime import UTC
from pathlib import Path
from typing import TYPE_CHECKING

from nightcramp.errors import InputError
from trial import part_bytes, part_name, part_rows, parts_of, table_columns

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import datetime

    from trial import Column, StudyPlan

Row = dict[str, str]
FileBytes = dict[Path, bytes]


def utc_cell(moment: datetime) -> str:
    """Return a moment as the tables hold it: in UTC, to the millisecond."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def read_rows(
    study: Path, table: str, required: Sequence[str], people: Iterable[str] | None = None
) -> list[Row]:
    """Return the rows of a table of the study folder; none if it does not exist yet.

    Parameters
    ----------
    study : Path
    table : str
        Such as ``nights``.
    required : sequence of str
        Columns it must have.
    people : iterable of str, optional
        Participants whose rows are wanted, where they stand in files of their own; by default all.

    Raises
    ------
    InputError
        If it cannot be read or lacks a column.
    """
    folder = study / table
    if not folder.is_dir():
        return _read_text(study / f"{table}.tsv", required)
    return read_parts(folder, required, people)


def read_parts(
    folder: Path, required: Sequence[str] = (), people: Iterable[str] | None = None
) -> list[Row]:
    """Return the rows of a table in parts, as `read_rows` does."""
    files = parts_of(folder)
    if people is not None:
        wanted = {part_name(person) for person in people}
        files = [file for file in files if file.name in wanted]
    found = []
    for file in files:
        rows = part_rows(file)
        if rows:
            _require(file, list(rows[0]), required)
        found += rows
    return found


def table_files(
    study: Path,
    table: str,
    columns: Sequence[str],
    rows: Sequence[Row],
    plan: StudyPlan,
    people: Iterable[str],
) -> FileBytes:
    """Return the files of a table with their bytes: one, or where it is in parts one a person.

    `rows` are those that `read_rows` gave for the same `people`, changed. Whatever columns they
    have beside `columns` stay.
    """
    columns = list(dict.fromkeys(itertools.chain(columns, *rows)))
    if not (study / table).is_dir():
        return {study / f"{table}.tsv": table_text(columns, rows).encode()}
    return part_files(study / table, columns, rows, table_columns(table, plan), people)


def part_files(
    folder: Path,
    columns: Sequence[str],
    rows: Sequence[Row],
    schema: Sequence[Column],
    people: Iterable[str],
) -> FileBytes:
    """Return the file of each participant with its bytes; one may be without rows.

    Raises
    ------
    InputError
        If a cell breaks its column's rule.
    """
    of_person: dict[str, list[Row]] = {person: [] for person in sorted(people)}
    for row in sorted(rows, key=_order):
        of_person[row["participant_id"]].append(row)
    return {
        folder / part_name(person): part_bytes(columns, own, schema)
        for person, own in of_person.items()
    }


def table_text(columns: Sequence[str], rows: Iterable[Row]) -> str:
    """Return a tab-separated table, its rows by participant and time."""
    buffer = io.StringIO()
    writer = csv.DictWriter(
        buffer, columns, delimiter="\t", lineterminator="\n", restval="n/a", extrasaction="ignore"
    )
    writer.writeheader()
    writer.writerows(sorted(rows, key=_order))
    return buffer.getvalue()


def _read_text(path: Path, required: Sequence[str]) -> list[Row]:
    if not path.is_file():
        return []
    try:
        reader = csv.DictReader(io.StringIO(path.read_text(encoding="utf-8-sig")), delimiter="\t")
        rows = [(reader.line_num, row) for row in reader]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"cannot be read ({error})", file=path) from error
    _require(path, reader.fieldnames or (), required)
    for line, row in rows:
        if None in row or None in row.values():
            problem = "the row has more or fewer cells than the header"
            raise InputError(problem, file=path, place=f"line {line}")
    return [row for _, row in rows]


def _require(file: Path, columns: Sequence[str], required: Sequence[str]) -> None:
    missing = [name for name in required if name not in columns]
    if missing:
        raise InputError(f"the column {missing[0]} is missing", file=file, place="line 1")


def _order(row: Mapping[str, str]) -> tuple[str, ...]:
    names = ("participant_id", "night", "onset_utc", "start_utc")
    return tuple(row.get(name, "") for name in names)
