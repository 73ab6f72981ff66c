"""Which file it was, told by its bytes."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from nightcramp.errors import RecordingError

if TYPE_CHECKING:
    from pathlib import Path


def content_hash(path: Path) -> str:
    """Return the SHA-256 of a file as hexadecimal text, read in pieces.

    That of a journal's folder is of the names and hashes of its segments, in order.

    Raises
    ------
    RecordingError
        If the file cannot be read.
    """
    if path.is_dir():
        segments = [f"{file.name} {content_hash(file)}\n" for file in sorted(path.glob("*.ncj"))]
        return hashlib.sha256("".join(segments).encode()).hexdigest()
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise RecordingError(f"cannot be read ({error.strerror or error})", file=path) from error
