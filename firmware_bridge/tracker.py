"""Sample index and gaps of one stream: what arrived, what is missing, and where.

Because a single arrival may be late by a quarter of a second, samples after a silence that the
device's counter cannot measure are held back for `HOLD_S` and placed by the earliest of them.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from enum import Enum, auto
from typing import TYPE_CHECKING

from firmware_bridge.clock import MEMORY_S, ClockFit
from firmware_bridge.counter import CounterReader, Relation, rounds_missed
from firmware_bridge.loss_watch import SILENT_LOSS_S, LossWatch
from firmware_bridge.packets import SampleFlag, Samples
from firmware_bridge.placement import (
    Anomaly,
    AnomalyKind,
    Gap,
    GapCause,
    Missing,
    MissingList,
    Outcome,
    Placed,
)

if TYPE_CHECKING:
    from firmware_bridge.streams import StreamSpec

HOLD_S = 5.0
_SILENCE_S = 0.5
# Without a counter every lost notification makes the count lag: time must follow arrivals closely.
_MEMORY_WITHOUT_COUNTER_S = 60.0
_NS = 1e-9


class _Resolve(Enum):
    """What the clock has to find out about a silence."""

    ROUNDS = auto()
    """How often the counter came round."""
    LENGTH = auto()
    """How long it was: no counter tells."""
    RESTART = auto()
    """How long it was; the converter was stopped, so that even its beat is new."""


@dataclass(slots=True)
class _Hold:
    """Samples that wait until their place is known; their indices are provisional.

    Attributes
    ----------
    start : int
        Index after the last sample before the silence.
    base : int
        Provisional index of the first sample after it.
    tail : Missing or None
        What the device may still have from before it was restarted; its length is not known yet.
    backlog : list of Samples
        Sent again, and not known to be missing before the silence has a length.
    """

    resolve: _Resolve
    cause: GapCause
    start: int
    base: int
    since_ns: int
    tail: Missing | None
    outcomes: list[Outcome] = field(default_factory=list)
    arrivals: list[tuple[int, int, int]] = field(default_factory=list)
    backlog: list[Samples] = field(default_factory=list)


def _shifted(outcome: Outcome, shift: int) -> Outcome:
    moved = replace(outcome, index=outcome.index + shift)
    if isinstance(moved, Gap):
        return replace(moved, earliest_index=moved.earliest_index + shift)
    return moved


class IndexTracker:
    """Places the samples of one stream, tells gaps, and keeps the stream's clock.

    Feed it every `Samples` of the stream in the order of arrival. What it says depends on nothing
    else, so that a journal replayed gives what the night gave.

    Parameters
    ----------
    stream : StreamSpec
    """

    def __init__(self, stream: StreamSpec) -> None:
        memory_s = MEMORY_S if stream.counter else _MEMORY_WITHOUT_COUNTER_S
        self.clock = ClockFit(stream.rate_hz, stream.rate_tolerance, memory_s)
        self._stream = stream
        self._any_loss = stream.silent_loss or stream.counter is None
        self._counter = CounterReader(stream.counter, stream.rate_hz)
        self._next = 0
        self._begun = False
        self._wants_earlier = False
        self._last_ns = 0
        self._session: int | None = None
        self._offsets: dict[int, int] = {}
        self._link_lost = False
        self._hold: _Hold | None = None
        self._suspect: tuple[Samples, int] | None = None
        self._watch = LossWatch(stream, self._counter)
        self._missing = MissingList()

    @property
    def missing(self) -> tuple[Missing, ...]:
        """Samples to ask for again, of devices that number their sessions."""
        return self._missing.gaps

    def give_up(self, missing: Missing) -> None:
        """Ask for this no more: the device has it no longer."""
        self._missing.give_up(missing)

    @property
    def unique(self) -> bool:
        """Whether the device's own numbers tell the place of every sample."""
        return self._counter.unique

    @property
    def following(self) -> tuple[int, int] | None:
        """Session and number of the sample after the newest; None while they are not known."""
        if self._hold or self._session is None or self._counter.expected is None:
            return None
        return self._session, self._counter.expected

    def index_of(self, session: int, counter: int) -> int | None:
        """Index of the sample a device calls `counter`; None while it is not known."""
        if self._hold and session == self._session:
            return None
        offset = self._offsets.get(session)
        return None if offset is None else counter + offset

    def want_earlier(self) -> None:
        """Miss what the running session took before the first samples to come, if none has."""
        self._wants_earlier = True

    def link_lost(self) -> None:
        """Tell that the link went down; what comes next comes over a new one."""
        self._link_lost = True

    def push(self, samples: Samples, monotonic_ns: int) -> list[Outcome]:
        """Place samples.

        Parameters
        ----------
        samples : Samples
        monotonic_ns : int
            Arrival of the notification they came in.

        Returns
        -------
        list of Placed, Gap, Anomaly
            In the order of the stream. Empty while samples are held back.
        """
        if samples.flags is not SampleFlag.NONE and samples.flags & SampleFlag.BACKLOG:
            return self._fill(samples)
        outcomes: list[Outcome] = []
        if self._hold and (monotonic_ns - self._hold.since_ns) * _NS >= HOLD_S:
            self._release(outcomes)
        if not self._begun:
            self._begin(samples)
        resolve = self._to_resolve(samples, monotonic_ns)
        if resolve is not None:
            self._release(outcomes)
            self._start_hold(resolve, samples.session, monotonic_ns)
        self._take(samples, monotonic_ns, outcomes)
        return outcomes

    def flush(self) -> list[Outcome]:
        """Place what is still held back: the stream has ended."""
        outcomes: list[Outcome] = []
        self._drop_suspect(outcomes)
        self._release(outcomes)
        return outcomes

    def _begin(self, samples: Samples) -> None:
        """Take the device's own numbers for the index where they are unique."""
        if self._counter.unique and self._counter.counts_samples:
            self._next = samples.counter or 0
            if self._wants_earlier and samples.session is not None:
                self._missing.add(Missing(samples.session, 0, self._next))
        self._session = samples.session
        self._watch.forget(self._next)
        self._begun = True

    def _to_resolve(self, samples: Samples, monotonic_ns: int) -> _Resolve | None:
        """Tell what the clock has to find out before these samples can be placed, if anything."""
        if not self.clock.started:
            return None
        spec = self._stream.counter
        if samples.session != self._session:
            return _Resolve.RESTART
        if self._link_lost and not (spec and spec.continues):
            return _Resolve.RESTART
        if self._counter.unique:
            return None
        limit = _SILENCE_S if spec is None else max(_SILENCE_S, self._counter.round_s / 4)
        if not self._link_lost and (monotonic_ns - self._last_ns) * _NS <= limit:
            return None
        return _Resolve.LENGTH if spec is None else _Resolve.ROUNDS

    def _start_hold(self, resolve: _Resolve, session: int | None, monotonic_ns: int) -> None:
        start = self._next
        tail = None
        cause = self._cause(SampleFlag.NONE)
        if session != self._session:
            cause = GapCause.RESTART
            if self._session is not None:
                tail = Missing(self._session, self._counter.expected or 0, 0)
        if resolve is _Resolve.RESTART:
            self._counter.forget()
        self._session = session
        self._hold = _Hold(resolve, cause, start, start, monotonic_ns, tail)

    def _take(self, samples: Samples, monotonic_ns: int, outcomes: list[Outcome]) -> None:
        """Place one notification, provisionally while holding."""
        step = self._counter.step(samples, monotonic_ns, self.clock.rate_hz)
        if step.relation is Relation.FOREIGN:
            self._doubt(samples, monotonic_ns, outcomes)
            return
        self._drop_suspect(outcomes)
        sink = self._hold.outcomes if self._hold else outcomes
        index = self._next + step.n
        if step.relation is Relation.DUPLICATE:
            sink.append(Anomaly(AnomalyKind.DUPLICATE, index, samples.n))
        elif step.relation is Relation.OLDER:
            sink.append(Anomaly(AnomalyKind.REORDERED, index, samples.n))
            sink.append(Placed(index, samples, late=True))
            self._came(samples)
        else:
            self._follow(samples, monotonic_ns, step.n, sink)

    def _follow(self, samples: Samples, monotonic_ns: int, lost: int, sink: list[Outcome]) -> None:
        """Place samples that follow the newest, after `lost` missing ones."""
        index = self._next
        if self._hold and not self._hold.arrivals:
            self._hold.base = index + lost
        elif lost:
            if samples.session is not None:
                self._missing.add(Missing(samples.session, self._counter.expected or 0, lost))
            error_s = self._count_error_s() + self._hidden_s(lost + samples.n, monotonic_ns)
            sink.append(Gap(index, lost, self._cause(samples.flags), error_s, index))
        self._link_lost = False
        self._next = index + lost
        if self._hold:
            self._hold.arrivals.append((self._next, samples.n, monotonic_ns))
        else:
            self._compare(self.clock.add(self._next, samples.n, monotonic_ns), sink)
        self._counter.follow(samples, monotonic_ns, self.clock.rate_hz)
        if samples.session is not None and samples.counter is not None:
            self._offsets[samples.session] = self._next - samples.counter
        sink.append(Placed(self._next, samples))
        self._next += samples.n
        self._last_ns = monotonic_ns

    def _cause(self, flags: SampleFlag) -> GapCause:
        if self._link_lost:
            return GapCause.LINK
        return GapCause.DEVICE if flags & SampleFlag.GAP_BEFORE else GapCause.LOST

    def _count_error_s(self) -> float:
        """Error of a length that the device's counter tells: one sample if it counts ticks."""
        return 0.0 if self._counter.counts_samples else 1.0 / self.clock.rate_hz

    def _hidden_s(self, n: int, monotonic_ns: int) -> float:
        """Length of the counter's rounds that may be missing beside `n` samples since the last."""
        rest_s = (monotonic_ns - self._last_ns) * _NS - n / self.clock.rate_hz
        rounds = rest_s // self._counter.round_s
        return max(0.0, rounds * self._counter.round_s)

    def _doubt(self, samples: Samples, monotonic_ns: int, outcomes: list[Outcome]) -> None:
        """Believe a number that came from nowhere only when a second one follows it."""
        if self._suspect is None or not self._continues(*self._suspect, samples, monotonic_ns):
            self._drop_suspect(outcomes)
            self._suspect = samples, monotonic_ns
            return
        first, first_ns = self._suspect
        self._suspect = None
        self._release(outcomes)
        self._start_hold(_Resolve.RESTART, samples.session, first_ns)
        if self._hold:
            self._hold.cause = GapCause.RESTART
        self._take(first, first_ns, outcomes)
        self._take(samples, monotonic_ns, outcomes)

    def _continues(self, first: Samples, first_ns: int, second: Samples, monotonic_ns: int) -> bool:
        reader = CounterReader(self._stream.counter, self._stream.rate_hz)
        reader.follow(first, first_ns, self.clock.rate_hz)
        return reader.step(second, monotonic_ns, self.clock.rate_hz).relation is Relation.FOLLOWS

    def _drop_suspect(self, outcomes: list[Outcome]) -> None:
        if self._suspect is not None:
            outcomes.append(Anomaly(AnomalyKind.STRAY, self._next, self._suspect[0].n))
            self._suspect = None

    def _release(self, outcomes: list[Outcome]) -> None:
        """Place what was held back by its earliest arrival."""
        hold, self._hold = self._hold, None
        if hold is None or not hold.arrivals:
            return
        late_s = min(self.clock.lateness(i + n - 1, ns) for i, n, ns in hold.arrivals)
        shift = self._missed(hold.resolve, late_s)
        lost = hold.base + shift - hold.start
        if lost:
            error_s = self._length_error_s(hold.resolve, lost)
            outcomes.append(Gap(hold.start, lost, hold.cause, error_s, hold.start))
            if hold.tail is not None:
                self._missing.add(replace(hold.tail, n=lost))
            self._miss_head(hold.arrivals[0][0], lost)
        if hold.resolve is _Resolve.RESTART:
            self.clock.restart(hold.base + shift)
        for index, n, arrival_ns in hold.arrivals:
            self.clock.add(index + shift, n, arrival_ns)
        outcomes += [_shifted(held, shift) for held in hold.outcomes]
        self._next += shift
        if self._session in self._offsets:
            self._offsets[self._session] += shift
        self._watch.forget(self._next)
        for samples in hold.backlog:
            outcomes += self._fill(samples)

    def _miss_head(self, provisional: int, lost: int) -> None:
        """Miss what a new session took before its first sample came: it counts from 0."""
        if self._session in self._offsets and self._session is not None:
            counter = provisional - self._offsets[self._session]
            n = min(counter, lost)
            self._missing.add(Missing(self._session, counter - n, n))

    def _missed(self, resolve: _Resolve, late_s: float) -> int:
        rate_hz = self.clock.rate_hz
        rounds = 0
        if resolve is _Resolve.ROUNDS and self._stream.counter:
            modulus = self._stream.counter.modulus
            rounds = modulus * rounds_missed(late_s, modulus, rate_hz)
        rest_s = late_s - rounds / rate_hz
        told = not self._any_loss or abs(rest_s) < SILENT_LOSS_S
        if resolve is not _Resolve.RESTART and told:
            return rounds
        offset_s = self.clock.offset_s if resolve is _Resolve.RESTART else 0.0
        return max(0, round((late_s + offset_s) * rate_hz))

    def _length_error_s(self, resolve: _Resolve, lost: int) -> float:
        """Return the standard uncertainty of a length; of whole rounds it is none or a round."""
        error_s = self.clock.error_s(lost / self.clock.rate_hz)
        if resolve is not _Resolve.ROUNDS:
            return error_s
        if self._any_loss:
            # Up to this the counter was believed; beyond, the clock alone told.
            return max(error_s, SILENT_LOSS_S)
        return 0.0 if error_s < self._counter.round_s / 2 else self._counter.round_s

    def _compare(self, lateness_s: float | None, sink: list[Outcome]) -> None:
        """Correct the index where count and time do not agree."""
        found = self._watch.push(lateness_s, self._next, self.clock)
        if found is None:
            return
        if found.n < 0:
            sink.append(Anomaly(AnomalyKind.OVERCOUNT, self._next, -found.n))
            self.clock.restart(self._next)
            return
        resolve = _Resolve.LENGTH if self._any_loss else _Resolve.ROUNDS
        error_s = self._length_error_s(resolve, found.n) + found.spread_s * self._any_loss
        sink.append(Gap(self._next, found.n, GapCause.SILENT, error_s, found.earliest_index))
        self._next += found.n

    def _fill(self, samples: Samples) -> list[Outcome]:
        """Place samples that were sent again."""
        offset = self._offsets.get(-1 if samples.session is None else samples.session)
        if offset is None or samples.counter is None:
            return [Anomaly(AnomalyKind.STRAY, self._next, samples.n)]
        index = samples.counter + offset
        if not self._came(samples):
            if self._hold:
                self._hold.backlog.append(samples)
                return []
            return [Anomaly(AnomalyKind.DUPLICATE, index, samples.n)]
        placed = Placed(index, samples, late=True)
        if self._hold and samples.session == self._session:
            self._hold.outcomes.append(placed)
            return []
        return [placed]

    def _came(self, samples: Samples) -> bool:
        """Strike samples off the list of missing ones; whether any was on it."""
        if samples.session is None or samples.counter is None:
            return False
        return self._missing.came(samples.session, samples.counter, samples.n)
