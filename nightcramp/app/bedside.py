"""What happens at the bedside: a sensor is looked for, chosen, tried, and a night is begun."""

from __future__ import annotations

import asyncio
import json
import logging
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from firmware_bridge import HostClock
from nightcramp.app.left_night import finish_left_night
from nightcramp.app.preview import Preview
from nightcramp.app.recorder_process import RecorderProcess, State
from nightcramp.app.study_diary import is_enrolled
from nightcramp.app.texts import text
from nightcramp.app.tonight import Tonight, read_tonight, write_tonight
from nightcramp.errors import BusyError, NightcrampError, UsageError
from nightcramp.recorder.plan import LEGS, NOBODY, Wishes, night_date, parse_sensor, plan_night
from nightcramp.sensors import clock_for, radio_at
from recordings import write_text

if TYPE_CHECKING:
    from firmware_bridge.link import Found
    from nightcramp.app.settings import AppSettings
    from nightcramp.app.tonight import Choice

log = logging.getLogger(__name__)

LISTEN_S = 5.0
SETUP_FOLDER = "setup"

CLOCK_STEP_NS = 60 * 10**9
"""Less is the slow correction that every computer makes."""


@dataclass(frozen=True, slots=True)
class Heard:
    """A sensor within reach.

    Attributes
    ----------
    device, title : str
        Its kind: as commands name it, and in words.
    address, name : str
    strong : bool
        Whether it is heard well.
    """

    device: str
    title: str
    address: str
    name: str
    strong: bool


class Bedside:
    """The bedside of one folder of nights.

    Parameters
    ----------
    settings : AppSettings

    Attributes
    ----------
    recorder : RecorderProcess
    preview : Preview or None
        The chosen sensor, while it is looked at.
    heard : list of Heard or None
        What the last scan found; None before one.
    """

    def __init__(self, settings: AppSettings) -> None:
        self.recorder = RecorderProcess(settings)
        self.preview: Preview | None = None
        self.heard: list[Heard] | None = None
        self._settings = settings
        self._clock = clock_for(settings.radio, settings.speed)
        self._changing = asyncio.Lock()
        self._finishing: asyncio.Task[None] | None = None
        self._wall_offset_ns = _wall_offset_ns()
        self._ended_stamp = ""

    @property
    def state(self) -> State:
        """How it stands with the night."""
        if self._finishing is not None and not self._finishing.done():
            return State.FINISHING
        state = self.recorder.state()
        is_ending = state is State.RECORDING and self._ended_stamp == self.stamp
        return State.FINISHING if is_ending else state

    @property
    def tonight(self) -> Tonight | None:
        """What was chosen last."""
        return read_tonight(self._settings.home)

    @property
    def stamp(self) -> str:
        """What a window must know to change something: it is another one with each night."""
        tonight = self.tonight
        return str(tonight.begun_ns if tonight else 0)

    @property
    def clock_was_set(self) -> bool:
        """Whether somebody set the computer's clock since the night began."""
        return abs(_wall_offset_ns() - self._wall_offset_ns) > CLOCK_STEP_NS

    def is_tonight(self) -> bool:
        """Whether the night that was begun last is the one that it is now."""
        tonight = self.tonight
        return tonight is not None and tonight.night == _this_night()

    async def look(self) -> None:
        """Listen for sensors; raises `NightcrampError` if Bluetooth cannot be used."""
        from firmware_bridge.link import scan

        async with self._changing:
            await self._let_go()
            self.heard = None
            async with radio_at(self._settings.radio, self._clock) as radio:
                found = await scan(radio, self._clock, LISTEN_S)
            self.heard = [each for device in found for each in _heard(device)]

    async def choose(self, choice: Choice) -> None:
        """Take a sensor and connect it.

        Raises
        ------
        BusyError
            If a night is being recorded: the sensor is in use.
        UsageError
            If the sensor is of no known kind, the leg is none, or the code is no pseudonym or is
            not of this study.
        """
        async with self._changing:
            self._refuse_in_use()
            self._check(choice)
            await self._let_go()
            tonight = self.tonight or Tonight(choice)
            write_tonight(self._settings.home, replace(tonight, choice=choice))
            self.preview = Preview(parse_sensor(choice.sensor), self._settings.radio, self._clock)

    async def forget(self) -> None:
        """Let the sensor go."""
        async with self._changing:
            await self._let_go()

    async def begin(self) -> None:
        """Begin the night with the chosen sensor.

        Raises
        ------
        BusyError
            If a night is being recorded already.
        UsageError
            If no sensor is chosen.
        OutputError
            If there is no room for a night.
        """
        async with self._changing:
            self._refuse_in_use()
            tonight = self.tonight
            if tonight is None or self.preview is None:
                raise UsageError(text("evening.choose_first"))
            setup = self.preview.setup
            await self._let_go()
            begun = self.recorder.begin(tonight.choice)
            self._wall_offset_ns = _wall_offset_ns()
            if setup is not None and setup.result is not None:
                self._keep_setup(begun, setup.result.to_json())

    async def go_on(self) -> None:
        """Go on with a night whose recorder is gone; raises as `RecorderProcess.go_on`."""
        async with self._changing:
            await self._let_go()
            self.recorder.go_on()

    def end(self) -> None:
        """End the night; where its recorder is gone, put it in order here."""
        if self.state in (State.GONE, State.REFUSED):
            self.finish_left()
        elif self.recorder.end():
            self._ended_stamp = self.stamp

    def finish_left(self) -> None:
        """Put a night in order whose recorder is gone."""
        tonight = self.tonight
        if tonight is not None and (self._finishing is None or self._finishing.done()):
            self._finishing = asyncio.create_task(self._finish_left(tonight))

    def tidy(self) -> None:
        """Put an earlier night in order that a power cut left, so that the next can begin."""
        if self.state is State.GONE and not self.is_tonight():
            self.finish_left()

    async def close(self) -> None:
        """Let go of everything but the recorder."""
        await self._let_go()

    async def _let_go(self) -> None:
        if self.preview is not None:
            preview, self.preview = self.preview, None
            await preview.stop()

    def _refuse_in_use(self) -> None:
        if self.state in (State.STARTING, State.RECORDING):
            raise BusyError(text("notice.already"))

    def _check(self, choice: Choice) -> None:
        wishes = Wishes([choice.sensor], [choice.leg], choice.participant)
        if choice.leg not in LEGS:
            raise UsageError(text("evening.no_leg"))
        try:
            plan_night(wishes, self._clock)
        except UsageError as error:
            raise UsageError(text("evening.no_code")) from error
        study = self._settings.study
        if study is not None and not is_enrolled(study, choice.participant):
            raise UsageError(text("evening.not_enrolled", code=choice.participant))

    def _keep_setup(self, begun: Tonight, result: dict[str, object]) -> None:
        """Keep what the set-up said; a night runs without it too."""
        name = f"{begun.choice.participant}_{begun.night}_setup.json"
        content = {"checked_utc": datetime.now(UTC).isoformat(timespec="seconds"), **result}
        folder = self._settings.home / SETUP_FOLDER
        try:
            folder.mkdir(exist_ok=True)
            write_text(folder / name, json.dumps(content, indent=2))
        except (OSError, NightcrampError):
            log.exception("the result of the set-up was not kept")

    async def _finish_left(self, tonight: Tonight) -> None:
        try:
            left = await asyncio.to_thread(finish_left_night, self._settings.home, tonight)
        except NightcrampError as error:
            left = [str(error)]
        for problem in left:
            log.error("%s", problem)
        write_tonight(self._settings.home, replace(tonight, over=True))


def _wall_offset_ns() -> int:
    """Return by how much the wall clock is ahead of the clock that is never set."""
    clock = HostClock()
    return clock.wall_ns() - clock.monotonic_ns()


def _this_night() -> str:
    return night_date(datetime.now()).isoformat()  # noqa: DTZ005 (nights are local)


def _heard(found: Found) -> list[Heard]:
    from firmware_bridge import DEVICES

    return [
        Heard(
            device,
            DEVICES[device].title,
            found.address,
            found.name or found.address,
            found.rssi >= -85,
        )
        for device in found.matches
    ]


def default_choice(tonight: Tonight | None) -> tuple[str, str]:
    """Return the code and the leg that a form begins with."""
    if tonight is None:
        return NOBODY, ""
    return tonight.choice.participant, tonight.choice.leg
