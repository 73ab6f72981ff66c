"""Recordings into other formats, many at once: one bad input never stops the others."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING

from nightcramp.errors import NightcrampError, OutputError, UsageError
from recordings import is_journal
from recordings.journal import SUFFIX, find_journals

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence


class Target(StrEnum):
    """What a recording is converted to."""

    BIDS = "bids"
    EDF = "edf"
    MCAP = "mcap"
    JOURNAL = "journal"


@dataclass(frozen=True, slots=True)
class Conversion:
    """What is wanted.

    Attributes
    ----------
    target : Target
    out : Path or None
        Folder; None is one named after the target, beside each input.
    single_file : bool
        EMG and acceleration in one file, in a tree.
    key, companion : Path or None
        Of journals: the site's private key, and the journal of another sensor whose acceleration
        is taken.
    participant : str
        Pseudonym for files that have none.
    """

    target: Target
    out: Path | None = None
    single_file: bool = False
    key: Path | None = None
    companion: Path | None = None
    participant: str = ""


@dataclass(frozen=True, slots=True)
class Converted:
    """What became of one input.

    Attributes
    ----------
    source : Path
    files : tuple of Path
        Written, the EMG's first.
    error : str
        Why there are none; empty otherwise.
    """

    source: Path
    files: tuple[Path, ...] = ()
    error: str = ""


def find_inputs(paths: Sequence[Path]) -> list[Path]:
    """Return the journals and files named, and those within folders, each once and in order.

    Of a folder with journals the files in it are left out: they were made of them.

    Raises
    ------
    UsageError
        If a folder holds neither.
    """
    from nightcramp.batch import find_recordings

    found: dict[Path, None] = {}
    for path in paths:
        if is_journal(path) or not path.is_dir():
            found[path.parent if path.is_file() and path.suffix == SUFFIX else path] = None
            continue
        journals = [journal for journal in find_journals(path) if journal != path]
        found |= dict.fromkeys(journals or find_recordings([path]))
    return list(found)


def check_wanted(wanted: Conversion, inputs: Sequence[Path]) -> None:
    """Raise `UsageError` if this can be done with none of the inputs."""
    if wanted.target is Target.JOURNAL:
        raise UsageError(
            "--to journal: a journal holds a sensor's raw packets, which no other format has; "
            "only the recorder can write one"
        )
    if wanted.companion is None:
        return
    if len(inputs) != 1 or not is_journal(inputs[0]):
        raise UsageError("--companion goes with one journal, not with files or several inputs")
    if wanted.target is Target.MCAP:
        raise UsageError(
            "--companion with --to mcap: MCAP keeps each sensor's raw packets as they are; convert "
            "the other journal by itself"
        )


def convert_all(inputs: Sequence[Path], wanted: Conversion) -> Iterator[Converted]:
    """Convert recordings and yield what became of each; never raises for a bad one.

    Parameters
    ----------
    inputs : sequence of Path
        Journals, EDF or BDF files.
    wanted : Conversion
    """
    first: dict[tuple[Path, str], Path] = {}
    for source in inputs:
        try:
            if wanted.target is not Target.BIDS:
                _refuse_alike(source, first.setdefault((_out(source, wanted), source.stem), source))
            yield Converted(source, tuple(_convert(source, wanted)))
        except NightcrampError as error:
            yield Converted(source, error=str(error))


def _convert(source: Path, wanted: Conversion) -> list[Path]:
    ways = _JOURNAL_TO if is_journal(source) else _FILE_TO
    return ways[wanted.target](source, _out(source, wanted), wanted)


def _out(source: Path, wanted: Conversion) -> Path:
    return wanted.out or source.absolute().parent / wanted.target


def _refuse_alike(source: Path, first: Path) -> None:
    """Keep the files of an input from being overwritten by those of another of the same name."""
    if source != first:
        raise UsageError(
            f"{source}: its files would have the name of those of {first}; convert it by itself, "
            "to another folder"
        )


def _journal_to_bids(source: Path, out: Path, wanted: Conversion) -> list[Path]:
    from recordings import journal_to_bids, read_journal

    journal = read_journal(source, key=wanted.key, companion=wanted.companion)
    return journal_to_bids(journal, out, single_file=wanted.single_file)


def _journal_to_edf(source: Path, out: Path, wanted: Conversion) -> list[Path]:
    """Write one file for each run: those of a tree, under the name of the journal."""
    from recordings import journal_to_bids, read_journal

    journal = read_journal(source, key=wanted.key, companion=wanted.companion)
    _make(out)
    try:
        with tempfile.TemporaryDirectory(prefix=".convert-", dir=out) as tree:
            files = journal_to_bids(journal, Path(tree), single_file=True)
            return [_moved(file, out, _name(source, k, files)) for k, file in enumerate(files, 1)]
    except OSError as error:
        raise OutputError(f"{out}: cannot be written ({error.strerror or error})") from error


def _journal_to_mcap(source: Path, out: Path, wanted: Conversion) -> list[Path]:
    from recordings.journal import open_journal
    from recordings.mcap_export import write_mcap

    journal = open_journal(source, key=wanted.key)
    _make(out)
    path = out / f"{source.stem}.mcap"
    write_mcap(path, journal.header, journal.records())
    return [path]


def _file_to_bids(source: Path, out: Path, wanted: Conversion) -> list[Path]:
    from recordings.file_to_bids import file_to_bids

    return file_to_bids(source, out, participant=wanted.participant)


def _file_to_edf(source: Path, _out: Path, _wanted: Conversion) -> list[Path]:
    raise UsageError(f"{source}: it is a file of samples already; nothing to convert to EDF")


def _file_to_mcap(source: Path, _out: Path, _wanted: Conversion) -> list[Path]:
    raise UsageError(
        f"{source}: MCAP is for raw packets, which a file of samples does not have; "
        "convert the journal"
    )


_JOURNAL_TO: dict[Target, Callable[[Path, Path, Conversion], list[Path]]] = {
    Target.BIDS: _journal_to_bids,
    Target.EDF: _journal_to_edf,
    Target.MCAP: _journal_to_mcap,
}
_FILE_TO: dict[Target, Callable[[Path, Path, Conversion], list[Path]]] = {
    Target.BIDS: _file_to_bids,
    Target.EDF: _file_to_edf,
    Target.MCAP: _file_to_mcap,
}


def _name(source: Path, number: int, files: Sequence[Path]) -> str:
    run = f"_run-{number}" if len(files) > 1 else ""
    return f"{source.stem}{run}_emg"


def _moved(file: Path, out: Path, stem: str) -> Path:
    return file.replace(out / f"{stem}{file.suffix}")


def _make(out: Path) -> None:
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"{out}: the folder cannot be made ({error.strerror})") from error
