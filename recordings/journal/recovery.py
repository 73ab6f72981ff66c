"""Putting a journal in order that was cut, without touching what is in it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from recordings.journal.findings import Findings, examine
from recordings.journal.journal import open_journal
from recordings.journal.settings import JournalSettings
from recordings.journal.writer import JournalWriter

if TYPE_CHECKING:
    from pathlib import Path

    from recordings.journal.record import HostClocks


@dataclass(frozen=True, slots=True)
class Recovery:
    """What a recovery found and did.

    Attributes
    ----------
    folder : Path
    found : Findings
        As it was before.
    is_sealed_now : bool
        Whether a segment was added that says what was found and seals the journal.
    """

    folder: Path
    found: Findings
    is_sealed_now: bool


def recover(path: Path, clock: HostClocks) -> Recovery:
    """Examine a journal; if it was not closed, add a segment that tells what was found.

    The segments that are there stay byte for byte as they are, torn ends too: they are evidence,
    and a reader steps over them. A journal that is sealed is only examined. No key is needed.

    Parameters
    ----------
    path : Path
        The journal's folder, or one of its segments.
    clock : HostClocks
        Dates the added segment.

    Raises
    ------
    BusyError
        If it is still being written.
    OutputError
        If a segment is needed and cannot be added; the journal can be read as it is.
    RecordingError
        If it cannot be read, as `open_journal` says.
    """
    journal = open_journal(path)
    found = examine(journal)
    if found.sealed:
        return Recovery(journal.folder, found, is_sealed_now=False)
    settings = JournalSettings(reserve_bytes=0)
    with JournalWriter(journal.folder, journal.header.label, clock=clock, settings=settings):
        pass
    return Recovery(journal.folder, found, is_sealed_now=True)
