"""Tab-separated tables: every cell typed, every bad cell remembered with its line and column.

Spreadsheets are expected at the other end, so a byte order mark, CRLF line ends and quoted cells
are understood; what they change on the way (dates, decimal points, encodings) is named, never
repaired.
"""

from __future__ import annotations

import csv
import difflib
import io
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, TypeVar

import pandas as pd

from nightcramp.errors import InputError, TableError
from trial.text_file import decoded, foreign_separator

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from trial.cells import CellValue, Parser

__all__ = ["MISSING", "Column", "Problems", "column_values", "empty_table", "read_table"]

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
    _rows: dict[Path, Sequence[tuple[Path, int]]] = field(default_factory=dict)

    def name_rows(self, folder: Path, rows: Sequence[tuple[Path, int]]) -> None:
        """Say which file and row each line of a table in many files is, the first being line 1."""
        self._rows[folder] = rows

    def add(
        self, file: Path, problem: InputError, *, line: int = 0, column: str | None = None
    ) -> None:
        """Remember a problem, `line` counted from 1; 0 stands for the file as a whole."""
        shown, places = self._place(file, line)
        if column is not None:
            places.append(f"column {column}")
            self._cells.add((file, line, column))
        place = ", ".join(places) or problem.place
        error = InputError(problem.problem, file=shown, place=place, advice=problem.advice)
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

    def _place(self, file: Path, line: int) -> tuple[Path, list[str]]:
        """Return the file to be named for a line, and the words for the line."""
        if line and file in self._rows:
            part, row = self._rows[file][line - 1]
            return part, [f"row {row}"]
        return file, [f"line {line}"] if line else []

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
            texts = {line: row[place] for line, row in kept}
            values = column_values(file, texts, column, problems)
            frame[column.name] = pd.Series(values, index=lines, dtype=column.dtype)
        elif not column.optional:
            frame[column.name] = pd.Series(None, index=lines, dtype=column.dtype)
    return frame


def empty_table(columns: Sequence[Column]) -> pd.DataFrame:
    """Return a table without rows, as if the file had held its header only."""
    return pd.DataFrame({column.name: pd.Series(dtype=column.dtype) for column in columns})


def column_values(
    file: Path, texts: Mapping[int, str], column: Column, problems: Problems
) -> list[CellValue | None]:
    """Return the values of a column, None where one is missing or broken; `texts` is by line.

    Codes and nights stand on many lines: each text is read once.
    """
    read = {text: _value(text, column) for text in set(texts.values())}
    for line, text in texts.items():
        found = read[text]
        if isinstance(found, InputError):
            problems.add(file, found, line=line, column=column.name)
    values = (read[text] for text in texts.values())
    return [None if isinstance(value, InputError) else value for value in values]


def _rows(file: Path, content: bytes, problems: Problems) -> Iterator[tuple[int, list[str]]]:
    """Yield line number and cells of every line that holds anything."""
    try:
        text = decoded(content)
    except InputError as problem:
        problems.add_unreadable(file, problem)
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


def _check_header(
    file: Path, header: list[str], columns: Sequence[Column], problems: Problems
) -> None:
    """Remember columns that are missing or there twice."""
    names = ", ".join(column.name for column in columns if not column.optional)
    if len(header) == 1 and len(columns) > 1:
        problems.add_unreadable(file, _without_tab(header[0], names), line=1)
        return
    for name in dict.fromkeys(name for name in header if header.count(name) > 1):
        problem = InputError(
            f"the column {name!r} is there {header.count(name)} times, expected it once",
            advice="Remove or rename the others.",
        )
        problems.add_unreadable(file, problem, line=1)
    _refuse_misspelt(file, header, columns, problems)
    for column in columns:
        if column.name not in header and not column.optional:
            problem = InputError(
                f"the column {column.name!r} is missing; expected the columns {names}",
                advice=f"Add it, with {MISSING} where the value is not known."
                if column.may_be_missing
                else "Add it, with a value in every row.",
            )
            problems.add_unreadable(file, problem, line=1)


def _refuse_misspelt(
    file: Path, header: list[str], columns: Sequence[Column], problems: Problems
) -> None:
    """Remember columns whose name is close to that of an optional one, which would be ignored."""
    lacking = [column.name for column in columns if column.optional and column.name not in header]
    known = {column.name for column in columns}
    for name in header:
        near = difflib.get_close_matches(name, lacking, n=1, cutoff=0.8)
        if near and name not in known:
            problem = InputError(
                f"the column {name!r} is not known, but much like {near[0]!r}",
                advice="Correct its name, or choose one that cannot be mistaken for it.",
            )
            problems.add_unreadable(file, problem, line=1)


def _without_tab(header: str, names: str) -> InputError:
    separator = foreign_separator(header)
    if separator is None:
        problem = f"the header {header!r} holds no tab; expected the columns {names}"
        return InputError(problem, advice="Save the table as tab-separated text.")
    return InputError(
        f"the columns are separated by {separator}, expected tabs",
        advice="Save the table as tab-separated text (in a spreadsheet: Text, tab-delimited).",
    )


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


def _value(text: str, column: Column) -> CellValue | InputError | None:
    """Return the value of a cell, None if it is missing, or what is wrong with it."""
    if text == MISSING and column.may_be_missing:
        return None
    try:
        _check_text(text, column)
        return column.parse(text)
    except InputError as problem:
        return problem


def _check_text(text: str, column: Column) -> None:
    """Refuse cells without content and cells with blanks around it."""
    if text == MISSING:
        raise InputError(f"found {MISSING}, expected a value: this column must not miss one")
    if not text.strip():
        hint = f"Write {MISSING} where the value is missing." if column.may_be_missing else None
        raise InputError("found an empty cell, expected a value", advice=hint)
    if text != text.strip():
        raise InputError(f"found {text!r}, expected it without blanks around it")
