"""Reading a journal: in order, from any moment, along with its writer; whatever happened to it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from recordings.journal.block import BlockKind
from recordings.journal.codec import MalformedBodyError
from recordings.journal.damage import Damage, DamageKind
from recordings.journal.encryption import read_private_key
from recordings.journal.scan import SegmentFile
from recordings.journal.segments import places_on_first_clock, read_segments
from recordings.journal.unpack import Unpacker
from recordings.journal.walk import Walk
from recordings.journal_name import segment_path

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

    from recordings.journal.block import BlockHeader
    from recordings.journal.header import SegmentHeader
    from recordings.journal.record import JournalRecord
    from recordings.journal.scan import Block

_NEAR = 1 << 16
"""Where a search by halves ends: so many bytes are read through as fast as once more halved."""


def open_journal(path: Path, *, key: Path | None = None) -> Journal:
    """Open a journal for reading; nothing is changed, and it may still be being written.

    Parameters
    ----------
    path : Path
        Its folder, or one of its segments.
    key : Path, optional
        The site's private key, for a journal that is encrypted.

    Raises
    ------
    RecordingError
        If there is no journal, nothing readable is left of it, a segment is of a newer version of
        the format, or segments of several journals stand in the folder.
    UsageError
        If the key cannot be used.
    """
    folder = path.parent if path.is_file() else path
    return Journal(folder, read_private_key(key) if key else None)


class Journal:
    """A journal that is read; see `open_journal`.

    Attributes
    ----------
    folder : Path
    segments : list of Segment
        Those that stood there when the journal was opened.
    damage : list of Damage
        What the last call of `records` or `follow` met, in the order of the journal; complete when
        its iterator has come to the end.
    """

    def __init__(self, folder: Path, private_key: X25519PrivateKey | None = None) -> None:
        self.folder = folder
        self.segments = read_segments(folder)
        self.damage: list[Damage] = []
        self._private_key = private_key
        self._shifts = places_on_first_clock(self.segments)

    @property
    def header(self) -> SegmentHeader:
        """Header of the first segment that has one: which recording it is."""
        return next(segment.header for segment in self.segments if segment.header)

    @property
    def encrypted(self) -> bool:
        """Whether a key is needed to read all of it."""
        return any(segment.header and segment.header.envelope for segment in self.segments)

    @property
    def sealed(self) -> bool:
        """Whether it was closed as it should be."""
        file = SegmentFile(self.segments[-1].path)
        try:
            last = file.find_last(self.header.journal_id)
        finally:
            file.close()
        return last is not None and last.header.kind is BlockKind.SEAL

    def records(
        self, start_s: float = 0.0, stop_s: float | None = None, *, one_clock: bool = False
    ) -> Iterator[JournalRecord]:
        """Yield the records in the order in which they were written; never one that was not.

        Parameters
        ----------
        start_s, stop_s : float, optional
            Seconds since the journal began, by the host's monotonic clock, or by its wall clock
            over a new start of the host. Found by halving, without reading what stands before.
        one_clock : bool
            Give all records times on the monotonic clock of the first segment, so that they go on
            over a new start of the host. Otherwise they have the times they were written with.

        Raises
        ------
        RecordingError
            If it is encrypted and the key is missing or another, or a segment cannot be read.
        """
        self.damage = []
        begin_ns = self._at(start_s) if start_s > 0 else None
        end_ns = None if stop_s is None else self._at(stop_s)
        walk = Walk(self.folder, self.header.journal_id, self._place(begin_ns))
        try:
            for header, records in self._unpacked(walk, walk.advance(final=True)):
                shift = self._shift(header.segment)
                if end_ns is not None and header.monotonic_ns + shift >= end_ns:
                    break
                for record in _between(records, shift, begin_ns, end_ns):
                    yield _moved(record, shift) if one_clock and shift else record
        finally:
            walk.close()

    def follow(self, wait: Callable[[], bool], *, start_s: float = 0.0) -> Iterator[JournalRecord]:
        """Yield the records there are, then those that another program adds, until it seals them.

        Parameters
        ----------
        wait : callable
            Called when there is nothing new; returns when it is worth looking again, with False
            to end.
        start_s : float, optional
            Where to begin, as in `records`; up to a block before.
        """
        self.damage = []
        begin_ns = self._at(start_s) if start_s > 0 else None
        walk = Walk(self.folder, self.header.journal_id, self._place(begin_ns))
        try:
            for _, records in self._unpacked(walk, _live(walk, wait)):
                yield from records
        finally:
            walk.close()

    def _unpacked(
        self, walk: Walk, pieces: Iterator[Block | Damage]
    ) -> Iterator[tuple[BlockHeader, list[JournalRecord]]]:
        """Yield the records block by block; put what is damaged into the list."""
        unpacker = Unpacker(self._private_key)
        for piece in pieces:
            if isinstance(piece, Damage):
                self.damage.append(piece)
                continue
            file = segment_path(self.folder, piece.header.segment)
            try:
                yield piece.header, unpacker.records(piece, walk.header, file)
            except MalformedBodyError:
                length, lost_s = piece.end - piece.offset, piece.header.span_us / 1e6
                kind = DamageKind.UNREADABLE
                self.damage.append(Damage(file, piece.offset, length, kind, lost_s))

    def seconds_at(self, segment: int, monotonic_ns: int) -> float:
        """Return how long after its beginning a moment of the journal is.

        Parameters
        ----------
        segment : int
            Number of the segment whose clock shows `monotonic_ns`.
        monotonic_ns : int
        """
        return (monotonic_ns + self._shift(segment) - self._at(0.0)) / 1e9

    def _at(self, seconds: float) -> int:
        """Return the monotonic time so long after the beginning, on the first segment's clock."""
        origin = next(s.first.monotonic_ns for s in self.segments if s.first)
        return origin + round(seconds * 1e9)

    def _shift(self, number: int) -> int:
        """Return what to add to the times of a segment."""
        numbered = zip(self.segments, self._shifts, strict=True)
        return next((s for segment, s in numbered if segment.number == number), self._shifts[-1])

    def _place(self, begin_ns: int | None) -> tuple[int, int] | None:
        """Return segment and offset of a block that begins no later than a moment."""
        if begin_ns is None:
            return None
        earlier = [
            (segment, begin_ns - shift)
            for segment, shift in zip(self.segments, self._shifts, strict=True)
            if segment.first and segment.first.monotonic_ns + shift <= begin_ns
        ]
        if not earlier:
            return None
        segment, local_ns = earlier[-1]
        return segment.number, _find_time(segment.path, local_ns, self.header.journal_id)


def _live(walk: Walk, wait: Callable[[], bool]) -> Iterator[Block | Damage]:
    """Yield what there is and what is added, until the journal is sealed or nobody waits."""
    yield from walk.advance(final=False)
    while not walk.sealed and wait():
        yield from walk.advance(final=False)
    yield from walk.advance(final=True)


def _find_time(path: Path, monotonic_ns: int, journal_id: bytes) -> int:
    """Return where a block begins that is not later than a moment, nor much earlier."""
    file = SegmentFile(path)
    low, high = 0, file.size()
    try:
        while high - low > _NEAR:
            middle = (low + high) // 2
            block = file.find_block(middle, journal_id)
            if block and block.offset < high and block.header.monotonic_ns <= monotonic_ns:
                low = block.offset
            else:
                high = middle
    finally:
        file.close()
    return low


def _between(
    records: list[JournalRecord], shift: int, begin_ns: int | None, end_ns: int | None
) -> Iterator[JournalRecord]:
    for record in records:
        at = record.monotonic_ns + shift
        if (begin_ns is None or at >= begin_ns) and (end_ns is None or at < end_ns):
            yield record


def _moved(record: JournalRecord, shift: int) -> JournalRecord:
    return replace(record, monotonic_ns=record.monotonic_ns + shift)
