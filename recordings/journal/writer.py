"""Writes a journal while it happens: nothing waits for the disk, nothing that came in is let go."""

from __future__ import annotations

import contextlib
import errno
import logging
import threading
from collections import Counter, deque
from typing import TYPE_CHECKING, Self

from nightcramp.errors import OutputError, UsageError
from recordings.journal.alarm import Alarm, AlarmKind
from recordings.journal.body import Body, ClockWatch, body_of
from recordings.journal.disk import Disk
from recordings.journal.inbox import Inbox
from recordings.journal.lock import FolderLock
from recordings.journal.record import MAX_PAYLOAD, JournalRecord, RecordKind, json_record
from recordings.journal.segment_writer import SegmentWriter
from recordings.journal.session import Session, open_session
from recordings.journal.settings import JournalSettings

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path
    from types import TracebackType

    from recordings.journal.header import JournalLabel
    from recordings.journal.record import HostClocks

_log = logging.getLogger(__name__)

_DEFAULTS = JournalSettings()
_POLL_S = 0.2
_RETRY_S = 1.0
"""Real seconds between looks at the clock, and between attempts at a disk that failed."""

_EARLY = 0.9
"""Synchronising begins at this part of `sync_s`, so that it ends before."""

_TOLERATED = 0.05
"""Part of the room for the night that may be lacking without alarm: rounding, an early start."""

_FULL = (errno.ENOSPC, errno.EDQUOT)


class JournalWriter:
    """Appends records to the journal of one recording; goes on with one that is there.

    A thread of its own writes a block about once a second and synchronises. Times are those of
    the records and of `clock`, which must be the clock that the records were stamped by.

    Parameters
    ----------
    folder : Path
        ``NAME.ncj``; made if it does not exist.
    label : JournalLabel
    clock : HostClocks
    settings : JournalSettings, optional
    on_alarm : callable, optional
        Called with each `Alarm`, mostly on the writer's thread; must return at once. By default
        alarms are logged.
    on_durable : callable, optional
        Called on the writer's thread with `durable_ns` each time it has changed.
    disk : Disk, optional

    Attributes
    ----------
    found : Findings or None
        What earlier sessions left in the folder; None if the journal is new. It is written into
        the journal too: a journal that was cut is in order as soon as a writer opens it.

    Raises
    ------
    BusyError
        If another program writes this journal.
    OutputError
        If nothing can be written there.
    RecordingError
        If the folder holds the journal of another recording, or of a newer version.
    """

    def __init__(
        self,
        folder: Path,
        label: JournalLabel,
        *,
        clock: HostClocks,
        settings: JournalSettings = _DEFAULTS,
        on_alarm: Callable[[Alarm], None] | None = None,
        on_durable: Callable[[int], None] | None = None,
        disk: Disk | None = None,
    ) -> None:
        self._folder = folder
        self._clock = clock
        self._on_alarm = on_alarm or _log_alarm
        self._on_durable = on_durable
        self._sync_ns = round(_EARLY * settings.sync_s * 1e9)
        block_ns = min(round(settings.block_s * 1e9), self._sync_ns)
        self._inbox = Inbox(settings.memory_bytes, block_ns)
        self._pending: deque[Body] = deque()
        self._clocks = ClockWatch()
        self._counts: Counter[RecordKind] = Counter()
        self._durable_ns = clock.monotonic_ns()
        self._state = threading.Condition()
        self._n_asked = self._n_synced = 0
        self._is_closing = self._is_given_up = self._is_done = False
        self._is_failing = self._is_memory_full = False
        self._tolerated_bytes = round(_TOLERATED * settings.reserve_bytes)
        disk = disk or Disk()
        with contextlib.ExitStack() as undo:
            self._lock = undo.enter_context(_lock(folder, clock, disk))
            self._session = open_session(folder, label, settings.site_key, disk)
            self._segments = _begin(folder, self._session, clock, settings, disk)
            undo.pop_all()
        self.found = self._session.found
        self._check_room()
        self._note_found()
        self._thread = threading.Thread(
            target=self._run, name=f"journal {folder.name}", daemon=True
        )
        self._thread.start()

    @property
    def durable_ns(self) -> int:
        """Monotonic time up to which every record would survive a power cut."""
        return self._durable_ns

    def append(self, record: JournalRecord) -> None:
        """Take a record; never waits for the disk.

        Raises
        ------
        UsageError
            If the writer is closed, or the payload is longer than any that exists.
        """
        if self._is_closing:
            raise UsageError(f"{self._folder}: the journal is closed; open it again to go on.")
        if len(record.payload) > MAX_PAYLOAD:
            raise UsageError(
                f"A record of {len(record.payload)} bytes; {MAX_PAYLOAD} are the most."
            )
        if not self._inbox.put(record) and not self._is_memory_full:
            self._is_memory_full = True
            self._alarm(
                AlarmKind.MEMORY_FULL,
                "The memory for what the disk does not take is full: what comes now is lost. "
                "Free space on the disk at once.",
            )

    def flush(self) -> None:
        """Have everything written and synchronised soon; returns at once."""
        with self._state:
            self._n_asked += 1
        self._inbox.wake()

    def sync(self, timeout_s: float = 10.0) -> None:
        """Return when everything appended before would survive a power cut.

        Raises
        ------
        OutputError
            If the disk has not taken it within `timeout_s` real seconds.
        """
        self.flush()
        with self._state:
            ticket = self._n_asked
            if not self._state.wait_for(lambda: self._n_synced >= ticket, timeout_s):
                raise OutputError(
                    f"{self._folder}: the disk has not taken the records for {timeout_s:.0f} s. "
                    "Check that it is there and has space."
                )

    def close(self, timeout_s: float = 30.0) -> None:
        """Write everything, seal the journal, give back reserved space and lock.

        Raises
        ------
        OutputError
            If the disk does not take the rest within `timeout_s` real seconds; that rest is lost,
            what is on the disk can be recovered.
        """
        if self._is_closing:
            return
        self._is_closing = True
        self._inbox.wake()
        self._thread.join(timeout_s)
        self._is_given_up = True
        self._inbox.wake()
        self._thread.join(2 * _RETRY_S)
        self._lock.release()
        if not self._is_done:
            raise OutputError(
                f"{self._folder}: could not be closed, because the disk takes nothing or the "
                f"writer had stopped. What came after {self._durable_ns} ns of the host's clock "
                "may be lost. Check the disk, then run 'nightcramp recover' on the journal."
            )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _run(self) -> None:
        try:
            while not self._is_done and not self._is_given_up:
                self._inbox.wait(_RETRY_S if self._is_failing else _POLL_S)
                self._turn()
        finally:
            if not self._is_done and not self._is_given_up:
                self._alarm(
                    AlarmKind.WRITER_STOPPED,
                    "Recording to the disk has stopped by an error of the program. "
                    "End it and start it again.",
                )

    def _turn(self) -> None:
        """Write what is ready; synchronise and seal if that is asked for or due."""
        is_closing, n_asked = self._is_closing, self._n_asked
        now_ns = self._clock.monotonic_ns()
        is_asked = is_closing or self._is_failing or n_asked > self._n_synced
        is_syncing = is_asked or self._is_sync_due(now_ns)
        groups = self._inbox.take(now_ns, everything=is_syncing)
        self._pending.extend(body_of(group, self._clocks) for group in groups)
        is_written = self._attempt(self._write_pending)
        if not is_syncing or not self._attempt(self._sync) or not is_written:
            return
        self._works_again()
        with self._state:
            self._n_synced = n_asked
            self._state.notify_all()
        if is_closing and self._inbox.is_empty():
            self._is_done = self._attempt(self._seal)

    def _is_sync_due(self, now_ns: int) -> bool:
        times_ns = (self._segments.oldest_unsynced_ns, self._inbox.oldest_ns())
        oldest_ns = next((time_ns for time_ns in times_ns if time_ns is not None), now_ns)
        return abs(now_ns - oldest_ns) >= self._sync_ns

    def _attempt(self, step: Callable[[], None]) -> bool:
        try:
            step()
        except OSError as error:
            self._fail(error)
            return False
        return True

    def _write_pending(self) -> None:
        while self._pending:
            if self._segments.is_due(self._pending[0]):
                self._sync()
                self._segments.end()
            self._segments.write(self._pending[0])
            self._pending.popleft()
            self._check_room()

    def _sync(self) -> None:
        bodies = self._segments.sync()
        for body in bodies:
            self._inbox.forget(body.held_bytes)
            self._counts.update(body.kinds)
        if bodies:
            self._durable_ns = bodies[-1].last_ns
            if self._on_durable:
                self._on_durable(self._durable_ns)

    def _seal(self) -> None:
        content = {
            "session": self._session.header.session,
            "records": self._counts.total(),
            "kinds": {kind: self._counts[kind] for kind in RecordKind},
        }
        self._segments.seal(self._times(), content)

    def _fail(self, error: OSError) -> None:
        """Keep what was not written; on a disk that is not just full, begin a new segment."""
        is_full = error.errno in _FULL
        if not is_full:
            self._pending.extendleft(reversed(self._segments.give_up()))
        if not self._is_failing:
            self._is_failing = True
            kind = AlarmKind.DISK_FULL if is_full else AlarmKind.DISK_FAILED
            self._alarm(
                kind,
                f"The disk takes nothing ({error.strerror or error}). The night is kept in memory "
                "for now: free space, or put the disk back.",
            )

    def _works_again(self) -> None:
        if self._is_failing:
            self._is_failing = self._is_memory_full = False
            self._alarm(AlarmKind.DISK_WORKS_AGAIN, "The disk takes the recording again.")

    def _check_room(self) -> None:
        lacking = self._segments.told_lacking_bytes()
        if lacking > self._tolerated_bytes:
            self._alarm(
                AlarmKind.SPACE_LOW,
                f"The disk has {lacking / 1e6:.0f} MB less than the night will need. Free space.",
            )

    def _note_found(self) -> None:
        if self.found:
            event = "reopened" if self.found.sealed else "recovered"
            damage = [damage.to_json() for damage in self.found.damage]
            content = {"event": event, "records": self.found.n_records, "damage": damage}
            self._inbox.put(json_record(RecordKind.NOTE, *self._times(), content))

    def _times(self) -> tuple[int, int]:
        return self._clock.monotonic_ns(), self._clock.wall_ns()

    def _alarm(self, kind: AlarmKind, text: str) -> None:
        self._on_alarm(Alarm(kind, f"{self._folder}: {text}"))


def _log_alarm(alarm: Alarm) -> None:
    _log.warning("%s", alarm.text)


def _lock(folder: Path, clock: HostClocks, disk: Disk) -> FolderLock:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        disk.sync_folder(folder.parent)
    except OSError as error:
        raise _cannot_write(folder, error) from error
    return FolderLock(folder, clock)


def _begin(
    folder: Path, session: Session, clock: HostClocks, settings: JournalSettings, disk: Disk
) -> SegmentWriter:
    segments = SegmentWriter(folder, session.header, session.cipher, session.place, settings, disk)
    try:
        segments.begin((clock.monotonic_ns(), clock.wall_ns()))
    except OSError as error:
        raise _cannot_write(folder, error) from error
    return segments


def _cannot_write(folder: Path, error: OSError) -> OutputError:
    return OutputError(
        f"{folder}: a journal cannot be written here ({error.strerror or error}). Check that you "
        "may write there and that the disk has space."
    )
