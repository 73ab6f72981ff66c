"""A small org.bluez on a bus of its own, whose adapter is on the emulated radio with one sensor.

    python fake_bluez.py BUS_ADDRESS DEVICE

bleak's own BlueZ backend talks to it as to bluetoothd. It has the object tree, the properties, the
order of signals and the errors that bleak needs, and one quirk of BlueZ: whoever has called
StartNotify and holds the bus open is served again after a reconnect, so that two such callers see
everything twice. It is told what to do on standard input, a line of JSON each, and answers with
one: ``{"fault": "fade", "seconds": 2}`` provokes a fault of the script, ``{}`` asks for nothing.
The answer counts the calls of each D-Bus method.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import sys
from collections import Counter
from typing import TYPE_CHECKING

from bleak import BleakClient, BleakScanner
from bleak.exc import BleakError, BleakGATTProtocolError
from dbus_fast import Message, MessageType, Variant
from dbus_fast.aio import MessageBus

from firmware_bridge import HostClock
from firmware_bridge.emulator import (
    EMULATED,
    Air,
    BumbleAdapter,
    Fault,
    FaultScript,
    LinkModel,
    SensorHost,
    Truth,
    index_source,
    play_faults,
    radio_of,
)
from firmware_bridge.emulator.radio.orders import ADAPTER_OFF, ADAPTER_ON

if TYPE_CHECKING:
    from bleak.backends.characteristic import BleakGATTCharacteristic
    from bleak.backends.device import BLEDevice
    from bleak.backends.scanner import AdvertisementData

ADAPTER = "/org/bluez/hci0"
ADAPTER_1 = "org.bluez.Adapter1"
DEVICE_1 = "org.bluez.Device1"
SERVICE_1 = "org.bluez.GattService1"
CHARACTERISTIC_1 = "org.bluez.GattCharacteristic1"
MANAGER = "org.freedesktop.DBus.ObjectManager"
PROPERTIES = "org.freedesktop.DBus.Properties"
_INTERVAL_S = 0.0075  # so that connecting, some 40 exchanges, takes no seconds of a test
_LOST_OWNERS = "type='signal',sender='org.freedesktop.DBus',member='NameOwnerChanged',arg2=''"


class BluezError(Exception):
    """An error with its name on D-Bus."""

    def __init__(self, name: str, text: str = "") -> None:
        super().__init__(text or name)
        self.name = name if "." in name else f"org.bluez.Error.{name}"


class Objects:
    """The objects of the service, their properties, and the signals that tell of both."""

    def __init__(self, bus: MessageBus) -> None:
        self._bus = bus
        self.tree: dict[str, dict[str, dict[str, Variant]]] = {}

    def add(self, path: str, interface: str, **values: object) -> None:
        properties = _variants(values)
        self.tree.setdefault(path, {})[interface] = properties
        self._signal("/", MANAGER, "InterfacesAdded", "oa{sa{sv}}", [path, {interface: properties}])

    def change(self, path: str, interface: str, **values: object) -> None:
        properties = _variants(values)
        self.tree[path][interface].update(properties)
        self._signal(path, PROPERTIES, "PropertiesChanged", "sa{sv}as", [interface, properties, []])

    def remove_below(self, path: str) -> None:
        for inner in [inner for inner in self.tree if inner.startswith(path + "/")]:
            self.remove(inner)

    def remove(self, path: str) -> None:
        interfaces = list(self.tree.pop(path, {}))
        self._signal("/", MANAGER, "InterfacesRemoved", "oas", [path, interfaces])

    def _signal(
        self, path: str, interface: str, member: str, signature: str, body: list[object]
    ) -> None:
        self._bus.send(
            Message(
                path=path,
                interface=interface,
                member=member,
                message_type=MessageType.SIGNAL,
                signature=signature,
                body=body,
            )
        )


class FakeBluez:
    """Answers the method calls of bleak."""

    def __init__(self, bus: MessageBus, adapter: BumbleAdapter) -> None:
        self.calls: Counter[str] = Counter()
        self._bus = bus
        self._objects = Objects(bus)
        self._adapter = adapter
        self._radio = radio_of(adapter)
        self._scanner = BleakScanner(self._heard, backend=self._radio.scanner_backend)
        self._scanning: set[str] = set()
        self._devices: dict[str, BLEDevice] = {}
        self._clients: dict[str, BleakClient] = {}
        self._characteristics: dict[str, BleakGATTCharacteristic] = {}
        self._listeners: dict[str, set[str]] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    async def serve(self) -> None:
        """Take the name on the bus and answer from then on."""
        self._objects.add(
            ADAPTER,
            ADAPTER_1,
            Address="C0:C1:C2:C3:C4:C5",
            Powered=True,
            Discovering=False,
            Roles=["central", "peripheral"],
        )
        self._adapter.device().host.on("vendor_event", self._on_power)
        self._bus.add_message_handler(self._on_message)
        await self._bus.call(
            Message(
                destination="org.freedesktop.DBus",
                path="/org/freedesktop/DBus",
                interface="org.freedesktop.DBus",
                member="AddMatch",
                signature="s",
                body=[_LOST_OWNERS],
            )
        )
        await self._bus.request_name("org.bluez")

    def _on_power(self, event: object) -> None:
        told = getattr(event, "data", b"")
        if told in {ADAPTER_OFF, ADAPTER_ON}:
            self._scanning.clear()
            self._objects.change(ADAPTER, ADAPTER_1, Powered=told == ADAPTER_ON, Discovering=False)

    def _on_message(self, message: Message) -> bool | None:
        if message.member == "NameOwnerChanged":
            self._forget_caller(message.body[0])
        if message.message_type is not MessageType.METHOD_CALL or message.path is None:
            return None
        if message.interface not in (MANAGER, PROPERTIES) and not _is_bluez(message):
            return None
        self._start(self._answer(message))
        return True

    def _start(self, work: object) -> None:
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _forget_caller(self, caller: str) -> None:
        self._scanning.discard(caller)
        for listeners in self._listeners.values():
            listeners.discard(caller)

    async def _answer(self, message: Message) -> None:
        self.calls[message.member] += 1
        try:
            signature, body = await self._call(message)
            answer = Message.new_method_return(message, signature, body)
        except BluezError as error:
            answer = Message.new_error(message, error.name, str(error))
        except BleakGATTProtocolError as error:
            text = f"Operation failed with ATT error: 0x{error.code:02x}"
            answer = Message.new_error(message, "org.bluez.Error.Failed", text)
        except (BleakError, TimeoutError) as error:
            answer = Message.new_error(message, "org.bluez.Error.Failed", repr(error))
        with contextlib.suppress(EOFError, OSError):
            await self._bus.send(answer)

    async def _call(self, message: Message) -> tuple[str, list[object]]:
        path, caller = message.path, message.sender
        if message.member == "GetManagedObjects":
            return "a{oa{sa{sv}}}", [self._objects.tree]
        if path not in self._objects.tree:
            raise BluezError("org.freedesktop.DBus.Error.UnknownObject", f"no object {path}")
        if "/service" in path:
            return await self._call_characteristic(message)
        match message.member:
            case "SetDiscoveryFilter":
                pass
            case "StartDiscovery":
                await self._scan(caller)
            case "StopDiscovery":
                await self._scan_no_more(caller)
            case "RemoveDevice":
                await self._remove(message.body[0])
            case "Connect":
                await self._connect(path)
            case "Disconnect":
                await self._disconnect(path)
            case _:
                raise BluezError("org.freedesktop.DBus.Error.UnknownMethod", message.member)
        return "", []

    async def _call_characteristic(self, message: Message) -> tuple[str, list[object]]:
        path, caller = message.path, message.sender
        match message.member:
            case "ReadValue":
                value = await self._client(path).read_gatt_char(self._characteristics[path])
                return "ay", [bytes(value)]
            case "WriteValue":
                await self._write(path, *message.body)
            case "StartNotify":
                await self._notify(path, caller)
            case "StopNotify":
                self._listeners[path].discard(caller)
            case _:
                raise BluezError("org.freedesktop.DBus.Error.UnknownMethod", message.member)
        return "", []

    async def _scan(self, caller: str) -> None:
        self._need_power()
        if not self._scanning:
            await self._scanner.start()
            self._objects.change(ADAPTER, ADAPTER_1, Discovering=True)
        self._scanning.add(caller)

    async def _scan_no_more(self, caller: str) -> None:
        self._need_power()
        self._scanning.discard(caller)
        if not self._scanning:
            await self._scanner.stop()
            self._objects.change(ADAPTER, ADAPTER_1, Discovering=False)

    def _need_power(self) -> None:
        if not self._objects.tree[ADAPTER][ADAPTER_1]["Powered"].value:
            raise BluezError("NotReady", "Resource Not Ready")

    def _heard(self, device: BLEDevice, heard: AdvertisementData) -> None:
        path = f"{ADAPTER}/dev_{device.address.replace(':', '_')}"
        self._devices[path] = device
        name = heard.local_name or device.address.replace(":", "-")
        facts = {"RSSI": heard.rssi, "UUIDs": heard.service_uuids, "Name": name, "Alias": name}
        if path in self._objects.tree:
            self._objects.change(path, DEVICE_1, **facts)
            return
        self._objects.add(
            path,
            DEVICE_1,
            Address=device.address,
            AddressType="random",
            Adapter=ADAPTER,
            Paired=False,
            Bonded=False,
            Connected=False,
            ServicesResolved=False,
            **facts,
        )

    async def _remove(self, path: str) -> None:
        await self._disconnect(path)
        self._objects.remove_below(path)
        self._objects.remove(path)

    async def _connect(self, path: str) -> None:
        if path in self._clients:
            return
        self._need_power()
        backend = self._radio.client_backend
        client = BleakClient(
            self._devices[path], lambda _c: self._lost(path), timeout=20, backend=backend
        )
        try:
            await client.connect()
        except (BleakError, TimeoutError) as error:
            raise BluezError("Failed", "le-connection-abort-by-local") from error
        self._clients[path] = client
        self._objects.change(path, DEVICE_1, Connected=True)
        self._start(self._resolve(path, client))

    async def _resolve(self, path: str, client: BleakClient) -> None:
        """Tell of services and characteristics; serve those who listened before the link ended."""
        for service in client.services:
            at = f"{path}/service{service.handle:04x}"
            if at not in self._objects.tree:
                self._objects.add(at, SERVICE_1, UUID=service.uuid, Primary=True, Device=path)
            for characteristic in service.characteristics:
                await self._add_characteristic(at, characteristic, client)
        self._objects.change(path, DEVICE_1, ServicesResolved=True)

    async def _add_characteristic(
        self, service: str, characteristic: BleakGATTCharacteristic, client: BleakClient
    ) -> None:
        path = f"{service}/char{characteristic.handle - 1:04x}"
        self._characteristics[path] = characteristic
        if path not in self._objects.tree:
            self._objects.add(
                path,
                CHARACTERISTIC_1,
                UUID=characteristic.uuid,
                Service=service,
                Flags=list(characteristic.properties),
                Notifying=False,
                MTU=characteristic.max_write_without_response_size + 3,
            )
        elif self._listeners.get(path):
            with contextlib.suppress(BleakError):
                await self._subscribe(path, client)

    def _lost(self, path: str) -> None:
        if self._clients.pop(path, None) is not None:
            self._objects.change(path, DEVICE_1, ServicesResolved=False)
            self._objects.change(path, DEVICE_1, Connected=False)

    async def _disconnect(self, path: str) -> None:
        client = self._clients.get(path)
        if client is not None:
            await client.disconnect()

    def _client(self, path: str) -> BleakClient:
        client = self._clients.get("/".join(path.split("/")[:5]))
        if client is None:
            raise BluezError("NotConnected", "Not Connected")
        return client

    async def _write(self, path: str, payload: bytes, options: dict[str, Variant]) -> None:
        response = options.get("type", Variant("s", "request")).value == "request"
        characteristic = self._characteristics[path]
        await self._client(path).write_gatt_char(characteristic, bytes(payload), response)

    async def _notify(self, path: str, caller: str) -> None:
        listeners = self._listeners.setdefault(path, set())
        if not listeners:
            await self._subscribe(path, self._client(path))
        listeners.add(caller)

    async def _subscribe(self, path: str, client: BleakClient) -> None:
        def tell(_characteristic: BleakGATTCharacteristic, payload: bytearray) -> None:
            for _listener in self._listeners[path]:
                self._objects.change(path, CHARACTERISTIC_1, Value=bytes(payload))

        await client.start_notify(self._characteristics[path], tell)


def _is_bluez(message: Message) -> bool:
    return (message.interface or "").startswith("org.bluez.")


def _variants(values: dict[str, object]) -> dict[str, Variant]:
    return {name: Variant(_signature(value), value) for name, value in values.items()}


def _signature(value: object) -> str:
    match value:
        case bool():
            return "b"
        case int():
            return "n" if value < 0 else "q"
        case bytes():
            return "ay"
        case list():
            return "as"
        case _:
            return "o" if str(value).startswith("/org/") else "s"


def _tell(**facts: object) -> None:
    sys.stdout.write(json.dumps(facts) + "\n")
    sys.stdout.flush()


async def main(bus_address: str, device: str) -> None:
    clock = HostClock()
    air = Air(LinkModel(interval_s=_INTERVAL_S))
    sensor = EMULATED[device](index_source(device))
    host = SensorHost(sensor, air.plug, Truth(clock))
    adapter = BumbleAdapter()
    await adapter.attach(await air.plug())
    bus = await MessageBus(bus_address=bus_address).connect()
    bluez = FakeBluez(bus, adapter)
    await bluez.serve()
    serving = asyncio.create_task(host.run())
    faults: list[asyncio.Future[None]] = []
    _tell(address=host.address)
    loop = asyncio.get_running_loop()
    while line := await loop.run_in_executor(None, sys.stdin.readline):
        order = json.loads(line)
        if kind := order.pop("fault", None):
            fault = Fault(kind, host.truth.now_s(), None, order, "standard input")
            faults.append(asyncio.ensure_future(play_faults(host, FaultScript((fault,)))))
        _tell(**bluez.calls)
    serving.cancel()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
