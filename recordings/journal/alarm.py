"""What a writer tells at once, because somebody may still save the night."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class AlarmKind(StrEnum):
    """What happened to the disk."""

    SPACE_LOW = "space_low"
    DISK_FULL = "disk_full"
    DISK_FAILED = "disk_failed"
    DISK_WORKS_AGAIN = "disk_works_again"
    MEMORY_FULL = "memory_full"
    WRITER_STOPPED = "writer_stopped"


@dataclass(frozen=True, slots=True)
class Alarm:
    """One alarm; the text says what to do."""

    kind: AlarmKind
    text: str
