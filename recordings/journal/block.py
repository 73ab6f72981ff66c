"""The block: what a journal is made of. A header of 80 bytes, then a body.

Everything in a segment is a block, its own header (`BlockKind.HEADER`) and its seal too, so that
one rule finds, checks and chains them all.
"""

from __future__ import annotations

import hashlib
import struct
import zlib
from dataclasses import dataclass
from enum import IntEnum, IntFlag

SYNC = b"\x8aNCJ\r\n\x1a\n"
"""Begins every block. As in PNG (RFC 2083, 3.1): a high bit and both line ends, so that a transfer
that spoils binary files shows."""

VERSION = 1
HEADER_BYTES = 80
DIGEST_BYTES = 16
ID_BYTES = 8
MAX_BODY = 1 << 24

_FIELDS = struct.Struct("<8sBBBxHHQqq8s16sII")
_CHECKS = struct.Struct("<II")
_MAX_SPAN_US = 0xFFFFFFFF


class BlockKind(IntEnum):
    """What the body is."""

    HEADER = 0
    RECORDS = 1
    SEAL = 2


class BlockFlag(IntFlag):
    """How the body is stored; compressed first, then encrypted."""

    NONE = 0
    ZSTD = 1
    AES_256_GCM = 2


_KINDS = frozenset(BlockKind)


@dataclass(frozen=True, slots=True)
class BlockHeader:
    """The first 80 bytes of a block.

    Attributes
    ----------
    version : int
    kind : BlockKind
    flags : BlockFlag
    segment : int
        Number of the segment it stands in.
    n_records : int
    sequence : int
        Number of a block of records in its journal, from 1 on; any other block has the number
        that follows.
    monotonic_ns, wall_ns : int
        Times of its first record.
    journal_id : bytes
        Eight bytes that all blocks of a journal share.
    previous : bytes
        First 16 bytes of the SHA-256 of the block written before.
    span_us : int
        Microseconds from its first to its last record.
    body_bytes : int
        Length of the body as stored.
    """

    version: int
    kind: BlockKind
    flags: BlockFlag
    segment: int
    n_records: int
    sequence: int
    monotonic_ns: int
    wall_ns: int
    journal_id: bytes
    previous: bytes
    span_us: int
    body_bytes: int

    @property
    def end_ns(self) -> int:
        """Monotonic time of the last record."""
        return self.monotonic_ns + 1000 * self.span_us

    def fields(self) -> bytes:
        """Return the header without its check sums: what encryption authenticates."""
        return _FIELDS.pack(
            SYNC,
            self.version,
            self.kind,
            self.flags,
            self.segment,
            self.n_records,
            self.sequence,
            self.monotonic_ns,
            self.wall_ns,
            self.journal_id,
            self.previous,
            min(self.span_us, _MAX_SPAN_US),
            self.body_bytes,
        )


def pack_block(header: BlockHeader, body: bytes) -> bytes:
    """Return the bytes of a block."""
    fields = header.fields()
    body_check = zlib.crc32(body)
    checks = _CHECKS.pack(body_check, zlib.crc32(fields + struct.pack("<I", body_check)))
    return fields + checks + body


def header_is_sound(data: bytes) -> bool:
    """Say whether `data` begins with the header of a block, of this version or another."""
    if len(data) < HEADER_BYTES or not data.startswith(SYNC):
        return False
    checked = HEADER_BYTES - 4
    return zlib.crc32(data[:checked]) == int.from_bytes(data[checked:HEADER_BYTES], "little")


def version_of(header: bytes) -> int:
    """Return the version of the format that a sound header is written in."""
    return header[len(SYNC)]


def parse_header(header: bytes) -> BlockHeader | None:
    """Return what a sound header of this version says; None if this version has no such block."""
    _, version, kind, flags, *others = _FIELDS.unpack_from(header)
    if kind not in _KINDS or others[-1] > MAX_BODY:
        return None
    return BlockHeader(version, BlockKind(kind), BlockFlag(flags), *others)


def body_is_sound(header: bytes, body: bytes) -> bool:
    """Say whether a body is the one that a header was written for."""
    body_check, _ = _CHECKS.unpack_from(header, _FIELDS.size)
    return bool(zlib.crc32(body) == body_check)


def digest(block: bytes) -> bytes:
    """Return what the next block holds of this one."""
    return hashlib.sha256(block).digest()[:DIGEST_BYTES]
