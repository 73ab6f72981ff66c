"""Keys at the bedside: one for a cramp, one for the check, one, asked twice, for the end."""

from __future__ import annotations

import asyncio
import contextlib
import os
import termios
import tty
from typing import TYPE_CHECKING, TextIO

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from nightcramp.recorder.night import NightRecorder


class Keys:
    """Turns keys into what they mean.

    Parameters
    ----------
    night : NightRecorder
    say : callable
        Shows a line to the person.
    """

    def __init__(self, night: NightRecorder, say: Callable[[str], None]) -> None:
        self._night = night
        self._say = say
        self._asked = False

    def press(self, key: str) -> None:
        """Take one key."""
        if self._asked:
            self._asked = False
            if key in "yY":
                self._night.end("key")
            else:
                self._say("The recording goes on.")
        elif key in "cC ":
            self._night.mark()
        elif key in "sS":
            self._night.check()
        elif key in "qQ":
            self._asked = True
            self._say("End the night? Press y to end it, any other key to go on.")


@contextlib.contextmanager
def listen_to_keys(keys: Keys, file: TextIO) -> Iterator[None]:
    """Take keys from a terminal while the event loop runs; nothing where there is none."""
    if not file.isatty():
        yield
        return
    number = file.fileno()
    before = termios.tcgetattr(number)
    loop = asyncio.get_running_loop()

    def read() -> None:
        for key in os.read(number, 64).decode("utf-8", errors="ignore"):
            keys.press(key)

    tty.setcbreak(number)
    loop.add_reader(number, read)
    try:
        yield
    finally:
        loop.remove_reader(number)
        termios.tcsetattr(number, termios.TCSADRAIN, before)
