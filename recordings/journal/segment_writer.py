"""Blocks to segments: where to write, what is safe, the reserved space, what to do again."""

from __future__ import annotations

import contextlib
import json
from dataclasses import replace
from typing import TYPE_CHECKING

from recordings.journal.block import BlockKind, digest
from recordings.journal.pack import Packer, Place
from recordings.journal_name import segment_path

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from recordings.journal.body import Body
    from recordings.journal.disk import Disk
    from recordings.journal.encryption import BlockCipher
    from recordings.journal.header import SegmentHeader
    from recordings.journal.settings import JournalSettings

FIRST_COPY_AFTER, COPY_EVERY = 10, 300
"""After so many blocks of records the header of a segment is repeated, in case one is damaged."""

LEFT_FREE_BYTES = 8 << 20
"""Of a disk too small for the night: for the other leg's journal and the small files beside it."""


class SegmentWriter:
    """Writes bodies as blocks, in order, one segment after the other.

    Every method raises OSError as the disk does. Then it stands where it stood before, and the
    same call may be made again; or `give_up` says what to write once more, in a new segment.

    Parameters
    ----------
    folder : Path
    header : SegmentHeader
        Of the session; the number of the segment in it is not used.
    cipher : BlockCipher or None
    place : Place
        Where the journal ends.
    settings : JournalSettings
    disk : Disk
    """

    def __init__(
        self,
        folder: Path,
        header: SegmentHeader,
        cipher: BlockCipher | None,
        place: Place,
        settings: JournalSettings,
        disk: Disk,
    ) -> None:
        self._lacking_bytes = 0
        self._folder = folder
        self._header = header
        self._packer = Packer(header.journal_id, cipher)
        self._disk = disk
        self._segment_ns = round(settings.segment_s * 1e9)
        self._expected_bytes = settings.reserve_bytes
        self._place = self._safe = place
        self._unsynced: list[Body] = []
        self._file: _File | None = None

    @property
    def oldest_unsynced_ns(self) -> int | None:
        """Time of the first record that a power cut might take; None if there is none."""
        return self._unsynced[0].monotonic_ns if self._unsynced else None

    def begin(self, times: tuple[int, int]) -> _File:
        """Begin the next segment: its header and its name are on the disk when this returns.

        `times` are those of the monotonic and the wall clock.
        """
        before, self._place = self._place, replace(self._place, segment=self._place.segment + 1)
        path = segment_path(self._folder, self._place.segment)
        try:
            self._file = self._create(path, times)
        except OSError:
            self._place = before
            raise
        self._safe = self._place
        return self._file

    def is_due(self, body: Body) -> bool:
        """Say whether `body` belongs into a new segment, and the open one should be ended."""
        if self._file is None:
            return False
        passed = body.monotonic_ns - self._file.first_ns
        return passed >= self._segment_ns or body.monotonic_ns < self._file.last_ns

    def end(self) -> None:
        """End the open segment, whose bodies are synchronised."""
        if self._file:
            self._file.end()
            self._file = None

    def write(self, body: Body) -> None:
        """Append a block of records, in a new segment if none is open."""
        times = (body.monotonic_ns, body.wall_ns)
        file = self._file or self.begin(times)
        if file.until_copy == 0:
            self._write_header(file, times)
            file.until_copy = COPY_EVERY
        self._append(file, self._packer.records(self._place, body))
        self._place = replace(self._place, sequence=self._place.sequence + 1)
        self._unsynced.append(body)
        file.last_ns = body.monotonic_ns
        file.until_copy -= 1

    def sync(self) -> list[Body]:
        """Return when all that was written is on the disk, with what was not there before."""
        if self._file is None or not self._unsynced:
            return []
        self._file.sync()
        self._safe = self._place
        synced, self._unsynced = self._unsynced, []
        return synced

    def give_up(self) -> list[Body]:
        """Leave the segment as it is; return what may not be on the disk, to be written again.

        After a failed synchronisation the system may have dropped what it could not write, and a
        second one would succeed without it: only writing anew is safe.
        """
        if self._file:
            self._file.abandon()
            self._file = None
        self._place = replace(self._safe, segment=self._place.segment)
        unsynced, self._unsynced = self._unsynced, []
        return unsynced

    def told_lacking_bytes(self) -> int:
        """Return once how much of the room for the session there was not when a segment began."""
        lacking, self._lacking_bytes = self._lacking_bytes, 0
        return lacking

    def seal(self, times: tuple[int, int], content: Mapping[str, object]) -> None:
        """End the journal with its header and a seal: nothing more is expected."""
        file = self._file or self.begin(times)
        self._write_header(file, times)
        chained = {**content, "last_block": self._place.previous.hex()}
        text = json.dumps(chained, indent=1).encode("utf-8")
        self._append(file, self._packer.text(self._place, BlockKind.SEAL, times, text))
        file.sync()
        self.end()

    def _create(self, path: Path, times: tuple[int, int]) -> _File:
        file = _File(self._disk, path, times[0])
        try:
            self._reserve(file)
            self._write_header(file, times)
            file.sync()
            self._disk.sync_folder(self._folder)
        except OSError:
            file.discard()
            raise
        return file

    def _write_header(self, file: _File, times: tuple[int, int]) -> None:
        text = replace(self._header, segment=self._place.segment).to_json()
        self._append(file, self._packer.text(self._place, BlockKind.HEADER, times, text))

    def _append(self, file: _File, block: bytes) -> None:
        file.append(block)
        self._expected_bytes -= len(block)
        self._place = replace(self._place, previous=digest(block))

    def _reserve(self, file: _File) -> None:
        """Keep room for what is still to come in this session, or almost all there is."""
        wanted = self._expected_bytes
        if wanted <= 0 or file.reserve(wanted):
            return
        free = self._disk.free(self._folder)
        if free < wanted:
            self._lacking_bytes = wanted - free
            if free > LEFT_FREE_BYTES:
                file.reserve(free - LEFT_FREE_BYTES)


class _File:
    """The segment that is being written."""

    def __init__(self, disk: Disk, path: Path, first_ns: int) -> None:
        self.first_ns = self.last_ns = first_ns
        self.until_copy = FIRST_COPY_AFTER
        self._disk = disk
        self._path = path
        self._size = 0
        self._descriptor = disk.create(path)

    def append(self, block: bytes) -> None:
        """Write at the end; a block that failed is written to the same place the next time."""
        self._disk.write(self._descriptor, block, self._size)
        self._size += len(block)

    def sync(self) -> None:
        self._disk.sync(self._descriptor)

    def reserve(self, n_bytes: int) -> bool:
        try:
            return self._disk.reserve(self._descriptor, n_bytes)
        except OSError:
            return False

    def end(self) -> None:
        """Give back the room that was not needed."""
        with contextlib.suppress(OSError):
            self._disk.release(self._descriptor, self._size)
        self._disk.close(self._descriptor)

    def abandon(self) -> None:
        """Leave what was written as it is."""
        self._disk.close(self._descriptor)
        with contextlib.suppress(OSError):
            self._disk.trim(self._path)

    def discard(self) -> None:
        """Remove a segment that could not begin."""
        self._disk.close(self._descriptor)
        with contextlib.suppress(OSError):
            self._disk.remove(self._path)
