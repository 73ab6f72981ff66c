"""What the link to a sensor is doing, what went wrong, and who is told."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from firmware_bridge.packets import Notification


class LinkState(StrEnum):
    """What the link is doing."""

    SCANNING = "scanning"
    """Listening for the sensor's advertisements."""
    CONNECTING = "connecting"
    SETTING_UP = "setting_up"
    """Connected; subscribing and starting its streams."""
    STREAMING = "streaming"
    LOST = "lost"
    """No longer connected, or as good as; ends what `SETTING_UP` began, unless `STOPPED` does."""
    WAITING = "waiting"
    """Resting before the next attempt."""
    STOPPED = "stopped"


class LinkCause(StrEnum):
    """What went wrong; `firmware_bridge.link.explain` says it to a person."""

    NOT_FOUND = "not_found"
    AMBIGUOUS = "ambiguous"
    BLUETOOTH_OFF = "bluetooth_off"
    NO_ADAPTER = "no_adapter"
    NO_LOW_ENERGY = "no_low_energy"
    NO_SERVICE = "no_service"
    """The operating system's Bluetooth service does not answer."""
    NOT_PERMITTED = "not_permitted"
    CONNECT_FAILED = "connect_failed"
    NOT_PAIRED = "not_paired"
    BOND_LOST = "bond_lost"
    """Connects fail though the sensor is heard: it has probably forgotten this computer."""
    WRONG_SENSOR = "wrong_sensor"
    """Another of its kind than the one that is sought, or that was connected before."""
    NEW_ADDRESS = "new_address"
    """Told while setting up: taken for the one that was connected before by its name alone."""
    WRONG_FIRMWARE = "wrong_firmware"
    """It lacks a service or characteristic that its kind of sensor has."""
    SETUP_FAILED = "setup_failed"
    LOW_MTU = "low_mtu"
    """Told while streaming: packets may arrive cut."""
    SILENCE = "silence"
    """Connected by all appearances, but nothing comes."""
    DISCONNECTED = "disconnected"
    LONG_OUTAGE = "long_outage"
    """Told while waiting: nothing has helped for minutes."""
    UNEXPECTED = "unexpected"
    """An error of the Bluetooth stack that is not known here."""


@dataclass(frozen=True, slots=True)
class LinkEvent:
    """The link has changed its state, or has something to tell about the one it is in.

    Attributes
    ----------
    state : LinkState
    monotonic_ns, wall_ns : int
        When, on the clocks that stamp notifications.
    cause : LinkCause or None
        What went wrong, if anything did.
    detail : str
        Particulars, in words.
    attempt : int
        Number of attempts to connect since data last flowed for a while.
    address : str or None
        Of the sensor, as the operating system calls it (a UUID of this computer's own on macOS).
    name : str or None
        That the sensor advertises.
    """

    state: LinkState
    monotonic_ns: int
    wall_ns: int
    cause: LinkCause | None = None
    detail: str = ""
    attempt: int = 0
    address: str | None = None
    name: str | None = None


class LinkSink(Protocol):
    """Takes what the link delivers. Its methods are fast and never raise."""

    def notification(self, notification: Notification) -> None:
        """Take bytes that have just arrived."""
        ...

    def event(self, event: LinkEvent) -> None:
        """Take news of the link; ``setting_up`` comes before the first bytes of a connection."""
        ...
