"""Who made a result: versions given by the caller, and a hash over the tables that went in."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from nightcramp.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

__all__ = ["Provenance", "hash_tables"]


@dataclass(frozen=True, slots=True)
class Provenance:
    """The makers of a result.

    Attributes
    ----------
    code_version : str
        Version of the program.
    model_version, model_hash : str
        The classifier that found the episodes.
    created_utc : datetime
        When the result was made, with its offset from UTC.
    audit_head : str or None
        Hash of the last entry of the study's audit log; None if there is no log.
    unblinded : str or None
        By whom and why the arms were opened; None if they were not.

    Raises
    ------
    UsageError
        If `created_utc` has no time zone.
    """

    code_version: str
    model_version: str
    model_hash: str
    created_utc: datetime
    audit_head: str | None = None
    unblinded: str | None = None

    def __post_init__(self) -> None:
        if self.created_utc.tzinfo is None:
            raise UsageError("created_utc has no time zone: when the result was made is not known")


def hash_tables(contents: Mapping[str, bytes]) -> str:
    """Return one SHA-256 over files' names and bytes, as 64 hexadecimal digits.

    Name and length go in before each file's own hash, so that no two sets of files agree by
    moving bytes from one file to the next. The order of `contents` does not matter.
    """
    total = hashlib.sha256()
    for name in sorted(contents):
        digest = hashlib.sha256(contents[name]).hexdigest()
        total.update(f"{digest}  {name}\n".encode())
    return total.hexdigest()
