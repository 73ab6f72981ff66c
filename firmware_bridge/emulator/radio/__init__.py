"""The emulated radio: a real host stack at both ends, and between them an air that misbehaves.

An `Air` carries the packets of controllers. A `SensorHost` serves an emulated sensor on it; an
`adapter` is the Bluetooth of a computer, for bleak (`radio_of`). All in one process, or by
`serve_air` and `open_radio` in several.
"""

from firmware_bridge.emulator.radio.adapter import BumbleAdapter
from firmware_bridge.emulator.radio.addresses import address_of, check_address
from firmware_bridge.emulator.radio.air import Air, break_l2cap_length
from firmware_bridge.emulator.radio.client import radio_of
from firmware_bridge.emulator.radio.connection import LinkModel
from firmware_bridge.emulator.radio.fault_player import play_faults
from firmware_bridge.emulator.radio.fault_script import (
    RADIO_FAULTS,
    Fault,
    FaultScript,
    parse_faults,
    read_faults,
)
from firmware_bridge.emulator.radio.host import Security, SensorHost
from firmware_bridge.emulator.radio.quiet import quiet
from firmware_bridge.emulator.radio.tcp import dial, open_radio, parse_endpoint, serve_air
from firmware_bridge.emulator.radio.truth import Truth

__all__ = [
    "RADIO_FAULTS",
    "Air",
    "BumbleAdapter",
    "Fault",
    "FaultScript",
    "LinkModel",
    "Security",
    "SensorHost",
    "Truth",
    "address_of",
    "break_l2cap_length",
    "check_address",
    "dial",
    "open_radio",
    "parse_endpoint",
    "parse_faults",
    "play_faults",
    "quiet",
    "radio_of",
    "read_faults",
    "serve_air",
]
