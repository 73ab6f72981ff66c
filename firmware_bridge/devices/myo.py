"""Thalmic Myo: eight EMG channels as unscaled bytes, and ACC.

Formats as in the maker's ``myohw.h``. Four characteristics take turns, two samples each; the turn
is the only number a packet has, so that a loss of four packets (40 ms) cannot be seen in it.
"""

from __future__ import annotations

import numpy as np

from firmware_bridge.packets import Packet, Reject, RejectReason, Samples
from firmware_bridge.spec import (
    BATTERY_LEVEL,
    DeviceSpec,
    Forbidden,
    Resume,
    StatelessDecoder,
    Subscribe,
    Write,
    decode_battery_level,
    wrong_length,
)
from firmware_bridge.streams import CounterSpec, StreamSpec


def _uuid(number: int) -> str:
    return f"d506{number:04x}-a904-deb9-4748-2c7f4a124842"


SERVICE = _uuid(0x0001)
COMMAND = _uuid(0x0401)
IMU = _uuid(0x0402)
SMOOTHED = _uuid(0x0104)
EMG = tuple(_uuid(number) for number in (0x0105, 0x0205, 0x0305, 0x0405))

NEVER_SLEEP = bytes.fromhex("090101")
RAW_EMG_AND_IMU = bytes.fromhex("0103030100")
DEEP_SLEEP = bytes.fromhex("04")

_CHANNELS = 8
_SAMPLES_PER_PACKET = 2

_EMG_STREAM = StreamSpec(
    kind="emg",
    channels=_CHANNELS,
    rate_hz=200.0,
    rate_tolerance=1e-3,
    limits=(-128, 127),
    counter=CounterSpec(modulus=len(EMG) * _SAMPLES_PER_PACKET),
)
_ACC_STREAM = StreamSpec(
    kind="acc", channels=3, rate_hz=50.0, rate_tolerance=1e-3, scale=1 / 2048, unit="g"
)


def _decode_emg(turn: int, payload: bytes) -> list[Packet]:
    if len(payload) != _CHANNELS * _SAMPLES_PER_PACKET:
        return [wrong_length(EMG[turn], payload, "16 bytes")]
    values = np.frombuffer(payload, np.int8).reshape(_SAMPLES_PER_PACKET, _CHANNELS)
    return [Samples("emg", values.T.astype(np.int32), counter=turn * _SAMPLES_PER_PACKET)]


def _decode_imu(payload: bytes) -> list[Packet]:
    """Orientation, ACC and rotation; only ACC is kept as samples."""
    if len(payload) != 20:
        return [wrong_length(IMU, payload, "20 bytes")]
    words = np.frombuffer(payload, "<i2").astype(np.int32)
    return [Samples("acc", words[4:7].reshape(3, 1))]


def _decode_smoothed(payload: bytes) -> list[Packet]:
    detail = f"{len(payload)} bytes of smoothed EMG (mode 1), which are no samples of EMG"
    return [Reject(RejectReason.KIND, SMOOTHED, detail)]


def decoder() -> StatelessDecoder:
    """Make a decoder of the four EMG characteristics, IMU and battery."""
    emg = {
        uuid: lambda payload, turn=turn: _decode_emg(turn, payload) for turn, uuid in enumerate(EMG)
    }
    others = {IMU: _decode_imu, SMOOTHED: _decode_smoothed, BATTERY_LEVEL: decode_battery_level}
    return StatelessDecoder({**emg, **others})


MYO = DeviceSpec(
    name="myo",
    title="Thalmic Myo",
    service=SERVICE,
    name_pattern=None,
    service_is_enough=True,
    mtu_min=23,
    setup=(
        # Without it the armband drops the link after seconds to a minute; the mode is forgotten
        # with the link too.
        Write(COMMAND, NEVER_SLEEP),
        *(Subscribe(uuid) for uuid in EMG),
        Subscribe(IMU),
        Subscribe(BATTERY_LEVEL, optional=True),
        Write(COMMAND, RAW_EMG_AND_IMU),
    ),
    streams=(_EMG_STREAM, _ACC_STREAM),
    resume=Resume.NONE,
    decoder=decoder,
    essential=EMG,
    forbidden=(Forbidden(COMMAND, DEEP_SLEEP, "deep sleep can only be ended with a USB cable"),),
    advice=(
        "It fits legs of 19 to 34 cm; many calves are wider.",
        "200 samples per second keep half of the EMG; spectral features are not computed.",
    ),
)
