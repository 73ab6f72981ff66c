"""Recorded nights once more, as they came: with the times, the jitter and the gaps they had.

A journal goes record by record through the path it went through live; a file goes second by second
through the same detector. What is decided depends on what was recorded alone: it is the same at
any speed, and the same from any moment on, because what lies before is run through unseen.
"""

from __future__ import annotations

import heapq
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from nightcramp.errors import RecordingError, UsageError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator, Sequence
    from pathlib import Path

    from firmware_bridge import Clock, DeviceSpec, Item
    from models import Classifier
    from nightcramp.live import LiveEpisode
    from recordings import Block, RecordingInfo
    from recordings.journal import Journal, JournalRecord
    from sensing import Event, NightResult

STEP_S = 1.0
"""Seconds of a file that go to the detector at a time."""

_TIME = re.compile(r"(?:(?P<h>\d+):)?(?P<m>\d{1,2}):(?P<s>\d{1,2}(?:\.\d+)?)")


@dataclass(frozen=True, slots=True, eq=False)
class Moment:
    """A moment of a night, and what it made known.

    Attributes
    ----------
    at_s : float
        Seconds since the recording began, by the clock of the host that recorded it.
    episodes : list of Event
        Those that ended; their times count from the first sample of the recording.
    record : JournalRecord or None
        Of a journal: what happened.
    items : list of Item
        Of a journal: what its samples are.
    block : Block or None
        Of a file: its samples.
    """

    at_s: float
    episodes: list[Event]
    record: JournalRecord | None = None
    items: list[Item] = field(default_factory=list)
    block: Block | None = None


class Night(Protocol):
    """A recorded night that can be played once.

    Attributes
    ----------
    name : str
    info : RecordingInfo or None
        Of a file: what is known of it beforehand.
    """

    name: str
    info: RecordingInfo | None

    def duration_s(self) -> float:
        """Length of the recording in seconds."""
        ...

    def moments(self, stop_s: float | None = None) -> Iterator[Moment]:
        """Yield what happened, in order, up to a moment; raises `RecordingError`."""
        ...

    def results(self) -> list[NightResult]:
        """Return all that was found, after the last moment; one result for each run."""
        ...

    def remarks(self) -> list[str]:
        """Return what a person should know of the recording, after the last moment."""
        ...


class JournalNight:
    """A journal, replayed through the live path.

    Parameters
    ----------
    path : Path
    classifier : Classifier
    key : Path, optional
        The site's private key, if the journal is encrypted.
    companion : Path, optional
        Journal of the sensor whose acceleration was taken meanwhile.

    Raises
    ------
    RecordingError
        If it cannot be read, its device is not known, or the companion was kept elsewhere.
    UsageError
        If the key cannot be used.
    """

    def __init__(
        self,
        path: Path,
        classifier: Classifier,
        key: Path | None = None,
        companion: Path | None = None,
    ) -> None:
        from nightcramp.live import EpisodeFinder, LiveDetection
        from recordings.journal import open_journal

        self.info: RecordingInfo | None = None
        self._journal = open_journal(path, key=key)
        self._journals = [self._journal]
        if companion is not None:
            self._journals.append(open_journal(companion, key=key))
        self.name = self._journal.folder.stem
        spec, other = _device(self._journals[0]), None
        if companion is not None:
            other = _device(self._journals[1])
            _check_same_clock(*self._journals)
        self._finder = EpisodeFinder(classifier, with_companion=companion is not None)
        self._detection = LiveDetection(spec, self._finder, companion=other)

    def duration_s(self) -> float:
        """Length of the recording in seconds."""
        from recordings.journal import examine

        return examine(self._journal).duration_s

    def moments(self, stop_s: float | None = None) -> Iterator[Moment]:
        """Yield what happened, in order, up to a moment; raises `RecordingError`."""
        first = self._journal.segments[0].number
        at_s = 0.0
        for place, record in self._records():
            now_s = self._journal.seconds_at(first, record.monotonic_ns)
            if stop_s is not None and now_s >= stop_s:
                break
            at_s = now_s
            step = self._detection.record(record, of_companion=place > 0)
            yield Moment(at_s, _events(step.episodes), record, step.items)
        step = self._detection.finish()
        yield Moment(at_s, _events(step.episodes), items=step.items)

    def results(self) -> list[NightResult]:
        """Return all that was found, after the last moment; one result for each run."""
        return self._finder.results

    def remarks(self) -> list[str]:
        """Return what a person should know of the recording, after the last moment."""
        damage = [str(each) for journal in self._journals for each in journal.damage]
        return [*damage, *self._finder.refusals]

    def _records(self) -> Iterator[tuple[int, JournalRecord]]:
        """Yield the records of both sensors by their time, with the place of the sensor."""
        placed = (_placed(journal, place) for place, journal in enumerate(self._journals))
        return heapq.merge(*placed, key=lambda row: (row[1].monotonic_ns, row[0]))


class FileNight:
    """A finished recording, replayed through the detector.

    Parameters
    ----------
    path : Path
        EDF or BDF file.
    classifier : Classifier
    emg, acc : sequence of str
        Labels of its channels; none are chosen as `recordings.open_recording` does.

    Raises
    ------
    RecordingError
        If it cannot be read or judged.
    """

    def __init__(
        self,
        path: Path,
        classifier: Classifier,
        emg: Sequence[str] = (),
        acc: Sequence[str] = (),
    ) -> None:
        from models import Detector
        from nightcramp.analysis import acc_format, emg_format
        from recordings import open_recording

        self._recording = open_recording(path, emg=emg or None, acc=acc or None)
        self.info: RecordingInfo | None = self._recording.info
        self.name = self._recording.info.name
        info = self._recording.info
        self._detector = Detector(classifier, emg_format(info), acc_format(info))
        self._results: list[NightResult] = []

    def duration_s(self) -> float:
        """Length of the recording in seconds."""
        return self._recording.info.duration_s

    def moments(self, stop_s: float | None = None) -> Iterator[Moment]:
        """Yield what happened, in order, up to a moment; raises `RecordingError`."""
        rate_hz, at_s, told = self._recording.info.emg.rate_hz, 0.0, 0
        for block in self._recording.blocks(STEP_S, stop_s=stop_s):
            at_s = block.onset_s + block.emg.shape[1] / rate_hz
            ended = self._detector.push(block.emg, block.acc)
            told += len(ended)
            yield Moment(at_s, ended, block=block)
        result = self._detector.finish()
        self._results.append(result)
        yield Moment(at_s, cramps_of(result)[told:])

    def results(self) -> list[NightResult]:
        """Return all that was found, after the last moment; one result for each run."""
        return self._results

    def remarks(self) -> list[str]:
        """Return what a person should know of the recording, after the last moment."""
        return list(self._recording.info.notes)


def open_night(
    path: Path,
    classifier: Classifier,
    key: Path | None = None,
    companion: Path | None = None,
    *,
    emg: Sequence[str] = (),
    acc: Sequence[str] = (),
) -> Night:
    """Open a journal, or an EDF or BDF file, to be replayed.

    Raises
    ------
    RecordingError
        If it cannot be read.
    UsageError
        If a key or a companion is given for a file, channels for a journal, or the key cannot be
        used.
    """
    from recordings import is_journal

    if path.is_dir() or is_journal(path):
        if emg or acc:
            raise UsageError(
                f"{path}: --emg and --acc are for files; a journal is played as it was live, with "
                "every channel of its sensor"
            )
        return JournalNight(path, classifier, key, companion)
    if key is not None or companion is not None:
        raise UsageError(f"{path}: --key and --companion are for journals; this is a file")
    return FileNight(path, classifier, emg, acc)


async def play(
    night: Night, clock: Clock | None, start_s: float = 0.0, stop_s: float | None = None
) -> AsyncIterator[Moment]:
    """Yield the moments of a night when their time has come.

    What lies before `start_s` is run through as fast as it goes and not yielded.

    Parameters
    ----------
    night : Night
    clock : Clock or None
        Whose seconds of the night they are; None does not wait.
    start_s, stop_s : float
        Part of the night, in seconds since it began.

    Raises
    ------
    UsageError
        If the recording has ended before `start_s`.
    RecordingError
        If it cannot be read.
    """
    if start_s > 0 and start_s >= (duration_s := night.duration_s()):
        raise UsageError(
            f"{night.name}: it is {as_time(duration_s)} long, there is nothing to play from "
            f"{as_time(start_s)} on"
        )
    begin_ns: int | None = None
    for moment in night.moments(stop_s):
        if moment.at_s < start_s:
            continue
        if clock is not None:
            now_ns = clock.monotonic_ns()
            begin_ns = now_ns if begin_ns is None else begin_ns
            await clock.sleep(max(0.0, moment.at_s - start_s - (now_ns - begin_ns) / 1e9))
        yield moment


def seconds_of(text: str) -> float:
    """Return the seconds that a time of the recording means.

    Parameters
    ----------
    text : str
        ``HH:MM:SS``, ``MM:SS``, or seconds.

    Raises
    ------
    UsageError
        If it is none of them.
    """
    match = _TIME.fullmatch(text)
    if match and float(match["s"]) < 60 and (match["h"] is None or int(match["m"]) < 60):
        return int(match["h"] or 0) * 3600 + int(match["m"]) * 60 + float(match["s"])
    if re.fullmatch(r"\d+(\.\d+)?", text):
        return float(text)
    raise UsageError(f"{text!r} is no time of a recording: expected HH:MM:SS from its beginning")


def as_time(seconds: float) -> str:
    """Return seconds as HH:MM:SS."""
    minutes, whole = divmod(int(seconds), 60)
    return f"{minutes // 60:02}:{minutes % 60:02}:{whole:02}"


def cramps_of(result: NightResult) -> list[Event]:
    """Return the cramps and possible cramps of a night, in order."""
    from sensing import EventKind

    kinds = (EventKind.CRAMP, EventKind.POSSIBLE_CRAMP)
    return [event for event in result.events if event.kind in kinds]


def _placed(journal: Journal, place: int) -> Iterator[tuple[int, JournalRecord]]:
    return ((place, record) for record in journal.records(one_clock=True))


def _device(journal: Journal) -> DeviceSpec:
    from firmware_bridge import DEVICES

    device = journal.header.label.device
    if device not in DEVICES:
        raise RecordingError(
            f"recorded from a {device!r}, a sensor that this version does not know",
            file=journal.folder,
            advice="Use the version of nightcramp that recorded it, or a newer one",
        )
    return DEVICES[device]


def _check_same_clock(journal: Journal, companion: Journal) -> None:
    if journal.header.boot != companion.header.boot:
        raise RecordingError(
            f"it was not kept by the same start of the same computer as {journal.folder}: "
            "their clocks cannot be compared",
            file=companion.folder,
        )


def _events(episodes: list[LiveEpisode]) -> list[Event]:
    return [episode.event for episode in episodes]
