"""The body of a block back to its records: decrypted, decompressed, decoded."""

from __future__ import annotations

from typing import TYPE_CHECKING

import zstandard

from nightcramp.errors import RecordingError
from recordings.journal.block import MAX_BODY, BlockFlag
from recordings.journal.codec import MalformedBodyError, decode_records
from recordings.journal.encryption import open_envelope

if TYPE_CHECKING:
    from pathlib import Path

    from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

    from recordings.journal.encryption import BlockCipher
    from recordings.journal.header import SegmentHeader
    from recordings.journal.record import JournalRecord
    from recordings.journal.scan import Block

_KNOWN = BlockFlag.ZSTD | BlockFlag.AES_256_GCM


class Unpacker:
    """Unpacks blocks of one journal.

    Parameters
    ----------
    private_key : X25519PrivateKey or None
        Of the site; not needed where nothing is encrypted.
    """

    def __init__(self, private_key: X25519PrivateKey | None) -> None:
        self._private_key = private_key
        self._ciphers: dict[int, BlockCipher] = {}
        self._decompressor = zstandard.ZstdDecompressor()

    def records(
        self, block: Block, header: SegmentHeader | None, file: Path
    ) -> list[JournalRecord]:
        """Return the records of a block.

        Parameters
        ----------
        block : Block
        header : SegmentHeader or None
            Of its segment.
        file : Path
            For the text of an error.

        Raises
        ------
        MalformedBodyError
            If it is not what a writer with this key has written.
        RecordingError
            If it is encrypted and there is no key, or another.
        """
        body = block.body
        if block.header.flags & ~_KNOWN:
            raise MalformedBodyError(f"flags {block.header.flags:#x}")
        if block.header.flags & BlockFlag.AES_256_GCM:
            body = self._decrypt(block, header, file)
        if block.header.flags & BlockFlag.ZSTD:
            body = self._decompress(body)
        return decode_records(body, block.header.monotonic_ns, block.header.wall_ns)

    def _decrypt(self, block: Block, header: SegmentHeader | None, file: Path) -> bytes:
        if header is None or header.envelope is None:
            raise MalformedBodyError("encrypted, but no header holds its key")
        if header.session not in self._ciphers:
            if self._private_key is None:
                raise RecordingError(
                    "encrypted",
                    file=file,
                    advice="Give the site's private key: only the site can read it",
                )
            self._ciphers[header.session] = open_envelope(
                header.envelope, header.journal_id, self._private_key, file
            )
        body = self._ciphers[header.session].decrypt(block.header, block.body)
        if body is None:
            raise MalformedBodyError("not what was encrypted")
        return body

    def _decompress(self, body: bytes) -> bytes:
        try:
            if zstandard.frame_content_size(body) > MAX_BODY:
                raise MalformedBodyError(f"more than {MAX_BODY} bytes")
            return self._decompressor.decompress(body, max_output_size=MAX_BODY)
        except zstandard.ZstdError as error:
            raise MalformedBodyError(str(error)) from error
