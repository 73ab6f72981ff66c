"""What to ask of a sensor that keeps samples: replays of what is missing, and what it may forget.

For sensors of the stream profile (``PROFILE.md``, sections 5 and 6). Nothing here sends or waits:
the caller tells what came and what time it is, and writes what it is given.
"""

from __future__ import annotations

import itertools
import logging
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from firmware_bridge import profile
from firmware_bridge.assembly_items import StreamAnomaly
from firmware_bridge.packets import Reply
from firmware_bridge.placement import AnomalyKind, Missing
from firmware_bridge.profile import Opcode, ReplyStatus, StreamId
from firmware_bridge.spec import Write

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from firmware_bridge.assembly import Assembler
    from firmware_bridge.assembly_items import Item
    from firmware_bridge.packets import StreamKind

_LOG = logging.getLogger(__name__)

_S = 1_000_000_000
_ANSWER_NS = 2 * _S
_QUIET_NS = 10 * _S
_LONGEST_QUIET_NS = 60 * _S
_STALLED_NS = 10 * _S
_ACK_EVERY_NS = 60 * _S
_FRONT_EVERY_NS = _S
_MOST_FRONTS = 3600
_SESSIONS = 2**16
_ALL = 0
_FIRST_STOP = 8
_IDS: dict[StreamKind, StreamId] = {"emg": StreamId.EMG, "acc": StreamId.ACC}
_STATUS = {status.name.lower().replace("_", " "): status for status in ReplyStatus}
_NO_LONGER_STORED = (ReplyStatus.NOT_STORED, ReplyStatus.BAD_PARAMETER, ReplyStatus.WRONG_LENGTH)
_WITHOUT_MEMORY = (ReplyStatus.UNKNOWN_OPCODE, ReplyStatus.STORAGE_FAULT)


@dataclass(frozen=True, slots=True)
class _Replay:
    """Samples that were asked for."""

    kind: StreamKind
    missing: Missing

    @property
    def payload(self) -> bytes:
        missing = self.missing
        return profile.replay(missing.session, _IDS[self.kind], missing.first, missing.n)

    def is_named(self, done: bytes) -> bool:
        """Whether the end of a replay, as the sensor tells it, is that of this one."""
        return done.startswith(self.payload[1:_FIRST_STOP])


@dataclass(frozen=True, slots=True)
class _Front:
    """Nothing before sample `upto` of a session is missing."""

    kind: StreamKind
    session: int
    upto: int

    @property
    def payload(self) -> bytes:
        return profile.acknowledge(self.session, _IDS[self.kind], self.upto)


_Asked: TypeAlias = _Replay | _Front


class BacklogRequests:
    """Decides what to write to one sensor, one command at a time.

    What is wanted of the former session is asked for first, then each missing stretch as a whole,
    those of the EMG first; what is still missing after a replay is asked for again, until the
    sensor says that it has it no longer. A command that is not answered is followed by a pause in
    which a late answer is not taken for that of another.

    Parameters
    ----------
    assembler : Assembler
        Knows what is missing, and is told what will never come.
    """

    def __init__(self, assembler: Assembler) -> None:
        self._assembler = assembler
        self._asked: tuple[_Asked, int] | None = None
        self._unanswered = 0
        self._quiet_until_ns = 0
        self._replay_seen_ns: int | None = None
        self._n_missing = 0
        self._fronts: deque[tuple[int, tuple[_Front, ...]]] = deque(maxlen=_MOST_FRONTS)
        self._durable: tuple[_Front, ...] = ()
        self._forgotten: dict[StreamKind, _Front] = {}
        self._acknowledged_ns: int | None = None
        self._former: set[StreamKind] = set()

    def want_former_session(self) -> None:
        """Ask for all that is stored of the session before the running one.

        For a recording that goes on while its beginning cannot be read: nobody knows here what of
        it has come, and the sensor may have been restarted meanwhile.
        """
        self._former = set(_IDS)

    def connected(self) -> None:
        """Tell that there is a new link: what was asked over the old one will not be answered."""
        self._asked = None
        self._replay_seen_ns = None
        self._unanswered = 0
        self._quiet_until_ns = 0

    def push(self, items: Sequence[Item], monotonic_ns: int) -> None:
        """Take what the assembler made of a notification, and when that arrived."""
        for item in items:
            if isinstance(item, Reply):
                self._hear(item, monotonic_ns)
        n_missing = sum(missing.n for _, missing in self._assembler.missing)
        came = n_missing < self._n_missing or any(map(_is_of_unknown_session, items))
        if came and self._replay_seen_ns is not None:
            self._replay_seen_ns = monotonic_ns
        self._n_missing = n_missing
        if not self._fronts or monotonic_ns - self._fronts[-1][0] >= _FRONT_EVERY_NS:
            self._fronts.append((monotonic_ns, self._front()))

    def durable(self, monotonic_ns: int) -> None:
        """Tell that every notification up to this time is safely on disk."""
        while self._fronts and self._fronts[0][0] <= monotonic_ns:
            self._durable = self._fronts.popleft()[1]

    def next_write(self, now_ns: int) -> Write | None:
        """Return the next command, to be written at once while the sensor streams; None: none now.

        Parameters
        ----------
        now_ns : int
            Host's monotonic clock.
        """
        if self._asked is not None and now_ns - self._asked[1] >= _ANSWER_NS:
            self._asked = None
            self._unanswered += 1
            pause_ns = min(_LONGEST_QUIET_NS, _QUIET_NS * self._unanswered)
            self._quiet_until_ns = now_ns + pause_ns
        if self._asked is not None or now_ns < self._quiet_until_ns:
            return None
        wanted = self._next_front(now_ns) or self._next_replay(now_ns)
        if wanted is None:
            return None
        self._asked = wanted, now_ns
        return Write(profile.CONTROL, wanted.payload)

    def _next_replay(self, now_ns: int) -> _Replay | None:
        if self._replay_seen_ns is not None and now_ns - self._replay_seen_ns < _STALLED_NS:
            return None
        self._replay_seen_ns = None
        missing = (_Replay(kind, gap) for kind, gap in self._assembler.missing)
        return next(itertools.chain(self._former_replays(), missing), None)

    def _former_replays(self) -> Iterator[_Replay]:
        """Yield what is wanted of the former session, before the next one makes it forgotten."""
        for kind, (session, _) in self._assembler.following.items():
            if kind in self._former:
                yield _Replay(kind, Missing((session - 1) % _SESSIONS, 0, _ALL))

    def _next_front(self, now_ns: int) -> _Front | None:
        """Return what the sensor may forget, once a minute for each stream."""
        due_ns = self._acknowledged_ns
        if due_ns is not None and now_ns - due_ns < _ACK_EVERY_NS:
            return None
        for front in self._durable:
            if front.upto > 0 and front != self._forgotten.get(front.kind):
                self._forgotten[front.kind] = front
                return front
        self._acknowledged_ns = now_ns
        return None

    def _front(self) -> tuple[_Front, ...]:
        """How far each stream is complete now."""
        missing = self._assembler.missing
        fronts = []
        for kind, (session, following) in self._assembler.following.items():
            firsts = [gap.first for of, gap in missing if of == kind and gap.session == session]
            fronts.append(_Front(kind, session, min([following, *firsts])))
        return tuple(fronts)

    def _hear(self, reply: Reply, monotonic_ns: int) -> None:
        if reply.request == Opcode.REPLAY_DONE:
            self._replay_seen_ns = None
            self._former -= {r.kind for r in self._former_replays() if r.is_named(reply.payload)}
        elif self._asked is not None:
            asked, _ = self._asked
            opcode = Opcode.REPLAY if isinstance(asked, _Replay) else Opcode.ACK
            if reply.request == opcode:
                self._asked, self._unanswered = None, 0
                self._answered(asked, _STATUS.get(reply.text), monotonic_ns)

    def _answered(self, asked: _Asked, status: ReplyStatus | None, monotonic_ns: int) -> None:
        if isinstance(asked, _Front):
            if status is not ReplyStatus.OK:
                _LOG.warning("The sensor refuses to forget up to %d: %s", asked.upto, status)
        elif status in (ReplyStatus.OK, ReplyStatus.BUSY):
            self._replay_seen_ns = monotonic_ns
        elif status in _NO_LONGER_STORED:
            _LOG.info("The sensor no longer has %s: %s", asked.missing, status)
            if asked.missing.n == _ALL:
                self._former.discard(asked.kind)
            self._assembler.give_up(asked.kind, asked.missing)
        elif status in _WITHOUT_MEMORY:
            _LOG.warning("The sensor keeps nothing: %s", status)
            self._former.clear()
            for kind, missing in self._assembler.missing:
                self._assembler.give_up(kind, missing)
        else:
            self._quiet_until_ns = monotonic_ns + _QUIET_NS


def _is_of_unknown_session(item: Item) -> bool:
    """Whether samples came of a session whose place is not known here."""
    return isinstance(item, StreamAnomaly) and item.kind is AnomalyKind.STRAY
