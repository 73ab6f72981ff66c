"""The air: every controller on it hears the others, as well as the link model and faults allow."""

from __future__ import annotations

import asyncio
import random
from itertools import count
from typing import TYPE_CHECKING, TypeAlias, TypeVarTuple

from bumble import hci, ll
from bumble.link import LocalLink
from bumble.transport.common import Transport

from firmware_bridge.emulator.radio.connection import AirConnection, LinkModel
from firmware_bridge.emulator.radio.controller import AirController
from firmware_bridge.emulator.radio.quiet import quiet

if TYPE_CHECKING:
    from collections.abc import Callable

    from bumble.controller import Controller
    from bumble.core import PhysicalTransport

Ts = TypeVarTuple("Ts")

PduFilter: TypeAlias = "Callable[[AirController, bytes], list[bytes]]"
"""What becomes of an L2CAP PDU that a controller sent: itself, others, nothing."""

_ESTABLISHMENT_EVENTS = 6


class Air(LocalLink):
    """The air between controllers of this process, or of others by `serve_air`.

    Parameters
    ----------
    model : LinkModel
        Of every connection.
    speed : float
        Seconds of the night per second of the event loop. All times are seconds of the night.
    seed : int
        The same seed and the same events give the same night.
    """

    def __init__(
        self, model: LinkModel | None = None, *, speed: float = 1.0, seed: int = 1
    ) -> None:
        quiet()
        super().__init__()  # type: ignore[no-untyped-call]
        self.model = model or LinkModel()
        self.random = random.Random(seed)  # noqa: S311 (a simulation)
        self.filters: list[PduFilter] = []
        self._speed = speed
        self._loop = asyncio.get_running_loop()
        self._numbers = count(1)
        # bumble keeps controllers in a set, whose order differs from run to run.
        self._on_air: list[AirController] = []
        self._connections: dict[tuple[hci.Address, hci.Address], AirConnection] = {}
        self._fades: dict[AirController, object] = {}

    async def plug(self) -> Transport:
        """Put a new controller on the air; closing the transport to it cuts its power."""
        return _Plug(self, self.controller())

    def controller(self) -> AirController:
        """Make a controller that is on the air."""
        return AirController(f"radio {next(self._numbers)}", self)

    def unplug(self, controller: AirController) -> None:
        """Cut the power of a controller; its peers time out."""
        controller.set_packet_sink(None)
        self._switch_off(controller)
        self.remove_controller(controller)
        self._fades.pop(controller, None)

    def fade(self, controller: AirController, seconds: float, loss: float) -> None:
        """Let a share of a controller's connection events fail for a while."""
        controller.loss = loss
        fade = self._fades[controller] = object()
        self.call_at(self.now() + seconds, self._end_fade, controller, fade)
        for connection in self._connections_of(controller):
            connection.wake()

    def _end_fade(self, controller: AirController, fade: object) -> None:
        if self._fades.get(controller) is fade:
            del self._fades[controller]
            controller.loss = 0.0

    def hold(self, controller: AirController, seconds: float) -> None:
        """Let what others receive from a controller reach their hosts only after a while."""
        for connection in self._connections_of(controller):
            connection.hold(self.now() + seconds)

    def switch_adapters_off(self, seconds: float) -> None:
        """Switch the controllers of all computers off for a while."""
        adapters = [controller for controller in self._on_air if controller.scans]
        for controller in adapters:
            self._switch_off(controller)
            self.call_at(self.now() + seconds, controller.switch_on)

    def _switch_off(self, controller: AirController) -> None:
        controller.switch_off()
        for connection in self._connections_of(controller):
            connection.abandon(controller)

    def now(self) -> float:
        """Time in seconds of the night."""
        return self._loop.time() * self._speed

    def call_at(
        self, when_s: float, callback: Callable[[*Ts], object], *args: *Ts
    ) -> asyncio.TimerHandle:
        """Call a function at a time of the night."""
        return self._loop.call_at(when_s / self._speed, callback, *args)

    def happens(self, probability: float) -> bool:
        """Throw the dice."""
        return probability > 0 and self.random.random() < probability

    def filtered(self, sender: AirController, pdu: bytes) -> list[bytes]:
        """Return what the filters make of a PDU."""
        pdus = [pdu]
        for change in self.filters:
            pdus = [changed for one in pdus for changed in change(sender, one)]
        return pdus

    def add_controller(self, controller: Controller) -> None:
        """Take in a controller."""
        super().add_controller(controller)
        if isinstance(controller, AirController):
            self._on_air.append(controller)

    def remove_controller(self, controller: Controller) -> None:
        """Forget a controller."""
        super().remove_controller(controller)
        if isinstance(controller, AirController):
            self._on_air.remove(controller)

    def forget(self, connection: AirConnection) -> None:
        """Forget a connection that has ended."""
        for pair in [pair for pair, known in self._connections.items() if known is connection]:
            del self._connections[pair]

    def send_acl_data(
        self,
        sender_controller: Controller,
        destination_address: hci.Address,
        transport: PhysicalTransport,  # noqa: ARG002 (there is no other than LE here)
        data: bytes,
    ) -> None:
        """Queue data on the connection it belongs to."""
        end = sender_controller.le_connections.get(destination_address)
        if end is None or not isinstance(sender_controller, AirController):
            return
        connection = self._connections.get((end.self_address, destination_address))
        if connection is not None:
            packets = sender_controller.take_packets(end.handle)
            connection.send(sender_controller, data, packets)

    def send_ll_control_pdu(
        self, sender_address: hci.Address, receiver_address: hci.Address, packet: ll.ControlPdu
    ) -> None:
        """Queue a message of the link layer behind the data before it."""
        connection = self._connections.get((sender_address, receiver_address))
        if connection is not None:
            sender = next(side for side in connection.sides if side.address == sender_address)
            connection.send(sender.controller, packet)

    def send_advertising_pdu(
        self, sender_controller: Controller, packet: ll.AdvertisingPdu
    ) -> None:
        """Let everybody hear an advertisement, or its sender that somebody connects."""
        if not isinstance(sender_controller, AirController):
            return
        if isinstance(packet, ll.ConnectInd):
            self._connect(sender_controller, packet)
            return
        for controller in self._on_air:
            if controller is not sender_controller and self._hears(controller, sender_controller):
                self._loop.call_soon(controller.on_ll_advertising_pdu, packet)

    def _connect(self, central: AirController, request: ll.ConnectInd) -> None:
        peripheral = next(
            (c for c in self._on_air if _accepts(c, request) and self._hears(c, central)), None
        )
        if peripheral is None:
            # The central believes in the connection until its first events stay unanswered.
            late_s = _ESTABLISHMENT_EVENTS * request.interval * 1.25e-3
            reason = hci.HCI_ErrorCode.CONNECTION_FAILED_TO_BE_ESTABLISHED_ERROR
            self.call_at(self.now() + late_s, central.drop, request.advertiser_address, reason)
            return
        connection = AirConnection(self, central, peripheral, request)
        request.interval = round(connection.interval_s / 1.25e-3)  # the peripheral learns it here
        ends = request.initiator_address, request.advertiser_address
        self._connections[ends] = self._connections[ends[::-1]] = connection
        peripheral.on_ll_advertising_pdu(request)  # at once: it advertises no more

    def _hears(self, one: AirController, other: AirController) -> bool:
        return not self.happens(max(one.loss, other.loss))

    def _connections_of(self, controller: AirController) -> list[AirConnection]:
        unique = dict.fromkeys(self._connections.values())
        return [c for c in unique if any(side.controller is controller for side in c.sides)]


class _Plug(Transport):
    """HCI to a controller of this process."""

    def __init__(self, air: Air, controller: AirController) -> None:
        super().__init__(controller, controller)
        self._air = air
        self._controller: AirController | None = controller

    async def close(self) -> None:
        """Cut the controller's power."""
        controller, self._controller = self._controller, None
        if controller is not None:
            self._air.unplug(controller)


def _accepts(controller: AirController, request: ll.ConnectInd) -> bool:
    advertiser = controller.le_legacy_advertiser
    return advertiser.enabled and advertiser.address == request.advertiser_address


def break_l2cap_length(share: float, dice: random.Random) -> PduFilter:
    """Make a filter that gives a share of PDUs a length field that disagrees with their length."""

    def change(_sender: AirController, pdu: bytes) -> list[bytes]:
        wrong = dice.random() < share
        return [(len(pdu) + 5).to_bytes(2, "little") + pdu[2:] if wrong else pdu]

    return change
