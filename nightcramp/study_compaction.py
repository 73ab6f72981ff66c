"""Tables of a large study into Parquet, one file per participant, and back."""

from __future__ import annotations

import itertools
import os
import shutil
from typing import TYPE_CHECKING

from nightcramp.errors import OutputError, UsageError
from nightcramp.study_tables import FileBytes, part_files, read_parts, read_rows, table_text
from recordings import write_text
from trial import PARTED, load_study, table_columns

if TYPE_CHECKING:
    from pathlib import Path

BEFORE = "before_parquet"
"""Folder, within the study, of the tab-separated tables that were made Parquet."""

AFTER = "before_text"
"""The same of Parquet tables that were made tab-separated."""


def compact(study: Path) -> dict[str, int]:
    """Make Parquet of the tables that grow with the nights; return the rows of each.

    They are checked first, and their rows counted in the Parquet files before the tab-separated
    ones are put aside in the folder ``before_parquet``. Tables without rows stay as they are.

    Raises
    ------
    TableError
        If the tables break their rules: nothing was changed.
    UsageError
        If there is nothing to be done, or a package is missing.
    OutputError
        If a file cannot be written.
    """
    rows = {name: read_rows(study, name, ()) for name in PARTED if not (study / name).is_dir()}
    rows = {name: found for name, found in rows.items() if found}
    if not rows:
        raise UsageError(f"{study}: no tab-separated table with rows among {', '.join(PARTED)}")
    plan = load_study(study).plan
    for name, found in rows.items():
        folder = _fresh(study / f".{name}.part")
        people = {row["participant_id"] for row in found}
        schema = table_columns(name, plan)
        _write_all(part_files(folder, list(found[0]), found, schema, people))
        if len(read_parts(folder)) != len(found):
            raise OutputError(f"{folder}: not all rows of {name}.tsv arrived; nothing was changed")
    for name in rows:
        _move(study / f"{name}.tsv", _unused(study / BEFORE / f"{name}.tsv"))
        _move(study / f".{name}.part", study / name)
    return {name: len(found) for name, found in rows.items()}


def expand(study: Path) -> dict[str, int]:
    """Make tab-separated tables of Parquet ones, to be edited by hand; return the rows of each.

    The Parquet files are put aside in the folder ``before_text``.

    Raises
    ------
    TableError
        If the tables break their rules: nothing was changed.
    UsageError
        If no table is Parquet.
    OutputError
        If a file cannot be written.
    """
    names = [name for name in PARTED if (study / name).is_dir()]
    if not names:
        raise UsageError(f"{study}: no table is in Parquet")
    load_study(study)
    texts, counts = {}, {}
    for name in names:
        rows = read_rows(study, name, ())
        columns = list(dict.fromkeys(column for row in rows for column in row))
        texts[name], counts[name] = table_text(columns, rows), len(rows)
    for name, text in texts.items():
        _move(study / name, _unused(study / AFTER / name))
        write_text(study / f"{name}.tsv", text)
    return counts


def _fresh(folder: Path) -> Path:
    """Return an empty folder; what an earlier, broken-off run left in it is removed."""
    try:
        if folder.exists():
            shutil.rmtree(folder)
        folder.mkdir()
    except OSError as error:
        raise OutputError(f"{folder}: cannot be made ({error.strerror})") from error
    return folder


def _write_all(files: FileBytes) -> None:
    """Write files of a folder that nobody reads yet; they reach the disk together."""
    try:
        for file, content in files.items():
            file.write_bytes(content)
        os.sync()
    except OSError as error:
        raise OutputError(f"{file.parent}: cannot be written to ({error.strerror})") from error


def _unused(path: Path) -> Path:
    """Return a path, numbered if something stands there: nothing is overwritten."""
    paths = itertools.chain(
        [path], (path.with_name(f"{n}_{path.name}") for n in itertools.count(2))
    )
    return next(candidate for candidate in paths if not candidate.exists())


def _move(source: Path, target: Path) -> None:
    try:
        target.parent.mkdir(exist_ok=True)
        source.rename(target)
    except OSError as error:
        raise OutputError(f"{source}: cannot be moved to {target} ({error.strerror})") from error
