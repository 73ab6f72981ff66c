"""The link to a sensor: found, connected, set up, watched, and found again, all night long."""

from firmware_bridge.link.errors import LinkError
from firmware_bridge.link.radio import PLATFORM_RADIO, Found, Identity, Radio, Sought
from firmware_bridge.link.scanning import scan
from firmware_bridge.link.states import LinkCause, LinkEvent, LinkSink, LinkState
from firmware_bridge.link.supervisor import Link
from firmware_bridge.link.wording import explain

__all__ = [
    "PLATFORM_RADIO",
    "Found",
    "Identity",
    "Link",
    "LinkCause",
    "LinkError",
    "LinkEvent",
    "LinkSink",
    "LinkState",
    "Radio",
    "Sought",
    "explain",
    "scan",
]
