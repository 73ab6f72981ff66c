"""Opening a journal for writing: a new one, or one that goes on after whatever ended it."""

from __future__ import annotations

import contextlib
import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING

from nightcramp.errors import RecordingError
from recordings.journal.block import DIGEST_BYTES, ID_BYTES
from recordings.journal.encryption import read_public_key, seal_new_key
from recordings.journal.findings import examine
from recordings.journal.header import SegmentHeader, boot_id
from recordings.journal.journal import Journal
from recordings.journal.pack import Place
from recordings.journal.segments import read_segment
from recordings.journal_name import segment_paths

if TYPE_CHECKING:
    from pathlib import Path

    from recordings.journal.disk import Disk
    from recordings.journal.encryption import BlockCipher
    from recordings.journal.findings import Findings
    from recordings.journal.header import JournalLabel


@dataclass(frozen=True, slots=True)
class Session:
    """How a writer begins.

    Attributes
    ----------
    header : SegmentHeader
    cipher : BlockCipher or None
    place : Place
    found : Findings or None
        What the sessions before left; None if the journal is new.
    """

    header: SegmentHeader
    cipher: BlockCipher | None
    place: Place
    found: Findings | None


def open_session(folder: Path, label: JournalLabel, site_key: Path | None, disk: Disk) -> Session:
    """Return how to go on with what is in a folder; nothing of it is changed.

    A journal that was encrypted once stays so, with the site's key it names.

    Raises
    ------
    RecordingError
        If the folder holds the journal of another recording, or one of a newer version.
    """
    paths = segment_paths(folder)
    public_key = read_public_key(site_key) if site_key else None
    if not any(read_segment(path).header for path in paths):
        place = Place(int(paths[-1].stem) if paths else 0, 1, bytes(DIGEST_BYTES))
        return _session(label, secrets.token_bytes(ID_BYTES), public_key, place, None)
    journal = Journal(folder)
    _check_same(folder, journal.header.label, label)
    found = examine(journal)
    if not found.sealed:
        # What a program that was killed had written may be in the system's memory alone; to those
        # who go by what is durable it counts as recorded from now on.
        with contextlib.suppress(OSError):
            disk.settle(paths[-1])
    if public_key is None and journal.header.envelope:
        public_key = journal.header.envelope.site_key
    return _session(label, journal.header.journal_id, public_key, found.place, found)


def _session(
    label: JournalLabel,
    journal_id: bytes,
    public_key: bytes | None,
    place: Place,
    found: Findings | None,
) -> Session:
    cipher, envelope = seal_new_key(public_key, journal_id) if public_key else (None, None)
    header = SegmentHeader(
        label=label,
        journal_id=journal_id,
        segment=place.segment,
        session=found.sessions + 1 if found else 1,
        boot=boot_id(),
        envelope=envelope,
    )
    return Session(header, cipher, place, found)


def _check_same(folder: Path, old: JournalLabel, new: JournalLabel) -> None:
    """Refuse to go on with the journal of another recording; the program may be a newer one."""
    if (old.device, dict(old.metadata)) != (new.device, dict(new.metadata)):
        raise RecordingError(
            f"the journal of another recording ({_text(old)}) than the one to be written "
            f"({_text(new)})",
            file=folder,
            advice="Give each recording a folder of its own",
        )


def _text(label: JournalLabel) -> str:
    known = (f"{name} {value}" for name, value in label.metadata.items())
    return ", ".join((label.device, *known))
