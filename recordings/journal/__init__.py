"""The journal: the append-only record of one recording, written while it happens.

A journal is a folder ``NAME.ncj`` of segments ``0001.ncj``, ``0002.ncj``, … and the source of
truth of a recording: bytes as they arrived, with the host's clocks, before anything decodes them.
It survives the end of the program and of the machine at any moment, and is never edited. Its
format is told byte by byte in ``docs/journal.md``.

>>> from pathlib import Path
>>> journal = open_journal(Path("night.ncj"))              # doctest: +SKIP
>>> for record in journal.records(start_s=317 * 60):       # doctest: +SKIP
...     print(record.kind, record.monotonic_ns, len(record.payload))
>>> for damage in journal.damage:                          # doctest: +SKIP
...     print(damage)
"""

from __future__ import annotations

from recordings.journal.alarm import Alarm, AlarmKind
from recordings.journal.damage import Damage, DamageKind
from recordings.journal.disk import Disk
from recordings.journal.encryption import create_site_key
from recordings.journal.findings import Findings, examine
from recordings.journal.header import JournalLabel, SegmentHeader
from recordings.journal.journal import Journal, open_journal
from recordings.journal.lock import FolderLock, lock_recorder
from recordings.journal.record import (
    HostClocks,
    JournalRecord,
    RecordKind,
    json_of,
    json_record,
    notification_of,
    record_of,
)
from recordings.journal.recovery import Recovery, recover
from recordings.journal.segments import Segment
from recordings.journal.settings import JournalSettings
from recordings.journal.writer import JournalWriter
from recordings.journal_name import SUFFIX, find_journals

__all__ = [
    "SUFFIX",
    "Alarm",
    "AlarmKind",
    "Damage",
    "DamageKind",
    "Disk",
    "Findings",
    "FolderLock",
    "HostClocks",
    "Journal",
    "JournalLabel",
    "JournalRecord",
    "JournalSettings",
    "JournalWriter",
    "RecordKind",
    "Recovery",
    "Segment",
    "SegmentHeader",
    "create_site_key",
    "examine",
    "find_journals",
    "json_of",
    "json_record",
    "lock_recorder",
    "notification_of",
    "open_journal",
    "record_of",
    "recover",
]
