"""Frames of the stream profile: consecutive samples with their number and the device's clock."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from enum import IntEnum
from typing import TYPE_CHECKING

import numpy as np

from firmware_bridge.packets import RejectReason, SampleFlag
from firmware_bridge.profile.layout import MAX_FRAME, VERSION, Malformed, StreamId
from nightcramp.errors import UsageError

if TYPE_CHECKING:
    from firmware_bridge.packets import Counts


class Encoding(IntEnum):
    """How the samples of a frame are written."""

    INT16 = 0
    DELTA8 = 1
    INT12 = 2


@dataclass(frozen=True, slots=True, eq=False)
class Frame:
    """Consecutive samples of one stream, or one mark.

    Attributes
    ----------
    stream : StreamId
    flags : SampleFlag
    sequence : int
        Frames of this stream since the start, modulo 65536: for diagnosis, decides nothing.
    session : int
    index : int
        Number of the first sample; of a mark, number of the EMG sample at that moment.
    ticks : int
        Device clock at the first sample, 1/32768 s.
    encoding : Encoding
    values : int32 array, shape (channels, samples)
        Of a mark: its code.
    """

    stream: StreamId
    flags: SampleFlag
    sequence: int
    session: int
    index: int
    ticks: int
    encoding: Encoding
    values: Counts


_FRAME = struct.Struct("<BBHHIIBB")


def _fits(values: Counts, low: int, high: int) -> bool:
    return values.size == 0 or bool(values.min() >= low and values.max() <= high)


def _encode_int16(values: Counts) -> bytes:
    if not _fits(values, -(2**15), 2**15 - 1):
        raise UsageError("A value does not fit 16 bit: use limits of the converter.")
    return values.T.astype("<i2").tobytes()


def _encode_delta8(values: Counts) -> bytes:
    steps = np.diff(values, axis=1)
    if not _fits(steps, -128, 127):
        raise UsageError("A step does not fit 8 bit: send this frame with encoding 0.")
    return _encode_int16(values[:, :1]) + steps.T.astype(np.int8).tobytes()


def _encode_int12(values: Counts) -> bytes:
    if not _fits(values, -2048, 2047):
        raise UsageError("A value does not fit 12 bit: send this frame with encoding 0.")
    fields = (values.T.reshape(-1, 1) >> np.arange(12)) & 1
    return np.packbits(fields.astype(np.uint8).reshape(-1), bitorder="little").tobytes()


def _decode_int16(payload: bytes, channels: int) -> Counts:
    return np.frombuffer(payload, "<i2").astype(np.int32).reshape(-1, channels).T


def _decode_delta8(payload: bytes, channels: int) -> Counts:
    first = np.frombuffer(payload, "<i2", channels).astype(np.int32)
    steps = np.frombuffer(payload, np.int8, offset=2 * channels).astype(np.int32)
    return np.cumsum(np.vstack([first, steps.reshape(-1, channels)]), axis=0, dtype=np.int32).T


def _decode_int12(payload: bytes, n_fields: int) -> Counts:
    bits = np.unpackbits(np.frombuffer(payload, np.uint8), bitorder="little")[: 12 * n_fields]
    fields = bits.reshape(-1, 12) @ (1 << np.arange(12))
    signed: Counts = (fields - (fields >> 11) * 4096).astype(np.int32)
    return signed


_ENCODERS = {
    Encoding.INT16: _encode_int16,
    Encoding.DELTA8: _encode_delta8,
    Encoding.INT12: _encode_int12,
}


def _channels_of(encoding: Encoding, n: int, length: int) -> int:
    """Channels that fill `length` bytes with `n` samples; 0 if none does."""
    per_channel = {Encoding.INT16: 2.0 * n, Encoding.DELTA8: n + 1.0, Encoding.INT12: 1.5 * n}
    channels = int(length // per_channel[encoding])
    return channels if -(-channels * per_channel[encoding] // 1) == length else 0


def encode_frame(frame: Frame) -> bytes:
    """Bytes of a frame; `UsageError` if it is too long or a value does not fit."""
    n = frame.values.shape[1]
    header = _FRAME.pack(
        VERSION << 4 | frame.stream,
        frame.flags,
        frame.sequence & 0xFFFF,
        frame.session & 0xFFFF,
        frame.index & 0xFFFFFFFF,
        frame.ticks & 0xFFFFFFFF,
        n,
        frame.encoding,
    )
    payload = header + _ENCODERS[frame.encoding](frame.values)
    if not n or len(payload) > MAX_FRAME:
        message = f"A frame of {n} samples and {len(payload)} bytes: expected 1 sample or more "
        raise UsageError(message + f"and at most {MAX_FRAME} bytes.")
    return payload


def decode_frame(payload: bytes) -> Frame | Malformed:
    """Frame of the live or backlog characteristic; the payload's length tells the channels."""
    if len(payload) < _FRAME.size:
        detail = f"{len(payload)} bytes, expected {_FRAME.size} or more"
        return Malformed(RejectReason.LENGTH, detail)
    head, flags, sequence, session, index, ticks, n, code = _FRAME.unpack_from(payload)
    if head >> 4 != VERSION:
        return Malformed(RejectReason.VERSION, f"version {head >> 4}, expected {VERSION}")
    if head & 15 not in set(StreamId) or code not in set(Encoding):
        return Malformed(RejectReason.KIND, f"stream {head & 15}, encoding {code}")
    body, encoding = payload[_FRAME.size :], Encoding(code)
    channels = _channels_of(encoding, n, len(body)) if n else 0
    if not channels:
        return Malformed(RejectReason.LENGTH, f"{len(body)} bytes for {n} samples")
    if encoding is Encoding.INT12:
        values = _decode_int12(body, n * channels).reshape(n, channels).T
    elif encoding is Encoding.DELTA8:
        values = _decode_delta8(body, channels)
    else:
        values = _decode_int16(body, channels)
    return Frame(
        StreamId(head & 15), SampleFlag(flags), sequence, session, index, ticks, encoding, values
    )
