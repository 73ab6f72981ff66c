"""The live half of one recording, on its own thread: assembled, judged, asked for what is missing.

It gets each record after the journal has it, and may be slow, fail or hang: the journal does not
notice, and the night is judged again from the finished file.
"""

from __future__ import annotations

import heapq
import itertools
import logging
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from firmware_bridge import (
    BacklogRequests,
    DeviceStatus,
    GapCause,
    MissingStretch,
    Reject,
    Resume,
    Stretch,
)
from nightcramp.errors import RecordingError
from nightcramp.live import LiveDetection, LiveStep
from nightcramp.recorder.battery import BatteryWatch
from nightcramp.recorder.figures import FoundEpisode, SignalFigures
from nightcramp.recorder.meter import Meter
from recordings.journal import RecordKind, json_of, open_journal
from sensing import Quality

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from firmware_bridge import Clock, DeviceSpec, Item, Write
    from nightcramp.live import Finder, LiveEpisode
    from nightcramp.recorder.meter import Bins
    from recordings.journal import Journal, JournalRecord

log = logging.getLogger(__name__)

ENVELOPE_S = 60
_CONTACT_S = 10.0
_FIGURES_EVERY_NS = 1_000_000_000


class GuardedFinder:
    """Lets a finder fail without harm: after an error nothing more is judged live.

    Parameters
    ----------
    finder : Finder

    """

    def __init__(self, finder: Finder) -> None:
        self._failure = ""
        self._finder = finder

    @property
    def refusals(self) -> list[str]:
        """Why parts of the recording could not be judged, and what went wrong."""
        return [*self._finder.refusals, *([self._failure] if self._failure else [])]

    def take(self, items: Sequence[Item]) -> list[LiveEpisode]:
        """Return the episodes that ended."""
        return self._guarded(lambda: self._finder.take(items))

    def finish(self) -> list[LiveEpisode]:
        """Return what had not ended."""
        return self._guarded(self._finder.finish)

    def _guarded(self, step: Callable[[], list[LiveEpisode]]) -> list[LiveEpisode]:
        if self._failure:
            return []
        try:
            return step()
        except Exception as error:
            log.exception("live detection failed; the recording goes on")
            self._failure = (
                f"live detection stopped ({type(error).__name__}: {error}); the night is judged "
                "when it is over"
            )
            return []


@dataclass(frozen=True, slots=True)
class Earlier:
    """What earlier sessions left in a journal that is being written again."""

    journal: Path
    n_records: int


class LiveStage:
    """What is known of a recording while it goes on.

    All but `figures` belongs to the worker's thread.

    Parameters
    ----------
    spec : DeviceSpec
    finder : Finder
    clock : Clock
    on_episode : callable
        Called with each episode that ends while it is recorded.
    companion : DeviceSpec, optional

    Attributes
    ----------
    figures : SignalFigures
        Replaced about once a second; may be read from anywhere.
    """

    def __init__(
        self,
        spec: DeviceSpec,
        finder: Finder,
        clock: Clock,
        on_episode: Callable[[FoundEpisode], None],
        *,
        companion: DeviceSpec | None = None,
    ) -> None:
        self.figures = SignalFigures()
        self._finder = GuardedFinder(finder)
        self._detection = LiveDetection(spec, self._finder, companion=companion)
        assembler = self._detection.assembler
        self._requests = BacklogRequests(assembler) if spec.resume is Resume.BACKLOG else None
        self._meter = Meter()
        self._battery = BatteryWatch(spec.name)
        self._clock = clock
        self._on_episode = on_episode
        self._episodes: list[FoundEpisode] = []
        self._placed = self._missing = self._rejects = 0
        self._shift_ns = 0
        self._wall_offset_ns = 0
        self._figured_ns = 0
        self._lag_s = 0.0

    def recall(self, earlier: Earlier, companion: Earlier | None = None) -> None:
        """Take what earlier sessions of this night recorded, and go on from there.

        Parameters
        ----------
        earlier, companion : Earlier
            Of the sensor and of its companion.
        """
        self.figures = SignalFigures(trouble="looking through what was recorded before this start")
        opened = open_journal(earlier.journal)
        self._shift_ns = _shift_of_last(opened)
        told = [_told(opened, earlier, 0, of_companion=False)]
        if companion is not None:
            beside = open_journal(companion.journal)
            shift_ns = self._shift_ns - _shift_of_last(beside)
            told.append(_told(beside, companion, shift_ns, of_companion=True))
        try:
            for record, of_companion in heapq.merge(*told, key=_when):
                self._take(record, of_companion=of_companion)
        except RecordingError as error:
            log.warning("what was recorded before is not judged live: %s", error)
            self._detection.assembler.want_earlier()
            if self._requests is not None:
                self._requests.want_former_session()
        self._figure()

    def take(self, record: JournalRecord, *, of_companion: bool = False) -> None:
        """Take a record that the journal has just been given."""
        now_ns = record.monotonic_ns
        if self._shift_ns:
            record = replace(record, monotonic_ns=now_ns + self._shift_ns)
        step = self._take(record, of_companion=of_companion)
        self._lag_s = (self._clock.monotonic_ns() - now_ns) / 1e9
        self._tell_newest(len(step.episodes))
        if step.episodes or now_ns - self._figured_ns >= _FIGURES_EVERY_NS:
            self._figured_ns = now_ns
            self._figure()

    def next_write(self, now_ns: int, durable_ns: int) -> Write | None:
        """Return what to write to the sensor now, if anything.

        Parameters
        ----------
        now_ns : int
            Host's monotonic clock.
        durable_ns : int
            Up to when the journal is safe from a power cut: only that may the sensor forget.
        """
        if self._requests is None:
            return None
        self._requests.durable(durable_ns + self._shift_ns)
        return self._requests.next_write(now_ns + self._shift_ns)

    def bins_between(self, start_ns: int, stop_ns: int) -> Bins | None:
        """Return the EMG's bins between two times of the host's monotonic clock."""
        bins, timeline = self._meter.bins, self._detection.assembler.timeline
        if bins is None or not timeline.known:
            return None
        start_s, stop_s = (
            timeline.position_s((ns + self._shift_ns) / 1e9) for ns in (start_ns, stop_ns)
        )
        return bins.between(start_s, stop_s)

    def finish(self) -> None:
        """End the recording."""
        step = self._detection.finish()
        self._note(step)
        self._tell_newest(len(step.episodes))
        self._figure()

    def _tell_newest(self, n: int) -> None:
        for found in self._episodes[len(self._episodes) - n :]:
            self._on_episode(found)

    def _take(self, record: JournalRecord, *, of_companion: bool) -> LiveStep:
        step = self._detection.record(record, of_companion=of_companion)
        if not of_companion:
            self._wall_offset_ns = record.wall_ns - record.monotonic_ns
            self._hear(record, step)
        self._note(step, record.monotonic_ns)
        return step

    def _hear(self, record: JournalRecord, step: LiveStep) -> None:
        """Let the requests know what happened."""
        if self._requests is None:
            return
        if record.kind is RecordKind.NOTIFICATION:
            self._requests.push(step.items, record.monotonic_ns)
        elif record.kind is RecordKind.LINK and json_of(record).get("state") == "setting_up":
            self._requests.connected()

    def _note(self, step: LiveStep, monotonic_ns: int = 0) -> None:
        self._meter.take(step.items)
        for item in step.items:
            self._count(item, monotonic_ns)
        self._episodes += (self._found(episode) for episode in step.episodes)

    def _count(self, item: Item, monotonic_ns: int) -> None:
        match item:
            case Stretch(stream="emg"):
                self._placed += item.n
            case MissingStretch(stream="emg") if item.cause is not GapCause.ENDED:
                self._missing += item.n
            case DeviceStatus() if item.battery_percent is not None:
                self._battery.push(monotonic_ns / 1e9, item.battery_percent)
            case Reject():
                self._rejects += 1
            case _:
                pass

    def _found(self, episode: LiveEpisode) -> FoundEpisode:
        onset_s = episode.start_s + episode.event.onset_s
        return FoundEpisode(episode.event, round(onset_s * 1e9) + self._wall_offset_ns)

    def _figure(self) -> None:
        bins, total = self._meter.bins, self._placed + self._missing
        self.figures = SignalFigures(
            recorded_s=self._meter.recorded_s,
            analysable_s=self._meter.analysable_s,
            missing=self._missing / total if total else None,
            contact=_contact(bins),
            unit="uV" if bins is not None and bins.scaled else "count",
            envelope=_envelope(bins),
            floor=_floor(bins),
            battery=self._battery.forecast,
            episodes=tuple(self._episodes),
            rejects=self._rejects,
            trouble="; ".join(self._finder.refusals),
            decision_lag_s=self._lag_s,
            awaited_s=self._detection.assembler.missing_s if self._requests else 0.0,
        )


def _shift_of_last(journal: Journal) -> int:
    """Return what to add to the times of the session that is being written.

    The monotonic clock begins anew with every start of the computer; the journal tells how much
    later than its beginning a moment is.
    """
    segment = journal.segments[-1]
    first = next(each.first for each in journal.segments if each.first)
    at_ns = segment.first.monotonic_ns if segment.first else first.monotonic_ns
    return round(journal.seconds_at(segment.number, at_ns) * 1e9) + first.monotonic_ns - at_ns


def _told(
    journal: Journal, earlier: Earlier, shift_ns: int, *, of_companion: bool
) -> Iterator[tuple[JournalRecord, bool]]:
    """Yield the records of earlier sessions on the clock of the EMG's journal."""
    for record in itertools.islice(journal.records(one_clock=True), earlier.n_records):
        moved = record.monotonic_ns + shift_ns
        yield replace(record, monotonic_ns=moved) if shift_ns else record, of_companion


def _when(told: tuple[JournalRecord, bool]) -> int:
    return told[0].monotonic_ns


def _contact(bins: Bins | None) -> str:
    """Name the state that the best channel had most often in the last ten seconds."""
    if bins is None or not len(bins):
        return "unknown"
    recent = bins.quality[:, bins.time_s >= bins.time_s[-1] - _CONTACT_S]
    shares = (recent == Quality.GOOD).mean(axis=1)
    counts = np.bincount(recent[int(shares.argmax())], minlength=len(Quality))
    return Quality(int(counts.argmax())).reason


def _envelope(bins: Bins | None) -> tuple[float, ...]:
    """Return the largest amplitude of each of the last seconds."""
    if bins is None or not len(bins):
        return ()
    second = np.floor(bins.time_s[-1] - bins.time_s).astype(np.intp)
    rms = np.where(bins.quality == Quality.GAP, np.float32(0), bins.rms).max(axis=0)
    highest = np.zeros(ENVELOPE_S, dtype=np.float32)
    recent = second < ENVELOPE_S
    np.maximum.at(highest, ENVELOPE_S - 1 - second[recent], rms[recent])
    return tuple(highest.tolist())


def _floor(bins: Bins | None) -> float | None:
    if bins is None or not len(bins) or np.isnan(bins.floor[:, -1]).all():
        return None
    return float(np.nanmin(bins.floor[:, -1]))
