"""Files that are either wholly there or not there at all."""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import platform
import re
import secrets
from functools import lru_cache
from typing import TYPE_CHECKING

from nightcramp.errors import OutputError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_MARK = re.compile(r"\.part-(?P<host>[0-9a-f]{8})-(?P<process>\d+)-")

# Network file systems answer so where a folder cannot be synchronised; PostgreSQL lets it pass too.
_FOLDER_CANNOT_SYNC = (errno.EBADF, errno.EINVAL)


@contextlib.contextmanager
def replace_file(path: Path) -> Iterator[Path]:
    """Write a file beside `path` and put it in its place when the block has succeeded.

    Parameters
    ----------
    path : Path
        The file to make or replace; its folder must exist.

    Yields
    ------
    Path
        A file name in the same folder, with the same ending, that does not exist yet. The block
        writes there and closes the file.

    Raises
    ------
    OutputError
        If the operating system refuses any step. Then, and after any other exception in the block,
        `path` is what it was before and nothing is left beside it.
    """
    with _beside(path) as temporary:
        yield temporary
        _synchronise(temporary)
        temporary.replace(path)
        _synchronise_folder(path.parent)


def check_writable(path: Path) -> None:
    """Try whether a file could be put at `path`, before long work is done for it.

    Raises
    ------
    OutputError
        If the operating system refuses it; what stands there stands.
    """
    with _beside(path) as temporary:
        temporary.touch()
        if path.is_dir():
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))


@contextlib.contextmanager
def _beside(path: Path) -> Iterator[Path]:
    """Yield the name of a file that does not outlive the block; name `path` in its errors."""
    temporary = path.with_name(f"{_own_mark()}{secrets.token_hex(4)}-{path.name}")
    try:
        yield temporary
    except OSError as error:
        raise OutputError(
            f"{path}: could not be written ({error.strerror or error}). "
            "Check that the folder exists, that you may write there and that the disk has space."
        ) from error
    finally:
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)


def remove_leftovers(folder: Path) -> None:
    """Remove unfinished files of processes of this computer that were killed while writing."""
    for path in folder.glob(".part-*"):
        mark = _MARK.match(path.name)
        if mark and mark["host"] == _host() and not process_is_alive(int(mark["process"])):
            with contextlib.suppress(OSError):
                path.unlink()


def write_bytes(path: Path, data: bytes) -> None:
    """Replace the content of `path`; raises OutputError as `replace_file` does."""
    with replace_file(path) as temporary:
        temporary.write_bytes(data)


def write_text(path: Path, text: str) -> None:
    """Replace the content of `path` by UTF-8 text; raises OutputError as `replace_file` does."""
    write_bytes(path, text.encode("utf-8"))


def _own_mark() -> str:
    """Return the beginning of names of files that this process has not finished."""
    return f".part-{_host()}-{os.getpid()}-"


@lru_cache(maxsize=1)
def _host() -> str:
    """Return a short name of this computer: a folder may be shared with others."""
    return hashlib.sha256(platform.node().encode()).hexdigest()[:8]


def process_is_alive(process: int) -> bool:
    """Whether a process of this computer runs, anybody's."""
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _synchronise(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _synchronise_folder(folder: Path) -> None:
    try:
        _synchronise(folder)
    except OSError as error:
        if error.errno not in _FOLDER_CANNOT_SYNC:
            raise
