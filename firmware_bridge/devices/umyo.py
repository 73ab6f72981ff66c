"""Ultimate Robotics uMyo v3.1: one EMG channel and ACC; both published packet dialects.

The u32 number of the first sample counts on while the link is down, so that the length of every
gap is known exactly. The radio sends one notification at a time: at connection intervals above
about 14 ms samples are overwritten before they are sent.
"""

from __future__ import annotations

import numpy as np

from firmware_bridge.packets import Packet, Reply, Samples
from firmware_bridge.spec import DeviceSpec, Resume, StatelessDecoder, Subscribe, wrong_length
from firmware_bridge.streams import CounterSpec, StreamSpec

SERVICE = "93375900-f229-8b49-b397-44b5899b8601"
TELEMETRY = "fc7a850d-c1a5-f61f-0da7-9995621fbd01"
NAME = "fc7a850d-c1a5-f61f-0da7-9995621fbd02"

# Stated are 1116, 1150 and 1240 samples per second: estimate, never assume. 2.75 uV per count:
# 14-bit converter, 0.6 V reference, gain 1/6, and the gain of 80 of the amplifier on board v3.1.
# Its filter is made for 500 Hz, a little below half the rate.
_EMG = StreamSpec(
    kind="emg",
    channels=1,
    rate_hz=1150.0,
    rate_tolerance=0.08,
    limits=(-8192, 8191),
    scale=2.75,
    unit="uV",
    bandwidth_hz=(0.0, 500.0),
    counter=CounterSpec(modulus=2**32, continues=True),
)
_ACC = StreamSpec(
    kind="acc",
    channels=3,
    rate_hz=25.0,
    rate_tolerance=0.3,
    scale=1 / 16384,
    unit="g",
)

# Payload lengths of the first dialect, which has no leading format byte, and of the second.
_EMG_SAMPLES = {20: 8, 36: 16, 52: 24, 60: 24}
_AUX_LENGTH = 26
_FORMATS = {(0x01, 61): 60, (0x02, 53): 52, (0x03, 27): _AUX_LENGTH}


def _decode_telemetry(payload: bytes) -> list[Packet]:
    body = payload
    if payload and (payload[0], len(payload)) in _FORMATS:
        body = payload[1:]
    if len(body) == _AUX_LENGTH:
        return [Samples("acc", np.frombuffer(body, "<i2", 3).astype(np.int32).reshape(3, 1))]
    if len(body) not in _EMG_SAMPLES:
        return [wrong_length(TELEMETRY, payload, "20, 26, 27, 36, 52, 53, 60 or 61 bytes")]
    values = np.frombuffer(body, "<i2", _EMG_SAMPLES[len(body)], offset=4).astype(np.int32)
    return [Samples("emg", values.reshape(1, -1), counter=int.from_bytes(body[:4], "little"))]


def _decode_name(payload: bytes) -> list[Packet]:
    text = payload.rstrip(b"\x00").decode("ascii", errors="replace")
    return [Reply(None, ok=True, text=text, payload=payload)]


def decoder() -> StatelessDecoder:
    """Make a decoder of telemetry (told apart by length) and name."""
    return StatelessDecoder({TELEMETRY: _decode_telemetry, NAME: _decode_name})


UMYO = DeviceSpec(
    name="umyo",
    title="uMyo v3.1",
    service=SERVICE,
    name_pattern=r"uMyo",
    service_is_enough=True,
    mtu_min=64,
    setup=(Subscribe(NAME, optional=True), Subscribe(TELEMETRY)),
    streams=(_EMG, _ACC),
    resume=Resume.INDEX,
    decoder=decoder,
    advice=(
        "Press the button until it is in Bluetooth mode.",
        "Samples will be missing unless the connection interval is 14 ms or less.",
        "It does not tell its battery level: charge it before the night.",
    ),
)
