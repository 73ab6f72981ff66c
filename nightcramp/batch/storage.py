"""Files in other places than this computer's folders: ``s3://``, ``gs://`` and all fsspec knows."""

from __future__ import annotations

import contextlib
import tempfile
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from nightcramp.errors import InputError, NightcrampError, OutputError, RecordingError, UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from fsspec import AbstractFileSystem

FETCHED_AT_ONCE = 8 * 1024 * 1024
"""Bytes held in memory while a file is fetched: a twelfth of a night, few requests."""


def is_remote(place: str) -> bool:
    """Whether a place is a URL rather than a path."""
    return "://" in place


def join(url: str, *parts: str) -> str:
    """Return the URL of something within a remote folder."""
    return "/".join([url.rstrip("/"), *parts])


def find_remote(url: str) -> list[str]:
    """Return the URLs of all files within a remote folder, at any depth.

    Raises
    ------
    UsageError
        If the place cannot be searched.
    """
    store, path = _store(url)
    with _told_as(UsageError, url, "cannot be searched"):
        return [store.unstrip_protocol(file) for file in store.find(path)]


def list_remote(url: str) -> dict[str, bool]:
    """Return the names in a remote folder, and of each whether it is a folder; none if it is not.

    Raises
    ------
    InputError
        If the store does not answer.
    """
    store, path = _store(url)
    with _told_as(InputError, url, "cannot be listed"):
        try:
            entries = store.ls(path, detail=True)
        except FileNotFoundError:
            return {}
    return {PurePosixPath(entry["name"]).name: entry["type"] == "directory" for entry in entries}


def exists(url: str) -> bool:
    """Whether there is a remote file; raises InputError if the store does not answer."""
    store, path = _store(url)
    with _told_as(InputError, url, "cannot be looked up"):
        return bool(store.exists(path))


def fetch(url: str, folder: Path) -> Path:
    """Copy a remote file into a folder, block by block, under its own name.

    Raises
    ------
    RecordingError
        If it is not there, or came incompletely.
    """
    store, path = _store(url)
    local = folder / PurePosixPath(path).name
    with _told_as(RecordingError, url, "cannot be fetched"):
        expected = store.size(path)
        with store.open(path, block_size=FETCHED_AT_ONCE) as remote, local.open("wb") as file:
            while block := remote.read(FETCHED_AT_ONCE):
                file.write(block)
    if expected is not None and local.stat().st_size != expected:
        raise RecordingError(
            f"{local.stat().st_size} of {expected} bytes were fetched",
            file=url,
            advice="Run the command again",
        )
    return local


@contextlib.contextmanager
def local_folder(place: str, endings: tuple[str, ...]) -> Iterator[Path]:
    """Yield a local folder as it is, of a remote one a copy of the files with these endings.

    Raises
    ------
    InputError
        If they cannot be fetched.
    """
    if not is_remote(place):
        yield Path(place)
        return
    names = [name for name in list_remote(place) if name.endswith(endings)]
    store, path = _store(place)
    with tempfile.TemporaryDirectory(prefix="nightcramp-") as local:
        with _told_as(InputError, place, "cannot be fetched"):
            store.get([join(path, name) for name in names], [f"{local}/{name}" for name in names])
        yield Path(local)


def publish(files: Sequence[Path], root: Path, url: str) -> None:
    """Copy files to a remote folder, under their paths below `root`: each wholly or not at all.

    They become visible in the order given, after all of them have been sent.

    Raises
    ------
    OutputError
        If the store refuses one.
    """
    store, path = _store(url)
    with _told_as(OutputError, url, "could not be written"), store.transaction:
        for file in files:
            target = join(path, *file.relative_to(root).parts)
            store.makedirs(target.rpartition("/")[0], exist_ok=True)
            with store.open(target, "wb") as remote:
                remote.write(file.read_bytes())


def remove(url: str, names: Sequence[str]) -> None:
    """Remove files of a remote folder; raises OutputError if the store refuses."""
    store, path = _store(url)
    with _told_as(OutputError, url, "files could not be removed"):
        for name in names:
            store.rm_file(join(path, name))


def _store(url: str) -> tuple[AbstractFileSystem, str]:
    try:
        from fsspec.core import url_to_fs
    except ImportError as error:
        raise UsageError(_install(url, error)) from error
    try:
        # Listings are not kept: another worker may have written since.
        store, path = url_to_fs(url, use_listings_cache=False)
    except ImportError as error:
        raise UsageError(_install(url, error)) from error
    except ValueError as error:
        raise UsageError(f"{url}: {error}") from error
    return store, path


def _install(url: str, error: ImportError) -> str:
    return (
        f"{url}: reading it needs more packages ({error}). Install them with "
        "pip install 'nightcramp[cluster]'"
    )


@contextlib.contextmanager
def _told_as(kind: type[NightcrampError], url: str, what: str) -> Iterator[None]:
    """Name place and cause of what a store's driver raises; each driver has errors of its own."""
    try:
        yield
    except FileNotFoundError as error:
        raise kind(f"{url}: {what} (no such file)") from error
    except Exception as error:
        raise kind(f"{url}: {what} ({str(error) or type(error).__name__})") from error
