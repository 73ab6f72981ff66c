"""An entry of the audit log, and the line it is written as.

A line is JSON without blanks. ``previous`` stands first and ``hash`` last, so that the chain can be
checked without taking lines apart; the keys of ``before`` and ``after`` are sorted. ``hash`` is the
SHA-256 of the line up to it.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum

from nightcramp.errors import UsageError

__all__ = ["FIRST", "AuditAction", "AuditEntry", "Json", "Link", "entry_line", "parse_entry"]

Json = None | bool | int | float | str | Sequence["Json"] | Mapping[str, "Json"]

FIRST = "0" * 64
"""What the first entry has for the hash of the one before it."""

_OPENING = b'{"previous":"'
_CLOSING = b',"hash":"'
_DIGITS = 64
_ENDING = len(_CLOSING) + _DIGITS + len(b'"}')
_TYPES = {
    "previous": str,
    "sequence": int,
    "at_utc": str,
    "who": str,
    "action": str,
    "subject": str,
    "reason": str,
    "hash": str,
}


class AuditAction(StrEnum):
    """What can be done to a study's results."""

    ANALYSED = "analysed"
    CONFIRMED = "confirmed"
    REJECTED = "rejected"
    MOVED = "moved"
    ADDED = "added"
    COMMENTED = "commented"
    SCORED = "scored"
    ADJUDICATED = "adjudicated"
    UNDONE = "undone"
    REPORTED = "reported"
    EXPORTED = "exported"
    UNBLINDED = "unblinded"


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """What somebody did.

    Attributes
    ----------
    sequence : int
        1 for the first entry.
    at_utc : datetime
    who : str
    action : str
        One of `AuditAction`; a newer program may know more of them.
    subject : str
        What it was done to, such as ``P007/2026-03-01/episode 3``.
    before, after : JSON value
        The subject before and after; None where there is nothing to say.
    reason : str
        Empty where none is asked for.
    previous, hash : str
        SHA-256 of the entry before it and of its own, as 64 hexadecimal digits.
    """

    sequence: int
    at_utc: datetime
    who: str
    action: str
    subject: str
    before: Json
    after: Json
    reason: str
    previous: str
    hash: str


@dataclass(frozen=True, slots=True)
class Link:
    """What ties a line to its neighbours.

    Attributes
    ----------
    previous, stated : str
        The hash of the line before it, and its own, as they stand in it.
    computed : str
        Its own hash as it should be.
    """

    previous: str
    stated: str
    computed: str

    @classmethod
    def of(cls, line: bytes) -> Link | None:
        """Return the link of a line, None if it is no line of an audit log."""
        body, ending = line[:-_ENDING], line[-_ENDING:]
        if not (body.startswith(_OPENING) and ending.startswith(_CLOSING)):
            return None
        if not ending.endswith(b'"}'):
            return None
        previous = body[len(_OPENING) : len(_OPENING) + _DIGITS]
        stated = ending[len(_CLOSING) : -2]
        computed = hashlib.sha256(body).hexdigest()
        return cls(previous.decode("latin-1"), stated.decode("latin-1"), computed)


def entry_line(previous: str, fields: Mapping[str, Json]) -> bytes:
    """Return the line of an entry, without its end of line.

    Raises
    ------
    UsageError
        If a field holds what JSON or UTF-8 has no words for.
    """
    try:
        ordered = {"previous": previous, **{name: _sorted(fields[name]) for name in fields}}
        text = json.dumps(ordered, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
        body = text.encode("utf-8")[:-1]
    except (TypeError, ValueError) as error:
        raise UsageError(f"the entry cannot be written to the audit log: {error}") from error
    digest = hashlib.sha256(body).hexdigest()
    return body + _CLOSING + digest.encode("ascii") + b'"}'


def parse_entry(line: bytes) -> AuditEntry:
    """Return the entry of a line.

    Raises
    ------
    ValueError
        If it is not one, saying what is wrong.
    """
    fields = json.loads(line)
    if not isinstance(fields, dict) or fields.keys() != {*_TYPES, "before", "after"}:
        raise ValueError("the fields are not those of an entry")
    wrong = [name for name, kind in _TYPES.items() if type(fields[name]) is not kind]
    if wrong:
        raise ValueError(f"{wrong[0]} is not what it should be")
    return AuditEntry(**{**fields, "at_utc": _moment(fields["at_utc"])})


def _moment(text: str) -> datetime:
    at = datetime.fromisoformat(text)
    if at.tzinfo is None:
        raise ValueError("at_utc has no time zone")
    return at.astimezone(UTC)


def _sorted(value: Json) -> Json:
    """Return a value with the keys of every object in order."""
    if isinstance(value, Mapping):
        return {str(key): _sorted(value[key]) for key in sorted(value)}
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [_sorted(item) for item in value]
    return value
