"""Keeps the host stack from describing every packet to a log that nobody reads.

bumble formats each packet, in colour, for its debug messages before it knows whether they are
wanted: more than half of the CPU time of a notification. `quiet` replaces the formatting by the
name of the packet's class, once for the process, unless debug messages of bumble are switched on
by then. This is the only place where bumble itself is changed.
"""

from __future__ import annotations

import logging
import sys
from typing import TYPE_CHECKING

import bumble.att
import bumble.controller
import bumble.device
import bumble.gatt_client
import bumble.gatt_server
import bumble.hci
import bumble.host
import bumble.l2cap
import bumble.ll
import bumble.smp

if TYPE_CHECKING:
    from collections.abc import Iterator

_DESCRIBED = (
    bumble.hci.HCI_Packet,
    bumble.hci.HCI_Object,
    bumble.att.ATT_PDU,
    bumble.l2cap.L2CAP_PDU,
    bumble.l2cap.L2CAP_Control_Frame,
    bumble.smp.SMP_Command,
    bumble.device.Connection,
    bumble.host.Connection,
)


def quiet() -> None:
    """Stop the formatting of packets; to be called before the first host or controller is made.

    bumble's warnings go too: most of them tell of what a bad link does, and here that is wanted.
    """
    logger = logging.getLogger("bumble")
    if logger.isEnabledFor(logging.DEBUG):
        return
    logger.setLevel(logging.CRITICAL)
    for name, module in list(sys.modules.items()):
        if name.startswith("bumble.") and callable(getattr(module, "color", None)):
            setattr(module, "color", _uncoloured)  # noqa: B010 (no module declares it)
    for described in _with_subclasses(_DESCRIBED):
        for method in {"__str__", "__repr__", "to_string"} & vars(described).keys():
            setattr(described, method, _class_name)


def _with_subclasses(classes: tuple[type, ...]) -> Iterator[type]:
    for cls in classes:
        yield cls
        yield from _with_subclasses(tuple(cls.__subclasses__()))


def _uncoloured(text: str, *_: object, **__: object) -> str:
    return text


def _class_name(self: object, *_: object, **__: object) -> str:
    return type(self).__name__
