"""One connection on the air: events at an interval, failures, time-outs, delays.

Both sides may send only at connection events. An event fails as a whole with the probability of
the link model; what was to be sent then waits for the next, so that delays come in multiples of
the interval, geometrically distributed. If every event fails for as long as the supervision
time-out, both sides give up (Bluetooth Core Specification 6.B.4.5).
"""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeAlias

from bumble import hci, ll
from bumble.core import PhysicalTransport

if TYPE_CHECKING:
    from firmware_bridge.emulator.radio.air import Air
    from firmware_bridge.emulator.radio.controller import AirController

Pdu: TypeAlias = "bytes | ll.ControlPdu"

# LE 1M PHY (Core Specification 6.B.2.1, 4.1): preamble, address, header and check are 10 bytes
# of 8 us; each packet is answered by an empty one of 80 us; both are followed by 150 us of rest.
_LONGEST_PACKET = 251
_BYTE_S = 8e-6
_PACKET_S = 10 * _BYTE_S + 80e-6 + 2 * 150e-6
_CONTROL_BYTES = 26


@dataclass(frozen=True, slots=True)
class LinkModel:
    """How good the link is.

    Defaults are fitted to 38 min of arrival times of one NPG-Lite-band near a laptop (its maker's
    public recordings): 45 ms between most arrivals, delays of 23 ms in the median and 84 ms at
    the 99th percentile above their lower envelope.

    Attributes
    ----------
    loss : float
        Share of connection events that fail.
    delay_s, jitter_s : float
        What the receiving host adds: always, and at most (uniformly distributed).
    interval_s, supervision_s : float or None
        Connection interval and supervision time-out; None is what the hosts agreed on.
    """

    loss: float = 0.05
    delay_s: float = 0.0
    jitter_s: float = 0.0
    interval_s: float | None = None
    supervision_s: float | None = None


@dataclass(slots=True)
class Side:
    """One of the two ends.

    Attributes
    ----------
    controller : AirController
    address : hci.Address
        Under which the other end knows it.
    queue : deque of (PDU, number of HCI packets it came in)
        Waiting to be sent.
    closed : bool
        It has left and listens no more.
    inbox : deque of (time, PDU)
        Received, but not yet told to the host.
    """

    controller: AirController
    address: hci.Address
    queue: deque[tuple[Pdu, int]] = field(default_factory=deque)
    closed: bool = False
    inbox: deque[tuple[float, Pdu]] = field(default_factory=deque)


class AirConnection:
    """A connection between two controllers.

    Parameters
    ----------
    air : Air
    central, peripheral : AirController
    request : ll.ConnectInd
        With the addresses of both and the parameters the central chose.
    """

    def __init__(
        self, air: Air, central: AirController, peripheral: AirController, request: ll.ConnectInd
    ) -> None:
        self._air = air
        self.sides = (
            Side(central, request.initiator_address),
            Side(peripheral, request.advertiser_address),
        )
        self._failures = 0
        self._armed = self._over = self._abandoned = False
        self._hold_until_s = 0.0
        self._agree(request.interval, request.timeout)

    def _agree(self, interval: int, timeout: int) -> None:
        model = self._air.model
        self._anchor_s = self._air.now()
        self.interval_s = model.interval_s or interval * 1.25e-3
        self.supervision_s = model.supervision_s or timeout * 10e-3

    def send(self, sender: AirController, pdu: Pdu, packets: int = 0) -> None:
        """Queue what a side has to send."""
        side = next(side for side in self.sides if side.controller is sender)
        if isinstance(pdu, ll.TerminateInd):
            side.closed = True
            side.queue.clear()
        side.queue.append((pdu, packets))
        self.wake()

    def abandon(self, controller: AirController) -> None:
        """One side has left without a word; the other will find out."""
        for side in self.sides:
            side.closed |= side.controller is controller
        self._abandoned = True
        self.wake()

    def hold(self, until_s: float) -> None:
        """Keep what arrives from telling the receiving host until then."""
        self._hold_until_s = max(self._hold_until_s, until_s)

    def wake(self) -> None:
        """Take part in connection events again: something is to be sent, or the link is bad."""
        if not self._armed and not self._over:
            self._failures = 0
            self._arm()

    def _arm(self) -> None:
        passed = math.floor((self._air.now() - self._anchor_s) / self.interval_s + 1e-6)
        self._armed = True
        self._air.call_at(self._anchor_s + (passed + 1) * self.interval_s, self._event)

    def _event(self) -> None:
        self._armed = False
        if self._over:
            return
        loss = self._loss()
        if self._air.happens(1.0 - loss):
            self._failures = 0
            self._exchange()
        else:
            self._failures += 1
            # Counted, not timed: a busy computer that is late is no fault of the link.
            if self._failures * self.interval_s >= self.supervision_s:
                self._time_out()
        self._arm_again(loss)

    def _arm_again(self, loss: float) -> None:
        waiting = any(side.queue for side in self.sides)
        if not self._over and (waiting or loss > self._air.model.loss):
            self._arm()

    def _loss(self) -> float:
        if self._abandoned:
            return 1.0
        return max(self._air.model.loss, *(side.controller.loss for side in self.sides))

    def _exchange(self) -> None:
        """Carry as much as fits on the air until the next event, the peripheral's first."""
        central, peripheral = self.sides
        left_s = self.interval_s
        for sender, receiver in ((peripheral, central), (central, peripheral)):
            sent = 0
            while sender.queue and left_s > 0 and not receiver.closed:
                pdu, packets = sender.queue.popleft()
                left_s -= _time_on_air_s(pdu)
                sent += packets
                self._receive(sender, receiver, pdu)
            sender.controller.confirm(receiver.address, sent)

    def _receive(self, sender: Side, receiver: Side, pdu: Pdu) -> None:
        if isinstance(pdu, ll.ConnectionUpdateInd):
            self._agree(pdu.interval, pdu.timeout)
        if isinstance(pdu, ll.TerminateInd):
            self._end()
        if isinstance(pdu, bytes):
            for one in self._air.filtered(sender.controller, pdu):
                self._tell(sender, receiver, one)
        else:
            self._tell(sender, receiver, pdu)

    def _tell(self, sender: Side, receiver: Side, pdu: Pdu) -> None:
        """Hand a PDU to the receiving host, late if the link model or a fault says so."""
        model = self._air.model
        delay_s = model.delay_s + self._air.random.random() * model.jitter_s
        due_s = max(self._air.now() + delay_s, self._hold_until_s)
        if not receiver.inbox and due_s <= self._air.now():
            _hand_over(sender, receiver, pdu)
            return
        receiver.inbox.append((due_s, pdu))
        if len(receiver.inbox) == 1:
            self._air.call_at(due_s, self._open_inbox, sender, receiver)

    def _open_inbox(self, sender: Side, receiver: Side) -> None:
        while receiver.inbox and receiver.inbox[0][0] <= self._air.now() + 1e-6:
            _hand_over(sender, receiver, receiver.inbox.popleft()[1])
        if receiver.inbox:
            self._air.call_at(receiver.inbox[0][0], self._open_inbox, sender, receiver)

    def _time_out(self) -> None:
        self._end()
        central, peripheral = self.sides
        for side, other in ((central, peripheral), (peripheral, central)):
            if not side.closed:
                side.controller.drop(other.address, hci.HCI_ErrorCode.CONNECTION_TIMEOUT_ERROR)

    def _end(self) -> None:
        self._over = True
        self._air.forget(self)


def _time_on_air_s(pdu: Pdu) -> float:
    size = len(pdu) if isinstance(pdu, bytes) else _CONTROL_BYTES
    return math.ceil(size / _LONGEST_PACKET) * _PACKET_S + size * _BYTE_S


def _hand_over(sender: Side, receiver: Side, pdu: Pdu) -> None:
    if receiver.closed:
        return
    if isinstance(pdu, bytes):
        receiver.controller.on_link_acl_data(sender.address, PhysicalTransport.LE, pdu)
    else:
        receiver.controller.on_ll_control_pdu(sender.address, pdu)
