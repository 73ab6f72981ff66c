"""Tab-separated tables: every cell typed, every bad cell remembered with its line and column.

Spreadsheets are expected at the other end, so a byte order mark, CRLF line ends and quoted cells
are understood; what they change on the way (dates, decimal points, encodings) is named, never
repaired.
"""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, TypeVar

import pandas as pd

from nightcramp.errors import InputError, TableError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from trial.cells import CellValue, Parser

__all__ = ["MISSING", "Column", "Problems", "empty_table", "read_table"]

MISSING = "n/a"

T = TypeVar("T")
Dtype = Literal["str", "float64", "datetime64[s]", "datetime64[us, UTC]"]


@dataclass(frozen=True, slots=True)
class Column:
    """What a column of a table must hold.

    Attributes
    ----------
    name : str
        Name in the header.
    parse : callable
        Text of a cell to its value; see `trial.cells`.
    dtype : str
        Type of the column in the data frame.
    may_be_missing : bool
        Whether a cell may say ``n/a``.
    optional : bool
        Whether the table may do without the column.
    """

    name: str
    parse: Parser
    dtype: Dtype
    may_be_missing: bool = False
    optional: bool = False


@dataclass(slots=True)
class Problems:
    """What is wrong with a study's tables, collected until all of them have been read."""

    _found: list[tuple[Path, int, InputError]] = field(default_factory=list)
    _unreadable: set[Path] = field(default_factory=set)
    _cells: set[tuple[Path, int, str]] = field(default_factory=set)

    def add(
        self, file: Path, problem: InputError, *, line: int = 0, column: str | None = None
    ) -> None:
        """Remember a problem, `line` counted from 1; 0 stands for the file as a whole."""
        places = [f"line {line}"] if line else []
        if column is not None:
            places.append(f"column {column}")
            self._cells.add((file, line, column))
        place = ", ".join(places) or problem.place
        error = InputError(problem.problem, file=file, place=place, advice=problem.advice)
        self._found.append((file, line, error))

    def add_unreadable(self, file: Path, problem: InputError, *, line: int = 0) -> None:
        """Remember a problem that hides rows: what other tables say of them cannot be checked."""
        self.add(file, problem, line=line)
        self._unreadable.add(file)

    def is_readable(self, file: Path) -> bool:
        """Whether every row of the file could be taken apart."""
        return file not in self._unreadable

    def names(self, file: Path, line: int, column: str) -> bool:
        """Whether a problem with this cell is known."""
        return (file, line, column) in self._cells

    def settle(self, value: T | None) -> T:
        """Return what was read, if there is no problem with any file.

        Raises
        ------
        TableError
            With all problems, file by file and line by line.
        """
        if self._found or value is None:
            files = list(dict.fromkeys(file for file, _, _ in self._found))
            self._found.sort(key=lambda found: (files.index(found[0]), found[1]))
            raise TableError([problem for _, _, problem in self._found])
        return value


def read_table(
    file: Path, content: bytes, columns: Sequence[Column], problems: Problems
) -> pd.DataFrame:
    """Read a table; whatever breaks a column's rule goes to `problems` and is left missing.

    Parameters
    ----------
    file : Path
        Named in the problems.
    content : bytes
        The file as it is on disk.
    columns : sequence of Column
        Other columns of the file are ignored.
    problems : Problems
        Collects what is wrong.

    Returns
    -------
    DataFrame
        One column for each of `columns` that the file has or must have; the index is the line
        number in the file.
    """
    rows = list(_rows(file, content, problems))
    header = rows[0][1] if rows else []
    if rows:
        _check_header(file, header, columns, problems)
    cells = {name: place for place, name in reversed(list(enumerate(header)))}
    kept = [
        (line, row) for line, row in rows[1:] if _is_complete(file, line, row, header, problems)
    ]
    lines = pd.Index([line for line, _ in kept], name="line", dtype="int64")
    frame = pd.DataFrame(index=lines)
    for column in columns:
        if column.name in cells:
            place = cells[column.name]
            texts = [(line, row[place]) for line, row in kept]
            values = [_value(file, line, text, column, problems) for line, text in texts]
            frame[column.name] = pd.Series(values, index=lines, dtype=column.dtype)
        elif not column.optional:
            frame[column.name] = pd.Series(None, index=lines, dtype=column.dtype)
    return frame


def empty_table(columns: Sequence[Column]) -> pd.DataFrame:
    """Return a table without rows, as if the file had held its header only."""
    return pd.DataFrame({column.name: pd.Series(dtype=column.dtype) for column in columns})


def _rows(file: Path, content: bytes, problems: Problems) -> Iterator[tuple[int, list[str]]]:
    """Yield line number and cells of every line that holds anything."""
    text = _decoded(file, content, problems)
    if text is None:
        return
    if not text.strip():
        problems.add_unreadable(
            file, InputError("the file is empty, expected a header line with the column names")
        )
        return
    reader = csv.reader(io.StringIO(text, newline=""), delimiter="\t", strict=True)
    line = 1
    try:
        for cells in reader:
            if any(cells):
                yield line, cells
            line = reader.line_num + 1
    except csv.Error as error:
        problems.add_unreadable(
            file,
            InputError(
                f"the line cannot be taken apart ({error})",
                advice="Look for a quotation mark without its partner, here or further down.",
            ),
            line=line,
        )


def _decoded(file: Path, content: bytes, problems: Problems) -> str | None:
    """Return the text of a UTF-8 file, with or without byte order mark."""
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        found = "UTF-16" if content[:2] in {b"\xff\xfe", b"\xfe\xff"} else "not UTF-8"
        problems.add_unreadable(
            file,
            InputError(
                f"the text is {found}, expected UTF-8",
                advice="Save the table as tab-separated text in UTF-8.",
            ),
            line=line,
        )
        return None


def _check_header(
    file: Path, header: list[str], columns: Sequence[Column], problems: Problems
) -> None:
    """Remember columns that are missing or there twice."""
    names = ", ".join(column.name for column in columns if not column.optional)
    if len(header) == 1 and len(columns) > 1:
        problems.add_unreadable(
            file,
            InputError(
                f"the header {header[0]!r} holds no tab; expected the columns {names}",
                advice="Save the table as tab-separated text.",
            ),
            line=1,
        )
        return
    for name in dict.fromkeys(name for name in header if header.count(name) > 1):
        problem = InputError(
            f"the column {name!r} is there {header.count(name)} times, expected it once",
            advice="Remove or rename the others.",
        )
        problems.add_unreadable(file, problem, line=1)
    for column in columns:
        if column.name not in header and not column.optional:
            problem = InputError(
                f"the column {column.name!r} is missing; expected the columns {names}",
                advice=f"Add it, with {MISSING} where the value is not known."
                if column.may_be_missing
                else "Add it, with a value in every row.",
            )
            problems.add_unreadable(file, problem, line=1)


def _is_complete(
    file: Path, line: int, row: list[str], header: list[str], problems: Problems
) -> bool:
    """Whether a row has as many cells as the header; remember it if not."""
    if len(row) == len(header):
        return True
    problem = InputError(
        f"the row has {len(row)} cells, expected {len(header)} as in the header",
        advice=f"Write {MISSING} where a value is missing and remove stray tabs.",
    )
    problems.add_unreadable(file, problem, line=line)
    return False


def _value(
    file: Path, line: int, text: str, column: Column, problems: Problems
) -> CellValue | None:
    """Return the value of a cell, or None if it is missing or broken."""
    if text == MISSING and column.may_be_missing:
        return None
    try:
        _check_text(text, column)
        return column.parse(text)
    except InputError as problem:
        problems.add(file, problem, line=line, column=column.name)
        return None


def _check_text(text: str, column: Column) -> None:
    """Refuse cells without content and cells with blanks around it."""
    if text == MISSING:
        raise InputError(f"found {MISSING}, expected a value: this column must not miss one")
    if not text.strip():
        hint = f"Write {MISSING} where the value is missing." if column.may_be_missing else None
        raise InputError("found an empty cell, expected a value", advice=hint)
    if text != text.strip():
        raise InputError(f"found {text!r}, expected it without blanks around it")
