"""One connection: made, set up, watched, and always taken down."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import math
from typing import TYPE_CHECKING

from bleak import BleakClient
from bleak.exc import BleakError

from firmware_bridge.link.delivery import Delivery
from firmware_bridge.link.errors import LinkError, bounded
from firmware_bridge.link.states import LinkCause
from firmware_bridge.spec import SERIAL_NUMBER, Read, Subscribe, Write

if TYPE_CHECKING:
    from bleak.backends.characteristic import BleakGATTCharacteristic
    from bleak.backends.device import BLEDevice

    from firmware_bridge.host_clock import Clock
    from firmware_bridge.link.radio import Radio
    from firmware_bridge.link.states import LinkSink
    from firmware_bridge.spec import DeviceSpec, Step

log = logging.getLogger(__name__)

CONNECT_S = 15.0
PAIR_S = 45.0
"""A person may have to confirm."""

CALL_S = 10.0
CLOSE_S = 10.0

FIRST_DATA_S = 10.0
"""After the set-up a sensor is given so long to send its first notification."""

LEAST_SILENCE_S = 2.0
SILENT_PERIODS = 20.0

_SECOND_LOOK_S = 0.1
_TICK_S = 1e-3
_WRITES = {"write", "write-without-response"}


class Session:
    """One connection to a sensor.

    Parameters
    ----------
    device : BLEDevice
        As just heard: an older one, or an address alone, may no longer be known to the system.
    spec : DeviceSpec
    sink : LinkSink
    radio : Radio
    clock : Clock
    pair : bool
        Whether to pair first.
    """

    def __init__(
        self,
        device: BLEDevice,
        spec: DeviceSpec,
        sink: LinkSink,
        radio: Radio,
        clock: Clock,
        *,
        pair: bool,
    ) -> None:
        self._spec = spec
        self._radio = radio
        self._clock = clock
        self._delivery = Delivery(sink, clock, spec.essential)
        self._gone = asyncio.Event()
        self._ready_s = math.inf
        self._awake_s = math.inf
        self._writing = asyncio.Lock()
        self._connect_s = PAIR_S if pair else CONNECT_S
        self._client = BleakClient(
            device,
            lambda _client: self._gone.set(),
            timeout=self._connect_s,
            pair=pair,
            # A table of services from before a firmware update would lead to wrong handles.
            winrt={"use_cached_services": False},
            backend=radio.client_backend,
        )

    @property
    def streamed_s(self) -> float:
        """Seconds from the first to the last notification."""
        return self._delivery.span_s

    @property
    def mtu(self) -> int:
        """Largest ATT MTU that the connection is known to have.

        Some systems tell the smallest until, or although, larger packets arrive.
        """
        told = [char.max_write_without_response_size for char in self._characteristics()]
        return 3 + max([self._delivery.longest, *told])

    async def connect(self) -> None:
        """Connect and learn the table of services; raises `LinkError`."""
        async with bounded(self._clock, self._connect_s + CALL_S, LinkCause.CONNECT_FAILED):
            await self._client.connect()
        self._radio.held.add(self._client.address)

    async def read_serial(self) -> str | None:
        """Ask for the serial number; None if the sensor has none to tell."""
        char = self._find(SERIAL_NUMBER)
        if char is None:
            return None
        async with bounded(self._clock, CALL_S, LinkCause.SETUP_FAILED):
            payload = await self._client.read_gatt_char(char)
        return bytes(payload).rstrip(b"\x00").decode("utf-8", errors="replace").strip()

    async def set_up(self) -> None:
        """Do the steps of the device's set-up in their order; raises `LinkError`."""
        if not any(service.uuid == self._spec.service for service in self._client.services):
            detail = f"service {self._spec.service} of {self._spec.title} is missing"
            raise LinkError(LinkCause.WRONG_FIRMWARE, detail)
        try:
            for step in self._spec.setup:
                await self._do(step)
        except LinkError as error:
            if self._gone.is_set():
                raise LinkError(LinkCause.DISCONNECTED, "while it was set up") from error
            raise
        self._ready_s = self._awake_s = self._now_s()

    async def write(self, write: Write) -> None:
        """Write to the sensor; raises `LinkError`."""
        char = self._find(write.characteristic)
        if char is None:
            raise LinkError(LinkCause.WRONG_FIRMWARE, _missing(write.characteristic))
        response = write.response
        if len(_WRITES.intersection(char.properties)) == 1:
            response = "write" in char.properties
        # BlueZ refuses a second write while one is under way.
        async with self._writing, bounded(self._clock, CALL_S, LinkCause.SETUP_FAILED):
            await self._client.write_gatt_char(char, write.payload, response=response)
        await self._clock.sleep(write.pause_s)

    async def watch(self, seconds: float = math.inf) -> None:
        """Return after so long; until then keep the sensor awake.

        Raises
        ------
        LinkError
            When the link is lost, which its silence shows where the system does not.
        """
        stop_s = self._now_s() + seconds
        while (left_s := stop_s - self._now_s()) > 0:
            await self._keep_awake()
            due_s = min(self._silence_due_s(), self._keep_alive_due_s()) - self._now_s()
            if await self._is_gone_within(max(min(left_s, due_s), _TICK_S)):
                raise LinkError(LinkCause.DISCONNECTED)
            if self._silence_due_s() <= self._now_s():
                await self._look_again()

    def mute(self) -> None:
        """Deliver nothing more: the link is about to be told lost."""
        self._delivery.close()

    async def close(self) -> None:
        """Disconnect and never raise; what comes until then is delivered, unless it was muted.

        BlueZ takes two seconds to disconnect a sensor that goes on sending. Even a client that was
        disconnected holds handlers in the system: left there, BlueZ delivers everything twice after
        the next connect.
        """
        try:
            async with bounded(self._clock, CLOSE_S, LinkCause.NO_SERVICE):
                await self._client.disconnect()
        except LinkError as error:
            log.warning("the old connection did not end: %s, %s", error.cause, error.detail)
        finally:
            self._delivery.close()
            self._radio.held.discard(self._client.address)

    async def _do(self, step: Step) -> None:
        char = self._find(step.characteristic)
        if char is None:
            if not step.optional:
                raise LinkError(LinkCause.WRONG_FIRMWARE, _missing(step.characteristic))
            return
        match step:
            case Write():
                await self.write(step)
            case Subscribe():
                await self._subscribe(char)
            case Read():
                await self._read(char)

    async def _subscribe(self, char: BleakGATTCharacteristic) -> None:
        # AcquireNotify, BlueZ's other way, loses notifications and their order when the host is
        # busy for seconds.
        async with bounded(self._clock, CALL_S, LinkCause.SETUP_FAILED):
            await self._client.start_notify(
                char, self._delivery.take, bluez={"use_start_notify": True}
            )

    async def _read(self, char: BleakGATTCharacteristic) -> None:
        async with bounded(self._clock, CALL_S, LinkCause.SETUP_FAILED):
            payload = await self._client.read_gatt_char(char)
        self._delivery.take(char, payload)

    def _keep_alive_due_s(self) -> float:
        keep_alive = self._spec.keep_alive
        return self._awake_s + keep_alive.period_s if keep_alive else math.inf

    async def _keep_awake(self) -> None:
        """Write the keep-alive if it is due; if it fails the data tell whether the link is lost."""
        if self._spec.keep_alive is None or self._now_s() < self._keep_alive_due_s():
            return
        self._awake_s = self._now_s()
        try:
            await self.write(self._spec.keep_alive.write)
        except LinkError as error:
            log.warning("the keep-alive was not taken: %s", error)

    def _silence_due_s(self) -> float:
        """When, if nothing comes, the link is lost."""
        if not self._delivery.count:
            return self._ready_s + max(FIRST_DATA_S, self._spec.silence_s)
        periods_s = SILENT_PERIODS * self._delivery.period_s
        allowed_s = max(LEAST_SILENCE_S, self._spec.silence_s, periods_s)
        return max(self._ready_s, self._delivery.last_s) + allowed_s

    async def _look_again(self) -> None:
        """Tell silence from a host that was too busy to look: what waits is delivered first."""
        await self._clock.sleep(_SECOND_LOOK_S)
        if self._silence_due_s() <= self._now_s():
            silent_s = self._now_s() - max(self._ready_s, self._delivery.last_s)
            what = "no EMG" if self._spec.essential else "nothing"
            raise LinkError(LinkCause.SILENCE, f"{what} came for {silent_s:.1f} s")

    async def _is_gone_within(self, seconds: float) -> bool:
        with contextlib.suppress(TimeoutError):
            async with self._clock.timeout(seconds):
                await self._gone.wait()
        return self._gone.is_set()

    def _find(self, uuid: str) -> BleakGATTCharacteristic | None:
        """Characteristic of the device's own service first: other services may use the same."""
        fitting = [char for char in self._characteristics() if char.uuid == uuid]
        own = [char for char in fitting if char.service_uuid == self._spec.service]
        return next(iter(own or fitting), None)

    def _characteristics(self) -> list[BleakGATTCharacteristic]:
        try:
            return list(self._client.services.characteristics.values())
        except BleakError as error:
            raise LinkError(LinkCause.DISCONNECTED) from error

    def _now_s(self) -> float:
        return self._clock.monotonic_ns() / 1e9


async def forget(device: BLEDevice, radio: Radio, clock: Clock) -> None:
    """Remove what the system remembers of a sensor: bond and table of services.

    Raises
    ------
    LinkError
        If the system refuses, or has no such call (macOS).
    """
    client = BleakClient(device, backend=radio.client_backend)
    async with bounded(clock, CALL_S, LinkCause.BOND_LOST):
        await client.unpair()


def _missing(characteristic: str) -> str:
    return f"characteristic {characteristic} is missing"
