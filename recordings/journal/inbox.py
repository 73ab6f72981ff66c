"""Records on their way from the event loop to the thread that writes them."""

from __future__ import annotations

import threading
from collections import deque

from recordings.journal.record import JournalRecord, RecordKind, json_record

MAX_GROUP = 4096
"""Most records of one block."""

_GROUP_BYTES = 1 << 20
_RECORD_BYTES = 300
"""What a record costs in memory beside its payload."""


def held_bytes(record: JournalRecord) -> int:
    """Return what a record costs in memory."""
    return _RECORD_BYTES + len(record.payload)


class Inbox:
    """A queue with an end: `put` never waits for the taker, and what does not fit is counted.

    Parameters
    ----------
    room_bytes : int
        Most it holds; what was taken counts until `forget`.
    group_ns : int
        What is taken comes in groups that span less than this, by the records' own time.
    """

    def __init__(self, room_bytes: int, group_ns: int) -> None:
        self._condition = threading.Condition()
        self._records: deque[JournalRecord] = deque()
        self._room = room_bytes
        self._group_ns = group_ns
        self._held = 0
        self._is_woken = False
        self._n_dropped = 0
        self._first_dropped: JournalRecord | None = None
        self._last_dropped: JournalRecord | None = None

    def put(self, record: JournalRecord) -> bool:
        """Add a record; say whether there was room."""
        with self._condition:
            if self._held + held_bytes(record) > self._room:
                self._drop(record)
                return False
            self._note_dropped()
            self._add(record)
            if abs(record.monotonic_ns - self._records[0].monotonic_ns) >= self._group_ns:
                self._wake()
            return True

    def take(self, now_ns: int, *, everything: bool) -> list[list[JournalRecord]]:
        """Return groups of records that are complete, or old enough, or all there are."""
        with self._condition:
            if everything and self._held <= self._room // 2:
                self._note_dropped()
            groups = []
            while self._records and (everything or self._is_due(now_ns)):
                groups.append(self._group())
            return groups

    def is_empty(self) -> bool:
        """Say whether everything was taken, the note of what was dropped too."""
        with self._condition:
            return not self._records and not self._n_dropped

    def oldest_ns(self) -> int | None:
        """Return the time of the oldest record that was not taken yet."""
        with self._condition:
            return self._records[0].monotonic_ns if self._records else None

    def forget(self, n_bytes: int) -> None:
        """Make room again for so much that was taken."""
        with self._condition:
            self._held -= n_bytes

    def wait(self, timeout_s: float) -> None:
        """Return when a group is complete, when woken, or when the time is over."""
        with self._condition:
            self._condition.wait_for(lambda: self._is_woken, timeout_s)
            self._is_woken = False

    def wake(self) -> None:
        """Let `wait` return."""
        with self._condition:
            self._wake()

    def _wake(self) -> None:
        self._is_woken = True
        self._condition.notify_all()

    def _add(self, record: JournalRecord) -> None:
        self._records.append(record)
        self._held += held_bytes(record)

    def _drop(self, record: JournalRecord) -> None:
        self._first_dropped = self._first_dropped or record
        self._last_dropped = record
        self._n_dropped += 1

    def _note_dropped(self) -> None:
        """Put a note where records are missing."""
        first, last = self._first_dropped, self._last_dropped
        if first is None or last is None:
            return
        content = {
            "event": "dropped",
            "records": self._n_dropped,
            "first_monotonic_ns": first.monotonic_ns,
            "last_monotonic_ns": last.monotonic_ns,
        }
        self._add(json_record(RecordKind.NOTE, last.monotonic_ns, last.wall_ns, content))
        self._n_dropped, self._first_dropped, self._last_dropped = 0, None, None

    def _is_due(self, now_ns: int) -> bool:
        """Say whether the oldest records are a group; a clock that went backwards makes it one."""
        oldest, newest = self._records[0].monotonic_ns, self._records[-1].monotonic_ns
        return max(abs(newest - oldest), abs(now_ns - oldest)) >= self._group_ns

    def _group(self) -> list[JournalRecord]:
        group = [self._records.popleft()]
        n_bytes = len(group[0].payload)
        while self._records and len(group) < MAX_GROUP:
            n_bytes += len(self._records[0].payload)
            span = abs(self._records[0].monotonic_ns - group[0].monotonic_ns)
            if n_bytes > _GROUP_BYTES or span >= self._group_ns:
                break
            group.append(self._records.popleft())
        return group
