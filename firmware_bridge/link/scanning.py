"""Hearing sensors, and telling the one that is meant from the others."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bleak import BleakAdapter, BleakScanner

from firmware_bridge.devices import DEVICES
from firmware_bridge.link.errors import LinkError, bounded
from firmware_bridge.link.radio import Found, Identity, Radio, Sought
from firmware_bridge.link.states import LinkCause

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Collection

    from bleak.backends.device import BLEDevice
    from bleak.backends.scanner import AdvertisementData

    from firmware_bridge.host_clock import Clock
    from firmware_bridge.spec import DeviceSpec

log = logging.getLogger(__name__)

SCAN_S = 8.0
"""Listening this long hears a sensor several times, unless it advertises at more than 2 s."""

SETTLE_S = 2.0
"""After a first sensor that fits, a second one is given so long to be heard."""

_CALL_S = 10.0
_UNKNOWN_RSSI = -127


@dataclass(frozen=True, slots=True)
class Heard:
    """A device, and what bleak needs to connect to it."""

    device: BLEDevice
    found: Found


class Listener:
    """Everything that was heard, by address; advertisements of one device are put together."""

    def __init__(self) -> None:
        self.heard: dict[str, Heard] = {}
        self.news = asyncio.Event()

    def hear(self, device: BLEDevice, advertisement: AdvertisementData) -> None:
        """Take an advertisement; a scan response may hold what it lacks, and the reverse."""
        before = self.heard.get(device.address)
        name = advertisement.local_name or _given_name(device)
        services = dict.fromkeys(uuid.lower() for uuid in advertisement.service_uuids)
        if before:
            name = name or before.found.name
            services = dict.fromkeys(before.found.services) | services
        found = _found(name, device.address, advertisement.rssi, tuple(services))
        self.heard[device.address] = Heard(device, found)
        self.news.set()


async def scan(radio: Radio, clock: Clock, seconds: float) -> list[Found]:
    """Listen for Bluetooth devices.

    Parameters
    ----------
    radio : Radio
    clock : Clock
    seconds : float

    Returns
    -------
    list of Found
        Known sensors first, then by signal strength.

    Raises
    ------
    SensorError
        If Bluetooth cannot be used; the text says why and what to do.
    """
    async with _listening(radio, clock) as listener:
        await clock.sleep(seconds)
    found = [heard.found for heard in listener.heard.values()]
    return sorted(found, key=lambda device: (not device.matches, -device.rssi, device.address))


class Finder:
    """Finds the sensor that is meant, again and again, and remembers what it learned of it.

    A sensor may come back under a new address (random addresses, new battery). After it was
    connected once, only a sensor with its name or its serial number is taken for it.

    Parameters
    ----------
    sought : Sought
    radio : Radio
    clock : Clock
    known : Identity or None
        The sensor as it was learned before; of no meaning if `sought` names another one.
    """

    def __init__(self, sought: Sought, radio: Radio, clock: Clock, known: Identity | None) -> None:
        self._sought = sought
        self._radio = radio
        self._clock = clock
        self._known = known if known and _names(sought, known) else None
        self._others: set[str] = set()
        self._has_searched = False

    @property
    def known(self) -> Identity | None:
        """The sensor as it was learned; None before."""
        return self._known

    def expected_serial(self, found: Found) -> str | None:
        """Return the serial number by which a sensor must prove that it is meant, if by any."""
        if self._sought.serial is None and self._known and not self._is_known_address(found):
            return self._known.serial
        return self._sought.serial

    def learn(self, found: Found, serial: str | None) -> None:
        """Remember that this is the sensor."""
        name = found.name
        if self._known and self._is_known_address(found):
            name, serial = name or self._known.name, serial or self._known.serial
        self._known = Identity(found.address, name, serial)

    def reject(self, found: Found) -> None:
        """Remember that this is not the sensor: its serial number is another."""
        self._others.add(found.address)

    async def find(self) -> Heard:
        """Listen until the sensor is heard.

        Raises
        ------
        LinkError
            With cause ``not_found``, ``wrong_sensor`` if only others of its kind are heard,
            ``ambiguous``, or why Bluetooth cannot be used.
        """
        candidates = await self._left_connected() or await self._listen()
        if len(candidates) > 1:
            raise LinkError(LinkCause.AMBIGUOUS, "; ".join(_tell(each) for each in candidates))
        return candidates[0]

    async def _left_connected(self) -> list[Heard]:
        """Sensors that are connected since before the first search, as after a crash of ours."""
        if self._has_searched:
            return []
        self._has_searched = True
        return await self._connected_already()

    async def _listen(self) -> list[Heard]:
        async with _listening(self._radio, self._clock) as listener:
            await self._until_heard(listener)
        candidates = self._candidates(listener) or await self._connected_already()
        if not candidates:
            self._others.clear()
            raise self._absence(listener)
        return candidates

    def _absence(self, listener: Listener) -> LinkError:
        """Say what is heard instead of the sensor."""
        heard = [each for each in listener.heard.values() if is_meant(self._sought, each.found)]
        if self._known is None or not heard:
            return LinkError(LinkCause.NOT_FOUND, _tell_heard(listener))
        others = "; ".join(_tell(each) for each in heard)
        ours = f"{self._known.name or 'without name'}, address {self._known.address}"
        return LinkError(LinkCause.WRONG_SENSOR, f"heard: {others}; recorded so far: {ours}")

    async def _until_heard(self, listener: Listener) -> None:
        with contextlib.suppress(TimeoutError):
            async with self._clock.timeout(SCAN_S):
                while not self._candidates(listener):
                    listener.news.clear()
                    await listener.news.wait()
                if not self._is_certain(listener):
                    await self._clock.sleep(SETTLE_S)

    def _is_certain(self, listener: Listener) -> bool:
        """Whether no other device could be meant as well."""
        known = self._known is not None and self._known.address in listener.heard
        return known or self._sought.address is not None

    def _candidates(self, listener: Listener) -> list[Heard]:
        fitting = [heard for heard in listener.heard.values() if self._fits(heard.found)]
        known = [heard for heard in fitting if self._is_known_address(heard.found)]
        strongest_first = sorted(fitting, key=lambda heard: -heard.found.rssi)
        # A serial number is read from one after the other.
        by_serial = self._sought.serial or (self._known and self._known.serial)
        return known or (strongest_first[:1] if by_serial else strongest_first)

    def _fits(self, found: Found) -> bool:
        if found.address in self._others or found.address in self._radio.held:
            return False
        return is_meant(self._sought, found) and not self._is_stranger(found)

    def _is_known_address(self, found: Found) -> bool:
        return self._known is not None and self._known.address == found.address

    def _is_stranger(self, found: Found) -> bool:
        if self._known is None or self._known.address == found.address:
            return False
        if self._known.name and found.name:
            return self._known.name != found.name
        return self._known.serial is None

    async def _connected_already(self) -> list[Heard]:
        """Sensors that the system holds connected; no scan finds them, as they do not advertise."""
        if self._radio.scanner_backend and not self._radio.adapter_backend:
            return []
        async with bounded(self._clock, _CALL_S, LinkCause.NO_SERVICE):
            try:
                adapter = await BleakAdapter.get(backend=self._radio.adapter_backend)
                devices = await adapter.get_connected_devices([self._sought.spec.service])
            except NotImplementedError:
                return []
        service = self._sought.spec.service
        heard = [
            Heard(device, _found(_given_name(device), device.address, _UNKNOWN_RSSI, (service,)))
            for device in devices
        ]
        return [each for each in heard if self._fits(each.found)]


def is_meant(sought: Sought, found: Found) -> bool:
    """Whether a device that was heard can be the one that is sought."""
    if sought.address is not None:
        return _plain(sought.address) == _plain(found.address)
    if sought.name is not None:
        return found.name is not None and found.name.casefold() == sought.name.casefold()
    return _can_be(sought.spec, found)


def _names(sought: Sought, known: Identity) -> bool:
    """Whether a sensor that was learned is not excluded by what is sought now."""
    wanted = (sought.address and _plain(sought.address), sought.name, sought.serial)
    learned = (_plain(known.address), known.name, known.serial)
    return all(
        wish is None or (has is not None and wish.casefold() == has.casefold())
        for wish, has in zip(wanted, learned, strict=True)
    )


def _can_be(spec: DeviceSpec, found: Found) -> bool:
    if spec.matches(found.name, found.services):
        return True
    nameless = spec.name_pattern is None and not spec.service_is_enough
    return nameless and spec.service in found.services


@contextlib.asynccontextmanager
async def _listening(radio: Radio, clock: Clock) -> AsyncIterator[Listener]:
    """Listen while the block runs; a new scanner each time, as old ones go deaf."""
    listener = Listener()
    async with bounded(clock, _CALL_S, LinkCause.NO_SERVICE):
        scanner = BleakScanner(listener.hear, backend=radio.scanner_backend)
    try:
        async with bounded(clock, _CALL_S, LinkCause.NO_SERVICE):
            await scanner.start()
        yield listener
    finally:
        try:
            async with bounded(clock, _CALL_S, LinkCause.NO_SERVICE):
                await scanner.stop()
        except LinkError as error:
            log.info("the scanner could not be stopped: %s", error)


def _found(name: str | None, address: str, rssi: int, services: tuple[str, ...]) -> Found:
    return Found(_matches(name, services), name, address, rssi, services)


def _matches(name: str | None, services: Collection[str]) -> tuple[str, ...]:
    return tuple(spec.name for spec in DEVICES.values() if spec.matches(name, services))


def _given_name(device: BLEDevice) -> str | None:
    """Name the system has for a device, unless it was made from the address."""
    return None if _plain(device.name or "") in ("", _plain(device.address)) else device.name


def _plain(address: str) -> str:
    return "".join(character for character in address.casefold() if character.isalnum())


def _tell(heard: Heard) -> str:
    found = heard.found
    return f"{found.name or 'without name'}, address {found.address}, {found.rssi} dBm"


def _tell_heard(listener: Listener) -> str:
    sensors = [heard for heard in listener.heard.values() if heard.found.matches]
    if sensors:
        return "heard were only " + "; ".join(_tell(heard) for heard in sensors)
    heard = len(listener.heard)
    return f"{heard} other Bluetooth devices were heard" if heard else "nothing at all was heard"
