"""Finding sound blocks in a segment, whatever happened to it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from nightcramp.errors import RecordingError
from recordings.journal.block import (
    HEADER_BYTES,
    SYNC,
    VERSION,
    BlockHeader,
    body_is_sound,
    digest,
    header_is_sound,
    parse_header,
    version_of,
)
from recordings.journal.damage import DamageKind

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_WINDOW = 1 << 18
_PAGE = 4096


@dataclass(frozen=True, slots=True)
class Block:
    """A block whose check sums are right."""

    header: BlockHeader
    offset: int
    body: bytes
    digest: bytes

    @property
    def end(self) -> int:
        """Where the next block begins."""
        return self.offset + HEADER_BYTES + len(self.body)


@dataclass(frozen=True, slots=True)
class Hole:
    """Bytes that are no block.

    Attributes
    ----------
    offset, end : int
    kind : DamageKind
    span_s : float or None
        Seconds of records that stood there, where a header can still tell.
    """

    offset: int
    end: int
    kind: DamageKind
    span_s: float | None


class SegmentFile:
    """A segment read at any place, a window at a time.

    Parameters
    ----------
    path : Path

    Raises
    ------
    RecordingError
        If it cannot be read.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._start = 0
        self._window = b""
        try:
            self._file = path.open("rb", buffering=0)
        except OSError as error:
            raise RecordingError(
                f"cannot be read ({error.strerror or error})", file=path
            ) from error
        self._size = self.size()

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def size(self) -> int:
        """Return its length now, and forget what was read: another process may be writing it."""
        self._window = b""
        self._size = self._file.seek(0, 2)
        return self._size

    def read(self, offset: int, length: int) -> bytes:
        """Return up to `length` bytes; fewer at the end of the file."""
        begin = offset - self._start
        if begin < 0 or begin + length > len(self._window):
            self._window = self._fetch(offset, max(length, _WINDOW))
            self._start, begin = offset, 0
        return self._window[begin : begin + length]

    def block_at(self, offset: int) -> Block | None:
        """Return the block that begins at `offset`; None if no sound one does."""
        head = self.read(offset, HEADER_BYTES)
        header = self._header(head, offset)
        if header is None:
            return None
        body = self.read(offset + HEADER_BYTES, header.body_bytes)
        if len(body) < header.body_bytes or not body_is_sound(head, body):
            return None
        return Block(header, offset, body, digest(head + body))

    def find_block(self, offset: int, journal_id: bytes | None = None) -> Block | None:
        """Return the first sound block at or after `offset`, of one journal if it is named."""
        while (offset := self._find_sync(offset)) >= 0:
            block = self.block_at(offset)
            if block and journal_id in (None, block.header.journal_id):
                return block
            offset += 1
        return None

    def find_last(self, journal_id: bytes) -> Block | None:
        """Return the last sound block of a journal."""
        size = self.size()
        for start in range(max(0, size - _WINDOW), -_WINDOW, -_WINDOW):
            last = None
            block = self.find_block(max(0, start), journal_id)
            while block:
                last, block = block, self.find_block(block.end, journal_id)
            if last:
                return last
        return None

    def pieces(self, offset: int, journal_id: bytes) -> Iterator[Block | Hole]:
        """Yield what is a block of the journal and what is not, from `offset` to the end."""
        size = self.size()
        while offset < size:
            block = self.block_at(offset)
            if block and block.header.journal_id == journal_id:
                yield block
                offset = block.end
                continue
            following = self.find_block(offset + 1, journal_id)
            end = following.offset if following else size
            yield self._hole(offset, end, is_tail=following is None)
            offset = end

    def _header(self, head: bytes, offset: int) -> BlockHeader | None:
        if not header_is_sound(head):
            return None
        if version_of(head) != VERSION:
            raise RecordingError(
                f"a journal of format version {version_of(head)}; this program knows {VERSION}",
                file=self.path,
                place=f"byte {offset}",
                advice="Read it with the program that wrote it, or a newer one",
            )
        return parse_header(head)

    def _find_sync(self, offset: int) -> int:
        """Return where the next sync word begins; -1 if there is none."""
        while len(window := self.read(offset, _WINDOW)) >= len(SYNC):
            place = window.find(SYNC)
            if place >= 0:
                return offset + place
            offset += len(window) - len(SYNC) + 1
        return -1

    def _hole(self, offset: int, end: int, *, is_tail: bool) -> Hole:
        head = self.read(offset, HEADER_BYTES)
        header = self._header(head, offset)
        span_s = header.span_us / 1e6 if header else None
        if self._is_zero(offset, end):
            kind = DamageKind.ZEROS
        elif is_tail and self._is_beginning(head, header, end - offset):
            kind = DamageKind.CUT
        else:
            kind = DamageKind.ALTERED
        return Hole(offset, end, kind, span_s)

    def _is_zero(self, offset: int, end: int) -> bool:
        return not any(
            any(self.read(place, min(_WINDOW, end - place)))
            for place in range(offset, end, _WINDOW)
        )

    @staticmethod
    def _is_beginning(head: bytes, header: BlockHeader | None, length: int) -> bool:
        """Say whether the bytes at the end of a file are the beginning of a block."""
        if header:
            return length < HEADER_BYTES + header.body_bytes
        return length < HEADER_BYTES and SYNC.startswith(head[: len(SYNC)])

    def _fetch(self, offset: int, length: int) -> bytes:
        """Return bytes from the disk; where a sector cannot be read, its page is zeros."""
        try:
            return self._pread(offset, length)
        except OSError:
            pages = range(offset, min(offset + length, self._size), _PAGE)
            return b"".join(self._page(place) for place in pages)

    def _page(self, offset: int) -> bytes:
        length = min(_PAGE, self._size - offset)
        try:
            return self._pread(offset, length)
        except OSError:
            return bytes(length)

    def _pread(self, offset: int, length: int) -> bytes:
        self._file.seek(offset)
        return self._file.read(length)
