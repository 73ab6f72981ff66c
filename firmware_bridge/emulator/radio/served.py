"""One connection of a host to an emulated sensor: what is sent, on its way, arrived or lost."""

from __future__ import annotations

import asyncio
from collections import deque
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, cast

from bumble.gatt import Characteristic

if TYPE_CHECKING:
    import random

    from bumble.device import Connection
    from bumble.host import DataPacketQueue

    from firmware_bridge.emulator.radio.truth import Truth
    from firmware_bridge.emulator.sensor import Emission, EmulatedSensor


@dataclass(slots=True)
class Tampering:
    """What befalls notifications with samples in the sensor's stack.

    Attributes
    ----------
    lost, duplicated, wrong_length : float
        Shares of them.
    silence : bool
        Nothing is sent, though the link is up.
    """

    lost: float = 0.0
    duplicated: float = 0.0
    wrong_length: float = 0.0
    silence: bool = False


class ServedConnection:
    """Sends what a sensor has to send, as fast as the link layer takes it.

    A notification is on its way until the link layer confirms that the other side has it. What
    is on its way when the link ends is lost; what the sensor still holds is not.

    Parameters
    ----------
    sensor : EmulatedSensor
    truth : Truth
    connection : Connection
        Of the host stack.
    characteristics : dict
        By UUID.
    tampering : Tampering
        Shared with whoever changes it.
    dice : random.Random
    """

    def __init__(
        self,
        sensor: EmulatedSensor,
        truth: Truth,
        connection: Connection,
        characteristics: dict[str, Characteristic[bytes]],
        tampering: Tampering,
        dice: random.Random,
    ) -> None:
        self.connection = connection
        self._sensor = sensor
        self._truth = truth
        self._characteristics = characteristics
        self._tampering = tampering
        self._dice = dice
        self._notified: deque[tuple[int, Emission]] = deque()
        self._indicated: deque[Emission] = deque()
        self._indicating: asyncio.Task[None] | None = None
        self._ended = False
        self._packets = cast("DataPacketQueue", connection.data_packet_queue)
        self._packets.on("flow", self._on_flow)

    def pump(self) -> None:
        """Send what is due and fits."""
        if self._ended:
            return
        under_way = len(self._notified) + len(self._indicated)
        room = 0 if self._tampering.silence else max(0, self._sensor.in_flight - under_way)
        for emission in self._sensor.due(self._truth.now_s(), room):
            properties = self._characteristics[emission.characteristic].properties
            if properties & Characteristic.Properties.NOTIFY:
                self._notify(emission)
            else:
                self._indicated.append(emission)
        if self._indicated and self._indicating is None:
            self._indicating = asyncio.ensure_future(self._indicate())

    def end(self, cause: str) -> None:
        """Give up what is on its way: the link has ended."""
        self._ended = True
        self._packets.remove_listener("flow", self._on_flow)
        if self._indicating is not None:
            self._indicating.cancel()
        for emission in [*(emission for _, emission in self._notified), *self._indicated]:
            self._truth.vanished(emission, cause)

    def _notify(self, emission: Emission) -> None:
        payloads, harm = self._tampered(emission)
        queued = self._packets.queued
        for payload in payloads:
            self._send(emission.characteristic, payload)
        sent = self._packets.queued > queued
        if harm or not sent:
            self._truth.vanished(emission, harm or "not_subscribed")
            emission = replace(emission, samples=())
        if sent:
            self._notified.append((self._packets.queued, emission))

    def _send(self, uuid: str, payload: bytes) -> None:
        """Queue a notification; the host stack's coroutine for it has nothing to wait for."""
        device, characteristic = self.connection.device, self._characteristics[uuid]
        sending = device.gatt_server.notify_subscriber(self.connection, characteristic, payload)
        try:
            sending.send(None)
        except StopIteration:
            return
        sending.close()

    def _tampered(self, emission: Emission) -> tuple[list[bytes], str]:
        """Return what is sent in place of a payload, and what harm it takes."""
        faults, payload = self._tampering, emission.payload
        if not emission.samples or not (faults.lost or faults.duplicated or faults.wrong_length):
            return [payload], ""
        if self._dice.random() < faults.lost:
            return [], "lost_notification"
        if self._dice.random() < faults.wrong_length:
            return [self._resized(payload)], "wrong_length"
        return [payload] * (1 + (self._dice.random() < faults.duplicated)), ""

    def _resized(self, payload: bytes) -> bytes:
        """Cut a payload anywhere, or make it up to three bytes longer."""
        length = self._dice.randrange(len(payload) + 3)
        length += length >= len(payload)
        return (payload + payload[-3:])[:length]

    async def _indicate(self) -> None:
        """Send indications one by one, each when the one before has been confirmed."""
        server = self.connection.device.gatt_server
        while self._indicated:
            emission = self._indicated[0]
            characteristic = self._characteristics[emission.characteristic]
            try:
                await server.indicate_subscriber(self.connection, characteristic, emission.payload)
            except TimeoutError:
                self._truth.vanished(emission, "not_confirmed")
            else:
                self._truth.arrived(emission)
            self._indicated.popleft()
        self._indicating = None

    def _on_flow(self) -> None:
        while self._notified and self._notified[0][0] <= self._packets.completed:
            self._truth.arrived(self._notified.popleft()[1])
        self.pump()
