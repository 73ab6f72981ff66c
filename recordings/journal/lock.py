"""One program at a time: who writes a journal, or into a recorder's folder, holds its lock.

The lock is the operating system's (``flock``): it ends with the process that holds it, however
that ends. What stands in the file is only for the message to others.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import json
import os
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Self

from nightcramp.errors import BusyError, OutputError

if TYPE_CHECKING:
    from types import TracebackType

    from recordings.journal.record import HostClocks

_HELD = (errno.EAGAIN, errno.EACCES)


class FolderLock:
    """Holds a folder until `release` or the end of the process.

    Parameters
    ----------
    folder : Path
        Must exist.
    clock : HostClocks
        Says since when.
    name : str
        Of the file in `folder` that stands for the lock; gone when it is released.

    Raises
    ------
    BusyError
        If another program, or this one, holds it; the text says who and since when, in the
        time zone of this computer.
    OutputError
        If the folder cannot be written to, or its file system has no locks.
    """

    def __init__(self, folder: Path, clock: HostClocks, *, name: str = "writer.lock") -> None:
        self._path = folder / name
        self._file = _take(self._path)
        since = datetime.fromtimestamp(clock.wall_ns() // 10**9, tz=UTC)
        holder = {
            "process": os.getpid(),
            "program": Path(sys.argv[0]).name or "python",
            "since": since.isoformat(),
        }
        with contextlib.suppress(OSError):  # on a full disk the lock holds without its message
            os.pwrite(self._file, json.dumps(holder).encode("utf-8"), 0)

    def release(self) -> None:
        """Let others have it."""
        if self._file < 0:
            return
        with contextlib.suppress(OSError):
            self._path.unlink()
        os.close(self._file)
        self._file = -1

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.release()


def lock_recorder(folder: Path, clock: HostClocks) -> FolderLock:
    """Take the folder that a recorder puts its journals into; raises as `FolderLock` does."""
    return FolderLock(folder, clock, name="recorder.lock")


def _take(path: Path) -> int:
    """Return the descriptor of a lock file that is ours and still stands in its folder."""
    while True:
        file = _open(path)
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if _is_same(file, path):
                os.ftruncate(file, 0)
                return file
        except OSError as error:
            os.close(file)
            if error.errno in _HELD:
                raise BusyError(_who(path)) from error
            raise OutputError(
                f"{path.parent}: cannot be locked ({error.strerror}), so two programs might write "
                "there. Record onto a local disk."
            ) from error
        os.close(file)


def _open(path: Path) -> int:
    try:
        return os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    except OSError as error:
        raise OutputError(
            f"{path.parent}: cannot be written to ({error.strerror or error}). "
            "Check that the folder exists, that you may write there and that the disk has space."
        ) from error


def _is_same(file: int, path: Path) -> bool:
    """Say whether `path` is still the opened file: its holder may just have removed it."""
    try:
        return os.path.samestat(os.fstat(file), path.stat())
    except FileNotFoundError:
        return False


def _who(path: Path) -> str:
    try:
        holder = json.loads(path.read_text(encoding="utf-8"))
        since = datetime.fromisoformat(holder["since"]).astimezone()
        who = f"{holder['program']} (process {holder['process']}) since {since:%Y-%m-%d %H:%M}"
    except (OSError, ValueError, KeyError, TypeError):
        who = "another program"
    return f"{path.parent}: in use by {who}. End that program first, or wait for it."
