"""Which file it was, told by its bytes."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from nightcramp.errors import RecordingError

if TYPE_CHECKING:
    from pathlib import Path


def content_hash(path: Path) -> str:
    """Return the SHA-256 of a file as hexadecimal text, read in pieces.

    Raises
    ------
    RecordingError
        If the file cannot be read.
    """
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise RecordingError(f"cannot be read ({error.strerror or error})", file=path) from error
