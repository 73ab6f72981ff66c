"""What a sensor's host asks of the emulated radio itself: fades, delays, adapters that go off.

Orders travel as vendor-specific HCI commands on the sensor's own HCI transport, so that they reach
the air in this process and over TCP alike, and concern the controller that receives them.
"""

from __future__ import annotations

import dataclasses
import enum

from bumble import hci

HCI_AIR_ORDER_COMMAND = hci.hci_vendor_command_op_code(0x001)  # type: ignore[no-untyped-call]
hci.HCI_Command.register_commands(globals())


class Order(enum.IntEnum):
    """What the air is to do for a while."""

    FADE = 1
    """Let a share of this controller's connection events fail; all of them: it is out of range."""
    HOLD = 2
    """Keep what arrives from this controller in the receiver, and deliver it all at the end."""
    ADAPTERS_OFF = 3
    """Switch off the controller of every computer: of every host that has ever scanned."""


@hci.HCI_SyncCommand.sync_command(hci.HCI_StatusReturnParameters)
@dataclasses.dataclass
class HCI_Air_Order_Command(hci.HCI_SyncCommand[hci.HCI_StatusReturnParameters]):  # noqa: N801
    """An order to the air; named as HCI commands are, because bumble finds handlers by name.

    Attributes
    ----------
    order : int
        An `Order`.
    milliseconds : int
        How long, in milliseconds of the night.
    permille : int
        For a fade: how many of a thousand connection events fail.
    """

    order: int = dataclasses.field(metadata=hci.metadata(1))
    milliseconds: int = dataclasses.field(metadata=hci.metadata(4))
    permille: int = dataclasses.field(metadata=hci.metadata(2))


ADAPTER_OFF, ADAPTER_ON = b"\x01off", b"\x01on"
"""Data of the vendor-specific HCI events by which a computer's host learns that its radio was
switched off or on."""
