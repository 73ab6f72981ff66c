"""Upside Down Labs NPG Lite (3 and 6 channels) and NPG-Lite-band: EMG, and on the band ACC.

Formats as in the public board firmware and the maker's band client. The counter of a sample
starts at 0 with ``START``, so after a lost link only the clock tells how long the gap was; an
overrun of the converter's buffers loses samples without a jump of the counter.
"""

from __future__ import annotations

from functools import partial
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from firmware_bridge.packets import Packet, Reply, Samples, StreamKind
from firmware_bridge.spec import (
    DeviceSpec,
    Resume,
    StatelessDecoder,
    Subscribe,
    Write,
    decode_battery_level,
    wrong_length,
)
from firmware_bridge.streams import CounterSpec, StreamSpec

if TYPE_CHECKING:
    from collections.abc import Callable

# The UUIDs of an example sketch, shared by many home-made devices: never enough to know one by.
SERVICE = "4fafc201-1fb5-459e-8fcc-c5c9c331914b"
DATA = "beb5483e-36e1-4688-b7f5-ea07361b26a8"
CONTROL = "0000ff01-0000-1000-8000-00805f9b34fb"
BATTERY = "f633d0ec-46b4-43c1-a39f-1ca06d0602e1"
IMU = "5a153fa9-7be0-400c-8ef8-d84502b31c4d"

_AXES = 3
_COUNTER = CounterSpec(modulus=256)


def _emg(channels: int, rate_hz: float = 500.0) -> StreamSpec:
    return StreamSpec(
        kind="emg",
        channels=channels,
        rate_hz=rate_hz,
        limits=(0, 4095),
        offset=2048,
        counter=_COUNTER,
        silent_loss=True,
    )


# 16 000 counts per g: length of the vector at rest in 37 recordings of one band (15 491 to
# 16 072). The rate is not documented; 100 Hz fits those recordings.
_ACC = StreamSpec(
    kind="acc",
    channels=_AXES,
    rate_hz=100.0,
    rate_tolerance=0.3,
    scale=1 / 16000,
    unit="g",
    counter=_COUNTER,
)


def _runs(counters: npt.NDArray[np.uint8]) -> list[slice]:
    """Stretches in which an 8-bit counter rises by one."""
    breaks = np.flatnonzero(np.diff(counters) != 1) + 1
    edges = [0, *breaks.tolist(), len(counters)]
    return [slice(start, stop) for start, stop in pairwise(edges)]


def _numbered_samples(
    payload: bytes, stream: StreamKind, channels: int, dtype: str
) -> list[Packet] | None:
    """Decode samples of one counter byte and `channels` big-endian words; None if cut."""
    size = 1 + 2 * channels
    if not payload or len(payload) % size:
        return None
    table = np.frombuffer(payload, np.uint8).reshape(-1, size)
    words = np.ascontiguousarray(table[:, 1:]).view(dtype).astype(np.int32).T
    return [
        Samples(stream, words[:, run], counter=int(table[run.start, 0]))
        for run in _runs(table[:, 0])
    ]


def _decode_imu(payload: bytes) -> list[Packet]:
    if not payload:
        return []
    samples = _numbered_samples(payload, "acc", _AXES, ">i2")
    return [wrong_length(IMU, payload, "a multiple of 7 bytes")] if samples is None else samples


def _decode_control(payload: bytes) -> list[Packet]:
    text = payload.decode("ascii", errors="replace").strip("\x00 \r\n")
    return [Reply(None, text != "UNKNOWN COMMAND", text, payload)]


def decoder(channels: int, *, imu: bool = False) -> StatelessDecoder:
    """Make a decoder for boards with `channels` EMG channels; any number of samples in a block."""

    def decode_data(payload: bytes) -> list[Packet]:
        samples = _numbered_samples(payload, "emg", channels, ">u2")
        if samples is None:
            return [wrong_length(DATA, payload, f"a multiple of {1 + 2 * channels} bytes")]
        return samples

    handlers: dict[str, Callable[[bytes], list[Packet]]] = {
        DATA: decode_data,
        BATTERY: partial(decode_battery_level, characteristic=BATTERY),
        CONTROL: _decode_control,
    }
    if imu:
        handlers[IMU] = _decode_imu
    return StatelessDecoder(handlers)


def _spec(
    name: str, title: str, pattern: str | None, streams: tuple[StreamSpec, ...]
) -> DeviceSpec:
    imu = _ACC in streams
    return DeviceSpec(
        name=name,
        title=title,
        service=SERVICE,
        name_pattern=pattern,
        service_is_enough=False,
        mtu_min=247,
        setup=(
            Subscribe(CONTROL, optional=True),
            Subscribe(DATA),
            *([Subscribe(IMU, optional=True)] if imu else []),
            Subscribe(BATTERY, optional=True),
            Write(CONTROL, b"STOP", pause_s=0.1),
            Write(CONTROL, b"START"),
        ),
        streams=streams,
        resume=Resume.NONE,
        decoder=lambda: decoder(streams[0].channels, imu=imu),
        essential=(DATA,),
        advice=(
            "Charge it before the night: below 5 % it switches itself off.",
            "Do not pair it in the system settings, and close every other program that uses it.",
        ),
    )


BAND = _spec("npg-lite-band", "NPG-Lite-band", r"NPG-Lite-band", (_emg(3), _ACC))
BOARD_6CH = _spec("npg-lite-6ch", "NPG Lite, 6 channels", r"NPG-Lite-6CH", (_emg(6),))
BOARD_3CH = _spec("npg-lite-3ch", "NPG Lite, 3 channels", r"NPG-Lite(-3CH|$)", (_emg(3),))
# Nothing in its name tells the low-power firmware apart: it must be chosen by hand.
BOARD_250HZ = _spec("npg-lite-250hz", "NPG Lite, low-power firmware", None, (_emg(3, 250.0),))
