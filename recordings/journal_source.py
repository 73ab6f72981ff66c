"""A journal, decoded, with everything known of the night it holds."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from nightcramp.errors import RecordingError
from recordings.journal.journal import open_journal
from recordings.journal_decode import DecodedJournal, DecodedRun, decode_journal, device_of
from recordings.journal_name import SUFFIX

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from firmware_bridge import DeviceSpec, StreamKind
    from recordings.journal.damage import Damage
    from recordings.journal.header import SegmentHeader
    from recordings.journal.journal import Journal
    from recordings.journal.record import JournalRecord

_HALF_SECOND_S = 0.5


@dataclass(frozen=True, slots=True, eq=False)
class JournalSource:
    """A journal, decoded.

    Attributes
    ----------
    folder : Path
    header : SegmentHeader
        Which recording it is.
    companion : Journal or None
        That whose acceleration was taken.
    decoded : DecodedJournal
    damage : tuple of Damage
        What of the journals could not be read.
    zone : tzinfo
        In which the night was slept: ``time_zone`` of the journal's metadata, or UTC.
    """

    folder: Path
    header: SegmentHeader
    companion: Journal | None
    decoded: DecodedJournal
    damage: tuple[Damage, ...]
    zone: tzinfo

    @property
    def name(self) -> str:
        """Name of the journal, without its ending."""
        return self.folder.name.removesuffix(SUFFIX)

    def device(self, stream: StreamKind) -> DeviceSpec:
        """Return the sensor that a stream was taken from."""
        other = self.companion if stream == "acc" else None
        return device_of((other or self).header.label.device, self.folder)

    def start(self, run: DecodedRun, after_s: float = 0.0) -> datetime:
        """Local time of a run's first sample, or so long after it, with its offset from UTC."""
        return self.decoded.utc(run.start_s + after_s).astimezone(self.zone)

    def whole_start(self, run: DecodedRun, after_s: float = 0.0) -> datetime:
        """Nearest whole second to `start`, in local time without zone, as in EDF."""
        return self.start(run, after_s + _HALF_SECOND_S).replace(microsecond=0, tzinfo=None)


def read_journal(
    path: Path, *, key: Path | None = None, companion: Path | None = None
) -> JournalSource:
    """Decode a journal.

    Parameters
    ----------
    path : Path
        Its folder, or one of its segments.
    key : Path, optional
        The site's private key, for a journal that is encrypted.
    companion : Path, optional
        Journal of another sensor, kept by the same host meanwhile, whose acceleration is taken.

    Raises
    ------
    RecordingError
        If a journal cannot be read, its sensor is not known, it holds no samples, or the two
        journals are not of one start of one host.
    OutputError
        If the temporary files cannot be written.
    """
    journal = open_journal(path, key=key)
    other = None if companion is None else open_journal(companion, key=key)
    if other is not None and journal.header.boot != other.header.boot:
        raise RecordingError(
            f"it was not kept by the same start of the same host as {journal.folder}: "
            "their clocks cannot be compared",
            file=other.folder,
        )
    second = None if other is None else (other.header.label.device, _records(other))
    device = journal.header.label.device
    decoded = decode_journal(device, _records(journal), journal.folder, second)
    if not decoded.runs:
        raise _no_samples(journal, decoded)
    return JournalSource(
        folder=journal.folder,
        header=journal.header,
        companion=other,
        decoded=decoded,
        damage=(*journal.damage, *([] if other is None else other.damage)),
        zone=_zone(journal),
    )


def _no_samples(journal: Journal, decoded: DecodedJournal) -> RecordingError:
    if not decoded.rejects:
        return RecordingError("the journal holds no samples", file=journal.folder)
    first, n = decoded.rejects[0]
    return RecordingError(
        f"the journal holds no samples: {n} notifications could not be understood as those of the "
        f"sensor {journal.header.label.device!r}: {first.reason.replace('_', ' ')} "
        f"({first.detail})",
        file=journal.folder,
        advice="Check with 'nightcramp scan' which kind of sensor it is; the bytes are kept, and a "
        "newer version may understand its firmware",
    )


def _records(journal: Journal) -> Iterator[JournalRecord]:
    return journal.records(one_clock=True)


def _zone(journal: Journal) -> tzinfo:
    name = journal.header.label.metadata.get("time_zone")
    if name is None:
        return UTC
    try:
        return ZoneInfo(str(name))
    except (ZoneInfoNotFoundError, ValueError) as error:
        raise RecordingError(
            f"{name!r} is no time zone", file=journal.folder, place="header, time_zone"
        ) from error
