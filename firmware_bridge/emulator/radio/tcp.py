"""The air over TCP: each connection is one controller, and closing it cuts its power.

Sensor and recorder are then programs of their own, which may be killed, as may be the air. What
travels is HCI in its UART form (Bluetooth Core Specification 4.A).
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
from contextlib import asynccontextmanager
from functools import partial
from typing import TYPE_CHECKING, cast

from bumble.transport.common import StreamPacketSink, StreamPacketSource
from bumble.transport.tcp_client import open_tcp_client_transport

from firmware_bridge.emulator.radio.adapter import BumbleAdapter
from firmware_bridge.emulator.radio.client import radio_of
from nightcramp.errors import BusyError, SensorError, UsageError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from bumble.transport.common import Transport

    from firmware_bridge.emulator.radio.air import Air
    from firmware_bridge.host_clock import Clock
    from firmware_bridge.link import Radio

_RETRY_S = 1.0
_STACK_S = 10.0
_LARGEST_PORT = 65535


class _Outlet(StreamPacketSource):
    """Air's side of one TCP connection."""

    def __init__(self, air: Air) -> None:
        super().__init__()
        self._air = air

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._controller = self._air.controller()
        self.set_packet_sink(self._controller)
        self._controller.set_packet_sink(StreamPacketSink(cast(asyncio.WriteTransport, transport)))

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002
        self._air.unplug(self._controller)


@asynccontextmanager
async def serve_air(air: Air, host: str, port: int) -> AsyncIterator[int]:
    """Let other programs put controllers on the air.

    Parameters
    ----------
    air : Air
    host : str
        Address to listen at.
    port : int
        0 for any that is free.

    Yields
    ------
    int
        The port.

    Raises
    ------
    BusyError
        If the port is taken.
    SensorError
        If it cannot be used for another reason.
    """
    loop = asyncio.get_running_loop()
    try:
        server = await loop.create_server(partial(_Outlet, air), host, port)
    except OSError as error:
        raise _cannot_listen(host, port, error) from error
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()  # from Python 3.12 on `wait_closed` would wait until the others have left


def _cannot_listen(host: str, port: int, error: OSError) -> Exception:
    if error.errno == errno.EADDRINUSE:
        return BusyError(
            f"Port {port} of {host} is taken, perhaps by another emulated sensor: end that "
            "program, or give another port."
        )
    return SensorError(f"Cannot listen at {host}:{port}: {error.strerror or error}.")


async def dial(host: str, port: int) -> Transport:
    """Put a controller on an air that another program serves; raises OSError as sockets do."""
    return await open_tcp_client_transport(f"{host}:{port}")


def parse_endpoint(text: str) -> tuple[str, int]:
    """Understand ``HOST:PORT``.

    Raises
    ------
    UsageError
        If it is something else.
    """
    host, colon, port = text.rpartition(":")
    if not (colon and host and port.isdecimal() and int(port) <= _LARGEST_PORT):
        raise UsageError(f"{text!r} is no HOST:PORT: expected for example 127.0.0.1:9740.")
    return host, int(port)


@asynccontextmanager
async def open_radio(address: str, clock: Clock) -> AsyncIterator[Radio]:
    """Use the emulated air of another program as this computer's Bluetooth.

    If the air goes away, Bluetooth is gone; if it comes back, so does Bluetooth.

    Parameters
    ----------
    address : str
        ``tcp:HOST:PORT`` as ``nightcramp emulate`` prints it.
    clock : Clock

    Yields
    ------
    Radio
        For links and scans.

    Raises
    ------
    UsageError
        If the address is not of this form.
    SensorError
        If nothing listens there.
    """
    scheme, _, endpoint = address.partition(":")
    if scheme != "tcp":
        raise UsageError(f"{address!r} is no emulated radio: expected tcp:HOST:PORT.")
    host, port = parse_endpoint(endpoint)
    adapter = BumbleAdapter()
    try:
        transport = await _attach(adapter, host, port, clock)
    except (OSError, TimeoutError) as error:
        raise SensorError(
            f"Nothing answers at {host}:{port}: start 'nightcramp emulate' first, and give the "
            "address that it prints."
        ) from error
    keeping = asyncio.create_task(_keep_attached(adapter, transport, host, port, clock))
    try:
        yield radio_of(adapter)
    finally:
        keeping.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await keeping


async def _attach(adapter: BumbleAdapter, host: str, port: int, clock: Clock) -> Transport:
    async with clock.timeout(_STACK_S):
        transport = await dial(host, port)
        try:
            await adapter.attach(transport)
        except BaseException:
            await transport.close()
            raise
    return transport


async def _keep_attached(
    adapter: BumbleAdapter, transport: Transport, host: str, port: int, clock: Clock
) -> None:
    """Come back whenever the air does."""
    while True:
        try:
            await asyncio.shield(transport.source.terminated)
        finally:
            await transport.close()
        adapter.detach()
        transport = await _attach_again(adapter, host, port, clock)


async def _attach_again(adapter: BumbleAdapter, host: str, port: int, clock: Clock) -> Transport:
    while True:
        await clock.sleep(_RETRY_S)
        with contextlib.suppress(OSError, TimeoutError):
            return await _attach(adapter, host, port, clock)
