"""Emulated sensor of the nightcramp stream profile, version 1, with memory for a backlog.

It shares the bytes of frames, commands and descriptions with the host on purpose: they are one
document. What a sensor must do is written here anew.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

from firmware_bridge import profile
from firmware_bridge.emulator.devices import profile_description
from firmware_bridge.emulator.devices.converter import Run
from firmware_bridge.emulator.devices.outbox import Block
from firmware_bridge.emulator.devices.peripheral import Peripheral
from firmware_bridge.emulator.devices.profile_description import IDS, KINDS, PROFILE_V1
from firmware_bridge.emulator.devices.profile_frames import Framing
from firmware_bridge.emulator.devices.profile_sessions import Replay, Session, Sessions
from firmware_bridge.emulator.sensor import (
    Advertisement,
    AttError,
    AttRefusal,
    Emission,
    LossCause,
)
from firmware_bridge.profile import Command, CommandReply, Encoding, Opcode, ReplyStatus

if TYPE_CHECKING:
    from firmware_bridge.emulator.sensor import SignalSource
    from firmware_bridge.packets import StreamKind

_MOST_MARKS = 16
_STATUS_PERIOD_S = 60.0
_LAST_WORDS_S = 2.0
_LOWEST_PERCENT = 3


class ProfileV1(Peripheral):
    """A sensor that loses nothing.

    Parameters
    ----------
    source : SignalSource
    rate_error : float
        In parts per million.
    backlog_s : int
        Seconds of samples it keeps; 0: none.
    encoding : Encoding
        Used for every frame whose samples fit.
    """

    queue_depth = 4
    queue_overwrites = True

    def __init__(
        self,
        source: SignalSource,
        rate_error: float = 0.0,
        *,
        backlog_s: int = 3600,
        encoding: Encoding = Encoding.INT16,
    ) -> None:
        super().__init__("profile-v1", profile_description.SERVICES, PROFILE_V1, source, rate_error)
        self._backlog_s = backlog_s
        self._sessions = Sessions(PROFILE_V1, backlog_s, self.lost)
        self._framing = Framing(self._signals, encoding)
        self._health = profile_description.Health()
        self._sending = False
        self._replay: Replay | None = None
        self._marks: deque[tuple[Session, int, int]] = deque(maxlen=_MOST_MARKS)
        self._status_s = 0.0
        self._off_s = float("inf")
        self._readers |= {
            profile.INFO: lambda _now_s: profile_description.info(
                self._sessions.number, self._backlog_s
            ),
            profile.STATUS: self._status,
            profile_description.SERIAL_NUMBER: lambda _now_s: b"NC-000001",
            profile_description.FIRMWARE_REVISION: lambda _now_s: b"1.0.0",
        }
        self._writers[profile.CONTROL] = self._command
        self._commands = {
            Opcode.START: self._start,
            Opcode.STOP: self._stop,
            Opcode.TIME_SYNC: self._time_sync,
            Opcode.REPLAY: self._begin_replay,
            Opcode.ACK: self._acknowledge,
            Opcode.ERASE: self._erase,
        }
        self._faults |= {
            "adc_overrun": self._overrun,
            "button": self._button,
            "charging": self._set_charging,
            "clock_step": self._step_clock,
            "memory_fault": self._break_memory,
        }

    @property
    def advertisement(self) -> Advertisement:
        """Free name, and the service."""
        return Advertisement("Calf 01", (profile.SERVICE,))

    # The converter runs on without a link; what is not sent is kept.

    def _link_ended(self, now_s: float) -> None:
        self._sending, self._replay = False, None
        self._outbox.clear(LossCause.DISCONNECTED, now_s)

    def _booted(self, now_s: float) -> None:
        self._sending, self._replay = False, None
        self._off_s = float("inf")
        self._framing.restart_clock(now_s)
        self._sessions.end(self._taken(now_s))
        if self.battery_percent < _LOWEST_PERCENT:
            self._switch_off(now_s)

    def _taken(self, now_s: float) -> dict[StreamKind, int]:
        return {kind: converter.taken(now_s) for kind, converter in self._converters.items()}

    def _sample(self, now_s: float) -> None:
        live = self._sending and profile.LIVE in self._wanted
        for kind, converter in self._converters.items():
            converter.advance(now_s)
            n = self._framing.samples(kind, self._payload_max)
            while live and (runs := converter.block(n)):
                self._take(kind, runs, now_s, live=True)
            if not live and converter.n_held >= converter.rate_hz:
                self._store(kind, now_s)
        self._tell_status(now_s)
        if now_s >= self._off_s:
            self._switch_off(now_s)

    def _take(self, kind: StreamKind, runs: tuple[Run, ...], now_s: float, *, live: bool) -> None:
        """Keep samples, and queue them for the link: one frame for each run."""
        self._sessions.keep(kind, runs, now_s)
        for run in runs:
            block = Block(profile.LIVE, kind, (run,), 0)
            if live:
                self._outbox.push(block, now_s)
            else:
                self._lose_block(block, LossCause.DISCONNECTED, now_s)

    def _store(self, kind: StreamKind, now_s: float) -> None:
        """Put into the memory what is in the converter: once a second while nothing is sent."""
        converter = self._converters[kind]
        self._take(kind, converter.block(converter.n_held) or (), now_s, live=False)

    def _lose_block(self, block: Block, cause: LossCause, now_s: float) -> None:
        """Lose nothing: a frame that could not be sent is in the memory, if there is one."""
        if not self._sessions.keeps:
            super()._lose_block(block, cause, now_s)

    # What is sent: marks, live frames, and in the room they leave one frame of the backlog.

    def _stream(self, room: int) -> list[Emission]:
        sent = [self._mark(*self._marks.popleft()) for _ in range(self._marks_due(room))]
        sent += super()._stream(room - len(sent))
        if len(sent) < room and self._replay and profile.BACKLOG in self._wanted:
            sent += self._replayed(self._replay)
        return sent

    def _marks_due(self, room: int) -> int:
        wanted = self._sending and profile.LIVE in self._wanted
        return min(room, len(self._marks)) if wanted else 0

    def _mark(self, session: Session, code: int, index: int) -> Emission:
        return Emission(profile.LIVE, self._framing.mark(session, code, index))

    def _emission(self, block: Block) -> Emission:
        (run,) = block.runs
        session = self._sessions.of(block.stream, run.first)
        self._sessions.sent(block.stream, run)
        payload = self._framing.live(session, block.stream, run)
        return Emission(profile.LIVE, payload, self._named(block))

    def _replayed(self, replay: Replay) -> list[Emission]:
        """One frame of the backlog; after the last, tell that it was the last."""
        left = self._sessions.left(replay)
        if not left:
            self._end_replay(replay)
            return []
        n = self._framing.samples(replay.stream, self._payload_max)
        run = Run(left[0].first, min(left[0].n, n))
        replay.at = run.first + run.n
        replay.sent += run.n
        self._sessions.sent(replay.stream, run)
        payload = self._framing.backlog(replay.session, replay.stream, run)
        return [Emission(profile.BACKLOG, payload, ((replay.stream, run.first, run.n),))]

    def _end_replay(self, replay: Replay) -> None:
        self._replay = None
        first = replay.first - replay.session.first[replay.stream]
        done = profile.replay(replay.session.number, IDS[replay.stream], first, replay.sent)[1:]
        self._reply(CommandReply(Opcode.REPLAY_DONE, ReplyStatus.OK, done))

    # Commands.

    def _command(self, payload: bytes, now_s: float) -> None:
        if profile.CONTROL not in self._wanted:
            raise AttRefusal(AttError.NOT_SUBSCRIBED)
        command = profile.decode_command(payload)
        if isinstance(command, Command):
            command = self._commands[command.opcode](command, now_s)
        self._reply(command)

    def _reply(self, reply: CommandReply) -> None:
        self._answer(profile.CONTROL, profile.encode_reply(reply))

    def _start(self, command: Command, now_s: float) -> CommandReply:
        streams = frozenset(command.streams)
        running = self._sessions.running
        if running is not None and running.streams != streams:
            self._end_session(now_s)
        if self._sessions.running is None:
            self._sessions.begin(streams, self._taken(now_s), now_s)
            for stream in streams & KINDS.keys():
                self._converters[KINDS[stream]].start(now_s)
        if not self._sending:
            for kind in self._converters:
                self._store(kind, now_s)
        self._sending = True
        number = self._sessions.number.to_bytes(2, "little")
        return CommandReply(Opcode.START, ReplyStatus.OK, number)

    def _stop(self, command: Command, now_s: float) -> CommandReply:
        if self._sessions.running is None:
            return CommandReply(command.opcode, ReplyStatus.WRONG_STATE)
        self._end_session(now_s)
        number = self._sessions.number.to_bytes(2, "little")
        return CommandReply(command.opcode, ReplyStatus.OK, number)

    def _end_session(self, now_s: float) -> None:
        """Keep what is in the converters, stop them, and begin no frame any more."""
        self._sending = False
        self._sample(now_s)
        self._outbox.clear(LossCause.STOPPED, now_s)
        for kind, converter in self._converters.items():
            self._store(kind, now_s)
            converter.stop(now_s, LossCause.STOPPED)
        self._sessions.end(self._taken(now_s))

    def _time_sync(self, command: Command, now_s: float) -> CommandReply:
        if self._sessions.running is None:
            return CommandReply(command.opcode, ReplyStatus.WRONG_STATE)
        ticks = self._framing.ticks(now_s * self._speed).to_bytes(4, "little")
        payload = command.host_ns.to_bytes(8, "little") + ticks + ticks
        return CommandReply(command.opcode, ReplyStatus.OK, payload)

    def _begin_replay(self, command: Command, _now_s: float) -> CommandReply:
        if self._health.memory_fault:
            return CommandReply(command.opcode, ReplyStatus.STORAGE_FAULT)
        if self._replay is not None:
            return CommandReply(command.opcode, ReplyStatus.BUSY)
        kind = KINDS.get(command.streams[0])
        if kind is not None:
            asked = command.session, kind, command.first, command.count
            self._replay = self._sessions.replay(*asked)
        if self._replay is None:
            return CommandReply(command.opcode, ReplyStatus.NOT_STORED)
        n = sum(run.n for run in self._sessions.left(self._replay))
        return CommandReply(command.opcode, ReplyStatus.OK, n.to_bytes(4, "little"))

    def _acknowledge(self, command: Command, now_s: float) -> CommandReply:
        kind = KINDS.get(command.streams[0])
        sent = kind is not None and self._sessions.acknowledge(
            command.session, kind, command.first, now_s
        )
        return CommandReply(command.opcode, ReplyStatus.OK if sent else ReplyStatus.BAD_PARAMETER)

    def _erase(self, command: Command, now_s: float) -> CommandReply:
        self._outbox.clear(LossCause.FORGOTTEN, now_s)
        self._sessions.erase(now_s)
        return CommandReply(command.opcode, ReplyStatus.OK)

    # Status.

    def _status(self, now_s: float) -> bytes:
        running = self._sessions.running
        kinds = [KINDS[s] for s in sorted(running.streams & KINDS.keys())] if running else []
        streams = {
            kind: (self._off_skin(kind, now_s), self._converters[kind].next_number)
            for kind in kinds
        }
        return profile_description.status(
            self._health, self._sessions, self.battery_percent, streams
        )

    def _off_skin(self, kind: StreamKind, now_s: float) -> int:
        """Channels without contact now, one bit each."""
        return self._signals[kind].without_contact(self._converters[kind].taken(now_s) - 1)

    def _tell_status(self, now_s: float, *, changed: bool = False) -> None:
        contact = self._off_skin("emg", now_s)
        changed = changed or contact != self._health.contact_told
        if changed or now_s - self._status_s >= _STATUS_PERIOD_S:
            self._status_s, self._health.contact_told = now_s, contact
            self._answer(profile.STATUS, self._status(now_s))

    def _set_battery(self, now_s: float, percent: float) -> None:
        super()._set_battery(now_s, percent)
        if self.battery_percent < _LOWEST_PERCENT and self._off_s > now_s + _LAST_WORDS_S:
            self._end_session(now_s)
            self._tell_status(now_s, changed=True)
            self._off_s = now_s + _LAST_WORDS_S

    # Faults.

    def _overrun(self, now_s: float, seconds: float = 0.1) -> None:
        """Lose samples in the converter; the index jumps by as many."""
        running = self._sessions.running
        for kind, converter in self._converters.items():
            n = round(seconds * converter.rate_hz)
            if running is not None and converter.running and n > 0:
                converter.overrun(now_s, n)
                running.dropped[kind] += n
                self._framing.gap_before(kind, converter.next_number)

    def _button(self, now_s: float, code: float = 1) -> None:
        running = self._sessions.running
        if running is not None:
            self._marks.append((running, int(code), self._converters["emg"].taken(now_s) - 1))

    def _set_charging(self, now_s: float, on: float = 1) -> None:
        self._health.charging = bool(on)
        self._tell_status(now_s, changed=True)

    def _step_clock(self, now_s: float, seconds: float) -> None:  # noqa: ARG002
        self._framing.step_clock(seconds)

    def _break_memory(self, now_s: float) -> None:
        self._health.memory_fault = True
        self._replay = None
        self._outbox.clear(LossCause.OVERWRITTEN, now_s)
        self._sessions.break_memory(now_s)
        self._tell_status(now_s, changed=True)
