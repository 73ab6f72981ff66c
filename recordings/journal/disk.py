"""What a journal asks of the disk; tests put a faulty one in its place."""

from __future__ import annotations

import contextlib
import ctypes
import errno
import fcntl
import os
import shutil
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

_KEEP_SIZE = 1
"""FALLOC_FL_KEEP_SIZE of linux/falloc.h: room is kept beyond the end of the file."""

_CANNOT_SYNC_FOLDER = (errno.EBADF, errno.EINVAL)
_CANNOT_RESERVE = (errno.EOPNOTSUPP, errno.ENOSYS, errno.EINVAL)


class Disk:
    """Files of a journal by their descriptors; every method raises OSError as the system does."""

    def create(self, path: Path) -> int:
        """Open a file for writing, empty, and return its descriptor."""
        return os.open(path, os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o644)

    def write(self, file: int, data: bytes, offset: int) -> None:
        """Write all of `data` at `offset`."""
        rest = memoryview(data)
        while rest:
            written = os.pwrite(file, rest, offset)
            rest = rest[written:]
            offset += written

    def sync(self, file: int) -> None:
        """Return when what was written would survive a power cut."""
        if sys.platform == "darwin":
            fcntl.fcntl(file, fcntl.F_FULLFSYNC)
        else:
            os.fdatasync(file)

    def sync_folder(self, folder: Path) -> None:
        """Return when the names in a folder would survive a power cut."""
        file = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(file)
        except OSError as error:
            if error.errno not in _CANNOT_SYNC_FOLDER:
                raise
        finally:
            os.close(file)

    def reserve(self, file: int, n_bytes: int) -> bool:
        """Keep room for a file to grow to `n_bytes`; False where the system cannot.

        Linux only: elsewhere the file would have to have its final size at once, and a journal
        could no longer say by its size how much was written.
        """
        if sys.platform != "linux":
            return False
        libc = ctypes.CDLL(None, use_errno=True)
        length = ctypes.c_int64(n_bytes)
        if libc.fallocate(file, _KEEP_SIZE, ctypes.c_int64(0), length) == 0:
            return True
        number = ctypes.get_errno()
        if number in _CANNOT_RESERVE:
            return False
        raise OSError(number, os.strerror(number))

    def release(self, file: int, size: int) -> None:
        """Give back the room kept beyond the end of a file of `size` bytes."""
        os.ftruncate(file, size)

    def settle(self, path: Path) -> None:
        """Return when a file that its writer left would survive a power cut as it is."""
        file = os.open(path, os.O_RDWR | os.O_CLOEXEC)
        try:
            self.sync(file)
        finally:
            os.close(file)
        self.trim(path)

    def trim(self, path: Path) -> None:
        """Give back the room kept beyond the end of a file that nobody writes any more."""
        file = os.open(path, os.O_RDWR | os.O_CLOEXEC)
        try:
            self.release(file, os.fstat(file).st_size)
        finally:
            os.close(file)

    def free(self, folder: Path) -> int:
        """Return how many bytes there is room for."""
        return shutil.disk_usage(folder).free

    def close(self, file: int) -> None:
        """Close a file; what was not synchronised may be lost, and is not counted on."""
        with contextlib.suppress(OSError):
            os.close(file)

    def remove(self, path: Path) -> None:
        """Remove a file that holds nothing."""
        path.unlink(missing_ok=True)
