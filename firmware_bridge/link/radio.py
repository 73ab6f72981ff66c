"""Which Bluetooth is used, and which sensor is meant."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from bleak.backends.adapter import BaseBleakAdapter
    from bleak.backends.client import BaseBleakClient
    from bleak.backends.scanner import BaseBleakScanner

    from firmware_bridge.spec import DeviceSpec


@dataclass(frozen=True, slots=True)
class Radio:
    """A Bluetooth stack; all links that use the same one share one `Radio`.

    Attributes
    ----------
    scanner_backend, client_backend : type or None
        Backends for bleak; None is the operating system's own Bluetooth.
    adapter_backend : type or None
        Tells which devices are connected already; None if other backends than the system's cannot.
    held : set of str
        Addresses to which links of this process are connected.
    """

    scanner_backend: type[BaseBleakScanner] | None = None
    client_backend: type[BaseBleakClient] | None = None
    adapter_backend: type[BaseBleakAdapter] | None = None
    held: set[str] = field(default_factory=set, compare=False)


PLATFORM_RADIO = Radio()
"""The operating system's Bluetooth."""


@dataclass(frozen=True, slots=True)
class Sought:
    """Which sensor is meant: the kind, and what tells it from others of its kind.

    Attributes
    ----------
    spec : DeviceSpec
    name : str or None
        Advertised name, any case.
    address : str or None
        As the operating system calls it. It changes with some sensors' batteries, and on macOS
        differs between computers: use it only where names do not help.
    serial : str or None
        Serial number as the sensor's Device Information Service tells it.
    """

    spec: DeviceSpec
    name: str | None = None
    address: str | None = None
    serial: str | None = None


@dataclass(frozen=True, slots=True)
class Identity:
    """What tells a sensor from others of its kind, learned when it was connected.

    Attributes
    ----------
    address : str
        It may change (random addresses, new battery): then name and serial number tell.
    name : str or None
        That it advertises.
    serial : str or None
        As its Device Information Service tells it, if it does.
    """

    address: str
    name: str | None = None
    serial: str | None = None


@dataclass(frozen=True, slots=True)
class Found:
    """A Bluetooth device that was heard.

    Attributes
    ----------
    matches : tuple of str
        Names of the `DeviceSpec` it can be, the likeliest first; empty if it is no known sensor.
    name : str or None
    address : str
    rssi : int
        Signal strength in dBm; -30 is beside the computer, below -85 is too far.
    services : tuple of str
        Advertised service UUIDs.
    """

    matches: tuple[str, ...]
    name: str | None
    address: str
    rssi: int
    services: tuple[str, ...]
