"""A Bluetooth stack that does what a test has written down: backends for bleak, without any radio.

It copies the habits of real stacks that matter: a client that was not disconnected goes on
delivering after the next connect, and a second write under way is refused, as with BlueZ; a sensor
that is connected does not advertise.
"""

import asyncio
from collections import defaultdict, deque

from bleak.backends.adapter import BaseBleakAdapter
from bleak.backends.characteristic import BleakGATTCharacteristic
from bleak.backends.client import BaseBleakClient
from bleak.backends.device import BLEDevice
from bleak.backends.scanner import AdvertisementData, BaseBleakScanner
from bleak.backends.service import BleakGATTService, BleakGATTServiceCollection
from bleak.exc import BleakDBusError, BleakError

from firmware_bridge import Read, Subscribe
from firmware_bridge.link import Radio

HANG = object()
"""An outcome: the call never returns."""

ADVERTISES_EVERY_S = 0.2
CONNECTS_IN_S = 0.3


class Sensor:
    """One sensor: what it advertises, its table of services, and what it sends."""

    def __init__(self, spec, address="C0:00:00:00:00:01", name="Left", **changes):
        self.spec = spec
        self.address = address
        self.name = name
        self.alias = name
        self.services = (spec.service,)
        self.rssi = -50
        self.mtu = 247
        self.period_s = 0.1
        self.payload = bytes(16)
        self.make = None
        self.on = True
        self.sends = True
        self.lacks = ()
        self.values = {}
        self.properties = ["read", "write", "notify"]
        self.twin = None
        self.link = None
        self.listeners = []
        self.__dict__.update(changes)

    def table(self):
        """Service table: every characteristic of the spec's set-up, in the spec's service."""
        services = BleakGATTServiceCollection()
        service = BleakGATTService(None, 1, self.spec.service)
        if self.spec.service in self.lacks:
            service = BleakGATTService(None, 1, "0000180a-0000-1000-8000-00805f9b34fb")
        services.add_service(service)
        if self.twin:
            other = BleakGATTService(None, 100, "0000fff0-0000-1000-8000-00805f9b34fb")
            services.add_service(other)
            services.add_characteristic(
                BleakGATTCharacteristic(None, 101, self.twin, ["write"], lambda: 20, other)
            )
        uuids = dict.fromkeys([step.characteristic for step in self.spec.setup] + [*self.values])
        for handle, uuid in enumerate(uuids, start=2):
            if uuid not in self.lacks:
                services.add_characteristic(
                    BleakGATTCharacteristic(
                        None, handle, uuid, self.properties, lambda: self.mtu - 3, service
                    )
                )
        return services

    def drop(self):
        """Break the link, as the system notices it."""
        client, self.link = self.link, None
        if client is not None:
            client.services = None
            client._disconnected_callback()

    def send(self):
        """Send a notification, on an essential characteristic or else the last subscribed."""
        for _, callbacks in list(self.listeners):
            if self.link is not None and callbacks:
                essential = [uuid for uuid in callbacks if uuid in self.spec.essential]
                callbacks[[*callbacks, *essential][-1]](
                    bytearray(self.make() if self.make else self.payload)
                )


class Air:
    """The radio, the system's Bluetooth and its faults.

    ``script[call]`` holds the outcomes of the calls to come: an exception is raised, `HANG` hangs,
    a number delays, None lets it succeed. ``broken[call]`` is raised by every call while it is set.
    """

    def __init__(self, *sensors):
        self.sensors = list(sensors)
        self.script = defaultdict(deque)
        self.broken = {}
        self.calls = []
        self.clients = []
        self.scanners = []
        self.adopted = []
        self.written_to = []
        self.scanning = 0
        self.most_at_once = 0
        self._at_once = 0

    @property
    def radio(self):
        """What a link is given."""
        backends = [
            type(kind.__name__, (kind,), {"air": self}) for kind in (Scanner, Client, Adapter)
        ]
        return Radio(*backends)

    @property
    def connected(self):
        """Clients that hold anything of the system."""
        return [client for client in self.clients if client.holds]

    def named(self, call):
        """Arguments of every call of one name, in order."""
        return [arguments for name, _, arguments in self.calls if name == call]

    def times(self, call):
        """When each call of one name was made."""
        return [when for name, when, _ in self.calls if name == call]

    async def step(self, call, *arguments):
        """Note a call and do what the script says."""
        self.calls.append((call, asyncio.get_running_loop().time(), arguments))
        outcome = self.script[call].popleft() if self.script[call] else self.broken.get(call)
        if outcome is HANG:
            await asyncio.Event().wait()
        elif isinstance(outcome, BaseException):
            raise outcome
        elif outcome is not None:
            await asyncio.sleep(outcome)

    def drop_all(self):
        """Break every link at once."""
        for sensor in self.sensors:
            sensor.drop()

    def enter(self):
        """Count scans and connects that are under way together."""
        self._at_once += 1
        self.most_at_once = max(self.most_at_once, self._at_once)

    def leave(self):
        self._at_once -= 1


class Scanner(BaseBleakScanner):
    def __init__(self, detection_callback, service_uuids, *_arguments, **_options):
        super().__init__(detection_callback, service_uuids)
        self.air.scanners.append(self)
        self._timer = None

    async def start(self):
        await self.air.step("scan")
        self.air.enter()
        self.air.scanning += 1
        self.seen_devices = {}
        self._advertise()

    async def stop(self):
        if self._timer:
            self._timer.cancel()
            self._timer = None
            self.air.leave()
            self.air.scanning -= 1
        await self.air.step("stop scan")

    def _advertise(self):
        for sensor in self.air.sensors:
            if sensor.on and sensor.link is None:
                data = AdvertisementData(
                    sensor.name, {}, {}, list(sensor.services), None, sensor.rssi, ()
                )
                device = self.create_or_update_device(
                    sensor.address, sensor.address, sensor.alias, sensor, data
                )
                self.call_detection_callbacks(device, data)
        loop = asyncio.get_running_loop()
        self._timer = loop.call_later(ADVERTISES_EVERY_S, self._advertise)


class Client(BaseBleakClient):
    def __init__(self, device, *, disconnected_callback, timeout, **options):
        super().__init__(device, disconnected_callback=disconnected_callback, timeout=timeout)
        assert isinstance(device, BLEDevice), "a device that was just heard, never an address"
        self.sensor = device.details
        self.options = options
        self.pairs = False
        self.holds = False
        self._writing = False
        self._timer = None
        self._callbacks = {}
        self.air.clients.append(self)

    name = "scripted"
    mtu_size = 23

    @property
    def is_connected(self):
        return self.sensor.link is self

    async def connect(self, pair, **_options):
        self.pairs = pair
        self.holds = True
        self.air.enter()
        try:
            await self.air.step("connect", self.sensor.address, pair)
            await asyncio.sleep(CONNECTS_IN_S)
        finally:
            self.air.leave()
        if not self.sensor.on:
            raise TimeoutError
        self.sensor.link = self
        self.services = self.sensor.table()
        self.sensor.listeners.append((self, self._callbacks))

    async def disconnect(self):
        try:
            await self.air.step("disconnect", self.sensor.address)
        finally:
            self._release()
        if self.sensor.link is self:
            self.sensor.link = None
            self.services = None
            self._disconnected_callback()

    def _release(self):
        self.holds = False
        self.sensor.listeners = [each for each in self.sensor.listeners if each[0] is not self]
        if self._timer:
            self._timer.cancel()

    async def pair(self, *_arguments, **_options):
        raise AssertionError("pairing is asked for when connecting")

    async def unpair(self):
        await self.air.step("unpair", self.sensor.address)

    async def read_gatt_char(self, characteristic, **_options):
        await self.air.step("read", characteristic.uuid)
        self._need()
        return bytearray(self.sensor.values.get(characteristic.uuid, b"\x07"))

    async def read_gatt_descriptor(self, descriptor, **_options):
        raise NotImplementedError

    async def write_gatt_char(self, characteristic, data, response):
        if self._writing:
            raise BleakDBusError("org.bluez.Error.InProgress", [])
        self._writing = True
        try:
            await self.air.step("write", characteristic.uuid, bytes(data), response)
        finally:
            self._writing = False
        self.air.written_to.append(characteristic.service_uuid)
        self._need()

    async def write_gatt_descriptor(self, descriptor, data):
        raise NotImplementedError

    async def start_notify(self, characteristic, callback, **options):
        await self.air.step("subscribe", characteristic.uuid, options.get("bluez"))
        self._need()
        self._callbacks[characteristic.uuid] = callback
        if self._timer is None:
            self._send()

    async def stop_notify(self, characteristic):
        raise AssertionError("disconnecting ends notifications")

    def _send(self):
        if self.sensor.link is self and self.sensor.sends and self.sensor.on:
            self.sensor.send()
        loop = asyncio.get_running_loop()
        self._timer = loop.call_later(self.sensor.period_s, self._send)

    def _need(self):
        if not self.is_connected:
            raise BleakError("Service Discovery has not been performed yet")


class Adapter(BaseBleakAdapter):
    @classmethod
    async def get(cls, **_options):
        return cls()

    async def get_connected_devices(self, service_uuids):
        await self.air.step("connected devices")
        return [
            BLEDevice(sensor.address, sensor.alias, sensor)
            for sensor in self.air.adopted
            if sensor.spec.service in service_uuids
        ]


class Sink:
    """Takes what a link delivers; may be told to fail."""

    def __init__(self, fails=False):
        self.events = []
        self.notifications = []
        self.everything = []
        self.fails = fails

    def notification(self, notification):
        self.notifications.append(notification)
        self.everything.append(notification)
        if self.fails:
            raise ValueError("a fault of the sink")

    def event(self, event):
        self.events.append(event)
        self.everything.append(event)
        if self.fails:
            raise ValueError("a fault of the sink")

    @property
    def states(self):
        return [str(event.state) for event in self.events]

    @property
    def causes(self):
        return [str(event.cause) for event in self.events if event.cause]

    def of(self, cause):
        return [event for event in self.events if event.cause == cause]

    def seconds(self, state):
        """When the link came into a state."""
        return [event.monotonic_ns / 1e9 for event in self.events if event.state == state]


def subscriptions(spec):
    return [step.characteristic for step in spec.setup if isinstance(step, Subscribe)]


def reads(spec):
    return [step.characteristic for step in spec.setup if isinstance(step, Read)]
