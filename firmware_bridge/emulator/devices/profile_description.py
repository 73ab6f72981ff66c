"""What an emulated sensor of the stream profile says of itself."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from firmware_bridge import profile
from firmware_bridge.emulator.devices.converter import Run
from firmware_bridge.emulator.devices.peripheral import (
    BATTERY,
    DEVICE_INFORMATION,
    characteristic,
    sig,
)
from firmware_bridge.emulator.sensor import Service
from firmware_bridge.emulator.sources import FrontEnd
from firmware_bridge.profile import StreamId, UnitCode

if TYPE_CHECKING:
    from firmware_bridge.emulator.devices.profile_sessions import Session, Sessions
    from firmware_bridge.packets import StreamKind

SERIAL_NUMBER, FIRMWARE_REVISION = sig(0x2A25), sig(0x2A26)

SERVICES: Final = (
    Service(
        profile.SERVICE,
        (
            characteristic(profile.INFO, "read"),
            characteristic(profile.CONTROL, "write", "indicate"),
            characteristic(profile.LIVE, "notify"),
            characteristic(profile.BACKLOG, "indicate"),
            characteristic(profile.STATUS, "read", "notify"),
        ),
    ),
    Service(
        DEVICE_INFORMATION,
        (characteristic(SERIAL_NUMBER, "read"), characteristic(FIRMWARE_REVISION, "read")),
    ),
    BATTERY,
)

PROFILE_V1: Final[dict[StreamKind, FrontEnd]] = {
    "emg": FrontEnd(1, 1000.0, -32768, 32767, 0.25e-6),
    "acc": FrontEnd(3, 50.0, -32768, 32767, 1 / 8192),
}
IDS: Final[dict[StreamKind, StreamId]] = {"emg": StreamId.EMG, "acc": StreamId.ACC}
KINDS: Final[dict[StreamId, StreamKind]] = {number: kind for kind, number in IDS.items()}

_EMPTY_MV, _FULL_MV = 3300, 4200
_NIGHT_TEMPERATURE = 31
_BITS = 16
_BAND_HZ = {StreamId.EMG: (20.0, 450.0), StreamId.ACC: (0.0, 0.0)}


@dataclass(slots=True)
class Health:
    """What may be wrong with the sensor.

    Attributes
    ----------
    charging, memory_fault : bool
    contact_told : int
        Channels without skin contact, as the host was last told.
    """

    charging: bool = False
    memory_fault: bool = False
    contact_told: int = 0


def info(session: int, backlog_s: int) -> bytes:
    """Bytes of the description."""
    streams = tuple(
        profile.StreamInfo(
            number,
            PROFILE_V1[kind].channels,
            _BITS,
            PROFILE_V1[kind].rate_hz,
            0.25 if kind == "emg" else PROFILE_V1[kind].unit,
            0.0,
            *_BAND_HZ[number],
            UnitCode.MICROVOLT if kind == "emg" else UnitCode.G,
            antialias=kind == "emg",
        )
        for kind, number in IDS.items()
    )
    return profile.encode_info(profile.Info(session, backlog_s, streams))


def status(
    health: Health, sessions: Sessions, percent: int, streams: dict[StreamKind, tuple[int, int]]
) -> bytes:
    """Bytes of the status; `streams` are those running: channels off the skin, next number."""
    running = sessions.running
    told = [
        _stream_status(sessions, running, kind, *of_stream)
        for kind, of_stream in streams.items()
        if running is not None
    ]
    return profile.encode_status(
        profile.Status(
            charging=health.charging,
            storage_fault=health.memory_fault,
            running=running is not None,
            session=sessions.number,
            battery_mv=round(_EMPTY_MV + (_FULL_MV - _EMPTY_MV) * percent / 100),
            battery_percent=percent,
            temperature_c=_NIGHT_TEMPERATURE,
            storage_percent=sessions.percent,
            streams=tuple(told),
        )
    )


def _stream_status(
    sessions: Sessions, session: Session, kind: StreamKind, lead_off: int, following: int
) -> profile.StreamStatus:
    """State of a stream: `following` is its next number, for when nothing is stored."""
    stored = sessions.stored(session, kind) or [Run(following, 0)]
    first, last = session.first[kind], stored[-1]
    return profile.StreamStatus(
        IDS[kind],
        lead_off,
        stored[0].first - first,
        last.first + last.n - first,
        session.dropped[kind],
    )
