"""From block to block through the segments of a journal, with a list of what is missing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from recordings.journal.block import DIGEST_BYTES, BlockHeader, BlockKind
from recordings.journal.damage import Damage, DamageKind
from recordings.journal.header import SegmentHeader, header_from_json
from recordings.journal.scan import Block, Hole, SegmentFile
from recordings.journal.segments import read_segment
from recordings.journal_name import segment_path, segment_paths

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@dataclass(frozen=True, slots=True)
class _Missing:
    """Something that should stand before the next block."""

    file: Path
    offset: int
    n_bytes: int
    kind: DamageKind
    span_s: float | None

    def damage(self, seconds_lost: float | None) -> Damage:
        return Damage(self.file, self.offset, self.n_bytes, self.kind, seconds_lost)


class Walk:
    """Goes through a journal once, or along with the one who writes it.

    Parameters
    ----------
    folder : Path
    journal_id : bytes
    start : tuple of int, optional
        Number of a segment, and an offset in it where a block begins; what stands before is
        neither read nor judged.

    Attributes
    ----------
    header : SegmentHeader or None
        Of the segment that the last block came from; of the one before if nothing is left of it.
    sealed : bool
        Whether the last block was a seal.
    digest : bytes
        Of the last block.
    following : int
        Number that the next block of records should have.
    n_records : int
        How many records the blocks hold.
    """

    def __init__(
        self, folder: Path, journal_id: bytes, start: tuple[int, int] | None = None
    ) -> None:
        self.header: SegmentHeader | None = None
        self.sealed = False
        self.digest = bytes(DIGEST_BYTES)
        self.following = 1
        self.n_records = 0
        self._folder = folder
        self._journal_id = journal_id
        self._number, self._offset = start or (0, 0)
        self._file: SegmentFile | None = None
        self._is_begun = start is None
        self._is_chained = False
        self._end_ns: int | None = None
        self._end_boot: str | None = None
        self._missing: list[_Missing] = []
        self._met: SegmentHeader | None = None
        if start:
            self._open(segment_path(folder, self._number))

    def advance(self, *, final: bool) -> Iterator[Block | Damage]:
        """Yield the blocks of records, and what is damaged before each, as far as there are any.

        Parameters
        ----------
        final : bool
            Whether the end of the last segment is the end of the journal: then what stands there
            and is no block is damage. If not, it may be a block that is just being written.
        """
        while True:
            following = self._following()
            if self._file:
                yield from self._pieces(self._file, closed=final or following is not None)
            if following is None:
                break
            self._enter(following)
        if final:
            yield from self._settle(0.0) if self.sealed else self._settle_by_span()

    def close(self) -> None:
        """Close the file that is being read."""
        if self._file:
            self._file.close()
            self._file = None

    def _following(self) -> Path | None:
        """Return the next segment there is."""
        later = (path for path in segment_paths(self._folder) if int(path.stem) > self._number)
        return next(later, None)

    def _enter(self, path: Path) -> None:
        number = int(path.stem)
        self._missing += [
            _Missing(segment_path(self._folder, n), 0, 0, DamageKind.MISSING_SEGMENT, None)
            for n in range(self._number + 1, number)
        ]
        self._number, self._offset = number, 0
        self._open(path)

    def _open(self, path: Path) -> None:
        self.close()
        self.header = read_segment(path).header or self.header
        self._file = SegmentFile(path)

    def _pieces(self, file: SegmentFile, *, closed: bool) -> Iterator[Block | Damage]:
        """Go on to the end of a segment; past an unsound end only if nothing will follow there."""
        size = file.size()
        for piece in file.pieces(self._offset, self._journal_id):
            if isinstance(piece, Hole):
                if piece.end >= size and not closed:
                    return
                self._missing.append(_missing(file.path, piece))
                self._is_chained = False
            else:
                yield from self._meet(piece, file.path)
            self._offset = piece.end

    def _meet(self, block: Block, path: Path) -> Iterator[Block | Damage]:
        """Yield what was missed before a block, and the block if it holds records not seen yet."""
        header = block.header
        if header.kind is BlockKind.HEADER:
            self.header = header_from_json(block.body, path)
        if not self._is_begun:
            self.following, self._is_begun = header.sequence, True
        yield from self._damage_before(block, path, n_missing=header.sequence - self.following)
        self._met, self.digest, self._is_chained = self.header, block.digest, True
        self.sealed = header.kind is BlockKind.SEAL
        is_new = header.kind is BlockKind.RECORDS and header.sequence >= self.following
        self.following = max(self.following, header.sequence + is_new)
        if is_new:
            self._end_ns = header.end_ns
            self._end_boot = self._boot
            self.n_records += header.n_records
            yield block

    def _damage_before(self, block: Block, path: Path, *, n_missing: int) -> Iterator[Damage]:
        if n_missing > 0:
            if not self._missing:
                kind = DamageKind.MISSING_BLOCKS
                self._missing.append(_Missing(path, block.offset, 0, kind, None))
            yield from self._settle(self._seconds_until(block.header))
        elif self._is_new_session():
            yield from self._settle_by_span()
        else:
            yield from self._settle(0.0)
        if n_missing == 0 and self._is_chained and self.digest != block.header.previous:
            yield Damage(path, block.offset, 0, DamageKind.BROKEN_CHAIN, 0.0)

    def _seconds_until(self, header: BlockHeader) -> float | None:
        """Return how long ago the last record was; None if no clock tells."""
        is_rebooted = None not in (self._end_boot, self._boot) and self._end_boot != self._boot
        if self._end_ns is None or is_rebooted or header.monotonic_ns < self._end_ns:
            return None
        return (header.monotonic_ns - self._end_ns) / 1e9

    @property
    def _boot(self) -> str | None:
        return self.header.boot if self.header else None

    def _is_new_session(self) -> bool:
        return bool(self._met and self.header and self._met.session != self.header.session)

    def _settle(self, seconds_lost: float | None) -> Iterator[Damage]:
        """Yield what is missing; the first of it bears all that is lost."""
        for missing in self._missing:
            yield missing.damage(seconds_lost)
            seconds_lost = seconds_lost and 0.0
        self._missing = []

    def _settle_by_span(self) -> Iterator[Damage]:
        """Yield what is missing where no later block tells how much that was."""
        yield from (missing.damage(missing.span_s) for missing in self._missing)
        self._missing = []


def _missing(path: Path, hole: Hole) -> _Missing:
    return _Missing(path, hole.offset, hole.end - hole.offset, hole.kind, hole.span_s)
