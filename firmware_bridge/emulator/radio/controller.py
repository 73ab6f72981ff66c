"""A Bluetooth controller on the emulated air, with what bumble's own leaves out."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bumble import hci, ll
from bumble.controller import Controller, LegacyAdvertiser

from firmware_bridge.emulator.radio.orders import ADAPTER_OFF, ADAPTER_ON, Order

if TYPE_CHECKING:
    from bumble.controller import Connection

    from firmware_bridge.emulator.radio.air import Air
    from firmware_bridge.emulator.radio.orders import HCI_Air_Order_Command

_Report = hci.HCI_LE_Advertising_Report_Event.Report
_ReportType = hci.HCI_LE_Advertising_Report_Event.EventType


@dataclass
class ScannableAdvInd(ll.AdvInd):
    """An advertisement together with the answer to a scan request."""

    scan_response: bytes = b""


class AirAdvertiser(LegacyAdvertiser):
    """Advertises at the interval it was told, in units of 0.625 ms, with its scan response.

    bumble's takes the unit for milliseconds and repeats the advertisement as scan response.
    """

    controller: AirController

    def _on_timer_fired(self) -> None:
        self.send_advertising_data()
        air = self.controller.air
        interval_s = self.advertising_interval_min * 0.625e-3
        self.timer_handle = air.call_at(air.now() + interval_s, self._on_timer_fired)

    def send_advertising_data(self) -> None:
        """Send one advertisement."""
        if self.enabled:
            self.controller.send_advertising_pdu(
                ScannableAdvInd(self.address, self.advertising_data, self.scan_response_data)
            )


class AirController(Controller):
    """A controller on the `Air`.

    Beyond bumble's: packets count as sent when the other side has them; a connection attempt can
    be cancelled; a peripheral is told the parameters that the central chose; and the radio can
    be bad or switched off. Without extended advertising, whose connection events bumble lacks.

    Parameters
    ----------
    name : str
    air : Air
    """

    # The packet sizes of Bluetooth 4.2 and later; bumble's 27 bytes cut every longer PDU.
    le_acl_data_packet_length = 251
    total_num_le_acl_data_packets = 64
    le_features = Controller.le_features & ~(
        hci.LeFeatureMask.LL_PRIVACY | hci.LeFeatureMask.LE_EXTENDED_ADVERTISING
    )

    def __init__(self, name: str, air: Air) -> None:
        self.air = air
        self.loss = 0.0
        self.scans = False
        self._unsent: Counter[int] = Counter()
        self._request: ll.ConnectInd | None = None
        super().__init__(name, link=air)
        self.le_legacy_advertiser = AirAdvertiser(self)

    def take_packets(self, connection_handle: int) -> int:
        """Return the number of HCI packets the PDU that was just completed came in."""
        return self._unsent.pop(connection_handle, 0)

    def confirm(self, peer: hci.Address, packets: int) -> None:
        """Tell the host that the other side has got packets."""
        connection = self.le_connections.get(peer)
        if connection is not None and packets:
            self.send_hci_packet(
                hci.HCI_Number_Of_Completed_Packets_Event(
                    connection_handles=[connection.handle], num_completed_packets=[packets]
                )
            )

    def drop(self, peer: hci.Address, reason: int) -> None:
        """Give up the connection to a peer that is heard no more."""
        connection = self.le_connections.get(peer)
        if connection is not None:
            self.on_le_disconnected(connection, reason)

    def switch_off(self) -> None:
        """Leave the air without a word, and tell the host."""
        self.loss = 1.0
        self.le_scan_enable = False
        self.le_legacy_advertiser.stop()
        self._fail_pending_connection()
        for peer in list(self.le_connections):
            self.drop(peer, hci.HCI_ErrorCode.CONNECTION_TERMINATED_BY_LOCAL_HOST_ERROR)
        self.send_hci_packet(hci.HCI_Vendor_Event(data=ADAPTER_OFF))

    def switch_on(self) -> None:
        """Come back."""
        self.loss = 0.0
        self.send_hci_packet(hci.HCI_Vendor_Event(data=ADAPTER_ON))

    def on_hci_air_order_command(
        self, command: HCI_Air_Order_Command
    ) -> hci.HCI_StatusReturnParameters:
        """Do what the sensor's fault script asks for."""
        seconds = command.milliseconds * 1e-3
        match Order(command.order):
            case Order.FADE:
                self.air.fade(self, seconds, command.permille * 1e-3)
            case Order.HOLD:
                self.air.hold(self, seconds)
            case Order.ADAPTERS_OFF:
                self.air.switch_adapters_off(seconds)
        return hci.HCI_StatusReturnParameters(hci.HCI_ErrorCode.SUCCESS)

    def on_hci_acl_data_packet(self, packet: hci.HCI_AclDataPacket) -> None:
        """Take a packet from the host; it is confirmed when the other side has it."""
        connection = self.find_connection_by_handle(packet.connection_handle)
        if connection is not None:
            self._unsent[connection.handle] += 1
            connection.assembler.feed_packet(packet)

    def on_hci_le_set_scan_enable_command(
        self, command: hci.HCI_LE_Set_Scan_Enable_Command
    ) -> hci.HCI_StatusReturnParameters:
        """Begin or end scanning; whoever scans is a computer."""
        self.scans = True
        return super().on_hci_le_set_scan_enable_command(command)

    def on_hci_le_create_connection_cancel_command(
        self, _command: hci.HCI_LE_Create_Connection_Cancel_Command
    ) -> hci.HCI_StatusReturnParameters:
        """End a connection attempt; bumble's does nothing, and the host waits for ever."""
        if self.pending_le_connection is None:
            return hci.HCI_StatusReturnParameters(hci.HCI_ErrorCode.COMMAND_DISALLOWED_ERROR)
        # The command is to be answered before the event that it causes.
        self.air.call_at(self.air.now(), self._fail_pending_connection)
        return hci.HCI_StatusReturnParameters(hci.HCI_ErrorCode.SUCCESS)

    def _fail_pending_connection(self) -> None:
        pending, self.pending_le_connection = self.pending_le_connection, None
        if pending is not None:
            self.send_hci_packet(
                hci.HCI_LE_Connection_Complete_Event(
                    status=hci.HCI_ErrorCode.UNKNOWN_CONNECTION_IDENTIFIER_ERROR,
                    connection_handle=0,
                    role=hci.Role.CENTRAL,
                    peer_address_type=pending.peer_address_type,
                    peer_address=pending.peer_address,
                    connection_interval=0,
                    peripheral_latency=0,
                    supervision_timeout=0,
                    central_clock_accuracy=0,
                )
            )

    def on_advertising_pdu(self, pdu: ll.AdvInd | ll.AdvExtInd) -> None:
        """Report an advertisement, with its scan response; connect if that is wanted."""
        if self.le_scan_enable and isinstance(pdu, ScannableAdvInd):
            self._report(_ReportType.ADV_IND, pdu.advertiser_address, pdu.data)
            if self.le_scan_type:
                self._report(_ReportType.SCAN_RSP, pdu.advertiser_address, pdu.scan_response)
        pending, address = self.pending_le_connection, pdu.advertiser_address
        if pending and pending.peer_address == address and address not in self.le_connections:
            self.create_le_connection(address)

    def _report(self, kind: _ReportType, address: hci.Address, data: bytes) -> None:
        report = _Report(
            event_type=kind, address_type=address.address_type, address=address, data=data, rssi=-50
        )
        self.send_hci_packet(hci.HCI_LE_Advertising_Report_Event([report]))

    def on_le_connect_ind(self, packet: ll.ConnectInd) -> None:
        """Accept a connection."""
        self._request = packet
        super().on_le_connect_ind(packet)

    def on_le_disconnected(self, connection: Connection, reason: int) -> None:
        """Forget a connection."""
        self._unsent.pop(connection.handle, None)
        super().on_le_disconnected(connection, reason)

    def send_hci_packet(self, packet: hci.HCI_Packet) -> None:
        """Send to the host; bumble tells a peripheral made-up connection parameters."""
        if (
            isinstance(packet, hci.HCI_LE_Connection_Complete_Event)
            and packet.role == hci.Role.PERIPHERAL
            and self._request is not None
        ):
            packet.connection_interval = self._request.interval
            packet.peripheral_latency = self._request.latency
            packet.supervision_timeout = self._request.timeout
        super().send_hci_packet(packet)
