"""bleak's scanner on the emulated radio."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from bleak.backends.scanner import AdvertisementDataCallback, BaseBleakScanner
from bumble.device import Advertisement, Device

from firmware_bridge.emulator.radio.advertising import advertisement_data

if TYPE_CHECKING:
    from firmware_bridge.emulator.radio.adapter import BumbleAdapter


class BumbleScanner(BaseBleakScanner):
    """Scanner backend of an adapter; made by ``bleak.BleakScanner(backend=...)``."""

    adapter: BumbleAdapter

    def __init__(
        self,
        detection_callback: AdvertisementDataCallback | None,
        service_uuids: list[str] | None,
        scanning_mode: Literal["active", "passive"],  # noqa: ARG002 (always active)
        **_platform: object,
    ) -> None:
        super().__init__(detection_callback, service_uuids)
        self._device: Device | None = None

    async def start(self) -> None:
        """Begin to scan."""
        await self.adapter.begin_scan(self)
        self.seen_devices = {}
        self._device = self.adapter.device()
        self._device.on(Device.EVENT_ADVERTISEMENT, self._on_advertisement)

    async def stop(self) -> None:
        """Scan no more."""
        if self._device is not None:
            self._device.remove_listener(Device.EVENT_ADVERTISEMENT, self._on_advertisement)
            self._device = None
        await self.adapter.end_scan(self)

    def _on_advertisement(self, heard: Advertisement) -> None:
        data = advertisement_data(heard)
        key = heard.address.to_string(with_type_qualifier=False)
        device = self.create_or_update_device(key, key, data.local_name, heard.address, data)
        if self.is_allowed_uuid(data.service_uuids):
            self.call_detection_callbacks(device, data)


def scanner_of(adapter: BumbleAdapter) -> type[BumbleScanner]:
    """Return the backend that makes bleak scan with this adapter."""
    return type("AdapterScanner", (BumbleScanner,), {"adapter": adapter})
