"""Tables of a large study as Parquet: the folder ``nights/`` holds one file per participant.

The columns are those of the tab-separated tables, each with its type: text, number (float64), date
(date32), moment (timestamp in UTC, microseconds). Columns that the schema does not know are text.
A table is a file *or* a folder, never both. All parts are read at once by DuckDB; reading needs the
packages of the extra ``large``.
"""

from __future__ import annotations

import io
from datetime import UTC, date, datetime
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

import pandas as pd

from nightcramp.errors import InputError, UsageError
from trial import schema
from trial.tables import MISSING, column_values

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from types import ModuleType

    import duckdb
    import pyarrow as pa

    from trial.cells import CellValue
    from trial.plan import StudyPlan
    from trial.tables import Column, Dtype, Problems

__all__ = [
    "PARTED",
    "part_bytes",
    "part_name",
    "part_rows",
    "parts_of",
    "read_parted_table",
    "table_columns",
]

PARTED = ("nights", "episodes", "diary")
"""Tables that grow with the nights, and so may be folders of Parquet files."""

_ENDING = ".parquet"
_SQL_TYPES: dict[Dtype, str] = {
    "str": "VARCHAR",
    "float64": "DOUBLE",
    "datetime64[s]": "DATE",
    "datetime64[us, UTC]": "TIMESTAMP WITH TIME ZONE",
}
_PLACE = ("filename", "file_row_number")


def parts_of(folder: Path) -> list[Path]:
    """Return the files of a table, by name."""
    return sorted(folder.glob(f"*{_ENDING}"))


def part_name(participant_id: str) -> str:
    """Return the name of a participant's file; signs that no file name may have are escaped."""
    return quote(participant_id, safe="") + _ENDING


def read_parted_table(folder: Path, columns: Sequence[Column], problems: Problems) -> pd.DataFrame:
    """Read the parts of a table as one, by the same rules as a tab-separated one.

    Parameters
    ----------
    folder : Path
    columns : sequence of Column
        Other columns are ignored.
    problems : Problems
        Collects what is wrong, by file and row.

    Returns
    -------
    DataFrame
        As `trial.tables.read_table` returns it; the index counts the rows of all parts, and
        `problems` knows which file and row each is.
    """
    parts = parts_of(folder)
    if not parts:
        problems.add_unreadable(folder, InputError(f"the folder holds no *{_ENDING} file"))
        return read_nothing(columns)
    try:
        table, types = _query(parts, columns)
    except _errors() as error:
        problems.add_unreadable(folder, InputError(f"cannot be read as Parquet ({error})"))
        return read_nothing(columns)
    problems.name_rows(folder, _places(table))
    return _typed(folder, table, types, columns, problems)


def read_nothing(columns: Sequence[Column]) -> pd.DataFrame:
    """Return a table without rows whose index counts lines."""
    index = pd.Index([], name="line", dtype="int64")
    return pd.DataFrame(
        {column.name: pd.Series(dtype=column.dtype, index=index) for column in columns}
    )


def table_columns(table: str, plan: StudyPlan) -> tuple[Column, ...]:
    """Return the columns of a table that may be in parts."""
    columns = {
        "nights": schema.NIGHTS,
        "episodes": schema.EPISODES,
        "diary": schema.diary_columns(plan),
    }
    return columns[table]


def part_bytes(
    names: Sequence[str], rows: Sequence[Mapping[str, str]], columns: Sequence[Column]
) -> bytes:
    """Return rows of text cells, as a tab-separated table holds them, as a Parquet file.

    Parameters
    ----------
    names : sequence of str
        Columns to write.
    rows : sequence of mapping
        A cell that a row lacks is missing.
    columns : sequence of Column
        Those the schema knows.

    Raises
    ------
    InputError
        If a cell breaks its column's rule.
    """
    pa, parquet = _library("pyarrow"), _library("pyarrow.parquet")
    known = {column.name: column for column in columns}
    types: dict[Dtype, object] = {
        "str": pa.string(),
        "float64": pa.float64(),
        "datetime64[s]": pa.date32(),
        "datetime64[us, UTC]": pa.timestamp("us", "UTC"),
    }
    arrays = {}
    for name in names:
        column = known.get(name)
        values = [_parsed(row.get(name, MISSING), column) for row in rows]
        arrays[name] = pa.array(values, types[column.dtype if column else "str"])
    sink = io.BytesIO()
    parquet.write_table(pa.table(arrays), sink, compression="zstd")
    return sink.getvalue()


def part_rows(file: Path) -> list[dict[str, str]]:
    """Return the rows of a participant's file as text cells.

    Raises
    ------
    InputError
        If it cannot be read.
    """
    pa, parquet = _library("pyarrow"), _library("pyarrow.parquet")
    try:
        rows = parquet.read_table(file, partitioning=None).to_pylist()
    except (OSError, pa.ArrowException) as error:
        raise InputError(f"cannot be read as Parquet ({error})", file=file) from error
    return [{name: _text(value) for name, value in row.items()} for row in rows]


def open_database() -> duckdb.DuckDBPyConnection:
    """Return an empty database in memory that loads nothing from elsewhere.

    Raises
    ------
    UsageError
        If DuckDB is not installed.
    """
    library = _library("duckdb")
    _library("pyarrow")
    settings = {"autoinstall_known_extensions": "false", "autoload_known_extensions": "false"}
    connection: duckdb.DuckDBPyConnection = library.connect(config=settings)
    return connection


def _query(parts: Sequence[Path], columns: Sequence[Column]) -> tuple[pa.Table, dict[str, str]]:
    """Return the wanted columns of all parts with the place of each row, and all columns' types."""
    with open_database() as database:
        relation = database.read_parquet(
            [str(part) for part in parts],
            union_by_name=True,
            filename=True,
            file_row_number=True,
        )
        types = {
            name: str(kind) for name, kind in zip(relation.columns, relation.types, strict=True)
        }
        wanted = [column.name for column in columns if column.name in types]
        listed = ", ".join(f'"{name}"' for name in (*wanted, *_PLACE))
        table = relation.project(listed).order(", ".join(_PLACE)).to_arrow_table()
    return table, types


def _typed(
    folder: Path,
    table: pa.Table,
    types: Mapping[str, str],
    columns: Sequence[Column],
    problems: Problems,
) -> pd.DataFrame:
    lines = pd.RangeIndex(1, table.num_rows + 1, name="line")
    frame = pd.DataFrame(index=lines.astype("int64"))
    for column in columns:
        if column.name not in types:
            if column.optional:
                continue
            problem = InputError(f"the column {column.name!r} is missing in every file")
            problems.add_unreadable(folder, problem)
        elif types[column.name] != _SQL_TYPES[column.dtype]:
            problem = InputError(
                f"the column {column.name!r} has the type {types[column.name]}, expected "
                f"{_SQL_TYPES[column.dtype]}"
            )
            problems.add_unreadable(folder, problem)
        else:
            values = _checked(folder, table[column.name], column, problems)
            frame[column.name] = pd.Series(values, index=frame.index, dtype=column.dtype)
            continue
        frame[column.name] = pd.Series(None, index=frame.index, dtype=column.dtype)
    return frame


def _checked(
    folder: Path, cells: pa.ChunkedArray, column: Column, problems: Problems
) -> pd.Series | list[CellValue | None]:
    """Return the values of a column; dates and moments need no look unless one is missing."""
    if column.dtype.startswith("datetime") and (column.may_be_missing or not cells.null_count):
        values: pd.Series = cells.to_pandas()
        return values.reset_index(drop=True).set_axis(range(1, len(cells) + 1))
    texts = {line: _text(value) for line, value in enumerate(cells.to_pylist(), start=1)}
    return column_values(folder, texts, column, problems)


def _places(table: pa.Table) -> list[tuple[Path, int]]:
    """Return file and row of each row of a table."""
    names, rows = (table[name].to_pylist() for name in _PLACE)
    files = {name: Path(name) for name in set(names)}
    return [(files[name], row + 1) for name, row in zip(names, rows, strict=True)]


def _parsed(cell: str, column: Column | None) -> CellValue | None:
    if cell == MISSING:
        return None
    return cell if column is None else column.parse(cell)


def _text(value: object) -> str:
    """Return a value as a tab-separated table holds it."""
    if value is None or value != value:  # noqa: PLR0124  (NaN is not itself)
        return MISSING
    if isinstance(value, datetime):
        exact = "milliseconds" if value.microsecond % 1000 == 0 else "microseconds"
        return value.astimezone(UTC).isoformat(timespec=exact).replace("+00:00", "Z")
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, float):
        return f"{value:.0f}" if value.is_integer() else repr(value)
    return str(value)


def _errors() -> tuple[type[Exception], ...]:
    error: type[Exception] = _library("duckdb").Error
    return (error,)


def _library(name: str) -> ModuleType:
    try:
        return import_module(name)
    except ImportError as error:
        raise UsageError(
            f"tables in Parquet need the package {name}. Install it with "
            "pip install 'nightcramp[large]'"
        ) from error
