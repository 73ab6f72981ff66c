"""The GATT table of an emulated sensor, as the host stack wants it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from bumble.att import ATT_Error, Attribute, AttributeValue
from bumble.core import UUID
from bumble.gatt import Characteristic, Service

from firmware_bridge.emulator.sensor import AttRefusal

if TYPE_CHECKING:
    from collections.abc import Iterable

    from bumble.device import Connection

    from firmware_bridge.emulator.sensor import Characteristic as SensorCharacteristic
    from firmware_bridge.emulator.sensor import Service as SensorService

_PROPERTIES = {
    "read": Characteristic.Properties.READ,
    "write": Characteristic.Properties.WRITE,
    "write-without-response": Characteristic.Properties.WRITE_WITHOUT_RESPONSE,
    "notify": Characteristic.Properties.NOTIFY,
    "indicate": Characteristic.Properties.INDICATE,
}


class GattHandler(Protocol):
    """Does what a connected host asks for."""

    def read(self, uuid: str) -> bytes:
        """Value of a characteristic."""
        ...

    def write(self, uuid: str, payload: bytes) -> None:
        """Take what is written to a characteristic."""
        ...

    def subscribed(self, uuid: str, on: bool) -> None:
        """Begin or end notifications or indications."""
        ...


def gatt_services(
    table: Iterable[SensorService], handler: GattHandler, permissions: Attribute.Permissions
) -> tuple[list[Service], dict[str, Characteristic[bytes]]]:
    """Make the services of a sensor.

    Parameters
    ----------
    table : iterable of Service
    handler : GattHandler
    permissions : Attribute.Permissions
        What writing asks for beside the property: encryption, authentication.

    Returns
    -------
    services : list
    characteristics : dict
        By UUID.
    """
    characteristics = {
        line.uuid: _characteristic(line, handler, permissions)
        for service in table
        for line in service.characteristics
    }
    services = [
        Service(UUID(service.uuid), [characteristics[c.uuid] for c in service.characteristics])
        for service in table
    ]
    return services, characteristics


def _characteristic(
    line: SensorCharacteristic, handler: GattHandler, permissions: Attribute.Permissions
) -> Characteristic[bytes]:
    def read(_connection: Connection) -> bytes:
        try:
            return handler.read(line.uuid)
        except AttRefusal as refusal:
            raise ATT_Error(refusal.code) from refusal

    def write(_connection: Connection, payload: bytes) -> None:
        try:
            handler.write(line.uuid, payload)
        except AttRefusal as refusal:
            raise ATT_Error(refusal.code) from refusal

    def subscribe(_connection: Connection, notify: bool, indicate: bool) -> None:
        try:
            handler.subscribed(line.uuid, notify or indicate)
        except AttRefusal as refusal:
            raise ATT_Error(refusal.code) from refusal

    properties = Characteristic.Properties(0)
    for name in line.properties:
        properties |= _PROPERTIES[name]
    characteristic: Characteristic[bytes] = Characteristic(
        UUID(line.uuid),
        properties,
        Attribute.READABLE | Attribute.WRITEABLE | permissions,
        AttributeValue(read, write),
    )
    characteristic.on(Characteristic.EVENT_SUBSCRIPTION, subscribe)
    return characteristic
