"""OYMotion gForce armbands: eight EMG channels; package ids switched on.

Formats as in the maker's gForce and Synchroni development kits. The microvolts per count are
disputed between the published programs, so samples stay counts. On the Pro, asking for
acceleration together with EMG stops the EMG: only EMG is asked for.
"""

from __future__ import annotations

import numpy as np

from firmware_bridge.packets import (
    DeviceStatus,
    Packet,
    Reject,
    RejectReason,
    Reply,
    Samples,
)
from firmware_bridge.spec import (
    DeviceSpec,
    Forbidden,
    KeepAlive,
    Resume,
    Subscribe,
    Write,
    sig_uuid,
    unknown_characteristic,
    wrong_length,
)
from firmware_bridge.streams import CounterSpec, StreamSpec

SERVICE = sig_uuid(0xFFD0)
COMMAND = "f000ffe1-0451-4000-b000-000000000000"
DATA = "f000ffe2-0451-4000-b000-000000000000"

_CHANNELS = 8
_PAYLOAD = 128
_EMG_TYPE = 0x08
_PARTIAL = 0xFF
_ID_PRESENT = 0x80
_LARGEST_PACKET = 1024

_GET_BATTERY = 0x08
_ANSWERS = {0: "done", 1: "not supported", 2: "bad parameter", 3: "failed", 4: "timed out"}


class _Parts:
    """Joins packets that were sent in parts, numbered down to 0."""

    def __init__(self) -> None:
        self._buffer = b""
        self._following: int | None = None

    def push(self, payload: bytes) -> bytes | RejectReason | None:
        """Return the whole packet, None while parts are missing, or why a part is of no use."""
        if len(payload) < 2:
            return RejectReason.LENGTH
        if payload[0] != _PARTIAL:
            self._following = None
            return payload
        number, content = payload[1], payload[2:]
        if self._following is None:
            self._buffer = b""
        elif number != self._following:
            self._following = None
            return RejectReason.PARTIAL
        self._buffer += content
        self._following = number - 1 if number else None
        if len(self._buffer) > _LARGEST_PACKET:
            self._following = None
            return RejectReason.PARTIAL
        return None if number else self._buffer


def _decode_reply(packet: bytes) -> list[Packet]:
    code, request, data = packet[0], packet[1], packet[2:]
    if code == 0 and request == _GET_BATTERY and len(data) == 1 and data[0] <= 100:
        return [DeviceStatus(battery_percent=data[0])]
    return [Reply(request, code == 0, _ANSWERS.get(code, f"answer {code}"), data)]


class GForceDecoder:
    """Decoder for EMG of `bits` bits, 128 bytes to a package.

    Parameters
    ----------
    bits : int
        8 (bytes) or 12 (little-endian words), as asked for by the set-up.
    """

    def __init__(self, bits: int) -> None:
        self._dtype = np.dtype(np.uint8 if bits == 8 else "<u2")
        self._n = _PAYLOAD // (_CHANNELS * self._dtype.itemsize)
        self._parts = {COMMAND: _Parts(), DATA: _Parts()}
        self._numbers_come = False

    def reset(self) -> None:
        """Forget unfinished parts, and whether packages are numbered."""
        self._parts = {COMMAND: _Parts(), DATA: _Parts()}
        self._numbers_come = False

    def decode(self, characteristic: str, payload: bytes) -> list[Packet]:
        """Everything the payload says; a `Reject` if it is not understood."""
        parts = self._parts.get(characteristic)
        if parts is None:
            return [unknown_characteristic(characteristic)]
        packet = parts.push(payload)
        if packet is None:
            return []
        if isinstance(packet, RejectReason):
            return [Reject(packet, characteristic, f"{len(payload)} bytes {payload[:2].hex()}...")]
        if len(packet) < 2:
            return [wrong_length(characteristic, packet, "2 bytes or more")]
        return _decode_reply(packet) if characteristic == COMMAND else self._decode_data(packet)

    def _decode_data(self, packet: bytes) -> list[Packet]:
        """Old firmware tells of the id in bit 7 of the type, newer by one byte more."""
        kind = packet[0] & ~_ID_PRESENT
        if kind != _EMG_TYPE:
            return [Reject(RejectReason.KIND, DATA, f"type {kind}, expected {_EMG_TYPE} (EMG)")]
        numbered = len(packet) == _PAYLOAD + 2
        # One byte short, a numbered package looks like one without number.
        unnumbered = len(packet) == _PAYLOAD + 1 and not self._numbers_come
        if not numbered and (not unnumbered or packet[0] & _ID_PRESENT):
            return [wrong_length(DATA, packet, "129 or, with package id, 130 bytes")]
        values = np.frombuffer(packet[-_PAYLOAD:], self._dtype).reshape(-1, _CHANNELS)
        self._numbers_come |= numbered
        counter = packet[1] * self._n if numbered else None
        return [Samples("emg", values.T.astype(np.int32), counter=counter)]


def _spec(name: str, bits: int, *, found_by_service: bool) -> DeviceSpec:
    rate = (500).to_bytes(2, "little")
    mask = (0x00FF).to_bytes(2, "little")
    samples = _PAYLOAD // (_CHANNELS * (1 if bits == 8 else 2))
    emg = StreamSpec(
        kind="emg",
        channels=_CHANNELS,
        rate_hz=500.0,
        rate_tolerance=0.03,
        limits=(0, 2**bits - 1),
        offset=2 ** (bits - 1),
        counter=CounterSpec(modulus=256 * samples),
    )
    return DeviceSpec(
        name=name,
        title=f"OYMotion gForce, {bits} bit",
        service=SERVICE,
        name_pattern=r"gForce" if found_by_service else None,
        service_is_enough=found_by_service,
        mtu_min=_PAYLOAD + 2 + 3,
        setup=(
            Subscribe(COMMAND),
            Subscribe(DATA),
            Write(COMMAND, b"\x26\x01", pause_s=0.1),
            Write(COMMAND, b"\x3f" + rate + mask + bytes([_PAYLOAD, bits]), pause_s=0.1),
            Write(COMMAND, b"\x4f\x80\x00\x00\x00"),
        ),
        streams=(emg,),
        resume=Resume.NONE,
        decoder=lambda: GForceDecoder(bits),
        keep_alive=KeepAlive(Write(COMMAND, bytes([_GET_BATTERY])), period_s=600.0),
        forbidden=(
            Forbidden(COMMAND, b"\x1d", "it switches the armband off"),
            Forbidden(COMMAND, b"\x1e", "it starts the replacement of the firmware"),
        ),
        advice=(
            "EMG only: on the Pro, acceleration and EMG do not come together.",
            "Wear a second sensor for movement.",
        ),
    )


EIGHT_BIT = _spec("gforce-8bit", 8, found_by_service=True)
TWELVE_BIT = _spec("gforce-12bit", 12, found_by_service=False)
