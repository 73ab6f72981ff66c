"""Bluetooth sensors: one file per device with its decoder, and the clock that places samples.

Nothing here but the link itself needs a Bluetooth stack: bytes go in, samples with their place in
time come out, live from a sensor or years later from a journal.
"""

from firmware_bridge.assembly import Assembler
from firmware_bridge.assembly_grid import ClockModel
from firmware_bridge.assembly_items import (
    Item,
    MissingStretch,
    PlacedMark,
    StreamAnomaly,
    StreamDeclared,
    Stretch,
)
from firmware_bridge.backlog import BacklogRequests
from firmware_bridge.clock import ClockFit
from firmware_bridge.companion import Companion
from firmware_bridge.devices import DEVICES, find_device
from firmware_bridge.host_clock import Clock, HostClock
from firmware_bridge.packets import (
    DeviceStatus,
    Mark,
    Notification,
    Packet,
    Reject,
    RejectReason,
    Reply,
    SampleFlag,
    Samples,
    StreamKind,
    StreamState,
)
from firmware_bridge.placement import (
    Anomaly,
    AnomalyKind,
    Gap,
    GapCause,
    Missing,
    Outcome,
    Placed,
)
from firmware_bridge.spec import (
    Decoder,
    DeviceSpec,
    Forbidden,
    KeepAlive,
    Read,
    Resume,
    Step,
    Subscribe,
    Write,
)
from firmware_bridge.streams import CounterSpec, StreamSpec
from firmware_bridge.tracker import IndexTracker

__all__ = [
    "DEVICES",
    "Anomaly",
    "AnomalyKind",
    "Assembler",
    "BacklogRequests",
    "Clock",
    "ClockFit",
    "ClockModel",
    "Companion",
    "CounterSpec",
    "Decoder",
    "DeviceSpec",
    "DeviceStatus",
    "Forbidden",
    "Gap",
    "GapCause",
    "HostClock",
    "IndexTracker",
    "Item",
    "KeepAlive",
    "Mark",
    "Missing",
    "MissingStretch",
    "Notification",
    "Outcome",
    "Packet",
    "Placed",
    "PlacedMark",
    "Read",
    "Reject",
    "RejectReason",
    "Reply",
    "Resume",
    "SampleFlag",
    "Samples",
    "Step",
    "StreamAnomaly",
    "StreamDeclared",
    "StreamKind",
    "StreamSpec",
    "StreamState",
    "Stretch",
    "Subscribe",
    "Write",
    "find_device",
]
