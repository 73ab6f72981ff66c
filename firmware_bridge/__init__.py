"""Bluetooth sensors: one file per device with its decoder, and the clock that places samples.

Nothing here but the link itself needs a Bluetooth stack: bytes go in, samples with their place in
time come out, live from a sensor or years later from a journal.
"""

from firmware_bridge.clock import ClockFit
from firmware_bridge.devices import DEVICES, find_device
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
    "ClockFit",
    "CounterSpec",
    "Decoder",
    "DeviceSpec",
    "DeviceStatus",
    "Forbidden",
    "Gap",
    "GapCause",
    "IndexTracker",
    "KeepAlive",
    "Mark",
    "Missing",
    "Notification",
    "Outcome",
    "Packet",
    "Placed",
    "Read",
    "Reject",
    "RejectReason",
    "Reply",
    "Resume",
    "SampleFlag",
    "Samples",
    "Step",
    "StreamKind",
    "StreamSpec",
    "StreamState",
    "Subscribe",
    "Write",
    "find_device",
]
