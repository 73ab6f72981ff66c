"""Serves an emulated sensor on the air: power, advertising, the GATT server."""

from __future__ import annotations

import random
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, TypeAlias

from bumble import hci
from bumble.att import Attribute
from bumble.core import BaseBumbleError
from bumble.device import Connection, Device, DeviceConfiguration
from bumble.hci import Address
from bumble.keys import MemoryKeyStore

from firmware_bridge.emulator.radio.addresses import address_of
from firmware_bridge.emulator.radio.advertising import advertising_bytes
from firmware_bridge.emulator.radio.gatt_table import gatt_services
from firmware_bridge.emulator.radio.orders import HCI_Air_Order_Command, Order
from firmware_bridge.emulator.radio.procedures import complete, settle
from firmware_bridge.emulator.radio.quiet import quiet
from firmware_bridge.emulator.radio.served import ServedConnection, Tampering

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from bumble.gatt import Characteristic
    from bumble.keys import KeyStore
    from bumble.pairing import PairingConfig
    from bumble.transport.common import Transport

    from firmware_bridge.emulator.radio.truth import Truth
    from firmware_bridge.emulator.sensor import EmulatedSensor

Plug: TypeAlias = "Callable[[], Awaitable[Transport]]"
"""Puts a new controller on the air; closing the transport cuts its power."""

_ADVERTISING_MS = 100.0
_IDLE_S = 0.05
_RETRY_S = 1.0
_STACK_S = 10.0
_PUMPS_PER_INTERVAL = 4

_REASONS = {
    int(hci.HCI_ErrorCode.CONNECTION_TIMEOUT_ERROR): "supervision_timeout",
    int(hci.HCI_ErrorCode.REMOTE_USER_TERMINATED_CONNECTION_ERROR): "ended_by_computer",
    int(hci.HCI_ErrorCode.CONNECTION_TERMINATED_BY_LOCAL_HOST_ERROR): "ended_by_sensor",
    0: "air_gone",
}


@dataclass(frozen=True, slots=True)
class Security:
    """How a sensor protects what is written to it.

    Attributes
    ----------
    pairing : PairingConfig
        Writing needs an encrypted link; with ``mitm`` one whose key a person has confirmed.
    keystore : KeyStore
        The sensor's bonds.
    """

    pairing: PairingConfig
    keystore: KeyStore

    @property
    def permissions(self) -> Attribute.Permissions:
        """What writing needs."""
        needed = Attribute.Permissions.WRITE_REQUIRES_ENCRYPTION
        if self.pairing.mitm:
            needed |= Attribute.Permissions.WRITE_REQUIRES_AUTHENTICATION
        return needed


@dataclass(slots=True)
class _Powered:
    """What there is only while the radio has power."""

    transport: Transport
    device: Device
    characteristics: dict[str, Characteristic[bytes]]
    served: ServedConnection | None = None


class SensorHost:
    """The Bluetooth side of an emulated sensor.

    Parameters
    ----------
    sensor : EmulatedSensor
    plug : Plug
    truth : Truth
        Where everything that happens is told; its clock is the sensor's.
    name : str or None
        Advertised instead of the sensor's own.
    address : str or None
        Random static address; None is one that follows from the device's name.
    security : Security or None
        None for a sensor that anybody may write to, as nearly all are.
    seed : int
        Of the chances within faults.
    """

    def __init__(
        self,
        sensor: EmulatedSensor,
        plug: Plug,
        truth: Truth,
        *,
        name: str | None = None,
        address: str | None = None,
        security: Security | None = None,
        seed: int = 1,
    ) -> None:
        quiet()
        self.sensor = sensor
        self.truth = truth
        self.clock = truth.clock
        self.address = address or address_of(sensor.device)
        self.tampering = Tampering()
        self.power = True
        self._plug = plug
        self._name = name
        self._security = security
        self._dice = random.Random(seed)  # noqa: S311 (a simulation)
        self._powered: _Powered | None = None
        self._losses_told = 0

    @property
    def connection(self) -> Connection | None:
        """Connection to a computer, if there is one."""
        served = self._powered.served if self._powered else None
        return served.connection if served else None

    async def run(self) -> None:
        """Serve the sensor until cancelled."""
        self.truth.event("on", device=self.sensor.device, name=self._advertised_name())
        try:
            while True:
                await self._follow_power()
                self._pump()
                await self.clock.sleep(self._rest_s())
        finally:
            await self._switch_off("stopped")
            self.truth.close()

    def _rest_s(self) -> float:
        connection = self.connection
        if connection is None:
            return _IDLE_S
        return connection.parameters.connection_interval * 1e-3 / _PUMPS_PER_INTERVAL

    def _pump(self) -> None:
        """Send what is due; let the sensor's time pass in any case."""
        powered = self._powered
        if powered is not None and powered.served is not None:
            powered.served.pump()
        else:
            self.sensor.due(self.truth.now_s(), 0)
        for lost in self.sensor.lost[self._losses_told :]:
            self.truth.given_up(lost)
        self._losses_told = len(self.sensor.lost)

    async def _follow_power(self) -> None:
        """Bring the radio to where the sensor is: on, off, hung up, advertising."""
        change = self._power_change()
        if change is None:
            return
        try:
            async with self.clock.timeout(_STACK_S):
                await complete(change())
        except (OSError, TimeoutError, BaseBumbleError, hci.HCI_Error) as error:
            await self._switch_off("air_gone")
            self.truth.event("no_air", reason=str(error) or type(error).__name__)
            await self.clock.sleep(_RETRY_S)

    def _power_change(self) -> Callable[[], Awaitable[None]] | None:
        """Return what is to be done next, if anything."""
        powered, wanted = self._powered, self.power and self.sensor.on
        if powered is None:
            return self._switch_on if wanted else None
        if not wanted:
            return partial(self._switch_off, "switched_off")
        if powered.transport.source.terminated.done():
            return partial(self._switch_off, "air_gone")
        if powered.served is None:
            return partial(self._advertise, powered.device)
        return None if self.sensor.linked else self.hang_up

    async def hang_up(self) -> None:
        """End the connection in good order, if there is one."""
        connection = self.connection
        if connection is not None:
            await settle(connection.disconnect())

    async def order(self, order: Order, seconds: float, loss: float = 1.0) -> None:
        """Ask something of the air; nothing to ask while the radio has no power."""
        if self._powered is not None:
            command = HCI_Air_Order_Command(order, round(seconds * 1e3), round(loss * 1e3))
            await settle(self._powered.device.host.send_sync_command(command))

    async def _switch_on(self) -> None:
        transport = await self._plug()
        try:
            self._powered = await self._start(transport)
        except BaseException:
            await transport.close()
            raise
        self.truth.event("advertising", address=self.address)

    async def _start(self, transport: Transport) -> _Powered:
        configuration = DeviceConfiguration(
            name=self._advertised_name(),
            address=Address(self.address),
            advertising_interval_min=_ADVERTISING_MS,
            advertising_interval_max=_ADVERTISING_MS,
        )
        device = Device.from_config_with_hci(configuration, transport.source, transport.sink)
        device.keystore = MemoryKeyStore()
        permissions = Attribute.Permissions(0)
        if self._security is not None:
            pairing, permissions = self._security.pairing, self._security.permissions
            device.keystore = self._security.keystore
            device.pairing_config_factory = lambda _connection: pairing
        services, characteristics = gatt_services(self.sensor.services, self, permissions)
        device.add_services(services)
        device.gatt_server.max_mtu = self.sensor.mtu
        device.on(Device.EVENT_CONNECTION, self._on_connection)
        await device.power_on()
        await self._advertise(device)
        return _Powered(transport, device, characteristics)

    async def _advertise(self, device: Device) -> None:
        """Advertise what the sensor now has to say."""
        advertisement = replace(self.sensor.advertisement, name=self._advertised_name())
        data, response = advertising_bytes(advertisement)
        if not device.is_advertising or device.advertising_data != data:
            await device.start_advertising(advertising_data=data, scan_response_data=response)

    def _advertised_name(self) -> str:
        return self.sensor.advertisement.name if self._name is None else self._name

    async def _switch_off(self, cause: str) -> None:
        powered, self._powered = self._powered, None
        if powered is None:
            return
        if powered.served is not None:
            self._end(powered.served, cause)
        await powered.transport.close()
        self.truth.event("silent", cause=cause)

    def _on_connection(self, connection: Connection) -> None:
        powered = self._powered
        if powered is None:
            return
        powered.served = ServedConnection(
            self.sensor,
            self.truth,
            connection,
            powered.characteristics,
            self.tampering,
            self._dice,
        )
        connection.on(Connection.EVENT_DISCONNECTION, self._on_disconnection)
        connection.on(Connection.EVENT_CONNECTION_ATT_MTU_UPDATE, self._on_mtu)
        self.sensor.connected(self.truth.now_s(), connection.att_mtu)
        self.truth.event("connected", peer=str(connection.peer_address))

    def _on_mtu(self) -> None:
        connection = self.connection
        if connection is not None:
            self.sensor.connected(self.truth.now_s(), connection.att_mtu)
            self.truth.event("mtu", mtu=connection.att_mtu)

    def _on_disconnection(self, reason: int) -> None:
        powered = self._powered
        if powered is not None and powered.served is not None:
            served, powered.served = powered.served, None
            self._end(served, _REASONS.get(reason, f"disconnected_0x{reason:02x}"))

    def _end(self, served: ServedConnection, cause: str) -> None:
        served.end(cause)
        self.sensor.disconnected(self.truth.now_s())
        self.truth.event("disconnected", cause=cause)

    def read(self, uuid: str) -> bytes:
        """Value of a characteristic."""
        return self.sensor.read(uuid, self.truth.now_s())

    def write(self, uuid: str, payload: bytes) -> None:
        """Take what the computer writes."""
        self.truth.event("written", characteristic=uuid, payload=payload.hex())
        self.sensor.write(uuid, payload, self.truth.now_s())
        self._pump()

    def subscribed(self, uuid: str, on: bool) -> None:
        """Begin or end notifications or indications."""
        self.truth.event("subscribed", characteristic=uuid, on=on)
        self.sensor.subscribed(uuid, on, self.truth.now_s())
