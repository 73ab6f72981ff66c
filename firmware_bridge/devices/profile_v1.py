"""Sensors that speak the nightcramp stream profile, version 1 (``PROFILE.md``).

The only kind of sensor from which nothing is lost: samples are numbered through drop-outs, kept
while the link is down and sent again on request. Rate, scale and band come from the device.
"""

from __future__ import annotations

from firmware_bridge import profile
from firmware_bridge.packets import (
    DeviceStatus,
    Mark,
    Packet,
    Reject,
    Reply,
    SampleFlag,
    Samples,
    StreamKind,
    StreamState,
)
from firmware_bridge.profile import Malformed, StreamId, UnitCode
from firmware_bridge.spec import (
    DeviceSpec,
    Forbidden,
    Read,
    Resume,
    StatelessDecoder,
    Subscribe,
    Write,
)
from firmware_bridge.streams import CounterSpec, StreamSpec, Unit

_KINDS: dict[StreamId, StreamKind] = {StreamId.EMG: "emg", StreamId.ACC: "acc"}
_UNITS: dict[UnitCode, Unit] = {UnitCode.COUNT: "count", UnitCode.MICROVOLT: "uV", UnitCode.G: "g"}
_COUNTER = CounterSpec(modulus=2**32, continues=True)


def _stream_spec(info: profile.StreamInfo) -> StreamSpec:
    top = 2 ** (info.bits - 1)
    band = (info.band_low_hz, info.band_high_hz)
    return StreamSpec(
        kind=_KINDS[info.stream],
        channels=info.channels,
        rate_hz=info.rate_hz,
        limits=(-top, top - 1),
        scale=None if info.unit is UnitCode.COUNT else info.scale,
        unit=_UNITS[info.unit],
        offset=round(info.offset),
        bandwidth_hz=band if band[1] > band[0] >= 0 else None,
        antialias=info.antialias,
        counter=_COUNTER,
    )


def _decode_info(payload: bytes) -> list[Packet]:
    info = profile.decode_info(payload)
    if isinstance(info, Malformed):
        return [Reject(info.reason, profile.INFO, info.detail)]
    return [_stream_spec(stream) for stream in info.streams if stream.stream in _KINDS]


def _decode_frame(characteristic: str, payload: bytes) -> list[Packet]:
    frame = profile.decode_frame(payload)
    if isinstance(frame, Malformed):
        return [Reject(frame.reason, characteristic, frame.detail)]
    if frame.stream is StreamId.MARK:
        return [Mark(int(frame.values[0, 0]), frame.index, frame.session)]
    backlog = SampleFlag.BACKLOG if characteristic == profile.BACKLOG else SampleFlag.NONE
    return [
        Samples(
            _KINDS[frame.stream], frame.values, frame.index, frame.flags | backlog, frame.session
        )
    ]


def _stream_state(status: profile.StreamStatus) -> StreamState:
    lead_off = tuple(channel for channel in range(8) if status.lead_off >> channel & 1)
    return StreamState(
        _KINDS[status.stream], lead_off, status.oldest, status.following, status.dropped
    )


def _decode_status(payload: bytes) -> list[Packet]:
    status = profile.decode_status(payload)
    if isinstance(status, Malformed):
        return [Reject(status.reason, profile.STATUS, status.detail)]
    return [
        DeviceStatus(
            battery_percent=status.battery_percent,
            battery_mv=status.battery_mv,
            charging=status.charging,
            temperature_c=status.temperature_c,
            storage_percent=status.storage_percent,
            storage_fault=status.storage_fault,
            streams=tuple(
                _stream_state(stream) for stream in status.streams if stream.stream in _KINDS
            ),
        )
    ]


def _decode_reply(payload: bytes) -> list[Packet]:
    reply = profile.decode_reply(payload)
    if isinstance(reply, Malformed):
        return [Reject(reply.reason, profile.CONTROL, reply.detail)]
    ok = reply.status is profile.ReplyStatus.OK
    return [Reply(reply.opcode, ok, reply.status.name.lower().replace("_", " "), reply.payload)]


def decoder() -> StatelessDecoder:
    """Make a decoder of description, frames, status and answers; each payload stands alone."""
    return StatelessDecoder(
        {
            profile.INFO: _decode_info,
            profile.LIVE: lambda payload: _decode_frame(profile.LIVE, payload),
            profile.BACKLOG: lambda payload: _decode_frame(profile.BACKLOG, payload),
            profile.STATUS: _decode_status,
            profile.CONTROL: _decode_reply,
        }
    )


PROFILE_V1 = DeviceSpec(
    name="profile-v1",
    title="nightcramp stream profile 1",
    service=profile.SERVICE,
    name_pattern=None,
    service_is_enough=True,
    mtu_min=profile.MAX_FRAME + 3,
    setup=(
        Read(profile.INFO),
        Subscribe(profile.CONTROL),
        Subscribe(profile.STATUS),
        Subscribe(profile.BACKLOG),
        Subscribe(profile.LIVE),
        Write(profile.CONTROL, profile.start((StreamId.EMG, StreamId.ACC, StreamId.MARK))),
    ),
    streams=(),
    resume=Resume.BACKLOG,
    decoder=decoder,
    forbidden=(
        Forbidden(
            profile.CONTROL, profile.erase()[:1], "it would destroy samples that were not sent yet"
        ),
    ),
)
