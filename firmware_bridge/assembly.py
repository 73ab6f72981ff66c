"""Notifications and link events of a sensor to one recording: every sample on one grid, in order.

Stretches of samples and missing stretches of a stream follow each other without overlap. The
stamps of the records are the only clock, so that a night recorded live, replayed at any speed and
turned into a file is the same to the bit.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from firmware_bridge.assembly_grid import Timeline
from firmware_bridge.assembly_items import Item, PlacedMark, StreamAnomaly
from firmware_bridge.assembly_stream import StreamAssembler
from firmware_bridge.packets import Mark, Samples
from firmware_bridge.placement import AnomalyKind
from firmware_bridge.spec import Resume
from firmware_bridge.streams import StreamSpec

if TYPE_CHECKING:
    from collections.abc import Iterable

    from firmware_bridge.assembly_grid import ClockModel
    from firmware_bridge.packets import Notification, StreamKind
    from firmware_bridge.placement import Missing
    from firmware_bridge.spec import DeviceSpec

_S = 1_000_000_000
_FLOWING_S = 0.5
_ROUNDING = 1e-9
_KINDS: tuple[StreamKind, ...] = ("emg", "acc")


class Assembler:
    """Makes one recording of what a sensor sent.

    An in-order sample is released with its notification, with four exceptions. Nothing is
    released until the rate of the EMG has been measured, over 30 s of samples (5 min at the
    longest). After a silence of half a second, if the device's counter cannot tell its length, and
    after a restart, samples wait 5 s for the earliest of them. Behind a gap that a device may still
    fill they wait until it is filled, is given up, or half an hour of link has passed (two hours
    at the longest). Where notifications are numbered, one that is missing is waited for a quarter
    of a second. A stream that falls silent while the EMG goes on is missing after 6 s, or, if the
    device may still fill that, after half an hour.

    Parameters
    ----------
    spec : DeviceSpec
    only : {"emg", "acc"}, optional
        Stream to take; others are passed over without a word.
    timeline : Timeline, optional
        Of another sensor, which is the master then; otherwise the EMG is, or, of a device
        without EMG, its acceleration.
    """

    def __init__(
        self,
        spec: DeviceSpec,
        *,
        only: StreamKind | None = None,
        timeline: Timeline | None = None,
    ) -> None:
        self.timeline = Timeline() if timeline is None else timeline
        self.run = 0
        self._spec = spec
        self._kinds = _KINDS if only is None else (only,)
        self._leads = timeline is None
        self._decoder = spec.decoder()
        self._streams: dict[StreamKind, StreamAssembler] = {}
        self._marks: list[tuple[Mark, int]] = []
        self._seen_marks: set[Mark] = set()
        self._wants_earlier = False
        self._now_ns = 0
        self._master_ns = 0
        self._describe(spec.streams)

    @property
    def clocks(self) -> dict[StreamKind, ClockModel]:
        """How the clock of each stream compares with the host's, as known by now."""
        models = {kind: stream.clock for kind, stream in self._streams.items()}
        return {kind: model for kind, model in models.items() if model is not None}

    @property
    def missing(self) -> tuple[tuple[StreamKind, Missing], ...]:
        """Samples that the device may still have, by its own count."""
        streams = self._streams.items()
        return tuple((kind, gap) for kind, stream in streams for gap in stream.tracker.missing)

    @property
    def missing_s(self) -> float:
        """Seconds that are `missing` of a stream on average: every sample that comes lessens it."""
        lengths = [
            sum(gap.n for gap in stream.tracker.missing) / stream.spec.rate_hz
            for stream in self._streams.values()
        ]
        return sum(lengths) / len(lengths) if lengths else 0.0

    @property
    def following(self) -> dict[StreamKind, tuple[int, int]]:
        """Session and number of the sample after the newest, of devices that number both."""
        found = {kind: stream.tracker.following for kind, stream in self._streams.items()}
        return {kind: number for kind, number in found.items() if number is not None}

    @property
    def end_s(self) -> float:
        """Time of the recording after everything placed so far."""
        return max((stream.end_s for stream in self._streams.values()), default=0.0)

    def connected(self, monotonic_ns: int) -> list[Item]:
        """Tell that the sensor was connected and is being set up."""
        self._decoder.reset()
        for stream in self._streams.values():
            stream.link_up(monotonic_ns)
        return self._advance(monotonic_ns)

    def lost(self, monotonic_ns: int) -> list[Item]:
        """Tell that the link went down."""
        for stream in self._streams.values():
            stream.link_lost()
        return self._advance(monotonic_ns)

    def push(self, notification: Notification) -> list[Item]:
        """Take what arrived; returns what can be said now, in the order of each stream."""
        packets = self._decoder.decode(notification.characteristic, notification.payload)
        specs = [packet for packet in packets if isinstance(packet, StreamSpec)]
        items = self._describe(specs) if specs else []
        for packet in packets:
            if isinstance(packet, Samples):
                items += self._take(packet, notification.monotonic_ns)
            elif isinstance(packet, Mark):
                self._take_mark(packet, notification.monotonic_ns)
            elif not isinstance(packet, StreamSpec):
                items.append(packet)
        return items + self._advance(notification.monotonic_ns)

    def give_up(self, kind: StreamKind, missing: Missing) -> None:
        """Wait for these samples no more: the device has them no longer."""
        self._streams[kind].tracker.give_up(missing)

    def want_earlier(self) -> None:
        """Count what a device took in its session before its first samples as `missing`.

        For a recording that goes on while its beginning cannot be read: what of it never came
        must be asked for, and may not be forgotten by the device.
        """
        self._wants_earlier = True
        for stream in self._streams.values():
            stream.tracker.want_earlier()

    def wait(self, monotonic_ns: int) -> None:
        """Tell that samples of the master came: other streams must not lag too far behind."""
        seconds = min(_FLOWING_S, (monotonic_ns - self._master_ns) / _S)
        self._master_ns = monotonic_ns
        for kind, stream in self._streams.items():
            if kind != self._master:
                stream.wait(seconds, monotonic_ns)

    def flush(self) -> list[Item]:
        """Place what waits to be placed: the recording has ended."""
        items = [item for s in self._streams.values() for item in s.flush(self._now_ns)]
        return items + self._declare(final=True)

    def finish(self, end_s: float = 0.0) -> list[Item]:
        """End the recording; every stream is filled up to the next second after the longest.

        Parameters
        ----------
        end_s : float
            Fill them up to the second after this time of the recording, if it is later.
        """
        items = self.flush()
        end_s = math.ceil(max(end_s, self.end_s) - _ROUNDING)
        for stream in self._streams.values():
            items += stream.finish(end_s, self._now_ns)
        return items + self._place_marks(final=True)

    def begin_run(self, timeline: Timeline) -> list[Item]:
        """End what was recorded so far and begin anew on another master's timeline."""
        return self._begin_run([stream.spec for stream in self._streams.values()], timeline)

    @property
    def _master(self) -> StreamKind | None:
        if not self._leads or not self._streams:
            return None
        return "emg" if "emg" in self._streams else "acc"

    def _describe(self, specs: Iterable[StreamSpec]) -> list[Item]:
        """Learn of streams; what a device said before holds on, what contradicts it begins anew."""
        told = {spec.kind: spec for spec in specs if spec.kind in self._kinds}
        known = {kind: stream.spec for kind, stream in self._streams.items()}
        if not told or all(known.get(kind) == spec for kind, spec in told.items()):
            return []
        laid = self._leads and self.timeline.known
        timeline = Timeline() if laid else self.timeline
        return self._begin_run(list({**known, **told}.values()), timeline)

    def _begin_run(self, specs: list[StreamSpec], timeline: Timeline) -> list[Item]:
        items = self.finish() if self._streams else []
        self.timeline = timeline
        self.run += 1
        self._streams = {}
        for spec in sorted(specs, key=lambda spec: _KINDS.index(spec.kind)):
            leads = self._leads and not self._streams
            patient = self._spec.resume is Resume.BACKLOG
            self._streams[spec.kind] = StreamAssembler(
                spec, self.timeline, leads=leads, patient=patient
            )
        if self._wants_earlier:
            self.want_earlier()
        return items

    def _take(self, samples: Samples, monotonic_ns: int) -> list[Item]:
        kind = samples.stream
        if kind not in self._kinds:
            return []
        stream = self._streams.get(kind)
        if stream is None or samples.values.shape[0] != stream.spec.channels:
            return [StreamAnomaly(kind, AnomalyKind.UNDESCRIBED, 0, samples.n)]
        if kind == self._master:
            self.wait(monotonic_ns)
        return stream.push(samples, monotonic_ns)

    def _take_mark(self, mark: Mark, monotonic_ns: int) -> None:
        """Keep a mark until its sample is placed; a device may send it twice."""
        if mark not in self._seen_marks:
            self._seen_marks.add(mark)
            self._marks.append((mark, monotonic_ns))

    def _advance(self, monotonic_ns: int) -> list[Item]:
        self._now_ns = max(self._now_ns, monotonic_ns)
        items = self._declare(final=False)
        for stream in self._streams.values():
            items += stream.release(self._now_ns)
        return items + self._place_marks(final=False)

    def _declare(self, *, final: bool) -> list[Item]:
        items: list[Item] = []
        for stream in self._streams.values():
            if not stream.declared and stream.may_declare(self._now_ns, final=final):
                items += stream.declare(self.run)
        return items

    def _place_marks(self, *, final: bool) -> list[Item]:
        """Place marks by the sample they name; at the end by their arrival, if it never came."""
        if not self._marks or not self.timeline.known or "emg" not in self._streams:
            return []
        items: list[Item] = []
        waiting = []
        for mark, arrival_ns in self._marks:
            onset_s = self._streams["emg"].mark_s(mark.session, mark.counter)
            if onset_s is None and final:
                onset_s = self.timeline.position_s(arrival_ns / _S)
            if onset_s is None:
                waiting.append((mark, arrival_ns))
            else:
                items.append(PlacedMark(mark.code, onset_s))
        self._marks = waiting
        return items
