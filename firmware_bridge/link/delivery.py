"""From the callback of the Bluetooth stack to the sink: stamp, hand on, return."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from firmware_bridge.packets import Notification

if TYPE_CHECKING:
    from bleak.backends.characteristic import BleakGATTCharacteristic

    from firmware_bridge.host_clock import Clock
    from firmware_bridge.link.states import LinkSink

log = logging.getLogger(__name__)


class Delivery:
    """Hands the notifications of one connection to the sink, and counts those that are essential.

    Parameters
    ----------
    sink : LinkSink
    clock : Clock
    essential : tuple of str
        Characteristics that count; empty if all do.
    """

    def __init__(self, sink: LinkSink, clock: Clock, essential: tuple[str, ...] = ()) -> None:
        self._sink = sink
        self._clock = clock
        self._essential = essential
        self._first_ns = 0
        self._last_ns = 0
        self._open = True
        self._received = 0
        self._refused = 0
        self.count = 0
        self.longest = 0

    @property
    def last_s(self) -> float:
        """When the last that counts came; 0 before the first."""
        return self._last_ns / 1e9

    @property
    def span_s(self) -> float:
        """Seconds from the first to the last notification."""
        return (self._last_ns - self._first_ns) / 1e9

    @property
    def period_s(self) -> float:
        """Mean time between notifications; 0 before the second."""
        return self.span_s / (self.count - 1) if self.count > 1 else 0.0

    def take(self, characteristic: BleakGATTCharacteristic, payload: bytearray) -> None:
        """Hand a notification on; an error of the sink is logged and ends nothing."""
        if not self._open:
            return
        now_ns = self._clock.monotonic_ns()
        notification = Notification(
            characteristic.uuid, now_ns, self._clock.wall_ns(), bytes(payload)
        )
        self._received += 1
        if not self._essential or characteristic.uuid in self._essential:
            self._first_ns = self._first_ns if self.count else now_ns
            self._last_ns = now_ns
            self.count += 1
        self.longest = max(self.longest, len(notification.payload))
        try:
            self._sink.notification(notification)
        except Exception:
            self._refused += 1
            if self._refused == 1:
                log.exception("the sink failed on a notification")

    def close(self) -> None:
        """Hand on nothing more: the link is told lost, or has ended."""
        if self._open and self._refused:
            log.error("the sink failed on %d of %d notifications", self._refused, self._received)
        self._open = False
