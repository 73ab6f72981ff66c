"""What a sensor sends to episodes: the way a night goes while it is recorded, and when replayed.

The records of a journal go in, one by one; nothing else is known, not even what time it is. So a
night gives the same episodes live, at any speed of replay, and from the file made of it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import numpy as np
import numpy.typing as npt

from firmware_bridge import Assembler, Companion, MissingStretch, StreamDeclared, Stretch
from nightcramp.errors import RecordingError, UsageError
from recordings import stream_format
from recordings.journal_feed import feed
from sensing import AccFormat, EmgFormat, Event, EventKind

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from firmware_bridge import DeviceSpec, Item, StreamKind
    from models import Classifier
    from recordings import StreamFormat
    from recordings.journal import JournalRecord
    from sensing import NightResult

Values = npt.NDArray[np.float32]

BATCH_S = 0.25
"""EMG is judged in stretches of this length: a quarter of what a decision may take."""

_PIECE_S = 10.0
_PATIENCE_S = 120.0
_LOWEST_ACC_HZ = 10.0
_AXES = 3
_CRAMPS = (EventKind.CRAMP, EventKind.POSSIBLE_CRAMP)


@dataclass(frozen=True, slots=True)
class LiveEpisode:
    """A cramp or possible cramp that has just ended.

    Attributes
    ----------
    event : Event
        Times count from sample 0 of its run.
    run : int
        As in `firmware_bridge.StreamDeclared`.
    start_s : float
        Host's monotonic clock at that sample 0.
    """

    event: Event
    run: int
    start_s: float


@dataclass(frozen=True, slots=True)
class LiveStep:
    """What one record made known.

    Attributes
    ----------
    items : list of Item
        What the assembler said.
    episodes : list of LiveEpisode
        Those that ended.
    """

    items: list[Item] = field(default_factory=list)
    episodes: list[LiveEpisode] = field(default_factory=list)


class Finder(Protocol):
    """Takes what an assembler says and finds episodes in it."""

    @property
    def refusals(self) -> list[str]:
        """Why parts of the recording could not be judged."""
        ...

    def take(self, items: Sequence[Item]) -> list[LiveEpisode]:
        """Return the episodes that ended."""
        ...

    def finish(self) -> list[LiveEpisode]:
        """End the recording; return what had not ended."""
        ...


class NoFinder:
    """Looks for nothing."""

    def __init__(self) -> None:
        self.refusals: list[str] = []

    def take(self, items: Sequence[Item]) -> list[LiveEpisode]:  # noqa: ARG002
        """Return nothing."""
        return []

    def finish(self) -> list[LiveEpisode]:
        """Return nothing."""
        return []


class EpisodeFinder:
    """Finds the episodes of a recording, with the detector that also judges files.

    Parameters
    ----------
    classifier : Classifier
    with_companion : bool
        Whether acceleration comes from another sensor: then it is waited for, two minutes at most.

    Attributes
    ----------
    results : list of NightResult
        One for each run that has ended and could be judged.
    refusals : list of str
        Why runs could not be judged.
    """

    def __init__(self, classifier: Classifier, *, with_companion: bool = False) -> None:
        self.results: list[NightResult] = []
        self.refusals: list[str] = []
        self._classifier = classifier
        self._run: _Run | None = None
        self._declared: dict[StreamKind, StreamDeclared] = {}
        self._with_companion = with_companion
        self._is_refused = False
        self._held: list[Stretch | MissingStretch] = []

    def take(self, items: Sequence[Item]) -> list[LiveEpisode]:
        """Return the episodes that ended."""
        ended: list[LiveEpisode] = []
        for item in items:
            if isinstance(item, StreamDeclared):
                ended += self._begin(item)
            elif isinstance(item, Stretch | MissingStretch):
                ended += self._follow(item)
        return ended

    def finish(self) -> list[LiveEpisode]:
        """End the recording; return what had not ended."""
        ended = self._open() if self._declared and self._run is None else []
        if self._run is not None:
            last, result = self._run.finish()
            ended += last
            self.results.append(result)
        self._run, self._declared, self._is_refused = None, {}, False
        return ended

    def _begin(self, declared: StreamDeclared) -> list[LiveEpisode]:
        """Learn of a stream; all streams of a run are declared before its first sample."""
        known = next(iter(self._declared.values()), declared)
        ended = self.finish() if declared.run != known.run else []
        self._declared[declared.stream] = declared
        return ended

    def _follow(self, item: Stretch | MissingStretch) -> list[LiveEpisode]:
        if self._is_refused:
            return []
        if self._run is not None:
            return self._run.push(item)
        self._held.append(item)
        return [] if self._is_waiting() else self._open()

    def _is_waiting(self) -> bool:
        """Whether the companion's acceleration is still to be declared."""
        emg = self._declared.get("emg")
        if not self._with_companion or emg is None or "acc" in self._declared:
            return False
        held = sum(item.n for item in self._held if item.stream == "emg")
        return held < _PATIENCE_S * emg.rate_hz

    def _open(self) -> list[LiveEpisode]:
        """Begin a run with what was held back."""
        held, self._held = self._held, []
        emg = self._declared.get("emg")
        if emg is None:
            self.refusals.append("the sensor measures no EMG: there is nothing to look for")
            self._is_refused = True
            return []
        try:
            self._run = _Run(self._classifier, emg, self._declared.get("acc"))
        except (UsageError, RecordingError) as error:
            self.refusals.append(str(error))
            self._is_refused = True
            return []
        return [episode for item in held for episode in self._run.push(item)]


class _Run:
    """One run of a recording: streams whose description does not change.

    Parameters
    ----------
    classifier : Classifier
    emg : StreamDeclared
    acc : StreamDeclared or None

    Raises
    ------
    UsageError, RecordingError
        If the EMG cannot be judged.
    """

    def __init__(
        self, classifier: Classifier, emg: StreamDeclared, acc: StreamDeclared | None
    ) -> None:
        from models import Detector

        self._emg = emg
        self._forms = {"emg": format_of(emg)}
        if acc and acc.spec.channels == _AXES and acc.rate_hz >= _LOWEST_ACC_HZ:
            self._forms["acc"] = format_of(acc)
        acc_form = self._forms.get("acc")
        form = acc_format(acc_form) if acc_form else None
        self._detector = Detector(classifier, emg_format(self._forms["emg"]), form)
        self._nothing = np.zeros((emg.spec.channels, 0), dtype=np.float32)
        self._waiting: dict[StreamKind, list[Values]] = {"emg": [], "acc": []}
        self._waiting_s = 0.0
        self._told: set[Event] = set()

    def push(self, item: Stretch | MissingStretch) -> list[LiveEpisode]:
        """Take samples or their absence; judge as soon as there is enough EMG."""
        form = self._forms.get(item.stream)
        if form is None:
            return []
        ended: list[LiveEpisode] = []
        for values in values_of(item, form):
            self._waiting[item.stream].append(values)
            if item.stream == "emg":
                self._waiting_s += values.shape[1] / form.rate_hz
                ended += self._judge() if self._waiting_s >= BATCH_S else []
        return ended

    def finish(self) -> tuple[list[LiveEpisode], NightResult]:
        """Judge the rest."""
        ended = self._judge()
        result = self._detector.finish()
        cramps = (event for event in result.events if event.kind in _CRAMPS)
        return ended + self._episodes([e for e in cramps if e not in self._told]), result

    def _judge(self) -> list[LiveEpisode]:
        emg, acc = self._waiting["emg"], self._waiting["acc"]
        self._waiting, self._waiting_s = {"emg": [], "acc": []}, 0.0
        samples = np.concatenate([self._nothing, *emg], axis=1)
        return self._episodes(
            self._detector.push(samples, np.concatenate(acc, axis=1) if acc else None)
        )

    def _episodes(self, events: Sequence[Event]) -> list[LiveEpisode]:
        self._told.update(events)
        return [LiveEpisode(event, self._emg.run, self._emg.start_s) for event in events]


class LiveDetection:
    """A recording as its records come: on one grid, and judged.

    Parameters
    ----------
    spec : DeviceSpec
    finder : Finder
        An `EpisodeFinder`; `NoFinder` where nothing is to be judged.
    companion : DeviceSpec, optional
        Another sensor whose acceleration is taken; its records come with ``of_companion``.
    """

    def __init__(
        self, spec: DeviceSpec, finder: Finder, *, companion: DeviceSpec | None = None
    ) -> None:
        self._pair = Companion(spec, companion) if companion else None
        self._finder = finder
        self.assembler = self._pair.emg if self._pair else Assembler(spec)

    def record(self, record: JournalRecord, *, of_companion: bool = False) -> LiveStep:
        """Take a record of the journal; those that do not concern the samples change nothing."""
        if self._pair is None:
            return self._judged(feed(self.assembler, record))
        if of_companion:
            return self._judged(feed(self._pair.acc, record, self._pair.push_acc))
        return self._judged(feed(self.assembler, record, self._pair.push_emg))

    def finish(self) -> LiveStep:
        """End the recording."""
        step = self._judged((self._pair or self.assembler).finish())
        return LiveStep(step.items, step.episodes + self._finder.finish())

    def _judged(self, items: list[Item]) -> LiveStep:
        return LiveStep(items, self._finder.take(items))


def detect_records(detection: LiveDetection, records: Iterable[JournalRecord]) -> list[LiveEpisode]:
    """Return the episodes of a journal whose records have times on one clock."""
    found = list(chain.from_iterable(detection.record(record).episodes for record in records))
    return found + detection.finish().episodes


def emg_format(form: StreamFormat) -> EmgFormat:
    """Return what the signal stage must know of a sensor's EMG."""
    return EmgFormat(
        labels=tuple(channel.label for channel in form.channels),
        rate_hz=form.rate_hz,
        scaled=all(channel.scaled for channel in form.channels),
        resolution=tuple(channel.resolution for channel in form.channels),
        limits=tuple(channel.limits for channel in form.channels),
    )


def acc_format(form: StreamFormat) -> AccFormat:
    """Return what the signal stage must know of a sensor's acceleration."""
    return AccFormat(form.rate_hz, scaled=all(channel.scaled for channel in form.channels))


def values_of(item: Stretch | MissingStretch, form: StreamFormat) -> Iterator[Values]:
    """Yield samples in microvolts, g or counts; NaN, in pieces, where they are missing."""
    if isinstance(item, Stretch):
        yield form.samples(item.counts)
        return
    length = max(1, int(_PIECE_S * form.rate_hz))
    for first in range(0, item.n, length):
        n = min(length, item.n - first)
        yield np.full((form.spec.channels, n), np.nan, dtype=np.float32)


def format_of(declared: StreamDeclared) -> StreamFormat:
    """Return how the counts of a declared stream become samples; raises `RecordingError`."""
    return stream_format(declared.spec, declared.rate_hz, Path("live"))
