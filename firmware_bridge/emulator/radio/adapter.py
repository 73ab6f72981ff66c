"""The Bluetooth of the emulated computer: one host stack for bleak's scanners and clients."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from bleak.exc import BleakBluetoothNotAvailableError, BleakBluetoothNotAvailableReason
from bumble.device import ConnectionParametersPreferences, Device, DeviceConfiguration
from bumble.hci import HCI_LE_1M_PHY, Address
from bumble.keys import MemoryKeyStore
from bumble.pairing import PairingConfig, PairingDelegate

from firmware_bridge.emulator.radio.orders import ADAPTER_OFF, ADAPTER_ON
from firmware_bridge.emulator.radio.procedures import bleak_result, complete, settle
from firmware_bridge.emulator.radio.quiet import quiet

if TYPE_CHECKING:
    from bumble.hci import HCI_Vendor_Event
    from bumble.keys import KeyStore
    from bumble.transport.common import Transport

COMPUTER = "C0:C1:C2:C3:C4:C5"

# Linux asks for 30 to 50 ms and a time-out of 420 ms (defaults of its Bluetooth kernel module);
# recordings made with a laptop show 45 ms.
_PARAMETERS = ConnectionParametersPreferences(
    connection_interval_min=45, connection_interval_max=45, max_latency=0, supervision_timeout=420
)

_REASON = BleakBluetoothNotAvailableReason
_WORDS = {
    _REASON.NO_BLUETOOTH: "the emulated computer has no Bluetooth: the air has gone",
    _REASON.POWERED_OFF: "the emulated computer's Bluetooth is switched off",
}


class BumbleAdapter:
    """A Bluetooth adapter and its host stack.

    Parameters
    ----------
    address : str
        Random static address.
    pairing : PairingConfig or None
        How it pairs; None is Just Works, without a person.
    keystore : KeyStore or None
        Where bonds are kept; None is memory, for as long as the adapter lives.
    """

    def __init__(
        self,
        *,
        address: str = COMPUTER,
        pairing: PairingConfig | None = None,
        keystore: KeyStore | None = None,
    ) -> None:
        quiet()
        self.keystore = keystore or MemoryKeyStore()
        self.parameters = {HCI_LE_1M_PHY: _PARAMETERS}
        self.connecting = asyncio.Lock()
        self._address = address
        self._pairing = pairing or PairingConfig(mitm=False, delegate=PairingDelegate())
        self._device: Device | None = None
        self._missing: BleakBluetoothNotAvailableReason | None = _REASON.NO_BLUETOOTH
        self._scanners: set[object] = set()
        self._scanning = asyncio.Lock()

    async def attach(self, transport: Transport) -> None:
        """Start the host stack on a controller."""
        configuration = DeviceConfiguration(name="computer", address=Address(self._address))
        device = Device.from_config_with_hci(configuration, transport.source, transport.sink)
        device.keystore = self.keystore
        device.pairing_config_factory = lambda _connection: self._pairing
        device.host.on("vendor_event", self._on_vendor_event)
        await complete(device.power_on())
        self._device, self._missing = device, None

    def detach(self) -> None:
        """Lose the controller; whatever was connected has ended."""
        self._device, self._missing = None, _REASON.NO_BLUETOOTH
        self._scanners.clear()

    def device(self) -> Device:
        """Return the host stack.

        Raises
        ------
        BleakBluetoothNotAvailableError
            If the adapter is switched off or gone.
        """
        if self._device is None or self._missing is not None:
            reason = self._missing or _REASON.NO_BLUETOOTH
            raise BleakBluetoothNotAvailableError(_WORDS[reason], reason)
        return self._device

    async def begin_scan(self, scanner: object) -> None:
        """Scan for a scanner; the first switches scanning on."""
        async with self._scanning:
            device = self.device()
            if not self._scanners:
                bleak_result(await settle(device.start_scanning()))
            self._scanners.add(scanner)

    async def end_scan(self, scanner: object) -> None:
        """Scan no more for a scanner; the last switches scanning off."""
        async with self._scanning:
            known = scanner in self._scanners
            self._scanners.discard(scanner)
            if known and not self._scanners:
                bleak_result(await settle(self.device().stop_scanning()))

    def _on_vendor_event(self, event: HCI_Vendor_Event) -> None:
        if event.data == ADAPTER_OFF:
            self._missing = _REASON.POWERED_OFF
            self._scanners.clear()
        elif event.data == ADAPTER_ON:
            self._missing = None
