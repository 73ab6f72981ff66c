"""Emulated sensors, one for each device the project understands.

Adding a device is adding its decoder, its emulated sensor here, and a line to the tables below.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from firmware_bridge.emulator.devices import (
    ganglion,
    gforce,
    movesense,
    myo,
    npg_lite,
    polar,
    profile_description,
    umyo,
)
from firmware_bridge.emulator.devices.profile_v1 import ProfileV1
from firmware_bridge.emulator.sources import IndexSource

if TYPE_CHECKING:
    from collections.abc import Mapping

    from firmware_bridge.emulator.sensor import EmulatedSensor, SignalSource
    from firmware_bridge.emulator.sources import FrontEnd
    from firmware_bridge.packets import StreamKind

__all__ = ["EMULATED", "FRONT_ENDS", "index_source"]


class Factory(Protocol):
    """Makes an emulated sensor; `rate_error` of its crystal is in parts per million."""

    def __call__(self, source: SignalSource, rate_error: float = 0.0) -> EmulatedSensor:
        """Make one, switched on at its time 0."""
        ...


EMULATED: dict[str, Factory] = {
    "profile-v1": ProfileV1,
    "npg-lite-band": npg_lite.band,
    "npg-lite-3ch": npg_lite.board_3ch,
    "npg-lite-6ch": npg_lite.board_6ch,
    "npg-lite-250hz": npg_lite.board_250hz,
    "umyo": umyo.Umyo,
    "myo": myo.Myo,
    "ganglion-fw3": ganglion.firmware_3,
    "ganglion-fw2": ganglion.firmware_2,
    "gforce-8bit": gforce.eight_bit,
    "gforce-12bit": gforce.twelve_bit,
    "movesense": movesense.Movesense,
    "polar-h10": polar.h10,
    "polar-verity-sense": polar.verity_sense,
}
"""How to make the emulated sensor of a `DeviceSpec`, by the name of the spec."""

FRONT_ENDS: dict[str, Mapping[StreamKind, FrontEnd]] = {
    "profile-v1": profile_description.PROFILE_V1,
    "npg-lite-band": npg_lite.BAND,
    "npg-lite-3ch": npg_lite.BOARD_3CH,
    "npg-lite-6ch": npg_lite.BOARD_6CH,
    "npg-lite-250hz": npg_lite.BOARD_250HZ,
    "umyo": umyo.UMYO,
    "myo": myo.MYO,
    "ganglion-fw3": ganglion.FIRMWARE_3,
    "ganglion-fw2": ganglion.FIRMWARE_2,
    "gforce-8bit": gforce.EIGHT_BIT,
    "gforce-12bit": gforce.TWELVE_BIT,
    "movesense": movesense.MOVESENSE,
    "polar-h10": polar.H10,
    "polar-verity-sense": polar.VERITY_SENSE,
}
"""Streams of every emulated sensor, for the source that feeds it."""


def index_source(device: str, seed: int = 0) -> IndexSource:
    """Source whose every value tells its place, on the grid that the device carries exactly."""
    return IndexSource(FRONT_ENDS[device], seed)
