"""Sessions of an emulated sensor of the stream profile: what is numbered how, and what is kept."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from firmware_bridge.emulator.devices.memory import Memory
from firmware_bridge.emulator.sensor import LossCause

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from firmware_bridge.emulator.devices.converter import Run
    from firmware_bridge.emulator.sensor import Lost
    from firmware_bridge.emulator.sources import FrontEnd
    from firmware_bridge.packets import StreamKind
    from firmware_bridge.profile import StreamId

_KEPT = 2
_OPEN = 2**62


@dataclass(slots=True)
class Session:
    """What is numbered from 0 on.

    Attributes
    ----------
    number : int
    streams : frozenset of StreamId
    first, stop : dict of stream to int
        True number of its sample 0, and of the first one after its end.
    dropped : dict of stream to int
        Samples that were taken and given up unsent, or should have been taken.
    sequence : dict of StreamId to int
        Of the next frame.
    """

    number: int
    streams: frozenset[StreamId]
    first: dict[StreamKind, int]
    stop: dict[StreamKind, int]
    dropped: dict[StreamKind, int]
    sequence: dict[StreamId, int] = field(default_factory=dict)

    def take_sequence(self, stream: StreamId) -> int:
        """Give the next frame of a stream its number."""
        number = self.sequence.get(stream, 0)
        self.sequence[stream] = number + 1
        return number


@dataclass(slots=True)
class Replay:
    """Samples that are sent again, in true numbers.

    Attributes
    ----------
    session : Session
    stream : {"emg", "acc"}
    first, at, stop : int
        Of the range; what is before `at` has been sent.
    sent : int
        Samples so far.
    """

    session: Session
    stream: StreamKind
    first: int
    at: int
    stop: int
    sent: int = 0


class Sessions:
    """The running session, the one before it, and the memory of both.

    Parameters
    ----------
    front_ends : mapping of stream to FrontEnd
    backlog_s : int
        Seconds of samples the memory holds.
    lost : list of Lost
        Told of samples given up unsent.

    Attributes
    ----------
    running : Session or None
    number : int
        Of the newest session; 0 before the first.
    keeps : bool
        Whether there is a memory that works.
    """

    def __init__(
        self, front_ends: Mapping[StreamKind, FrontEnd], backlog_s: int, lost: list[Lost]
    ) -> None:
        self.running: Session | None = None
        self.number = 0
        self.keeps = backlog_s > 0
        self._kept: list[Session] = []
        self._sent_before = dict.fromkeys(front_ends, 0)
        self._memory = {
            kind: Memory(kind, round(backlog_s * front.rate_hz), lost)
            for kind, front in front_ends.items()
        }

    def begin(
        self, streams: frozenset[StreamId], taken: dict[StreamKind, int], now_s: float
    ) -> Session:
        """Begin to number samples anew; the session before the last is forgotten."""
        self.number = (self.number + 1) % 2**16
        nothing = dict.fromkeys(taken, 0)
        session = Session(self.number, streams, taken, dict.fromkeys(taken, _OPEN), nothing)
        self._kept.append(session)
        self.running = session
        if len(self._kept) > _KEPT:
            gone = self._kept.pop(0)
            for kind, memory in self._memory.items():
                memory.forget(gone.first[kind], gone.stop[kind], LossCause.FORGOTTEN, now_s)
        return session

    def end(self, taken: dict[StreamKind, int]) -> None:
        """End the running session, if there is one."""
        if self.running is not None:
            self.running.stop = taken
            self.running = None

    def numbered(self, number: int) -> Session | None:
        """Session of a number, while it is kept."""
        return next((session for session in self._kept if session.number == number), None)

    def of(self, stream: StreamKind, index: int) -> Session:
        """Session in which a sample was taken."""
        return next(s for s in reversed(self._kept) if s.first[stream] <= index)

    def keep(self, stream: StreamKind, runs: Iterable[Run], now_s: float) -> None:
        """Store samples of the running session."""
        dropped = self._memory[stream].keep(runs, now_s)
        if self.running is not None:
            self.running.dropped[stream] += dropped

    def sent(self, stream: StreamKind, run: Run) -> None:
        """Take note that samples went out."""
        self._memory[stream].sent(run)
        self._sent_before[stream] = max(self._sent_before[stream], run.first + run.n)

    def stored(self, session: Session, stream: StreamKind) -> list[Run]:
        """Find what is stored of a stream of a session."""
        return self._memory[stream].within(session.first[stream], session.stop[stream])

    def replay(self, number: int, stream: StreamKind, first: int, n: int) -> Replay | None:
        """Make a replay of `n` samples of a session (0: all from `first` on), if any is stored."""
        session = self.numbered(number)
        if session is None:
            return None
        start, stop = session.first[stream] + first, session.stop[stream]
        stop = min(stop, start + n) if n else stop
        replay = Replay(session, stream, start, start, stop)
        return replay if self.left(replay) else None

    def left(self, replay: Replay) -> list[Run]:
        """Find what a replay still has to send."""
        return self._memory[replay.stream].within(replay.at, replay.stop)

    def acknowledge(self, number: int, stream: StreamKind, upto: int, now_s: float) -> bool:
        """Forget samples of a session before `upto`; False if they were not sent yet."""
        session = self.numbered(number)
        if session is None:
            return False
        first = session.first[stream]
        if first + upto > min(session.stop[stream], self._sent_before[stream]):
            return False
        self._memory[stream].forget(first, first + upto, LossCause.FORGOTTEN, now_s)
        return True

    def erase(self, now_s: float) -> None:
        """Forget everything."""
        for memory in self._memory.values():
            memory.forget(0, _OPEN, LossCause.FORGOTTEN, now_s)

    def break_memory(self, now_s: float) -> None:
        """Lose everything, and keep nothing any more."""
        self.keeps = False
        for kind, memory in self._memory.items():
            dropped = memory.break_down(now_s)
            if self.running is not None:
                self.running.dropped[kind] += dropped

    @property
    def percent(self) -> int | None:
        """Filled part of the memory; None if there is none."""
        fills = [memory.fill for memory in self._memory.values()]
        known = [fill for fill in fills if fill is not None]
        return round(100 * max(known)) if known else None
