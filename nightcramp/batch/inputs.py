"""Which recordings are meant, and what their results are named after."""

from __future__ import annotations

import os
from pathlib import Path, PurePath, PurePosixPath
from typing import TYPE_CHECKING, TypeVar

from nightcramp.batch.storage import find_remote, is_remote
from nightcramp.errors import InputError, UsageError
from recordings import is_journal

if TYPE_CHECKING:
    from collections.abc import Sequence

Source = Path | str
"""A local file, or the URL of one elsewhere."""

SourceT = TypeVar("SourceT", bound=Source)

ENDINGS = (".edf", ".bdf")

BIDS_SUFFIX = "_emg"
"""Left out of the names of results, as BIDS does: ``sub-1_emg.edf`` has ``sub-1_events.tsv``."""

ACC_ENTITY = "_recording-acc"
"""In the name of the acceleration of a night in two files; it is read with its EMG."""


def find_sources(places: Sequence[str]) -> list[Source]:
    """Return the recordings named and those within folders, local or remote, each once.

    Raises
    ------
    UsageError
        If a folder holds no recording, or a URL cannot be searched.
    """
    found: list[Source] = []
    for place in places:
        found += _find_remote(place) if is_remote(place) else find_recordings([Path(place)])
    return _each_once(found)


def find_recordings(paths: Sequence[Path]) -> list[Path]:
    """Return the files and journals named, and the files within folders named, each once.

    Journals within a folder are left out: their EDF files stand beside them.

    Raises
    ------
    UsageError
        If a folder holds no recording.
    """
    found: list[Path] = []
    for path in paths:
        if path.is_dir() and not is_journal(path):
            inside = sorted(file for file in path.rglob("*") if _is_recording(file))
            _require(inside, path)
            found += inside
        else:
            found.append(path)
    return _each_once(found)


def read_list(file: Path) -> list[str]:
    """Return the recordings and folders a list names, one a line.

    Empty lines and those that begin with ``#`` are left out. Paths are relative to the list.

    Raises
    ------
    InputError
        If the list cannot be read or names nothing.
    """
    try:
        lines = [line.strip() for line in file.read_text(encoding="utf-8-sig").splitlines()]
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"cannot be read ({error})", file=file) from error
    named = [line for line in lines if line and not line.startswith("#")]
    if not named:
        raise InputError("names no recording, expected one a line", file=file)
    return [line if is_remote(line) else str(file.parent / line) for line in named]


def result_names(sources: Sequence[SourceT]) -> dict[SourceT, str]:
    """Return what each recording's results are named after.

    Its own name; with its folders and ending where several share one.

    Raises
    ------
    UsageError
        If the names of two are the same all the same: one would take the other's place.
    """
    alike: dict[str, list[SourceT]] = {}
    for source in sources:
        alike.setdefault(_path(source).stem.removesuffix(BIDS_SUFFIX), []).append(source)
    names = {}
    for stem, same in alike.items():
        paths = [_path(source) for source in same]
        shared = os.path.commonpath([path.parent for path in paths])
        for source, path in zip(same, paths, strict=True):
            names[source] = stem if len(same) == 1 else _name_apart(path, shared)
    owners: dict[str, SourceT] = {}
    for source, name in names.items():
        if owners.setdefault(name, source) != source:
            raise UsageError(
                f"{owners[name]} and {source}: the results of both would be called {name}; rename "
                "one, or analyse them one after the other with an --out of their own"
            )
    return {source: names[source] for source in sources}


def _each_once(sources: Sequence[SourceT]) -> list[SourceT]:
    """Leave out what is named again, also by another path."""
    found: dict[PurePath | str, SourceT] = {}
    for source in sources:
        found.setdefault(source if isinstance(source, str) else _path(source), source)
    return list(found.values())


def _find_remote(url: str) -> list[str]:
    if PurePosixPath(url).suffix.lower() in ENDINGS:
        return [url]
    inside = sorted(file for file in find_remote(url) if _is_recording(PurePosixPath(file)))
    _require(inside, url)
    return inside


def _is_recording(path: PurePath) -> bool:
    named = path.suffix.lower() in ENDINGS and not path.name.startswith(".")
    return named and ACC_ENTITY not in path.name


def _require(inside: Sequence[Source], folder: Source) -> None:
    if not inside:
        raise UsageError(f"{folder}: the folder holds no .edf or .bdf file")


def _path(source: Source) -> PurePath:
    """Return the absolute path of a recording; of a URL that within its store."""
    if isinstance(source, str):
        return PurePosixPath("/", source.partition("://")[2])
    return Path(os.path.abspath(source))  # noqa: PTH100 (links stay what they are)


def _name_apart(path: PurePath, shared: str) -> str:
    """Return a name that tells a recording apart from others of the same name."""
    folders = path.parent.relative_to(shared).parts
    return "_".join([*folders, path.stem, path.suffix.lstrip(".").lower()])
