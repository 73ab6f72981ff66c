"""What went wrong, said to the person at the bedside, and what to do about it."""

from __future__ import annotations

import sys
from typing import NamedTuple

from firmware_bridge.link.states import LinkCause

_RESTART = "switch Bluetooth off and on again in the computer's settings"
_RESTART_LINUX = "restart Bluetooth (sudo systemctl restart bluetooth) or the computer"


class _Wording(NamedTuple):
    what: str
    do: str


_WORDING: dict[LinkCause, _Wording] = {
    LinkCause.NOT_FOUND: _Wording(
        "The sensor cannot be heard.",
        "Check that it is charged and switched on, that it lies within three metres, and that no "
        "phone or other program is connected to it.",
    ),
    LinkCause.AMBIGUOUS: _Wording(
        "More than one sensor fits.",
        "Say which one by its name, address or serial number, or switch the others off.",
    ),
    LinkCause.BLUETOOTH_OFF: _Wording(
        "Bluetooth is switched off on this computer.",
        "Switch it on in the computer's settings; the recording then goes on by itself.",
    ),
    LinkCause.NO_ADAPTER: _Wording(
        "This computer has no Bluetooth, or its Bluetooth stick is not plugged in.",
        "Plug the Bluetooth stick in firmly; the recording then goes on by itself.",
    ),
    LinkCause.NO_LOW_ENERGY: _Wording(
        "This computer's Bluetooth is too old for the sensor.",
        "Use a Bluetooth stick of version 4.0 or newer (Bluetooth Low Energy).",
    ),
    LinkCause.NO_SERVICE: _Wording(
        "The computer's Bluetooth service does not answer.",
        "Please {restart}.",
    ),
    LinkCause.NOT_PERMITTED: _Wording(
        "This program may not use Bluetooth.",
        "Allow it: {permit}.",
    ),
    LinkCause.CONNECT_FAILED: _Wording(
        "The sensor is heard, but does not answer.",
        "It is tried again. Bring sensor and computer closer together, and end every phone or "
        "program that may be connected to the sensor.",
    ),
    LinkCause.NOT_PAIRED: _Wording(
        "The sensor asks to be paired with this computer.",
        "This is tried now; confirm it if the computer asks.",
    ),
    LinkCause.BOND_LOST: _Wording(
        "The sensor seems to have forgotten this computer.",
        "They are made known to each other anew. If that fails, remove the sensor in the "
        "computer's Bluetooth settings.",
    ),
    LinkCause.WRONG_SENSOR: _Wording(
        "A sensor of this kind is there, but not the one of this recording.",
        "Switch on the right one. If it was exchanged, end the recording and start it again with "
        "the new one named by its address.",
    ),
    LinkCause.NEW_ADDRESS: _Wording(
        "The sensor has the right name, but another address than before.",
        "A new battery may do this, and it is recorded. If it is somebody else's sensor, end the "
        "recording and start it again with the right one named by its address.",
    ),
    LinkCause.WRONG_FIRMWARE: _Wording(
        "The sensor is not of the chosen kind, or its firmware is not one that is known here.",
        "Check that the right kind of sensor was chosen; its firmware may need an update.",
    ),
    LinkCause.SETUP_FAILED: _Wording(
        "The sensor was reached, but could not be started.",
        "It is tried again. If it lasts, switch the sensor off and on.",
    ),
    LinkCause.LOW_MTU: _Wording(
        "Sensor and computer agreed on packets that are too small: data may arrive cut.",
        "Switch the sensor off and on. If it comes back, use another Bluetooth stick.",
    ),
    LinkCause.SILENCE: _Wording(
        "The sensor is connected, but sends nothing.",
        "It is connected anew. If it lasts, switch the sensor off and on.",
    ),
    LinkCause.DISCONNECTED: _Wording(
        "The link to the sensor broke.",
        "It is connected anew. If it happens often, bring sensor and computer closer together and "
        "charge the sensor.",
    ),
    LinkCause.LONG_OUTAGE: _Wording(
        "For minutes now the sensor has not sent data steadily.",
        "Check that it is charged, switched on and within three metres. If it is, {restart}.",
    ),
    LinkCause.UNEXPECTED: _Wording(
        "Bluetooth reported an error that is not known here.",
        "It is tried again. If it lasts, {restart}.",
    ),
}

_PERMIT = {
    "darwin": "System Settings, Privacy & Security, Bluetooth, then switch this program on",
    "linux": "add the user to the group 'bluetooth' and log in again, or ask who manages the "
    "computer",
}


def explain(cause: LinkCause, system: str = sys.platform) -> str:
    """Say what went wrong and what to do.

    Parameters
    ----------
    cause : LinkCause
    system : str
        Operating system, as ``sys.platform`` names it.

    Returns
    -------
    str
        Whole sentences.
    """
    wording = _WORDING[cause]
    restart = _RESTART_LINUX if system == "linux" else _RESTART
    permit = _PERMIT.get(system, _PERMIT["linux"])
    return f"{wording.what} {wording.do.format(restart=restart, permit=permit)}"
