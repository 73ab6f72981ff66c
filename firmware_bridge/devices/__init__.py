"""Every device the project understands. Adding one is adding a file and a line here."""

from __future__ import annotations

from typing import TYPE_CHECKING

from firmware_bridge.devices.ganglion import FIRMWARE_2, FIRMWARE_3
from firmware_bridge.devices.gforce import EIGHT_BIT, TWELVE_BIT
from firmware_bridge.devices.movesense import MOVESENSE
from firmware_bridge.devices.myo import MYO
from firmware_bridge.devices.npg_lite import BAND, BOARD_3CH, BOARD_6CH, BOARD_250HZ
from firmware_bridge.devices.polar import H10, VERITY_SENSE
from firmware_bridge.devices.profile_v1 import PROFILE_V1
from firmware_bridge.devices.umyo import UMYO

if TYPE_CHECKING:
    from collections.abc import Collection

    from firmware_bridge.spec import DeviceSpec

__all__ = ["DEVICES", "find_device"]

_ALL = (
    PROFILE_V1,
    BAND,
    BOARD_3CH,
    BOARD_6CH,
    BOARD_250HZ,
    UMYO,
    MYO,
    FIRMWARE_3,
    FIRMWARE_2,
    EIGHT_BIT,
    TWELVE_BIT,
    MOVESENSE,
    H10,
    VERITY_SENSE,
)

DEVICES: dict[str, DeviceSpec] = {spec.name: spec for spec in _ALL}
"""Every `DeviceSpec` by its name; the first that matches an advertisement is the likeliest."""


def find_device(name: str | None, services: Collection[str]) -> DeviceSpec | None:
    """Device that advertises itself with this name and these services.

    Parameters
    ----------
    name : str or None
        Advertised local name.
    services : collection of str
        Advertised service UUIDs, 128 bit.

    Returns
    -------
    DeviceSpec or None
        None if it is no device the project understands.
    """
    return next((spec for spec in _ALL if spec.matches(name, services)), None)
