"""Polar H10 and Verity Sense: acceleration only, as a companion of an EMG sensor without one.

Formats as in "Polar Measurement Data Specification for 3rd Party". A frame carries the sensor's
clock in nanoseconds at its **last** sample; samples are in mg.
"""

from __future__ import annotations

import struct
from functools import partial

import numpy as np

from firmware_bridge.packets import (
    Counts,
    Packet,
    Reject,
    RejectReason,
    Reply,
    Samples,
)
from firmware_bridge.spec import (
    BATTERY_LEVEL,
    DeviceSpec,
    Resume,
    Subscribe,
    Write,
    decode_battery_level,
    unknown_characteristic,
    wrong_length,
)
from firmware_bridge.streams import CounterSpec, StreamSpec

SERVICE = "fb005c80-02e7-f387-1cad-8acd2d8df0c8"
CONTROL = "fb005c81-02e7-f387-1cad-8acd2d8df0c8"
DATA = "fb005c82-02e7-f387-1cad-8acd2d8df0c8"

_ACC_TYPE = 2
_START = 2
_HEADER = 10
_AXES = 3
_COMPRESSED = 0x80
_REFERENCE = 2 * _AXES
_RESPONSE = 0xF0
_FACTOR_SETTING = 5
_NS = 1_000_000_000
_RAW_WIDTH = {0: 1, 1: 2, 2: 3}
# Bytes of one value of each setting: rate, resolution, range, range in mg, channels, factor.
_SETTING_WIDTH = {0: 2, 1: 2, 2: 2, 3: 4, 4: 1, 5: 4}
_ANSWERS = (
    "done",
    "invalid op code",
    "invalid measurement type",
    "not supported",
    "invalid length",
    "invalid parameter",
    "already in state",
    "invalid resolution",
    "invalid sample rate",
    "invalid range",
    "invalid MTU",
    "invalid number of channels",
    "invalid state",
    "device in charger",
)


def _unpack_raw(body: bytes, width: int) -> Counts | None:
    """Little-endian vectors of `width` bytes an axis; None if the length is wrong."""
    if not body or len(body) % (width * _AXES):
        return None
    bytes_of = np.frombuffer(body, np.uint8).reshape(-1, width)
    wide = np.zeros((len(bytes_of), 4), np.uint8)
    wide[:, 4 - width :] = bytes_of
    return (wide.view("<i4") >> (8 * (4 - width))).reshape(-1, _AXES).astype(np.int32)


def _unpack_differences(body: bytes) -> Counts | None:
    """Decode a reference vector and blocks of differences, least significant bit first.

    Returns
    -------
    int32 array, shape (samples, 3), or None if the length is wrong
    """
    reference = _unpack_raw(body[:_REFERENCE], 2)
    if reference is None or len(body) < _REFERENCE:
        return None
    blocks = [reference.astype(np.int64)]
    start = _REFERENCE
    while start < len(body):
        block = _block(body, start)
        if block is None:
            return None
        differences, start = block
        blocks.append(differences)
    return np.cumsum(np.concatenate(blocks), axis=0).astype(np.int32)


def _block(
    body: bytes, start: int
) -> tuple[np.ndarray[tuple[int, int], np.dtype[np.int64]], int] | None:
    """One block of differences and where it ends."""
    if start + 2 > len(body):
        return None
    bits, count = body[start], body[start + 1]
    stop = start + 2 + -(-bits * count * _AXES // 8)
    if not 1 <= bits <= 16 or not count or stop > len(body):
        return None
    stream = np.unpackbits(np.frombuffer(body[start + 2 : stop], np.uint8), bitorder="little")
    fields = stream[: bits * count * _AXES].reshape(-1, bits) @ (1 << np.arange(bits))
    signed = fields - (fields >> (bits - 1)) * (1 << bits)
    return signed.reshape(count, _AXES), stop


def _factor(settings: bytes) -> float | None:
    """Scale factor among the settings that answer a start command; None if it is not there."""
    start = 0
    while start + 2 <= len(settings):
        kind, count = settings[start], settings[start + 1]
        width = _SETTING_WIDTH.get(kind)
        if width is None:
            return None
        if kind == _FACTOR_SETTING and count == 1 and start + 6 <= len(settings):
            value = struct.unpack_from("<f", settings, start + 2)[0]
            return float(value) if 0 < value < 1000 else None
        start += 2 + count * width
    return None


class PolarDecoder:
    """Decoder of acceleration frames; remembers the scale factor of the start command's answer.

    Parameters
    ----------
    rate_hz : float
        Asked-for rate, to reckon from the last sample of a frame back to its first.
    """

    def __init__(self, rate_hz: float) -> None:
        self._rate_hz = rate_hz
        self._factor: float | None = None

    def reset(self) -> None:
        """Forget the scale factor."""
        self._factor = None

    def decode(self, characteristic: str, payload: bytes) -> list[Packet]:
        """Everything the payload says; a `Reject` if it is not understood."""
        if characteristic == BATTERY_LEVEL:
            return decode_battery_level(payload)
        if characteristic == CONTROL:
            return self._decode_control(payload)
        if characteristic == DATA:
            return self._decode_data(payload)
        return [unknown_characteristic(characteristic)]

    def _decode_control(self, payload: bytes) -> list[Packet]:
        if len(payload) < 4 or payload[0] != _RESPONSE:
            return [Reject(RejectReason.KIND, CONTROL, f"{payload[:4].hex()}, expected f0 first")]
        request, kind, code = payload[1:4]
        if (request, kind, code) == (_START, _ACC_TYPE, 0):
            self._factor = _factor(payload[5:])
        text = _ANSWERS[code] if code < len(_ANSWERS) else f"answer {code}"
        return [Reply(request, code == 0, text, payload[3:])]

    def _decode_data(self, payload: bytes) -> list[Packet]:
        if len(payload) < _HEADER:
            return [wrong_length(DATA, payload, f"{_HEADER} bytes or more")]
        if payload[0] != _ACC_TYPE:
            detail = f"measurement {payload[0]}, expected {_ACC_TYPE} (acceleration)"
            return [Reject(RejectReason.KIND, DATA, detail)]
        vectors = self._vectors(payload[9], payload[_HEADER:])
        if not isinstance(vectors, np.ndarray):
            return [Reject(vectors, DATA, f"frame type {payload[9]:#04x}, {len(payload)} bytes")]
        last_ns = int.from_bytes(payload[1:9], "little")
        before = round((len(vectors) - 1) * _NS / self._rate_hz)
        counter = (last_ns - before) % 2**64
        return [Samples("acc", np.ascontiguousarray(vectors.T), counter=counter)]

    def _vectors(self, frame_type: int, body: bytes) -> Counts | RejectReason:
        """Vectors in mg, shape (samples, 3), or why there are none."""
        if frame_type in _RAW_WIDTH:
            raw = _unpack_raw(body, _RAW_WIDTH[frame_type])
            return RejectReason.LENGTH if raw is None else raw
        if frame_type == _COMPRESSED:
            # The factor is in g here; it says nothing without the answer that holds it.
            return (
                self._scaled(body, 1000 * self._factor)
                if self._factor
                else (RejectReason.NOT_CONFIGURED)
            )
        if frame_type == _COMPRESSED + 1:
            return self._scaled(body, self._factor or 1.0)
        return RejectReason.KIND

    def _scaled(self, body: bytes, factor: float) -> Counts | RejectReason:
        vectors = _unpack_differences(body)
        if vectors is None:
            return RejectReason.LENGTH
        scaled = np.rint(vectors * factor)
        return RejectReason.VALUE if np.abs(scaled).max() > 2**31 - 1 else scaled.astype(np.int32)


def _setting(kind: int, value: int) -> bytes:
    return bytes([kind, 1]) + value.to_bytes(_SETTING_WIDTH[kind], "little")


def _spec(name: str, title: str, pattern: str, rate_hz: int, *settings: bytes) -> DeviceSpec:
    acc = StreamSpec(
        kind="acc",
        channels=_AXES,
        rate_hz=float(rate_hz),
        rate_tolerance=0.03,
        limits=(-8000, 8000),
        scale=1e-3,
        unit="g",
        counter=CounterSpec(modulus=2**64, tick_hz=float(_NS), continues=True),
    )
    start = bytes([_START, _ACC_TYPE]) + _setting(0, rate_hz) + b"".join(settings)
    return DeviceSpec(
        name=name,
        title=title,
        service=SERVICE,
        name_pattern=pattern,
        service_is_enough=False,
        mtu_min=232,
        setup=(
            Subscribe(BATTERY_LEVEL, optional=True),
            Subscribe(CONTROL),
            Subscribe(DATA),
            Write(CONTROL, start),
        ),
        streams=(acc,),
        resume=Resume.INDEX,
        decoder=partial(PolarDecoder, float(rate_hz)),
        silence_s=5.0,
        advice=("It measures movement only: wear it together with an EMG sensor.",),
    )


_RESOLUTION = _setting(1, 16)
_RANGE_8_G = _setting(2, 8)

H10 = _spec("polar-h10", "Polar H10", r"Polar H10", 50, _RESOLUTION, _RANGE_8_G)
VERITY_SENSE = _spec(
    "polar-verity-sense",
    "Polar Verity Sense",
    r"Polar (Verity )?Sense",
    52,
    _RESOLUTION,
    _RANGE_8_G,
    _setting(4, 3),
)
