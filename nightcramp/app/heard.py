"""Sensors within reach of this computer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from nightcramp.sensors import radio_at

if TYPE_CHECKING:
    from firmware_bridge import HostClock
    from firmware_bridge.link import Found

LISTEN_S = 5.0

_STRONG_DBM = -85


@dataclass(frozen=True, slots=True)
class Heard:
    """A sensor within reach.

    Attributes
    ----------
    device, title : str
        Its kind: as commands name it, and in words.
    address, name : str
    strong : bool
        Whether it is heard well.
    """

    device: str
    title: str
    address: str
    name: str
    strong: bool


async def listen(radio: str | None, clock: HostClock) -> list[Heard]:
    """Listen for sensors; raises `NightcrampError` if Bluetooth cannot be used.

    Parameters
    ----------
    radio : str or None
        Address of emulated sensors.
    clock : HostClock
    """
    from firmware_bridge.link import scan

    async with radio_at(radio, clock) as stack:
        found = await scan(stack, clock, LISTEN_S)
    return [each for device in found for each in _heard(device)]


def _heard(found: Found) -> list[Heard]:
    from firmware_bridge import DEVICES

    name, strong = found.name or found.address, found.rssi >= _STRONG_DBM
    return [
        Heard(device, DEVICES[device].title, found.address, name, strong)
        for device in found.matches
    ]
