"""What a device needs to be found, set up and understood, as data."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Protocol, TypeAlias

from firmware_bridge.packets import DeviceStatus, Packet, Reject, RejectReason
from nightcramp.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from firmware_bridge.streams import StreamSpec


def sig_uuid(number: int) -> str:
    """Full UUID of a 16-bit number assigned by the Bluetooth SIG (Core Specification 3.B.2.5.1)."""
    return f"0000{number:04x}-0000-1000-8000-00805f9b34fb"


BATTERY_LEVEL = sig_uuid(0x2A19)
FIRMWARE_REVISION = sig_uuid(0x2A26)
SERIAL_NUMBER = sig_uuid(0x2A25)


class Resume(StrEnum):
    """What a device does about the samples taken while the link was down."""

    NONE = "none"
    """It stops; numbering starts again."""
    INDEX = "index"
    """They are lost, but their number is known: the counter runs on."""
    BACKLOG = "backlog"
    """It keeps them and sends them on request."""


@dataclass(frozen=True, slots=True)
class Write:
    """Write bytes to a characteristic.

    Attributes
    ----------
    characteristic : str
    payload : bytes
    response : bool
        Whether to wait for the device's acknowledgement.
    pause_s : float
        Rest before the next step; some devices lose writes that follow too fast.
    optional : bool
        Skip it if the device lacks the characteristic.
    """

    characteristic: str
    payload: bytes
    response: bool = True
    pause_s: float = 0.0
    optional: bool = False


@dataclass(frozen=True, slots=True)
class Subscribe:
    """Ask for the notifications or indications of a characteristic."""

    characteristic: str
    optional: bool = False


@dataclass(frozen=True, slots=True)
class Read:
    """Read a characteristic; the answer goes to the journal and to the decoder."""

    characteristic: str
    optional: bool = False


Step: TypeAlias = Write | Subscribe | Read


@dataclass(frozen=True, slots=True)
class KeepAlive:
    """A write to repeat while streaming."""

    write: Write
    period_s: float


@dataclass(frozen=True, slots=True)
class Forbidden:
    """Bytes that must never be sent, by their beginning, and why."""

    characteristic: str
    prefix: bytes
    reason: str


class Decoder(Protocol):
    """Turns the bytes of one device into packets.

    It never raises: bytes it does not understand become a `Reject`. What it remembers between
    notifications is its own and is forgotten by `reset`.
    """

    def decode(self, characteristic: str, payload: bytes) -> list[Packet]:
        """Everything the payload says, in the order it says it."""
        ...

    def reset(self) -> None:
        """Forget the past: the device was connected anew."""
        ...


class StatelessDecoder:
    """Decoder of a format in which every notification stands alone.

    Parameters
    ----------
    handlers : mapping of str to function
        For each characteristic the function that decodes its payload.
    """

    def __init__(self, handlers: dict[str, Callable[[bytes], list[Packet]]]) -> None:
        self._handlers = handlers

    def decode(self, characteristic: str, payload: bytes) -> list[Packet]:
        """Everything the payload says; a `Reject` if it is not understood."""
        handler = self._handlers.get(characteristic)
        return [unknown_characteristic(characteristic)] if handler is None else handler(payload)

    def reset(self) -> None:
        """Nothing to forget."""


@dataclass(frozen=True, slots=True)
class DeviceSpec:
    """One device and firmware dialect.

    Attributes
    ----------
    name : str
        Key of device and dialect. Journals hold it: never change or reuse one.
    title : str
        For people.
    service : str
        UUID of the service that holds the streams.
    name_pattern : str or None
        Regular expression for the beginning of the advertised name, any case; None if the owner
        can change the name.
    service_is_enough : bool
        Whether an advertised `service` alone identifies the device.
    mtu_min : int
        Smallest ATT MTU at which no notification is cut.
    setup : tuple of Step
        To be done in this order after every connect.
    streams : tuple of StreamSpec
        Empty if the device describes its streams itself.
    resume : Resume
    decoder : function without arguments
        Makes a fresh `Decoder`.
    keep_alive : KeepAlive or None
    forbidden : tuple of Forbidden
    silence_s : float
        Streaming devices that send nothing for so long are taken for lost.
    essential : tuple of str
        Characteristics whose silence makes a link useless, whatever others send: those of the EMG,
        where acceleration and battery have their own. Empty if everything comes over one.
    advice : tuple of str
        What the person at the bedside should know.
    """

    name: str
    title: str
    service: str
    name_pattern: str | None
    service_is_enough: bool
    mtu_min: int
    setup: tuple[Step, ...]
    streams: tuple[StreamSpec, ...]
    resume: Resume
    decoder: Callable[[], Decoder]
    keep_alive: KeepAlive | None = None
    forbidden: tuple[Forbidden, ...] = ()
    silence_s: float = 2.0
    essential: tuple[str, ...] = ()
    advice: tuple[str, ...] = ()

    def matches(self, name: str | None, services: Collection[str]) -> bool:
        """Whether an advertisement with this name and these services can be this device."""
        if self.name_pattern and name and re.match(self.name_pattern, name, re.IGNORECASE):
            return True
        return self.service_is_enough and self.service in {uuid.lower() for uuid in services}

    def check(self, write: Write) -> None:
        """Raise `UsageError` if the device must never receive this write."""
        for never in self.forbidden:
            if write.characteristic == never.characteristic and write.payload.startswith(
                never.prefix
            ):
                message = f"{write.payload.hex()} must never be sent to {self.title}: "
                raise UsageError(message + never.reason)


def decode_battery_level(payload: bytes, characteristic: str = BATTERY_LEVEL) -> list[Packet]:
    """Percentage in one byte (Battery Service 1.0)."""
    if len(payload) != 1:
        return [wrong_length(characteristic, payload, "1 byte")]
    if payload[0] > 100:
        detail = f"battery level {payload[0]} %, expected 0 to 100"
        return [Reject(RejectReason.VALUE, characteristic, detail)]
    return [DeviceStatus(battery_percent=payload[0])]


def unknown_characteristic(characteristic: str) -> Reject:
    """Bytes of a characteristic the device has no decoder for."""
    return Reject(RejectReason.CHARACTERISTIC, characteristic, "no decoder for it")


def wrong_length(characteristic: str, payload: bytes, expected: str) -> Reject:
    """Bytes that are too few or too many."""
    detail = f"{len(payload)} bytes, expected {expected}"
    return Reject(RejectReason.LENGTH, characteristic, detail)
