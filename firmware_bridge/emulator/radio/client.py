"""bleak's client on the emulated radio."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING, TypeVar, cast

import bleak
from bleak.assigned_numbers import gatt_char_props_to_strs
from bleak.backends.characteristic import BleakGATTCharacteristic
from bleak.backends.client import BaseBleakClient
from bleak.backends.descriptor import BleakGATTDescriptor
from bleak.backends.device import BLEDevice
from bleak.backends.service import BleakGATTService, BleakGATTServiceCollection
from bleak.exc import BleakDeviceNotFoundError, BleakError
from bumble import hci
from bumble.device import Connection, Device, Peer

from firmware_bridge.emulator.radio.advertising import uuid_text
from firmware_bridge.emulator.radio.procedures import bleak_result, settle
from firmware_bridge.emulator.radio.scanner import scanner_of
from firmware_bridge.link import Radio

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from bleak.args import SizedBuffer
    from bleak.backends.client import NotifyCallback
    from bumble.gatt_client import CharacteristicProxy, DescriptorProxy

    from firmware_bridge.emulator.radio.adapter import BumbleAdapter

T = TypeVar("T")

_LARGEST_MTU = 517
_GOODBYE_S = 10.0
_CANCEL_S = 2.0


class BumbleClient(BaseBleakClient):
    """Client backend of an adapter; made by ``bleak.BleakClient(backend=...)``."""

    adapter: BumbleAdapter

    def __init__(
        self,
        address_or_ble_device: BLEDevice | str,
        services: set[str] | None = None,
        *,
        disconnected_callback: Callable[[], None] | None,
        timeout: float,
        **_platform: object,
    ) -> None:
        super().__init__(
            address_or_ble_device, disconnected_callback=disconnected_callback, timeout=timeout
        )
        self._sensor: BLEDevice | None = None
        if isinstance(address_or_ble_device, BLEDevice):
            self._sensor = address_or_ble_device
        self._wanted = services
        self._connection: Connection | None = None
        self._peer: Peer | None = None
        self._gone = asyncio.Event()
        self._subscribers: dict[int, Callable[[bytes], None]] = {}
        self.disconnect_reason: int | None = None

    @property
    def name(self) -> str:
        """Name the sensor advertised."""
        return (self._sensor.name if self._sensor else None) or self.address.replace(":", "-")

    @property
    def mtu_size(self) -> int:
        """ATT MTU both sides agreed on."""
        return self._connection.att_mtu if self._connection else 23

    @property
    def is_connected(self) -> bool:
        """Whether there is a connection."""
        return self._connection is not None

    async def connect(self, pair: bool, **_platform: object) -> None:
        """Connect, encrypt if there is a bond, and discover the GATT table."""
        if self.is_connected:
            raise BleakError("Client is already connected")
        sensor = self._sensor or await self._find()
        async with asyncio.timeout(self._timeout):
            async with self.adapter.connecting:  # a controller initiates one at a time
                connection = await self._reach(sensor.details)
            self._begin(connection)
            try:
                await self._prepare(connection, pair)
            except BaseException:
                self._disconnected_callback = None  # the caller learns it from the exception
                with contextlib.suppress(BleakError):
                    await asyncio.shield(self.disconnect())
                raise

    async def _find(self) -> BLEDevice:
        found = await bleak.BleakScanner.find_device_by_address(
            self.address, timeout=self._timeout, backend=scanner_of(self.adapter)
        )
        if found is None:
            raise BleakDeviceNotFoundError(self.address, f"{self.address} was not found")
        self._sensor = found
        return found

    async def _reach(self, address: hci.Address) -> Connection:
        """Make a connection; whoever stops waiting for it leaves none behind.

        bumble has no timer of its own here: two that race would cancel twice.
        """
        device = self.adapter.device()
        attempt = asyncio.ensure_future(
            device.connect_le(address, self.adapter.parameters, timeout=None)
        )
        try:
            await asyncio.wait({attempt})
        except asyncio.CancelledError:
            await _give_up(device, attempt)
            raise
        return bleak_result(attempt)

    def _begin(self, connection: Connection) -> None:
        self._connection, self._peer = connection, Peer(connection)
        self._gone = asyncio.Event()
        self.disconnect_reason = None
        connection.on(Connection.EVENT_DISCONNECTION, self._on_disconnection)

    async def _prepare(self, connection: Connection, pair: bool) -> None:
        if await self.adapter.keystore.get(str(connection.peer_address)):
            await self._finish(connection.encrypt())
        elif pair:
            await self._finish(connection.pair())
        await self._finish(self._need_peer().request_mtu(_LARGEST_MTU))
        self.services = await self._discover(self._need_peer())

    def _on_disconnection(self, reason: int) -> None:
        self.disconnect_reason = reason
        self._connection = self._peer = self.services = None
        self._subscribers.clear()
        self._gone.set()
        if self._disconnected_callback is not None:
            self._disconnected_callback()

    async def disconnect(self) -> None:
        """End the connection; nothing to do if there is none."""
        connection = self._connection
        if connection is None:
            return
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_GOODBYE_S):
                await settle(connection.disconnect())
        if self._connection is connection:  # the link is dead: no event told of its end
            self._on_disconnection(hci.HCI_ErrorCode.CONNECTION_TIMEOUT_ERROR)

    async def pair(self, *_arguments: object, **_platform: object) -> None:
        """Pair and encrypt."""
        await self._finish(self._need_connection().pair())

    async def unpair(self) -> None:
        """Forget the bond."""
        key = str(self._connection.peer_address) if self._connection else self._bond_key()
        await self.disconnect()
        with contextlib.suppress(KeyError):
            await self.adapter.keystore.delete(key)

    def _bond_key(self) -> str:
        return str(self._sensor.details) if self._sensor else self.address

    async def read_gatt_char(
        self, characteristic: BleakGATTCharacteristic, **_platform: object
    ) -> bytearray:
        """Read a characteristic."""
        peer = self._need_peer()
        return bytearray(await self._finish(peer.read_value(characteristic.obj)))

    async def read_gatt_descriptor(
        self, descriptor: BleakGATTDescriptor, **_platform: object
    ) -> bytearray:
        """Read a descriptor."""
        return bytearray(await self._finish(self._need_peer().read_value(descriptor.obj)))

    async def write_gatt_char(
        self, characteristic: BleakGATTCharacteristic, data: SizedBuffer, response: bool
    ) -> None:
        """Write a characteristic, with or without waiting for the acknowledgement."""
        peer = self._need_peer()
        await self._finish(peer.write_value(characteristic.obj, bytes(data), response))

    async def write_gatt_descriptor(
        self, descriptor: BleakGATTDescriptor, data: SizedBuffer
    ) -> None:
        """Write a descriptor."""
        await self._finish(self._need_peer().write_value(descriptor.obj, bytes(data), True))

    async def start_notify(
        self, characteristic: BleakGATTCharacteristic, callback: NotifyCallback, **_platform: object
    ) -> None:
        """Ask for notifications, or for indications where there are no others."""
        peer = self._need_peer()

        def on_value(value: bytes) -> None:
            callback(bytearray(value))

        self._subscribers[characteristic.handle] = on_value
        await self._finish(peer.subscribe(_proxy(characteristic), on_value))

    async def stop_notify(self, characteristic: BleakGATTCharacteristic) -> None:
        """Ask for no more notifications."""
        peer = self._need_peer()
        subscriber = self._subscribers.pop(characteristic.handle, None)
        await self._finish(peer.unsubscribe(_proxy(characteristic), subscriber))

    async def _discover(self, peer: Peer) -> BleakGATTServiceCollection:
        table = BleakGATTServiceCollection()
        for found in await self._finish(peer.discover_services()):
            name = uuid_text(found.uuid)
            if self._wanted and name not in self._wanted:
                continue
            service = BleakGATTService(found, found.handle, name)
            table.add_service(service)
            for proxy in await self._finish(found.discover_characteristics()):
                await self._discover_characteristic(table, service, proxy)
        return table

    async def _discover_characteristic(
        self,
        table: BleakGATTServiceCollection,
        service: BleakGATTService,
        proxy: CharacteristicProxy[bytes],
    ) -> None:
        characteristic = BleakGATTCharacteristic(
            proxy,
            proxy.handle,
            uuid_text(proxy.uuid),
            list(gatt_char_props_to_strs(int(proxy.properties))),
            lambda: self.mtu_size - 3,
            service,
        )
        table.add_characteristic(characteristic)
        found: list[DescriptorProxy] = []
        if proxy.handle < proxy.end_group_handle:
            found = await self._finish(proxy.discover_descriptors())
        proxy.descriptors_discovered = True
        for one in found:
            table.add_descriptor(
                BleakGATTDescriptor(one, one.handle, uuid_text(one.type), characteristic)
            )

    def _need_connection(self) -> Connection:
        if self._connection is None:
            raise BleakError("Not connected")
        return self._connection

    def _need_peer(self) -> Peer:
        self._need_connection()
        return cast(Peer, self._peer)

    async def _finish(self, procedure: Awaitable[T]) -> T:
        """Wait for a procedure of the host stack, or for the end of the connection."""
        attempt = asyncio.ensure_future(procedure)
        gone = asyncio.ensure_future(self._gone.wait())
        try:
            await asyncio.wait({attempt, gone}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            gone.cancel()
            attempt.cancel()  # nothing happens to what is done
        return bleak_result(attempt)


def radio_of(adapter: BumbleAdapter) -> Radio:
    """Return the backends that make bleak use this adapter."""
    return Radio(scanner_of(adapter), type("AdapterClient", (BumbleClient,), {"adapter": adapter}))


def _proxy(characteristic: BleakGATTCharacteristic) -> CharacteristicProxy[bytes]:
    return cast("CharacteristicProxy[bytes]", characteristic.obj)


async def _give_up(device: Device, attempt: asyncio.Future[Connection]) -> None:
    """Cancel a connection attempt; where it has just succeeded, end the connection."""
    await settle(device.cancel_connection())  # type: ignore[no-untyped-call]
    await asyncio.wait({attempt}, timeout=_CANCEL_S)
    if attempt.done() and not attempt.cancelled() and attempt.exception() is None:
        await settle(attempt.result().disconnect())
    attempt.cancel()
