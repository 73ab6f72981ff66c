"""Journals that the bedside machine can write and not read.

Each session draws a random key, encrypts its blocks with AES-256-GCM and keeps the key in memory
only. What it leaves in the headers is the key sealed to the site's public key by HPKE (RFC 9180,
base mode, single shot: DHKEM(X25519, HKDF-SHA256), HKDF-SHA256, AES-256-GCM; ``info`` is
``nightcramp journal`` and the journal's id). Blocks are encrypted one by one, because a journal
that was cut must be readable up to the cut.

Why not age: an age file seals a key just as well, but needs a second cryptographic library
(pyrage) beside the one that the blocks need, with one maintainer and its types apart. HPKE is an
internet standard with libraries in every language, comes with `cryptography`, and its keys are
plain PEM files (RFC 8410) that openssl and key stores know. Encrypting finished files for sending
is another matter, and age's.
"""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING

from cryptography.exceptions import InvalidTag, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hpke import AEAD, KDF, KEM, Suite
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
    load_pem_public_key,
)

from nightcramp.errors import RecordingError, UsageError
from recordings.atomic import replace_file, write_bytes
from recordings.journal.header import Envelope

if TYPE_CHECKING:
    from pathlib import Path

    from recordings.journal.block import BlockHeader

TAG_BYTES = 16

_SUITE = Suite(KEM.X25519, KDF.HKDF_SHA256, AEAD.AES_256_GCM)
_KEY_BYTES = 32


class BlockCipher:
    """Encrypts and decrypts the bodies of one session's blocks.

    Parameters
    ----------
    key : bytes
        32 bytes.
    """

    def __init__(self, key: bytes) -> None:
        self._aead = AESGCM(key)

    def encrypt(self, header: BlockHeader, body: bytes) -> bytes:
        """Return the body with its tag; the header is authenticated with it."""
        return self._aead.encrypt(_nonce(header), body, header.fields())

    def decrypt(self, header: BlockHeader, body: bytes) -> bytes | None:
        """Return the body; None if header or body is not what was encrypted with this key."""
        try:
            return self._aead.decrypt(_nonce(header), body, header.fields())
        except InvalidTag:
            return None


def create_site_key(private: Path, public: Path) -> None:
    """Make the pair of keys of a site, as two PEM files.

    Parameters
    ----------
    private : Path
        Opens journals; belongs to the site alone. Without it they are lost: keep a copy.
    public : Path
        Closes journals; goes to the bedside machines.

    Raises
    ------
    UsageError
        If one of them exists: an overwritten key would close its journals for ever.
    OutputError
        If they cannot be written.
    """
    for path in (private, public):
        if path.exists():
            raise UsageError(f"{path} exists; a key is never overwritten. Choose another name.")
    key = X25519PrivateKey.generate()
    secret = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    with replace_file(private) as temporary:
        temporary.touch(mode=0o600)
        temporary.write_bytes(secret)
    write_bytes(
        public, key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    )


def read_public_key(path: Path) -> bytes:
    """Return the 32 bytes of a site's public key.

    Raises
    ------
    UsageError
        If the file cannot be read or holds another kind of key.
    """
    try:
        key = load_pem_public_key(_read(path))
    except (ValueError, UnsupportedAlgorithm) as error:
        raise _not_a_key(path, "public") from error
    if not isinstance(key, X25519PublicKey):
        raise _not_a_key(path, "public")
    return key.public_bytes_raw()


def read_private_key(path: Path) -> X25519PrivateKey:
    """Return a site's private key.

    Raises
    ------
    UsageError
        If the file cannot be read or holds another kind of key.
    """
    try:
        key = load_pem_private_key(_read(path), password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise _not_a_key(path, "private") from error
    if not isinstance(key, X25519PrivateKey):
        raise _not_a_key(path, "private")
    return key


def seal_new_key(site_key: bytes, journal_id: bytes) -> tuple[BlockCipher, Envelope]:
    """Draw the key of a session; return its cipher, and the key sealed to the site."""
    key = secrets.token_bytes(_KEY_BYTES)
    recipient = X25519PublicKey.from_public_bytes(site_key)
    return BlockCipher(key), Envelope(site_key, _SUITE.encrypt(key, recipient, _info(journal_id)))


def open_envelope(
    envelope: Envelope, journal_id: bytes, private_key: X25519PrivateKey, file: Path
) -> BlockCipher:
    """Return the cipher of a session, given the site's private key.

    Raises
    ------
    RecordingError
        If the key belongs to another site, or the envelope to another journal.
    """
    if private_key.public_key().public_bytes_raw() != envelope.site_key:
        raise RecordingError(
            "encrypted for another key than the one given",
            file=file,
            advice="Give the private key of the site whose public key the recorder had",
        )
    try:
        return BlockCipher(_SUITE.decrypt(envelope.sealed_key, private_key, _info(journal_id)))
    except InvalidTag as error:
        raise RecordingError(
            "its key cannot be opened with the site's private key: the header was altered",
            file=file,
        ) from error


def _info(journal_id: bytes) -> bytes:
    return b"nightcramp journal " + journal_id


def _nonce(header: BlockHeader) -> bytes:
    """Return 12 bytes that no other body of the session has.

    A block that could not be written is written again as it was, or in another segment.
    """
    return header.segment.to_bytes(4, "little") + header.sequence.to_bytes(8, "little")


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise UsageError(f"{path}: the key cannot be read ({error.strerror or error}).") from error


def _not_a_key(path: Path, kind: str) -> UsageError:
    return UsageError(
        f"{path}: expected an X25519 {kind} key as PEM, as nightcramp makes them for a site."
    )
