"""Errors of the Bluetooth stack, told as causes; every call into the stack goes through here."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from typing import TYPE_CHECKING

from bleak.exc import (
    BleakBluetoothNotAvailableError,
    BleakBluetoothNotAvailableReason,
    BleakCharacteristicNotFoundError,
    BleakDBusError,
    BleakError,
    BleakGATTProtocolError,
    BleakGATTProtocolErrorCode,
)

from firmware_bridge.link.states import LinkCause
from firmware_bridge.link.wording import explain
from nightcramp.errors import SensorError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from firmware_bridge.host_clock import Clock

log = logging.getLogger(__name__)


class LinkError(SensorError):
    """Something is wrong with the link.

    Parameters
    ----------
    cause : LinkCause
    detail : str
        Particulars, in words.
    """

    def __init__(self, cause: LinkCause, detail: str = "") -> None:
        self.cause = cause
        self.detail = detail
        super().__init__(f"{explain(cause)} ({detail})" if detail else explain(cause))


_UNAVAILABLE = {
    BleakBluetoothNotAvailableReason.NO_BLUETOOTH: LinkCause.NO_ADAPTER,
    BleakBluetoothNotAvailableReason.NO_BLE_CENTRAL_ROLE: LinkCause.NO_LOW_ENERGY,
    BleakBluetoothNotAvailableReason.POWERED_OFF: LinkCause.BLUETOOTH_OFF,
    BleakBluetoothNotAvailableReason.DENIED_BY_USER: LinkCause.NOT_PERMITTED,
    BleakBluetoothNotAvailableReason.DENIED_BY_SYSTEM: LinkCause.NOT_PERMITTED,
    BleakBluetoothNotAvailableReason.DENIED_BY_UNKNOWN: LinkCause.NOT_PERMITTED,
    BleakBluetoothNotAvailableReason.UNKNOWN: LinkCause.NO_SERVICE,
}

_DBUS = {
    "org.freedesktop.DBus.Error.ServiceUnknown": LinkCause.NO_SERVICE,
    "org.freedesktop.DBus.Error.NameHasNoOwner": LinkCause.NO_SERVICE,
    "org.freedesktop.DBus.Error.NoReply": LinkCause.NO_SERVICE,
    "org.freedesktop.DBus.Error.Disconnected": LinkCause.NO_SERVICE,
    "org.freedesktop.DBus.Error.AccessDenied": LinkCause.NOT_PERMITTED,
    "org.bluez.Error.NotReady": LinkCause.BLUETOOTH_OFF,
    "org.bluez.Error.AuthenticationFailed": LinkCause.BOND_LOST,
    "org.bluez.Error.AuthenticationRejected": LinkCause.BOND_LOST,
    "org.bluez.Error.AuthenticationTimeout": LinkCause.BOND_LOST,
}

_PROTECTED = (
    BleakGATTProtocolErrorCode.INSUFFICIENT_AUTHENTICATION,
    BleakGATTProtocolErrorCode.INSUFFICIENT_ENCRYPTION,
    BleakGATTProtocolErrorCode.INSUFFICIENT_ENCRYPTION_KEY_SIZE,
)


def link_error(error: Exception, otherwise: LinkCause) -> LinkError:
    """Tell an error of the Bluetooth stack as a cause.

    Parameters
    ----------
    error : Exception
    otherwise : LinkCause
        Cause of errors that say nothing of their own, as time limits.

    Returns
    -------
    LinkError
        With cause ``unexpected`` if the stack should not raise such an error; it is logged then.
    """
    if isinstance(error, LinkError):
        return error
    return LinkError(_cause_of(error, otherwise), _text_of(error))


def _cause_of(error: Exception, otherwise: LinkCause) -> LinkCause:
    match error:
        case BleakBluetoothNotAvailableError():
            cause = _UNAVAILABLE[error.reason]
        case BleakDBusError():
            cause = _DBUS.get(error.dbus_error, otherwise)
        case BleakGATTProtocolError() if error.code in _PROTECTED:
            cause = LinkCause.NOT_PAIRED
        case BleakCharacteristicNotFoundError():
            cause = LinkCause.WRONG_FIRMWARE
        case PermissionError():
            cause = LinkCause.NOT_PERMITTED
        # A system without D-Bus, or with one that died.
        case FileNotFoundError() | ConnectionError() | EOFError():
            cause = LinkCause.NO_SERVICE
        case BleakError() | OSError() | NotImplementedError():
            cause = otherwise
        case _:
            log.error("the Bluetooth stack raised %r", error, exc_info=error)
            cause = LinkCause.UNEXPECTED
    return cause


def _text_of(error: Exception) -> str:
    match error:
        case BleakBluetoothNotAvailableError():
            return str(error.args[0])
        case BleakGATTProtocolError():
            return str(error.args[1])
        case TimeoutError():
            return "no answer in time"
    return str(error) or type(error).__name__


@contextlib.asynccontextmanager
async def bounded(clock: Clock, seconds: float, otherwise: LinkCause) -> AsyncIterator[None]:
    """Call into the Bluetooth stack, with a time limit and no errors but `LinkError`.

    Parameters
    ----------
    clock : Clock
    seconds : float
        Time limit. The stack has none of its own for most calls.
    otherwise : LinkCause
        Cause of errors that say nothing of their own.

    Raises
    ------
    LinkError
        Whatever the stack raised.
    """
    try:
        async with clock.timeout(seconds):
            yield
    except asyncio.CancelledError as error:
        if _is_being_cancelled():
            raise
        # A host stack that cancels its own future when the link breaks; nobody cancelled us.
        raise LinkError(otherwise, "the call was cancelled") from error
    except Exception as error:
        raise link_error(error, otherwise) from error


def _is_being_cancelled() -> bool:
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0
