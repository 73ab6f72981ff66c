"""What travels between a sensor and the rest: bytes as they arrived, and what they mean."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntFlag, StrEnum
from typing import TYPE_CHECKING, Literal, TypeAlias

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from firmware_bridge.streams import StreamSpec

StreamKind = Literal["emg", "acc"]
Counts: TypeAlias = npt.NDArray[np.int32]


@dataclass(frozen=True, slots=True)
class Notification:
    """Bytes of one characteristic, untouched, with the host's clocks at their arrival.

    With the name of the `DeviceSpec` this is all a decoder needs, today or in ten years. Answers
    to reads are kept as notifications too, because some devices describe their streams there.

    Attributes
    ----------
    characteristic : str
        UUID, 128 bit, lower case.
    monotonic_ns : int
        Host clock that is never stepped and runs on while the host sleeps (``CLOCK_BOOTTIME`` on
        Linux).
    wall_ns : int
        Nanoseconds since 1970-01-01 UTC, as the host believed at that moment.
    payload : bytes
    """

    characteristic: str
    monotonic_ns: int
    wall_ns: int
    payload: bytes


class SampleFlag(IntFlag):
    """What a device says of its own samples; values as in the stream profile."""

    NONE = 0
    GAP_BEFORE = 1
    LEAD_OFF = 2
    SATURATED = 4
    BACKLOG = 8
    CLOCK_STEP = 16


@dataclass(frozen=True, slots=True)
class Samples:
    """Consecutive samples of one stream, in the device's counts.

    Attributes
    ----------
    stream : {"emg", "acc"}
    values : int32 array, shape (channels, samples)
    counter : int or None
        The device's own number of the first sample, as sent: a sample number modulo the
        stream's `CounterSpec.modulus`, or device time in ticks. None if the device has none.
    flags : SampleFlag
    session : int or None
        Changes when the device began to count anew; None if the device does not say.
    """

    stream: StreamKind
    values: Counts
    counter: int | None = None
    flags: SampleFlag = SampleFlag.NONE
    session: int | None = None

    @property
    def n(self) -> int:
        """Number of samples per channel."""
        return int(self.values.shape[1])


@dataclass(frozen=True, slots=True)
class StreamState:
    """What a device reports of one of its streams.

    Attributes
    ----------
    stream : {"emg", "acc"}
    lead_off : tuple of int
        Channels without skin contact.
    oldest, following : int
        Sample numbers the device still keeps: from `oldest` up to but not including `following`.
    dropped : int
        Samples the device lost since its session began.
    """

    stream: StreamKind
    lead_off: tuple[int, ...]
    oldest: int
    following: int
    dropped: int


@dataclass(frozen=True, slots=True)
class DeviceStatus:
    """How the device is; None where it does not say.

    Attributes
    ----------
    battery_percent, battery_mv : int or None
    charging : bool or None
    temperature_c : int or None
    storage_percent : int or None
        Filled part of the memory for samples that could not be sent.
    storage_fault : bool or None
    impedance : tuple of int, or None
        Channel (0 is the reference) and its impedance as the device sends it.
    streams : tuple of StreamState
    """

    battery_percent: int | None = None
    battery_mv: int | None = None
    charging: bool | None = None
    temperature_c: int | None = None
    storage_percent: int | None = None
    storage_fault: bool | None = None
    impedance: tuple[int, int] | None = None
    streams: tuple[StreamState, ...] = ()


@dataclass(frozen=True, slots=True)
class Reply:
    """Answer of a device to a command.

    Attributes
    ----------
    request : int or None
        Code of the command that is answered; None where the device does not repeat it.
    ok : bool
    text : str
        What it says, in words.
    payload : bytes
        Data that came with it.
    """

    request: int | None
    ok: bool
    text: str
    payload: bytes = b""


@dataclass(frozen=True, slots=True)
class Mark:
    """Somebody pressed the button of the sensor.

    Attributes
    ----------
    code : int
        Which button or press.
    counter : int
        Sample number of the EMG stream at that moment.
    session : int
    """

    code: int
    counter: int
    session: int


class RejectReason(StrEnum):
    """Why bytes did not become samples."""

    CHARACTERISTIC = "unknown_characteristic"
    LENGTH = "wrong_length"
    KIND = "unknown_kind"
    VERSION = "unknown_version"
    VALUE = "impossible_value"
    PARTIAL = "incomplete_part"
    NO_BASELINE = "no_baseline"
    NOT_CONFIGURED = "not_configured"
    SETTLING = "settling"


@dataclass(frozen=True, slots=True)
class Reject:
    """Bytes that did not become samples; they stay in the journal.

    Attributes
    ----------
    reason : RejectReason
    characteristic : str
    detail : str
        What was found and what was expected.
    """

    reason: RejectReason
    characteristic: str
    detail: str


Packet: TypeAlias = "Samples | DeviceStatus | Reply | Mark | StreamSpec | Reject"
