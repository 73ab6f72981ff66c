"""Sensors without hardware: emulated devices, the radio they speak over, and virtual nights.

The radio needs the extra ``emulator`` (bumble). What is exported here is loaded when it is first
asked for.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from nightcramp.errors import UsageError

if TYPE_CHECKING:
    from firmware_bridge.emulator.devices import EMULATED, FRONT_ENDS, index_source
    from firmware_bridge.emulator.radio import (
        RADIO_FAULTS,
        Air,
        BumbleAdapter,
        Fault,
        FaultScript,
        LinkModel,
        Security,
        SensorHost,
        Truth,
        address_of,
        break_l2cap_length,
        check_address,
        dial,
        open_radio,
        parse_endpoint,
        parse_faults,
        play_faults,
        quiet,
        radio_of,
        read_faults,
        serve_air,
    )
    from firmware_bridge.emulator.sensor import EmulatedSensor, SignalSource
    from firmware_bridge.emulator.sources import ArraySource, FrontEnd, IndexSource, Sampled
    from firmware_bridge.emulator.virtual_time import VirtualClock, run_virtual

__all__ = [
    "EMULATED",
    "FRONT_ENDS",
    "RADIO_FAULTS",
    "Air",
    "ArraySource",
    "BumbleAdapter",
    "EmulatedSensor",
    "Fault",
    "FaultScript",
    "FrontEnd",
    "IndexSource",
    "LinkModel",
    "Sampled",
    "Security",
    "SensorHost",
    "SignalSource",
    "Truth",
    "VirtualClock",
    "address_of",
    "break_l2cap_length",
    "check_address",
    "dial",
    "index_source",
    "open_radio",
    "parse_endpoint",
    "parse_faults",
    "play_faults",
    "quiet",
    "radio_of",
    "read_faults",
    "run_virtual",
    "serve_air",
]

_HOME = {
    **dict.fromkeys(("EMULATED", "FRONT_ENDS", "index_source"), "devices"),
    **dict.fromkeys(("EmulatedSensor", "SignalSource"), "sensor"),
    **dict.fromkeys(("ArraySource", "FrontEnd", "IndexSource", "Sampled"), "sources"),
    **dict.fromkeys(("VirtualClock", "run_virtual"), "virtual_time"),
}
"""Where a name lives; all others belong to the radio."""


def __getattr__(name: str) -> object:
    """Import a name when it is first used."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    try:
        home = import_module(f"{__name__}.{_HOME.get(name, 'radio')}")
    except ModuleNotFoundError as error:
        if not (error.name or "").startswith("bumble"):
            raise
        raise UsageError(
            "The emulated radio needs the extra 'emulator': pip install 'nightcramp[emulator]'."
        ) from error
    return getattr(home, name)
