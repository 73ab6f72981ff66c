"""Movesense: acceleration only, as a companion of an EMG sensor without one.

Formats as in the maker's GATT sensor data protocol. Samples carry the sensor's clock in
milliseconds; acceleration comes as floating point metres per second squared and is kept in steps
of 0.1 mg, a third of the converter's own step.
"""

from __future__ import annotations

import numpy as np

from firmware_bridge.packets import Packet, Reject, RejectReason, Reply, Samples
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

SERVICE = "34802252-7185-4d5d-b431-630e7050e8f0"
COMMAND = "34800001-7185-4d5d-b431-630e7050e8f0"
NOTIFY = "34800002-7185-4d5d-b431-630e7050e8f0"

_SUBSCRIBE = 1
_ACC_REFERENCE = 1
_RATE_HZ = 52
_STANDARD_GRAVITY = 9.80665
_STEPS_PER_G = 10_000

_RESULT, _DATA, _DATA_PART_2 = 1, 2, 3
_HEADER = 6
_VECTOR = 12

_ACC = StreamSpec(
    kind="acc",
    channels=3,
    rate_hz=float(_RATE_HZ),
    rate_tolerance=0.03,
    limits=(-16 * _STEPS_PER_G, 16 * _STEPS_PER_G),
    scale=1 / _STEPS_PER_G,
    unit="g",
    counter=CounterSpec(modulus=2**32, tick_hz=1000.0, continues=True),
)


def _decode_result(payload: bytes) -> list[Packet]:
    status = int.from_bytes(payload[2:4], "little")
    return [Reply(payload[1], 200 <= status < 300, f"status {status}", payload[4:])]


def _decode_vectors(packet: bytes) -> list[Packet]:
    metres = np.frombuffer(packet, "<f4", offset=_HEADER).reshape(-1, 3).T
    # Judged before it is cast: casting a signalling NaN warns.
    if not np.isfinite(metres).all() or np.abs(metres).max() > 32 * _STANDARD_GRAVITY:
        return [Reject(RejectReason.VALUE, NOTIFY, "acceleration of more than 32 g")]
    g = metres.astype(np.float64) / _STANDARD_GRAVITY
    counter = int.from_bytes(packet[2:_HEADER], "little")
    return [Samples("acc", np.rint(g * _STEPS_PER_G).astype(np.int32), counter=counter)]


class MovesenseDecoder:
    """Joins data that was too long for one notification, and decodes acceleration."""

    def __init__(self) -> None:
        self._first_part = b""

    def reset(self) -> None:
        """Forget an unfinished packet."""
        self._first_part = b""

    def decode(self, characteristic: str, payload: bytes) -> list[Packet]:
        """Everything the payload says; a `Reject` if it is not understood."""
        if characteristic == BATTERY_LEVEL:
            return decode_battery_level(payload)
        if characteristic != NOTIFY:
            return [unknown_characteristic(characteristic)]
        if len(payload) < 4:
            return [wrong_length(NOTIFY, payload, "4 bytes or more")]
        if payload[0] == _RESULT:
            return _decode_result(payload)
        return self._decode_data(payload)

    def _decode_data(self, payload: bytes) -> list[Packet]:
        if payload[1] != _ACC_REFERENCE or payload[0] not in (_DATA, _DATA_PART_2):
            detail = f"type {payload[0]}, reference {payload[1]}"
            return [Reject(RejectReason.KIND, NOTIFY, detail)]
        if payload[0] == _DATA_PART_2 and not self._first_part:
            return [Reject(RejectReason.PARTIAL, NOTIFY, "second part without the first")]
        packet = self._first_part + payload[2:] if payload[0] == _DATA_PART_2 else payload
        self._first_part = b""
        if len(packet) > _HEADER and (len(packet) - _HEADER) % _VECTOR == 0:
            return _decode_vectors(packet)
        if payload[0] == _DATA:
            self._first_part = payload
            return []
        return [wrong_length(NOTIFY, packet, "6 bytes and a multiple of 12")]


MOVESENSE = DeviceSpec(
    name="movesense",
    title="Movesense",
    service=SERVICE,
    name_pattern=r"Movesense",
    service_is_enough=True,
    mtu_min=64,
    setup=(
        Subscribe(NOTIFY),
        Subscribe(BATTERY_LEVEL, optional=True),
        Write(COMMAND, bytes([_SUBSCRIBE, _ACC_REFERENCE]) + f"/Meas/Acc/{_RATE_HZ}".encode()),
    ),
    streams=(_ACC,),
    resume=Resume.INDEX,
    decoder=MovesenseDecoder,
    advice=("It measures movement only: wear it together with an EMG sensor.",),
)
