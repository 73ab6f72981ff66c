"""The page as a program: one for each folder of nights, only opened by whoever starts it twice."""

from __future__ import annotations

import contextlib
import logging
import socket
import webbrowser
from contextlib import ExitStack
from dataclasses import replace
from typing import TYPE_CHECKING

from firmware_bridge import HostClock
from nightcramp.app.page_key import PageKey, read_key, write_key
from nightcramp.errors import BusyError, OutputError
from recordings.journal import FolderLock

if TYPE_CHECKING:
    from collections.abc import Callable

    from nightcramp.app.settings import AppSettings

log = logging.getLogger(__name__)

HOST = "127.0.0.1"
LOCK_NAME = "page.lock"


def serve(settings: AppSettings, port: int, *, browser: bool, say: Callable[[str], None]) -> None:
    """Serve the page until interrupted; where it is served already, only open it.

    Parameters
    ----------
    settings : AppSettings
        Its token gives way to the one that this folder has, so that open windows go on.
    port : int
        0 for any that is free.
    browser : bool
        Whether to open the address in a browser.
    say : callable
        Called with the address.

    Raises
    ------
    BusyError
        If another program has the port.
    OutputError
        If the folder cannot be written to.
    """
    _make_home(settings)
    known = read_key(settings.home)
    with ExitStack() as stack:
        try:
            stack.enter_context(FolderLock(settings.home, HostClock(), name=LOCK_NAME))
        except BusyError:
            if known is None:
                raise
            _show(known, say, browser=browser)
            return
        listener = stack.enter_context(_listen(port))
        token = known.token if known else settings.token
        key = PageKey(token, int(listener.getsockname()[1]))
        write_key(settings.home, key)
        _show(key, say, browser=browser)
        _run(replace(settings, token=token), listener)


def _make_home(settings: AppSettings) -> None:
    try:
        settings.home.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(
            f"{settings.home}: the folder cannot be made ({error.strerror}). Give one that you may "
            "write to, with --home."
        ) from error


def _listen(port: int) -> socket.socket:
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((HOST, port))
    except OSError as error:
        listener.close()
        raise BusyError(
            f"port {port} of this computer cannot be used ({error.strerror}): another program has "
            "it. End that program, or choose another port with --port."
        ) from error
    listener.listen()
    return listener


def _show(key: PageKey, say: Callable[[str], None], *, browser: bool) -> None:
    """Say where the page is, and open it; it is listened for already, so the browser waits."""
    address = f"http://{HOST}:{key.port}/?token={key.token}"
    say(address)
    if browser and not webbrowser.open(address):
        log.info("no browser could be opened")


def _run(settings: AppSettings, listener: socket.socket) -> None:
    import uvicorn

    from nightcramp.app.server import create_app

    config = uvicorn.Config(
        create_app(settings),
        access_log=False,
        log_level="warning",
        server_header=False,
        timeout_graceful_shutdown=2,
    )
    with contextlib.suppress(KeyboardInterrupt):  # the way to end it
        uvicorn.Server(config).run(sockets=[listener])
