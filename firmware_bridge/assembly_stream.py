"""One stream of a sensor: from what its tracker says to stretches on the recording's grid."""

from __future__ import annotations

import itertools
import math
from collections import deque
from dataclasses import replace
from typing import TYPE_CHECKING

from firmware_bridge.assembly_grid import MEASURED_S, ClockModel, Following, Leading
from firmware_bridge.assembly_items import (
    Item,
    MissingStretch,
    StreamAnomaly,
    StreamDeclared,
    Stretch,
)
from firmware_bridge.assembly_queue import Hole, Line, Part, Piece, StretchQueue
from firmware_bridge.placement import Anomaly, AnomalyKind, Gap, GapCause, Outcome, Placed
from firmware_bridge.tracker import IndexTracker

if TYPE_CHECKING:
    from firmware_bridge.assembly_grid import Placement, Timeline
    from firmware_bridge.packets import Samples
    from firmware_bridge.placement import Missing
    from firmware_bridge.streams import StreamSpec

_S = 1_000_000_000
_REORDERED_NS = _S // 4
_PATIENCE_NS = 1800 * _S
_LONGEST_PATIENCE_NS = 7200 * _S
_LONGEST_MEASUREMENT_NS = 300 * _S
# Older samples of another stream are from before the master's first one.
_EARLY_NS = 310 * _S
# Longer than a tracker holds samples back after a silence.
_SILENT_S = 6.0


class StreamAssembler:
    """Brings the samples of one stream into order and onto the grid.

    Where a sample lies is decided when it arrives, or, if it came late, by the gap that it fills;
    how long samples are held back changes nothing of it.

    Parameters
    ----------
    spec : StreamSpec
    timeline : Timeline
        Of the recording.
    leads : bool
        Whether this stream is the master and lays the timeline.
    patient : bool
        Whether the device may still send what is missing.
    """

    def __init__(self, spec: StreamSpec, timeline: Timeline, *, leads: bool, patient: bool) -> None:
        self.spec = spec
        self.tracker = IndexTracker(spec)
        self._timeline = timeline
        self._leads = leads
        self._patient = patient
        self._placement: Placement | None = None
        self._early: deque[tuple[Outcome, int]] = deque()
        self._queue = StretchQueue()
        self._gap: Gap | None = None
        self._end = 0
        self._index_end = 0
        self._received = 0
        self._first: tuple[int, int] | None = None
        self._link_since_ns: int | None = 0
        self._silence_s = 0.0

    @property
    def declared(self) -> bool:
        """Whether the grid is known."""
        return self._placement is not None

    @property
    def clock(self) -> ClockModel | None:
        """How the stream's clock compares with the host's; None before the first sample."""
        if self._first is None:
            return None
        clock, first = self.tracker.clock, self._first[0]
        knots = tuple((index - first, seconds) for index, seconds in clock.knots)
        start_s = clock.time_of(first)
        return ClockModel(start_s, clock.rate_hz, clock.ppm, clock.residual_s, knots)

    @property
    def end_s(self) -> float:
        """Time of the recording after everything placed so far."""
        return 0.0 if self._placement is None else self._end / self._placement.rate_hz

    def link_up(self, monotonic_ns: int) -> None:
        """Tell that the device was connected."""
        self.tracker.link_lost()
        self._link_since_ns = monotonic_ns

    def link_lost(self) -> None:
        """Tell that the link went down."""
        self.tracker.link_lost()
        self._link_since_ns = None

    def push(self, samples: Samples, monotonic_ns: int) -> list[Item]:
        """Take samples; returns what was odd about them."""
        self._received += samples.n
        self._silence_s = 0.0
        return self._take(self.tracker.push(samples, monotonic_ns), monotonic_ns)

    def wait(self, seconds: float, monotonic_ns: int) -> None:
        """Tell that the master's samples flowed for so long while none of this stream came.

        A stream that falls silent alone must not keep the others waiting for ever.
        """
        self._silence_s += seconds
        patience_s = _PATIENCE_NS / _S if self._patient else _SILENT_S
        if self._placement is None or self._silence_s < patience_s:
            return
        rate_hz = self._placement.rate_hz
        reached_s = self._timeline.position_s(monotonic_ns / _S - patience_s)
        if reached_s - self._end / rate_hz >= 1.0:
            cause = GapCause.LINK if self._link_since_ns is None else GapCause.NOT_SENT
            self._leave(int(reached_s * rate_hz), cause, monotonic_ns)

    def may_declare(self, monotonic_ns: int, *, final: bool) -> bool:
        """Whether the grid can be laid now."""
        if not self._leads:
            return self._timeline.known
        if self._first is None:
            return False
        overdue = monotonic_ns - self._first[1] >= _LONGEST_MEASUREMENT_NS
        return final or overdue or self._received >= MEASURED_S * self.spec.rate_hz

    def declare(self, run: int) -> list[Item]:
        """Lay the grid and place what has come so far."""
        clock = self.tracker.clock
        if self._leads and self._first is not None:
            self._placement = Leading(clock, self._timeline, self._first[0])
        else:
            seconds = self._received / self.spec.rate_hz
            self._placement = Following(clock, self._timeline, seconds)
        early, self._early = self._early, deque()
        start_s = self._timeline.start_s
        items: list[Item] = [StreamDeclared(self.spec, self._placement.rate_hz, start_s, run)]
        for outcome, arrival_ns in early:
            items += self._place(outcome, self._placement, arrival_ns)
        return items

    def release(self, monotonic_ns: int) -> list[Item]:
        """Everything that is held back no longer."""
        if self._placement is None and not self._leads:
            return self._drop_early(monotonic_ns)
        if not self._queue:
            return []
        parts = self._queue.release(lambda hole: self._held(hole, monotonic_ns))
        return [self._item(part) for part in parts]

    def flush(self, monotonic_ns: int) -> list[Item]:
        """Place what the tracker holds back: the stream has ended."""
        return self._take(self.tracker.flush(), monotonic_ns)

    def finish(self, end_s: float, monotonic_ns: int) -> list[Item]:
        """Release everything, filled up to a time of the recording."""
        if self._placement is None:
            return self._forget(len(self._early))
        # A thousandth of a sample counts as on the second, as where a block of a recording ends.
        end = math.ceil(end_s * self._placement.rate_hz - 1e-3)
        if end > self._end:
            self._leave(end, GapCause.ENDED, monotonic_ns)
        return [self._item(part) for part in self._queue.release(lambda _: False)]

    def mark_s(self, session: int, counter: int) -> float | None:
        """Time of the recording at a sample the device calls `counter`; None if not known yet."""
        index = self.tracker.index_of(session, counter)
        if index is None or self._placement is None:
            return None
        return self._position(index) / self._placement.rate_hz

    def _take(self, outcomes: list[Outcome], monotonic_ns: int) -> list[Item]:
        if self._placement is not None:
            placement = self._placement
            return [item for o in outcomes for item in self._place(o, placement, monotonic_ns)]
        self._early += ((outcome, monotonic_ns) for outcome in outcomes)
        if self._first is None:
            placed = (outcome.index for outcome in outcomes if isinstance(outcome, Placed))
            index = next(placed, None)
            self._first = None if index is None else (index, monotonic_ns)
        return []

    def _drop_early(self, monotonic_ns: int) -> list[Item]:
        """Forget what came long before the master's first sample, if that ever comes."""
        old = (monotonic_ns - arrival_ns > _EARLY_NS for _, arrival_ns in self._early)
        return self._forget(sum(1 for _ in itertools.takewhile(bool, old)))

    def _forget(self, n: int) -> list[Item]:
        outcomes = [self._early.popleft()[0] for _ in range(n)]
        odd: list[Item] = []
        for outcome in outcomes:
            if isinstance(outcome, Placed):
                odd.append(self._odd(AnomalyKind.EARLY, 0, outcome.samples.n))
            elif isinstance(outcome, Anomaly):
                odd.append(self._odd(outcome.kind, 0, outcome.n))
        return odd

    def _place(self, outcome: Outcome, placement: Placement, monotonic_ns: int) -> list[Item]:
        if isinstance(outcome, Anomaly):
            return [self._odd(outcome.kind, self._position(outcome.index), outcome.n)]
        if isinstance(outcome, Gap):
            self._gap = outcome if self._gap is None else _joined(self._gap, outcome)
            return []
        return (
            self._fill(outcome) if outcome.late else self._follow(outcome, placement, monotonic_ns)
        )

    def _follow(self, placed: Placed, placement: Placement, monotonic_ns: int) -> list[Item]:
        """Put samples behind the newest ones."""
        values, flags = placed.samples.values, placed.samples.flags
        start = placement.start_of(placed.index, placed.samples.n, free=self._gap is not None)
        if start > self._end:
            cause = GapCause.DRIFT if self._index_end else GapCause.NOT_SENT
            self._leave(start, self._gap or cause, monotonic_ns)
        self._gap = None
        surplus = min(self._end - start, placed.samples.n)
        piece = Piece(start + surplus, values[:, surplus:], flags)
        self._queue.append(piece)
        self._end += piece.n
        self._index_end = placed.index + placed.samples.n
        kind = AnomalyKind.EARLY if start < 0 else AnomalyKind.SURPLUS
        return [self._odd(kind, start, surplus)] if surplus else []

    def _fill(self, placed: Placed) -> list[Item]:
        samples = placed.samples
        filled, surplus = self._queue.fill(placed.index, samples.values, samples.flags)
        start = self._position(placed.index)
        unplaced = (
            (AnomalyKind.SURPLUS, surplus),
            (AnomalyKind.LATE, samples.n - filled - surplus),
        )
        return [self._odd(kind, start, n) for kind, n in unplaced if n]

    def _leave(self, upto: int, why: Gap | GapCause, monotonic_ns: int) -> None:
        """Leave a hole up to a position."""
        start, n = self._end, upto - self._end
        if isinstance(why, Gap):
            line = Line(why.index, why.n, start, n)
            earliest = max(0, min(start, self._position(why.earliest_index)))
            cause, error_s = why.cause, why.uncertainty_s
        else:
            line, earliest = Line(self._index_end, 0, start, n), start
            cause, error_s = why, 1.0 / self.spec.rate_hz
        self._queue.append(
            Hole(start, n, line.index, line.n_index, line, cause, error_s, earliest, monotonic_ns)
        )
        self._end = upto

    def _position(self, index: int) -> int:
        return self._end + index - self._index_end

    def _held(self, hole: Hole, monotonic_ns: int) -> bool:
        """Whether samples may still come that belong into a hole."""
        if not hole.n_index:
            return False
        if self.tracker.unique and monotonic_ns - hole.born_ns < _REORDERED_NS:
            return True
        if not self._patient or monotonic_ns >= self._deadline_ns(hole):
            return False
        return any(self._overlap(missing, hole) for missing in self.tracker.missing)

    def _deadline_ns(self, hole: Hole) -> int:
        """Half an hour of link; bounded, because what comes meanwhile is held in memory."""
        last_ns = hole.born_ns + _LONGEST_PATIENCE_NS
        if self._link_since_ns is None:
            return last_ns
        return min(last_ns, max(hole.born_ns, self._link_since_ns) + _PATIENCE_NS)

    def _overlap(self, missing: Missing, hole: Hole) -> bool:
        index = self.tracker.index_of(missing.session, missing.first)
        if index is None:
            return False
        return index < hole.index + hole.n_index and hole.index < index + missing.n

    def _item(self, part: Part) -> Item:
        if isinstance(part, Piece):
            return Stretch(self.spec.kind, part.start, part.counts, part.flags)
        return MissingStretch(
            self.spec.kind, part.start, part.n, part.cause, part.error_s, part.earliest
        )

    def _odd(self, kind: AnomalyKind, start: int, n: int) -> StreamAnomaly:
        return StreamAnomaly(self.spec.kind, kind, start, n)


def _joined(first: Gap, second: Gap) -> Gap:
    """One gap of two that follow each other."""
    longer = max(first, second, key=lambda gap: gap.n)
    return replace(
        first,
        n=first.n + second.n,
        cause=longer.cause,
        uncertainty_s=first.uncertainty_s + second.uncertainty_s,
        earliest_index=min(first.earliest_index, second.earliest_index),
    )
