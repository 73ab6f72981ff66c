"""Advertisements: from what a sensor says of itself to bytes, and from bytes to bleak's form."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING

from bleak.backends.scanner import AdvertisementData
from bleak.uuids import normalize_uuid_16, normalize_uuid_32
from bumble.core import UUID, AdvertisingData
from bumble.data_types import (
    CompleteListOf16BitServiceUUIDs,
    CompleteListOf128BitServiceUUIDs,
    CompleteLocalName,
    Flags,
    ManufacturerSpecificData,
)

from nightcramp.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bumble.core import DataType
    from bumble.device import Advertisement as Heard

    from firmware_bridge.emulator.sensor import Advertisement

AD = AdvertisingData.Type

LONGEST = 31
"""Bytes of an advertisement or a scan response (Core Specification 6.B.2.3.1)."""

_UUID_LISTS = {
    AD.INCOMPLETE_LIST_OF_16_BIT_SERVICE_CLASS_UUIDS: 2,
    AD.COMPLETE_LIST_OF_16_BIT_SERVICE_CLASS_UUIDS: 2,
    AD.INCOMPLETE_LIST_OF_32_BIT_SERVICE_CLASS_UUIDS: 4,
    AD.COMPLETE_LIST_OF_32_BIT_SERVICE_CLASS_UUIDS: 4,
    AD.INCOMPLETE_LIST_OF_128_BIT_SERVICE_CLASS_UUIDS: 16,
    AD.COMPLETE_LIST_OF_128_BIT_SERVICE_CLASS_UUIDS: 16,
}


def advertising_bytes(advertisement: Advertisement) -> tuple[bytes, bytes]:
    """Return an advertisement and its scan response.

    What does not fit into the advertisement goes into the scan response.

    Raises
    ------
    UsageError
        If it fits into neither.
    """
    packets = [b"", b""]
    for field in _fields(advertisement):
        part = bytes(AdvertisingData([field]))
        fitting = next((i for i in (0, 1) if len(packets[i]) + len(part) <= LONGEST), None)
        if fitting is None:
            raise UsageError(
                f"{advertisement.name!r} advertises too much: {len(part)} bytes fit neither into "
                f"the advertisement nor into the scan response, {LONGEST} bytes each. Give it a "
                "shorter name."
            )
        packets[fitting] += part
    return packets[0], packets[1]


def _fields(advertisement: Advertisement) -> Iterator[DataType]:
    """Yield the parts in the order of their weight."""
    yield Flags(
        AdvertisingData.Flags.LE_GENERAL_DISCOVERABLE_MODE
        | AdvertisingData.Flags.BR_EDR_NOT_SUPPORTED
    )
    uuids = [_shortest(text) for text in advertisement.services]
    if short := [one for one in uuids if len(one.to_bytes()) == 2]:
        yield CompleteListOf16BitServiceUUIDs(short)
    if long := [one for one in uuids if len(one.to_bytes()) > 2]:
        yield CompleteListOf128BitServiceUUIDs(long)
    if data := advertisement.manufacturer_data:
        yield ManufacturerSpecificData(int.from_bytes(data[:2], "little"), data[2:])
    if advertisement.name:
        yield CompleteLocalName(advertisement.name)


def _shortest(text: str) -> UUID:
    """UUID in its short form if the Bluetooth SIG assigned it."""
    assigned = text.startswith("0000") and text.endswith("-0000-1000-8000-00805f9b34fb")
    return UUID(text[4:8] if assigned else text)


def uuid_text(short_or_long: UUID) -> str:
    """UUID as bleak writes it: 128 bit, lower case."""
    return _uuid_from(short_or_long.to_bytes())


def _uuid_from(little_endian: bytes) -> str:
    match len(little_endian):
        case 2:
            return normalize_uuid_16(int.from_bytes(little_endian, "little"))
        case 4:
            return normalize_uuid_32(int.from_bytes(little_endian, "little"))
        case _:
            return str(uuid.UUID(bytes=little_endian[::-1]))


def advertisement_data(heard: Heard) -> AdvertisementData:
    """Return what was heard as bleak gives it to applications."""
    name: str | None = None
    manufacturer: dict[int, bytes] = {}
    services: list[str] = []
    for kind, data in heard.data.ad_structures:
        if kind in {AD.COMPLETE_LOCAL_NAME, AD.SHORTENED_LOCAL_NAME}:
            name = data.decode("utf-8", errors="replace")
        elif kind in _UUID_LISTS:
            size = _UUID_LISTS[AD(kind)]
            services += [_uuid_from(data[at : at + size]) for at in range(0, len(data), size)]
        elif kind == AD.MANUFACTURER_SPECIFIC_DATA:
            manufacturer[int.from_bytes(data[:2], "little")] = bytes(data[2:])
    return AdvertisementData(name, manufacturer, {}, services, None, heard.rssi, (heard,))
