"""What an emulated sensor is to the radio that serves it: a GATT table, bytes, and the truth.

An emulated sensor is pure. It knows no Bluetooth stack and no clock: whoever serves it tells the
time, in true seconds since the sensor was switched on. It answers with the bytes a real one would
send, and with which samples they hold, so that a recording can be judged to the sample.

Sample numbers here are true ones: sample i of a stream is the one taken ``i / rate`` after the
sensor was switched on, whether or not its converter ran. What was not taken, overwritten or
thrown away is named in `EmulatedSensor.lost`; every other sample is sent or still waits.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum, StrEnum
from typing import TYPE_CHECKING, Protocol

from nightcramp.errors import SensorError

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from firmware_bridge.packets import Counts, StreamKind


@dataclass(frozen=True, slots=True)
class Characteristic:
    """A characteristic of the GATT table.

    Attributes
    ----------
    uuid : str
        128 bit, lower case.
    properties : frozenset of str
        Of "read", "write", "write-without-response", "notify", "indicate".
    """

    uuid: str
    properties: frozenset[str]


@dataclass(frozen=True, slots=True)
class Service:
    """A primary service of the GATT table."""

    uuid: str
    characteristics: tuple[Characteristic, ...]


@dataclass(frozen=True, slots=True)
class Advertisement:
    """What the sensor shouts while nobody is connected.

    Attributes
    ----------
    name : str
        Local name; empty if it sends none.
    services : tuple of str
        Advertised service UUIDs, 128 bit.
    manufacturer_data : bytes
        With the company identifier in front; empty if it sends none.
    """

    name: str
    services: tuple[str, ...]
    manufacturer_data: bytes = b""


@dataclass(frozen=True, slots=True)
class Emission:
    """One notification or indication, and what it carries.

    Attributes
    ----------
    characteristic : str
        Its properties tell whether it is notified or indicated.
    payload : bytes
    samples : tuple of (stream, first, n)
        True numbers of the samples in it. Samples that take several notifications are named in
        the last of them.
    """

    characteristic: str
    payload: bytes
    samples: tuple[tuple[StreamKind, int, int], ...] = ()


class LossCause(StrEnum):
    """Why a sensor gave up samples."""

    STOPPED = "stopped"
    """Nobody had started the converter."""
    DISCONNECTED = "disconnected"
    """It stops, or throws away what waits, when the link ends."""
    OFF = "switched_off"
    REBOOT = "rebooted"
    OVERRUN = "converter_overrun"
    QUEUE_FULL = "queue_full"
    UNSUBSCRIBED = "unsubscribed"
    """Nobody asked for the characteristic."""
    CUT = "cut_to_small_mtu"
    FIRMWARE = "left_out_by_firmware"
    OVERWRITTEN = "memory_full"
    FORGOTTEN = "forgotten_by_command"
    """The host said that they were safe, or erased them."""


@dataclass(frozen=True, slots=True)
class Lost:
    """Samples the sensor itself gave up; told when the stretch is over.

    Attributes
    ----------
    stream : {"emg", "acc"}
    first, n : int
        True numbers.
    cause : str
        A `LossCause`.
    at_s : float
        When they were given up.
    """

    stream: StreamKind
    first: int
    n: int
    cause: str
    at_s: float


class AttError(IntEnum):
    """Error codes of the Attribute Protocol (Bluetooth Core Specification 3.F.3.4.1.1)."""

    READ_NOT_PERMITTED = 0x02
    WRITE_NOT_PERMITTED = 0x03
    REQUEST_NOT_SUPPORTED = 0x06
    ATTRIBUTE_NOT_FOUND = 0x0A
    INVALID_LENGTH = 0x0D
    UNLIKELY = 0x0E
    VALUE_NOT_ALLOWED = 0x13
    NOT_SUBSCRIBED = 0xFD


class AttRefusal(SensorError):  # noqa: N818 (an answer, not a fault)
    """The sensor refuses a request of the host.

    Parameters
    ----------
    code : AttError
        What it answers.
    """

    def __init__(self, code: AttError) -> None:
        self.code = code
        reason = code.name.lower().replace("_", " ")
        super().__init__(f"The sensor refused the request: {reason} (ATT error {code:#04x}).")


class SignalSource(Protocol):
    """What a sensor measures, as its converter would count it."""

    def counts(self, stream: StreamKind, first: int, n: int) -> Counts:
        """Give samples by their true number, int32, shape (channels, n); always the same answer."""
        ...


class EmulatedSensor(Protocol):
    """One sensor, from the outside.

    Time never runs backwards from one call to the next. Nothing raises but `AttRefusal` from
    `subscribed`, `read` and `write`, and `UsageError` from `provoke`.
    """

    @property
    def device(self) -> str:
        """Name of its `DeviceSpec`."""
        ...

    @property
    def advertisement(self) -> Advertisement:
        """What it advertises now."""
        ...

    @property
    def services(self) -> tuple[Service, ...]:
        """Its GATT table."""
        ...

    @property
    def mtu(self) -> int:
        """Largest ATT MTU it agrees to."""
        ...

    @property
    def in_flight(self) -> int:
        """Notifications it gives to the link layer before one of them is confirmed as sent."""
        ...

    @property
    def on(self) -> bool:
        """Whether it is switched on. Off: it neither advertises nor answers, nor says goodbye."""
        ...

    @property
    def linked(self) -> bool:
        """Whether it holds a link. If not while the radio has one, the sensor has ended it."""
        ...

    @property
    def lost(self) -> Sequence[Lost]:
        """Everything it gave up so far, in the order in which it did; only ever grows."""
        ...

    @property
    def faults(self) -> Collection[str]:
        """Kinds that `provoke` knows."""
        ...

    def connected(self, now_s: float, mtu: int) -> None:
        """Take note of a host and the ATT MTU agreed on; told again if the MTU changes."""
        ...

    def disconnected(self, now_s: float) -> None:
        """Take note that the link has ended, however."""
        ...

    def subscribed(self, characteristic: str, on: bool, now_s: float) -> None:
        """Begin or end notifications or indications of a characteristic."""
        ...

    def read(self, characteristic: str, now_s: float) -> bytes:
        """Value of a characteristic."""
        ...

    def write(self, characteristic: str, payload: bytes, now_s: float) -> None:
        """Take what the host writes to a characteristic."""
        ...

    def due(self, now_s: float, room: int) -> list[Emission]:
        """Send what is due: at most `room` payloads.

        What does not fit waits in the sensor's own queue, which has the real one's depth. To be
        called whenever the link layer has room, and at least once for each connection event.
        """
        ...

    def reboot(self, now_s: float) -> None:
        """Its firmware starts anew, after a crash, a new battery or the switch."""
        ...

    def provoke(self, kind: str, now_s: float, **numbers: float) -> None:
        """Make something go wrong inside the sensor; `UsageError` for what it cannot have."""
        ...
