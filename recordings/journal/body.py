"""Records made ready for one block, and the clocks watched on the way."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from recordings.journal.codec import encode_records
from recordings.journal.inbox import held_bytes
from recordings.journal.record import JournalRecord, RecordKind, json_record

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

STEP_NS = 10**9
"""A clock that jumps by more than this is told in a record of its own."""


@dataclass(frozen=True, slots=True)
class Body:
    """The records of one block, encoded.

    Attributes
    ----------
    data : bytes
    monotonic_ns, wall_ns : int
        Times of the first record.
    last_ns : int
        Monotonic time of the last.
    kinds : mapping
        How many records of each kind.
    held_bytes : int
        What the records cost in memory.
    """

    data: bytes
    monotonic_ns: int
    wall_ns: int
    last_ns: int
    kinds: Mapping[RecordKind, int]
    held_bytes: int

    @property
    def n_records(self) -> int:
        """How many records it holds."""
        return sum(self.kinds.values())

    @property
    def span_us(self) -> int:
        """Microseconds from the first to the last record."""
        return max(0, self.last_ns - self.monotonic_ns) // 1000


class ClockWatch:
    """Looks at the times of records in their order and tells of jumps."""

    def __init__(self) -> None:
        self._before: tuple[int, int] | None = None

    def watched(self, records: Sequence[JournalRecord]) -> list[JournalRecord]:
        """Return the records, with a `clock` record before each that follows a jump."""
        watched = []
        for record in records:
            jump = self._jump(record)
            if jump:
                watched.append(
                    json_record(RecordKind.CLOCK, record.monotonic_ns, record.wall_ns, jump)
                )
            watched.append(record)
        return watched

    def _jump(self, record: JournalRecord) -> dict[str, object] | None:
        before, self._before = self._before, (record.monotonic_ns, record.wall_ns)
        if before is None:
            return None
        passed = record.monotonic_ns - before[0]
        step = record.wall_ns - before[1] - passed
        if passed < -STEP_NS:
            return {"event": "monotonic_backwards", "step_ns": passed}
        if abs(step) > STEP_NS:
            return {"event": "wall_step", "step_ns": step}
        return None


def body_of(records: Sequence[JournalRecord], clocks: ClockWatch) -> Body:
    """Return records, at least one, as the body of a block."""
    watched = clocks.watched(records)
    return Body(
        data=encode_records(watched),
        monotonic_ns=watched[0].monotonic_ns,
        wall_ns=watched[0].wall_ns,
        last_ns=max(record.monotonic_ns for record in watched),
        kinds=Counter(record.kind for record in watched),
        held_bytes=sum(map(held_bytes, records)),
    )
