"""What a device of the stream profile says of itself: description (once) and status (often)."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from enum import IntEnum

import numpy as np

from firmware_bridge.packets import RejectReason
from firmware_bridge.profile.layout import TICK_HZ, VERSION, Malformed, StreamId

_INFO = struct.Struct("<BBHII")
_STREAM = struct.Struct("<BBBBIffffBBH")
_STATUS = struct.Struct("<BBHHBbBB")
_STREAM_STATUS = struct.Struct("<BBHIII")


class UnitCode(IntEnum):
    """Unit of ``scale`` in the description."""

    COUNT = 0
    MICROVOLT = 1
    G = 2


@dataclass(frozen=True, slots=True)
class StreamInfo:
    """Description of one stream.

    Attributes
    ----------
    stream : StreamId
    channels : int
    bits : int
        Resolution of the converter.
    rate_hz : float
        In steps of 0.001 Hz.
    scale, offset : float
        Value in `unit` is ``scale * (count - offset)``.
    band_low_hz, band_high_hz : float
        -3 dB band; 0 and 0 if unknown.
    unit : UnitCode
    antialias : bool
    """

    stream: StreamId
    channels: int
    bits: int
    rate_hz: float
    scale: float
    offset: float
    band_low_hz: float
    band_high_hz: float
    unit: UnitCode
    antialias: bool


@dataclass(frozen=True, slots=True)
class Info:
    """What a device says of itself.

    Attributes
    ----------
    session : int
    backlog_s : int
        Seconds of samples it can keep while the link is down; 0 if none.
    streams : tuple of StreamInfo
    """

    session: int
    backlog_s: int
    streams: tuple[StreamInfo, ...]


def encode_info(info: Info) -> bytes:
    """Write the description of a device."""
    parts = [_INFO.pack(VERSION, len(info.streams), info.session, info.backlog_s, TICK_HZ)]
    parts += [
        _STREAM.pack(
            stream.stream,
            stream.channels,
            stream.bits,
            stream.unit,
            round(stream.rate_hz * 1000),
            stream.scale,
            stream.offset,
            stream.band_low_hz,
            stream.band_high_hz,
            stream.antialias,
            0,
            0,
        )
        for stream in info.streams
    ]
    return b"".join(parts)


def _decode_stream(payload: bytes) -> StreamInfo | Malformed:
    kind, channels, bits, unit, rate, scale, offset, low, high, antialias, *_ = _STREAM.unpack(
        payload
    )
    if unit not in set(UnitCode):
        return Malformed(RejectReason.KIND, f"stream {kind}, unit {unit}")
    # Marks are no samples, and counts have no scale: what stands there means nothing.
    scaled = unit == UnitCode.COUNT or (np.isfinite(scale) and scale > 0)
    finite = np.isfinite([offset, low, high]).all()
    sampled = channels and 1 <= bits <= 16 and rate and scaled and finite
    if kind != StreamId.MARK and not sampled:
        return Malformed(RejectReason.VALUE, f"impossible description of stream {kind}")
    return StreamInfo(
        StreamId(kind),
        channels,
        bits,
        rate / 1000,
        scale,
        offset,
        low,
        high,
        UnitCode(unit),
        bool(antialias),
    )


def decode_info(payload: bytes) -> Info | Malformed:
    """Read the description of a device; streams of an unknown kind are passed over."""
    if len(payload) < _INFO.size:
        detail = f"{len(payload)} bytes, expected {_INFO.size} or more"
        return Malformed(RejectReason.LENGTH, detail)
    version, n, session, backlog_s, tick_hz = _INFO.unpack_from(payload)
    if version != VERSION or tick_hz != TICK_HZ:
        return Malformed(RejectReason.VERSION, f"version {version}, {tick_hz} ticks per second")
    if len(payload) != _INFO.size + n * _STREAM.size:
        return Malformed(RejectReason.LENGTH, f"{len(payload)} bytes for {n} streams")
    streams = []
    for start in range(_INFO.size, len(payload), _STREAM.size):
        if payload[start] not in set(StreamId):
            continue
        stream = _decode_stream(payload[start : start + _STREAM.size])
        if isinstance(stream, Malformed):
            return stream
        streams.append(stream)
    return Info(session, backlog_s, tuple(streams))


@dataclass(frozen=True, slots=True)
class StreamStatus:
    """State of one stream.

    Attributes
    ----------
    stream : StreamId
    lead_off : int
        One bit for each channel, set while it has no skin contact.
    oldest, following : int
        Stored samples: from `oldest` up to but not including `following`.
    dropped : int
        Samples lost since the session began: taken, but overwritten before they were sent.
    """

    stream: StreamId
    lead_off: int
    oldest: int
    following: int
    dropped: int


@dataclass(frozen=True, slots=True)
class Status:
    """State of the device; None where it does not know.

    Attributes
    ----------
    charging, storage_fault, running : bool
    session : int
    battery_mv : int
    battery_percent, temperature_c, storage_percent : int or None
    streams : tuple of StreamStatus
    """

    charging: bool
    storage_fault: bool
    running: bool
    session: int
    battery_mv: int
    battery_percent: int | None
    temperature_c: int | None
    storage_percent: int | None
    streams: tuple[StreamStatus, ...]


_CHARGING, _STORAGE_FAULT, _RUNNING = 1, 2, 4
_NO_PERCENT = 255
_NO_TEMPERATURE = -128


def encode_status(status: Status) -> bytes:
    """Write the state of a device."""
    flags = (
        _CHARGING * status.charging
        | _STORAGE_FAULT * status.storage_fault
        | _RUNNING * status.running
    )
    head = _STATUS.pack(
        VERSION,
        flags,
        status.session,
        status.battery_mv,
        _NO_PERCENT if status.battery_percent is None else status.battery_percent,
        _NO_TEMPERATURE if status.temperature_c is None else status.temperature_c,
        _NO_PERCENT if status.storage_percent is None else status.storage_percent,
        len(status.streams),
    )
    return head + b"".join(
        _STREAM_STATUS.pack(
            stream.stream, stream.lead_off, 0, stream.oldest, stream.following, stream.dropped
        )
        for stream in status.streams
    )


def decode_status(payload: bytes) -> Status | Malformed:
    """Read the state of a device; streams of an unknown kind are passed over."""
    if len(payload) < _STATUS.size:
        detail = f"{len(payload)} bytes, expected {_STATUS.size} or more"
        return Malformed(RejectReason.LENGTH, detail)
    version, flags, session, millivolts, battery, celsius, storage, n = _STATUS.unpack_from(payload)
    if version != VERSION:
        return Malformed(RejectReason.VERSION, f"version {version}, expected {VERSION}")
    if len(payload) != _STATUS.size + n * _STREAM_STATUS.size:
        return Malformed(RejectReason.LENGTH, f"{len(payload)} bytes for {n} streams")
    rows = _STREAM_STATUS.iter_unpack(payload[_STATUS.size :])
    return Status(
        charging=bool(flags & _CHARGING),
        storage_fault=bool(flags & _STORAGE_FAULT),
        running=bool(flags & _RUNNING),
        session=session,
        battery_mv=millivolts,
        battery_percent=battery if battery <= 100 else None,
        temperature_c=None if celsius == _NO_TEMPERATURE else celsius,
        storage_percent=storage if storage <= 100 else None,
        streams=tuple(
            StreamStatus(StreamId(kind), lead_off, oldest, following, dropped)
            for kind, lead_off, _, oldest, following, dropped in rows
            if kind in set(StreamId)
        ),
    )
