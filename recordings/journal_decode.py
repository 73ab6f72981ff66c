"""A journal decoded into temporary files: once, from the first record to the last."""

from __future__ import annotations

import heapq
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from firmware_bridge import (
    DEVICES,
    Assembler,
    Companion,
    Item,
    MissingStretch,
    PlacedMark,
    Reject,
    StreamAnomaly,
    StreamDeclared,
    Stretch,
)
from nightcramp.errors import RecordingError
from recordings.journal.record import RecordKind, json_of
from recordings.journal_feed import feed
from recordings.journal_format import stream_format
from recordings.journal_spool import StreamSpool
from recordings.recording import Annotation

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

    from firmware_bridge import ClockModel, DeviceSpec, RejectReason, StreamKind
    from recordings.journal.record import JournalRecord

_NS = 1e-9
_S = 1_000_000_000
# So often the clocks are noted: a new run forgets those of the last.
_CLOCKS_NS = 600 * _S


@dataclass(slots=True)
class DecodedRun:
    """Streams of one description, on one grid that begins with the first EMG sample.

    Attributes
    ----------
    start_s : float
        Host's monotonic clock at sample 0, in seconds.
    spools : dict of stream to StreamSpool
    clocks : dict of stream to ClockModel
    marks : list of Annotation
    odd : Counter
        Samples in no stretch, by (stream, kind of anomaly).
    """

    start_s: float
    spools: dict[StreamKind, StreamSpool] = field(default_factory=dict)
    clocks: dict[StreamKind, ClockModel] = field(default_factory=dict)
    marks: list[Annotation] = field(default_factory=list)
    odd: Counter[tuple[str, str]] = field(default_factory=Counter)

    @property
    def duration_s(self) -> float:
        """Length of the EMG, or of what there is instead of it."""
        return max((spool.n / spool.form.rate_hz for spool in self.spools.values()), default=0.0)


@dataclass(frozen=True, slots=True)
class DecodedJournal:
    """What a journal holds.

    Attributes
    ----------
    runs : tuple of DecodedRun
        In order.
    wall_minus_monotonic_s : float
        What brings the host's monotonic clock to UTC, as it held longest.
    rejects : tuple of (Reject, int)
        Notifications that were not understood: the first for each reason, and how many; the most
        frequent reason comes first.
    """

    runs: tuple[DecodedRun, ...]
    wall_minus_monotonic_s: float
    rejects: tuple[tuple[Reject, int], ...]

    def utc(self, monotonic_s: float) -> datetime:
        """Time of day at a time of the host's monotonic clock."""
        return datetime.fromtimestamp(monotonic_s + self.wall_minus_monotonic_s, UTC)


def device_of(name: str, source: Path) -> DeviceSpec:
    """Return the device a journal names; raises RecordingError if the program does not know it."""
    if name not in DEVICES:
        raise RecordingError(
            f"the sensor {name!r} is not known to this version",
            file=source,
            advice=f"Known are {', '.join(DEVICES)}; a newer version of nightcramp may know it",
        )
    return DEVICES[name]


def decode_journal(
    device: str,
    records: Iterable[JournalRecord],
    source: Path,
    companion: tuple[str, Iterable[JournalRecord]] | None = None,
) -> DecodedJournal:
    """Decode the records of a sensor, or those of two sensors on one host.

    Parameters
    ----------
    device : str
        Name of the `DeviceSpec`.
    records : iterable of JournalRecord
        In order, with times on one clock.
    source : Path
        What errors name.
    companion : (str, iterable of JournalRecord), optional
        Device and records of another sensor whose acceleration is taken.

    Raises
    ------
    RecordingError
        If the device is unknown or its counts do not fit a file.
    """
    decoding = _Decoding(source)
    spec = device_of(device, source)
    if companion is None:
        assembler = Assembler(spec)
        for record in records:
            decoding.take(record, feed(assembler, record), (assembler,))
        return decoding.finish(assembler.finish(), (assembler,))
    pair = Companion(spec, device_of(companion[0], source))
    sensors = ((pair.emg, pair.push_emg), (pair.acc, pair.push_acc))
    for place, record in _merged(records, companion[1]):
        items = feed(sensors[place][0], record, sensors[place][1])
        decoding.take(record, items, (pair.emg, pair.acc))
    return decoding.finish(pair.finish(), (pair.emg, pair.acc))


def _merged(
    emg: Iterable[JournalRecord], acc: Iterable[JournalRecord]
) -> Iterator[tuple[int, JournalRecord]]:
    """Yield the records of two sensors by their time, with the sensor's place; the EMG's first."""
    rows = heapq.merge(_placed(emg, 0), _placed(acc, 1), key=lambda row: row[:2])
    return ((place, record) for _, place, record in rows)


def _placed(
    records: Iterable[JournalRecord], place: int
) -> Iterator[tuple[int, int, JournalRecord]]:
    return ((record.monotonic_ns, place, record) for record in records)


class _Decoding:
    """A journal that is being decoded."""

    def __init__(self, source: Path) -> None:
        self._source = source
        self._runs: list[DecodedRun] = []
        self._records: Counter[int] = Counter()
        self._rest_ns: Counter[int] = Counter()
        self._marks: list[tuple[int, str]] = []
        self._clocks_ns = 0
        self._rejects: Counter[RejectReason] = Counter()
        self._first_rejects: dict[RejectReason, Reject] = {}

    def take(
        self, record: JournalRecord, items: Sequence[Item], assemblers: Sequence[Assembler]
    ) -> None:
        """Take a record, and what its assembler made of it."""
        offset_ns = record.wall_ns - record.monotonic_ns
        seconds = round(offset_ns / _S)
        self._records[seconds] += 1
        self._rest_ns[seconds] += offset_ns - seconds * _S
        if record.kind is RecordKind.MARK:
            self._marks.append((record.monotonic_ns, str(json_of(record).get("mark", "mark"))))
        for item in items:
            self._keep(item)
        self._place_marks(assemblers[0])
        if record.monotonic_ns - self._clocks_ns >= _CLOCKS_NS:
            self._clocks_ns = record.monotonic_ns
            self._keep_clocks(assemblers)

    def finish(self, items: Sequence[Item], assemblers: Sequence[Assembler]) -> DecodedJournal:
        """Take what an assembler says at the end; return everything."""
        for item in items:
            self._keep(item)
        self._place_marks(assemblers[0])
        self._keep_clocks(assemblers)
        for spool in (spool for run in self._runs for spool in run.spools.values()):
            spool.flush()
        ((seconds, n),) = self._records.most_common(1) or ((0, 1),)
        offset_s = seconds + self._rest_ns[seconds] / n * _NS
        rejects = tuple((self._first_rejects[why], n) for why, n in self._rejects.most_common())
        return DecodedJournal(tuple(self._runs), offset_s, rejects)

    def _keep(self, item: Item) -> None:
        if isinstance(item, StreamDeclared):
            self._declare(item)
        elif isinstance(item, Stretch | MissingStretch):
            self._runs[-1].spools[item.stream].append(item)
        elif isinstance(item, StreamAnomaly) and self._runs:
            self._runs[-1].odd[item.stream, item.kind.value] += item.n
        elif isinstance(item, Reject):
            self._rejects[item.reason] += 1
            self._first_rejects.setdefault(item.reason, item)
        elif isinstance(item, PlacedMark) and self._runs:
            self._runs[-1].marks.append(Annotation(item.onset_s, 0.0, f"button {item.code}"))

    def _declare(self, declared: StreamDeclared) -> None:
        """Begin a stream, and a run with every stream that is there already."""
        if not self._runs or declared.stream in self._runs[-1].spools:
            self._runs.append(DecodedRun(declared.start_s))
        form = stream_format(declared.spec, declared.rate_hz, self._source)
        self._runs[-1].spools[declared.stream] = StreamSpool(form)

    def _place_marks(self, assembler: Assembler) -> None:
        if self._marks and self._runs and assembler.timeline.known:
            position_s = assembler.timeline.position_s
            marks = [Annotation(position_s(ns * _NS), 0.0, text) for ns, text in self._marks]
            self._runs[-1].marks += marks
            self._marks = []

    def _keep_clocks(self, assemblers: Sequence[Assembler]) -> None:
        if self._runs and assemblers[0].timeline.known:
            run = self._runs[-1]
            run.start_s = assemblers[0].timeline.start_s
            for assembler in assemblers:
                clocks = assembler.clocks.items()
                run.clocks |= {kind: clock for kind, clock in clocks if kind in run.spools}
