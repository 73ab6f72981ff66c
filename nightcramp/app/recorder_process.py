"""The recorder as a process of its own: begun, marked, ended, and found again.

It outlives the page. What the page knows of it stands in two files: what was begun
(`nightcramp.app.tonight`) and how it stands (`nightcramp.app.status`).
"""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import replace
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING

from nightcramp.app.status import read_status
from nightcramp.app.tonight import Tonight, read_tonight, write_tonight
from nightcramp.errors import BusyError, OutputError
from nightcramp.recorder.joining import Asked, read_asked, remove_asked, write_asked
from nightcramp.recorder.plan import LEGS, night_date

if TYPE_CHECKING:
    from pathlib import Path

    from nightcramp.app.settings import AppSettings
    from nightcramp.app.tonight import Choice

LONGEST_H = 14.0
"""A night that nobody ends; a participant who forgets it is asleep no longer."""

FRESH_S = 20.0
"""The recorder writes its status once a second; after so long without, it is taken for gone."""

NIGHT_BYTES = 500_000_000
"""Room for a night's journal, its file and its picture, several times over."""

ANSWER_S, _POLL_S = 10.0, 0.1
"""The recorder looks once a second for a sensor that is asked for."""

LOG_NAME, MESSAGES_NAME = "recorder.log", "recorder.jsonl"


class State(StrEnum):
    """How it stands with the night."""

    NONE = "none"
    """Nothing has been begun since the last night was over."""
    STARTING = "starting"
    RECORDING = "recording"
    GONE = "gone"
    """The recorder ended without being told to: it can go on in the same journal."""
    REFUSED = "refused"
    """The recorder could not begin."""
    FINISHING = "finishing"
    """The night is over; what the sensor kept is fetched, then file and results are made."""
    ENDED = "ended"


class RecorderProcess:
    """The recorder of a folder.

    Parameters
    ----------
    settings : AppSettings
    """

    def __init__(self, settings: AppSettings) -> None:
        self._settings = settings
        self._home = settings.home
        self._child: subprocess.Popen[bytes] | None = None

    def state(self) -> State:
        """How it stands with the night."""
        tonight, status = read_tonight(self._home), read_status(self._home)
        if tonight is not None and tonight.over:
            return State.ENDED
        begun_ns = tonight.begun_ns if tonight else 0
        if status is None or status.written_ns < begun_ns:
            if tonight is None or not tonight.process:
                return State.NONE
            return State.STARTING if self._is_alive(tonight.process) else State.REFUSED
        is_alive = self._is_alive(status.process)
        if status.state == "ended":
            return State.FINISHING if is_alive else State.ENDED
        if not is_alive or status.age_s >= FRESH_S:
            return State.GONE
        return State.FINISHING if status.state == "fetching" else State.RECORDING

    def begin(self, choices: tuple[Choice, ...]) -> Tonight:
        """Begin a night with a sensor, or with one on each leg.

        Raises
        ------
        BusyError
            If one is being recorded already.
        OutputError
            If there is no room for a night, or nothing can be written.
        """
        if self.state() in (State.STARTING, State.RECORDING, State.FINISHING):
            raise BusyError("a night is being recorded in this folder already")
        self._check_room()
        night = night_date(datetime.now()).isoformat()  # noqa: DTZ005 (nights are local)
        return self._start(Tonight(choices, night))

    def go_on(self) -> Tonight:
        """Go on with a night whose recorder is gone: the same command, the same journals.

        Raises
        ------
        BusyError
            If it is being recorded, or there is nothing to go on with.
        """
        tonight = read_tonight(self._home)
        if tonight is None or self.state() not in (State.GONE, State.REFUSED):
            raise BusyError("there is no night to go on with")
        return self._start(tonight)

    async def add(self, other: Choice) -> None:
        """Have the recorder take a sensor for the other leg in; the first one is not touched.

        Raises
        ------
        BusyError
            If nothing is being recorded, or not any more.
        OutputError
            If there is no room for it, or the recorder refuses it; it says why.
        """
        tonight = read_tonight(self._home)
        if tonight is None or self.state() is not State.RECORDING:
            raise BusyError("there is no night to add a sensor to")
        self._check_room()
        others = tuple(each for each in tonight.choices if each.leg != other.leg)
        # Kept before it is asked for: whatever is cut off from now on goes on with both.
        write_tonight(self._home, replace(tonight, choices=left_first((*others, other))))
        why = await self._ask_for(other)
        if why:
            write_tonight(self._home, replace(tonight, choices=others))
            raise OutputError(why)
        if self.state() is not State.RECORDING:
            raise BusyError("the recorder is gone")

    def mark(self) -> bool:
        """Mark a cramp; returns whether a recorder was there to be told."""
        return self._signal(signal.SIGUSR1)

    def end(self) -> bool:
        """End the night; returns whether a recorder was there to be told."""
        return self._signal(signal.SIGINT)

    def last_words(self) -> str:
        """Return what the recorder said before it ended by itself; empty if nothing."""
        try:
            lines = (self._home / LOG_NAME).read_text(encoding="utf-8").strip().splitlines()
        except (OSError, UnicodeDecodeError):
            return ""
        return lines[-1].removeprefix("nightcramp: ") if lines else ""

    async def _ask_for(self, other: Choice) -> str:
        """Ask the recorder for a sensor; return why it refuses, empty if it does not (yet)."""
        write_asked(self._home, Asked(other.sensor, other.leg))
        until = time.monotonic() + ANSWER_S
        while (asked := read_asked(self._home)) is not None and time.monotonic() < until:
            if self.state() is not State.RECORDING:
                return ""
            if asked.refused:
                remove_asked(self._home)
                return asked.refused
            await asyncio.sleep(_POLL_S)
        return ""

    def _start(self, tonight: Tonight) -> Tonight:
        begun = replace(tonight, begun_ns=time.time_ns())
        try:
            with (
                (self._home / LOG_NAME).open("wb") as log,
                (self._home / MESSAGES_NAME).open("ab") as messages,
            ):
                self._child = subprocess.Popen(  # noqa: S603 (our own program)
                    self._command(tonight),
                    stdin=subprocess.DEVNULL,
                    stdout=messages,
                    stderr=log,
                    start_new_session=True,
                )
        except OSError as error:
            raise OutputError(
                f"{self._home}: the recorder could not be started ({error.strerror}). Check that "
                "the disk has space and that you may write there."
            ) from error
        begun = replace(begun, process=self._child.pid)
        write_tonight(self._home, begun)
        return begun

    def _command(self, tonight: Tonight) -> list[str]:
        settings = self._settings
        worn = [("--sensor", each.sensor, "--leg", each.leg) for each in tonight.choices]
        radio = ["--radio", settings.radio, "--speed", f"{settings.speed:g}"]
        return [
            *(sys.executable, "-m", "nightcramp", "record", "--json", "--no-check"),
            *(part for sensor in worn for part in sensor),
            *("--participant", tonight.participant),
            *("--out", str(self._home), "--hours", f"{LONGEST_H:g}"),
            *(part for part in radio if settings.radio and part),
        ]

    def _check_room(self) -> None:
        free = free_bytes(self._home)
        if free < NIGHT_BYTES:
            raise OutputError(
                f"the disk is almost full: {free / 1e6:.0f} MB are free, a night needs "
                f"{NIGHT_BYTES / 1e6:.0f} MB. Remove files that are not needed, then start again."
            )

    def _signal(self, number: signal.Signals) -> bool:
        status = read_status(self._home)
        if status is None or self.state() is not State.RECORDING:
            return False
        try:
            os.kill(status.process, number)
        except OSError:
            return False
        return True

    def _is_alive(self, process: int) -> bool:
        if self._child is not None and self._child.pid == process:
            return self._child.poll() is None
        try:
            os.kill(process, 0)
        except ProcessLookupError:
            return False
        except PermissionError:
            return False  # a process of another user is not our recorder
        return True


def left_first(choices: tuple[Choice, ...]) -> tuple[Choice, ...]:
    """Return sensors in the order in which their legs are told."""
    return tuple(sorted(choices, key=lambda choice: LEGS.index(choice.leg)))


def free_bytes(folder: Path) -> int:
    """Return how much room is left on the disk of a folder."""
    return shutil.disk_usage(folder).free
