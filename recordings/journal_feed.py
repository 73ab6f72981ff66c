"""Records of a journal to samples: live, in replay and on conversion by the same few lines."""

from __future__ import annotations

from typing import TYPE_CHECKING

from recordings.journal.record import RecordKind, json_of, notification_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from firmware_bridge import Assembler, Item, Notification
    from recordings.journal.record import JournalRecord

_CONNECTED = "setting_up"
_LOST = ("lost", "stopped")


def feed(
    assembler: Assembler,
    record: JournalRecord,
    push: Callable[[Notification], list[Item]] | None = None,
) -> list[Item]:
    """Tell an assembler of a record; returns what it makes of it.

    Of link records the ``state`` counts: ``setting_up`` after each connect, ``lost`` or ``stopped``
    at its end. Marks, notes and clocks tell an assembler nothing.

    Parameters
    ----------
    assembler : Assembler
    record : JournalRecord
    push : callable, optional
        Takes notifications instead of the assembler: that of a `firmware_bridge.Companion`.
    """
    if record.kind is RecordKind.NOTIFICATION:
        return (push or assembler.push)(notification_of(record))
    if record.kind is not RecordKind.LINK:
        return []
    state = json_of(record).get("state")
    if state == _CONNECTED:
        return assembler.connected(record.monotonic_ns)
    return assembler.lost(record.monotonic_ns) if state in _LOST else []
