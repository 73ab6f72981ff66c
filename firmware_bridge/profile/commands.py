"""Commands of the stream profile and their answers, from both ends."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from enum import IntEnum
from typing import TYPE_CHECKING

from firmware_bridge.packets import RejectReason
from firmware_bridge.profile.layout import Malformed, StreamId

if TYPE_CHECKING:
    from collections.abc import Iterable

_ANSWER = 0x80
_ERASE_KEY = b"ERAS"
_REPLAY = struct.Struct("<HBII")
_ACK = struct.Struct("<HBI")
_TIME_SYNC_REPLY = struct.Struct("<QII")


class Opcode(IntEnum):
    """First byte of a command; of its answer with bit 7 set.

    ``REPLAY_DONE`` is no command: only its answer exists and tells that a replay has ended.
    """

    START = 0x01
    STOP = 0x02
    TIME_SYNC = 0x03
    REPLAY = 0x04
    ACK = 0x05
    ERASE = 0x06
    REPLAY_DONE = 0x44


class ReplyStatus(IntEnum):
    """Second byte of an answer."""

    OK = 0
    UNKNOWN_OPCODE = 1
    WRONG_LENGTH = 2
    BAD_PARAMETER = 3
    WRONG_STATE = 4
    NOT_STORED = 5
    BUSY = 6
    STORAGE_FAULT = 7


@dataclass(frozen=True, slots=True)
class Command:
    """A command as the device reads it.

    Attributes
    ----------
    opcode : Opcode
    streams : tuple of StreamId
        START: those to send. REPLAY, ACK: the one concerned.
    session, first, count : int
        REPLAY: which samples (`count` 0 means all from `first` on). ACK: samples before `first`
        may be forgotten.
    host_ns : int
        TIME_SYNC: clock of the host.
    """

    opcode: Opcode
    streams: tuple[StreamId, ...] = ()
    session: int = 0
    first: int = 0
    count: int = 0
    host_ns: int = 0


@dataclass(frozen=True, slots=True)
class CommandReply:
    """Answer to a command.

    Attributes
    ----------
    opcode : int
        Code of the command; an `Opcode` unless the command was unknown.
    status : ReplyStatus
    payload : bytes
        START and STOP: session (u16). TIME_SYNC: see `decode_time_sync`. REPLAY: samples that
        will be sent (u32). REPLAY_DONE: session, stream, first, samples sent, as in REPLAY.
    """

    opcode: int
    status: ReplyStatus
    payload: bytes = b""


@dataclass(frozen=True, slots=True)
class TimeSync:
    """Answer to TIME_SYNC: the host's clock when it asked, the device's on hearing and answering.

    With the host's clock on hearing the answer this bounds the offset of the two clocks by half
    the time in flight (Mills, RFC 5905).
    """

    host_ns: int
    heard_ticks: int
    answered_ticks: int


def start(streams: Iterable[StreamId]) -> bytes:
    """Begin to send; a session that is running goes on."""
    return bytes([Opcode.START, sum(1 << stream for stream in set(streams))])


def stop() -> bytes:
    """End the session: stop the converter."""
    return bytes([Opcode.STOP])


def time_sync(host_ns: int) -> bytes:
    """Ask for the device's clock."""
    return bytes([Opcode.TIME_SYNC]) + host_ns.to_bytes(8, "little")


def replay(session: int, stream: StreamId, first: int, count: int) -> bytes:
    """Ask for stored samples; `count` 0 for all from `first` on."""
    return bytes([Opcode.REPLAY]) + _REPLAY.pack(session, stream, first, count)


def acknowledge(session: int, stream: StreamId, upto: int) -> bytes:
    """Tell that every sample before `upto` is safely on disk."""
    return bytes([Opcode.ACK]) + _ACK.pack(session, stream, upto)


def erase() -> bytes:
    """Forget every stored sample."""
    return bytes([Opcode.ERASE]) + _ERASE_KEY


_BODY_LENGTH = {
    Opcode.START: 1,
    Opcode.STOP: 0,
    Opcode.TIME_SYNC: 8,
    Opcode.REPLAY: _REPLAY.size,
    Opcode.ACK: _ACK.size,
    Opcode.ERASE: len(_ERASE_KEY),
}


def _decode_start(body: bytes) -> Command | CommandReply:
    streams = tuple(stream for stream in StreamId if body[0] >> stream & 1)
    if not streams or body[0] >> len(StreamId):
        return CommandReply(Opcode.START, ReplyStatus.BAD_PARAMETER)
    return Command(Opcode.START, streams)


def _decode_range(opcode: Opcode, body: bytes) -> Command | CommandReply:
    session, stream, first, *rest = (_REPLAY if opcode is Opcode.REPLAY else _ACK).unpack(body)
    if stream not in set(StreamId):
        return CommandReply(opcode, ReplyStatus.BAD_PARAMETER)
    return Command(opcode, (StreamId(stream),), session, first, rest[0] if rest else 0)


def decode_command(payload: bytes) -> Command | CommandReply:
    """Command as the device reads it, or the answer that refuses it."""
    code = payload[0] if payload else 0
    if code not in set(_BODY_LENGTH):
        return CommandReply(code, ReplyStatus.UNKNOWN_OPCODE)
    opcode, body = Opcode(code), payload[1:]
    if len(body) != _BODY_LENGTH[opcode]:
        return CommandReply(opcode, ReplyStatus.WRONG_LENGTH)
    if opcode is Opcode.START:
        return _decode_start(body)
    if opcode in (Opcode.REPLAY, Opcode.ACK):
        return _decode_range(opcode, body)
    if opcode is Opcode.ERASE and body != _ERASE_KEY:
        return CommandReply(opcode, ReplyStatus.BAD_PARAMETER)
    host_ns = int.from_bytes(body, "little") if opcode is Opcode.TIME_SYNC else 0
    return Command(opcode, host_ns=host_ns)


def encode_reply(reply: CommandReply) -> bytes:
    """Bytes of an answer."""
    return bytes([reply.opcode | _ANSWER, reply.status]) + reply.payload


def decode_reply(payload: bytes) -> CommandReply | Malformed:
    """Answer of a device."""
    if len(payload) < 2:
        return Malformed(RejectReason.LENGTH, f"{len(payload)} bytes, expected 2 or more")
    if not payload[0] & _ANSWER or payload[1] not in set(ReplyStatus):
        return Malformed(RejectReason.KIND, f"{payload[:2].hex()} is no answer")
    return CommandReply(payload[0] & ~_ANSWER, ReplyStatus(payload[1]), payload[2:])


def decode_time_sync(reply: CommandReply) -> TimeSync | Malformed:
    """Clocks in the answer to TIME_SYNC."""
    if len(reply.payload) != _TIME_SYNC_REPLY.size:
        detail = f"{len(reply.payload)} bytes, expected {_TIME_SYNC_REPLY.size}"
        return Malformed(RejectReason.LENGTH, detail)
    return TimeSync(*_TIME_SYNC_REPLY.unpack(reply.payload))
