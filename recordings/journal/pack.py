"""Bodies to blocks: compressed, encrypted, chained."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import zstandard

from recordings.journal.block import VERSION, BlockFlag, BlockHeader, BlockKind, pack_block
from recordings.journal.encryption import TAG_BYTES

if TYPE_CHECKING:
    from recordings.journal.body import Body
    from recordings.journal.encryption import BlockCipher


@dataclass(frozen=True, slots=True)
class Place:
    """Where a journal goes on.

    Attributes
    ----------
    segment : int
        Number of the segment that is being written; 0 before the first.
    sequence : int
        Number of the next block of records.
    previous : bytes
        Digest of the last block; zeros before the first.
    """

    segment: int
    sequence: int
    previous: bytes


class Packer:
    """Makes the blocks of one session.

    Parameters
    ----------
    journal_id : bytes
    cipher : BlockCipher or None
    """

    def __init__(self, journal_id: bytes, cipher: BlockCipher | None) -> None:
        self._journal_id = journal_id
        self._cipher = cipher
        self._compressor = zstandard.ZstdCompressor(level=1)

    def records(self, place: Place, body: Body) -> bytes:
        """Return a block of records."""
        compressed = self._compressor.compress(body.data)
        smaller = len(compressed) < len(body.data)
        data = compressed if smaller else body.data
        flags = BlockFlag.ZSTD if smaller else BlockFlag.NONE
        if self._cipher is None:
            return pack_block(self._header(place, body, flags, len(data)), data)
        header = self._header(place, body, flags | BlockFlag.AES_256_GCM, len(data) + TAG_BYTES)
        return pack_block(header, self._cipher.encrypt(header, data))

    def text(self, place: Place, kind: BlockKind, times: tuple[int, int], text: bytes) -> bytes:
        """Return a header or a seal; `times` are those of the monotonic and the wall clock."""
        header = BlockHeader(
            version=VERSION,
            kind=kind,
            flags=BlockFlag.NONE,
            segment=place.segment,
            n_records=0,
            sequence=place.sequence,
            monotonic_ns=times[0],
            wall_ns=times[1],
            journal_id=self._journal_id,
            previous=place.previous,
            span_us=0,
            body_bytes=len(text),
        )
        return pack_block(header, text)

    def _header(self, place: Place, body: Body, flags: BlockFlag, n_bytes: int) -> BlockHeader:
        return BlockHeader(
            version=VERSION,
            kind=BlockKind.RECORDS,
            flags=flags,
            segment=place.segment,
            n_records=body.n_records,
            sequence=place.sequence,
            monotonic_ns=body.monotonic_ns,
            wall_ns=body.wall_ns,
            journal_id=self._journal_id,
            previous=place.previous,
            span_us=body.span_us,
            body_bytes=n_bytes,
        )
