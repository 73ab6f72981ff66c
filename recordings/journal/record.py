"""What a journal holds: bytes of a sensor as they arrived, and what happened around them."""

from __future__ import annotations

import json
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Protocol

from firmware_bridge import Notification
from nightcramp.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping

MAX_PAYLOAD = 1 << 20
"""Most bytes of one record; a notification has 512 at most (Bluetooth Core 5.4, Vol 3, Part F)."""


class RecordKind(StrEnum):
    """Kinds of record; their order is that of the codes in the file."""

    NOTIFICATION = "notification"
    LINK = "link"
    MARK = "mark"
    NOTE = "note"
    CLOCK = "clock"


@dataclass(frozen=True, slots=True)
class JournalRecord:
    """One thing that happened.

    Attributes
    ----------
    kind : RecordKind
    monotonic_ns, wall_ns : int
        Host clocks at that moment, as in `firmware_bridge.Notification`.
    characteristic : str or None
        Of a notification: where it came from.
    payload : bytes
        Of a notification: its bytes, untouched. Of all others: a JSON object in UTF-8.
    """

    kind: RecordKind
    monotonic_ns: int
    wall_ns: int
    characteristic: str | None
    payload: bytes


class HostClocks(Protocol):
    """What a journal asks of `firmware_bridge.Clock`: the two clocks that stamp records."""

    def monotonic_ns(self) -> int:
        """Nanoseconds of a clock that is never stepped."""

    def wall_ns(self) -> int:
        """Nanoseconds since 1970-01-01 UTC."""


def record_of(notification: Notification) -> JournalRecord:
    """Return the record that keeps a notification."""
    return JournalRecord(
        RecordKind.NOTIFICATION,
        notification.monotonic_ns,
        notification.wall_ns,
        notification.characteristic,
        notification.payload,
    )


def notification_of(record: JournalRecord) -> Notification:
    """Return the notification that a record keeps.

    Raises
    ------
    UsageError
        If the record keeps something else.
    """
    if record.kind is not RecordKind.NOTIFICATION or record.characteristic is None:
        raise UsageError(f"A {record.kind} record holds no notification.")
    return Notification(record.characteristic, record.monotonic_ns, record.wall_ns, record.payload)


def json_record(
    kind: RecordKind, monotonic_ns: int, wall_ns: int, content: Mapping[str, object]
) -> JournalRecord:
    """Return a record of any kind but notification, with its content as JSON."""
    text = json.dumps(content, ensure_ascii=False, separators=(",", ":"))
    return JournalRecord(kind, monotonic_ns, wall_ns, None, text.encode("utf-8"))


def json_of(record: JournalRecord) -> dict[str, object]:
    """Return the content of a record that is not a notification.

    Raises
    ------
    UsageError
        If it is one, or holds no JSON object.
    """
    try:
        content = json.loads(record.payload)
    except ValueError as error:
        raise UsageError(f"A {record.kind} record holds no JSON: {error}") from error
    if record.kind is RecordKind.NOTIFICATION or not isinstance(content, dict):
        raise UsageError(f"A {record.kind} record holds no JSON object.")
    return content
