"""Waiting for the host stack: neither loses a cancellation of ours, nor passes on one of its own.

bumble cancels what is under way when a connection or the transport ends; nobody has cancelled the
caller then. And it waits with ``asyncio.wait_for``, which before Python 3.12 swallows a
cancellation that comes together with the answer. So its procedures run in tasks of their own.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, TypeVar

from bleak.exc import BleakError, BleakGATTProtocolError
from bumble.att import ATT_Error
from bumble.core import BaseBumbleError
from bumble.hci import HCI_Error

if TYPE_CHECKING:
    from collections.abc import Awaitable

T = TypeVar("T")

_PATIENCE_S = 2.0


async def settle(procedure: Awaitable[T]) -> asyncio.Future[T]:
    """Wait until a procedure has ended, however.

    A caller that is cancelled meanwhile leaves only after the procedure, or two seconds: half an
    exchange with a controller confuses the next.

    Returns
    -------
    asyncio.Future
        Done or cancelled.
    """
    attempt = asyncio.ensure_future(procedure)
    try:
        await asyncio.wait({attempt})
    except asyncio.CancelledError:
        await asyncio.wait({attempt}, timeout=_PATIENCE_S)
        attempt.cancel()
        raise
    return attempt


async def complete(procedure: Awaitable[T]) -> T:
    """Return the result of a procedure; `ConnectionAbortedError` if the stack gave it up."""
    attempt = await settle(procedure)
    if attempt.cancelled():
        raise ConnectionAbortedError("the connection or the radio has gone")
    return attempt.result()


def bleak_result(attempt: asyncio.Future[T]) -> T:
    """Return the result of a procedure, or raise its failure as bleak's."""
    if not attempt.done() or attempt.cancelled():
        raise BleakError("disconnected")
    error = attempt.exception()
    match error:
        case None:
            return attempt.result()
        case ATT_Error():
            raise BleakGATTProtocolError(int(error.error_code)) from error
        case asyncio.CancelledError():
            raise BleakError("disconnected") from error
        case BaseBumbleError() | HCI_Error():
            raise BleakError(f"{type(error).__name__}: {error}") from error
        case _:
            raise error
