"""What happens at the bedside: sensors are looked for, chosen, tried, and a night is begun."""

from __future__ import annotations

import asyncio
import json
import logging
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from firmware_bridge import HostClock
from nightcramp.app.heard import listen
from nightcramp.app.left_night import finish_left_night
from nightcramp.app.preview import Preview
from nightcramp.app.recorder_process import RecorderProcess, State, free_bytes, left_first
from nightcramp.app.status import read_status
from nightcramp.app.study_diary import is_enrolled, sensors_of
from nightcramp.app.texts import text
from nightcramp.app.tonight import Tonight, read_tonight, write_tonight
from nightcramp.errors import BusyError, NightcrampError, UsageError
from nightcramp.recorder.plan import LEGS, NOBODY, Wishes, night_date, parse_sensor, plan_night
from nightcramp.sensors import clock_for
from recordings import write_text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from nightcramp.app.heard import Heard
    from nightcramp.app.settings import AppSettings
    from nightcramp.app.tonight import Choice

log = logging.getLogger(__name__)

SETUP_FOLDER = "setup"

CLOCK_STEP_NS = 60 * 10**9
"""Less is the slow correction that every computer makes."""


class Bedside:
    """The bedside of one folder of nights.

    Parameters
    ----------
    settings : AppSettings

    Attributes
    ----------
    recorder : RecorderProcess
    previews : dict of str to Preview
        The chosen sensors by their legs, while they are looked at.
    heard : list of Heard or None
        What the last scan found; None before one.
    left_unsaid : str
        Why it could not be kept that a night whose recorder was gone is in order; empty if it was.
    """

    def __init__(self, settings: AppSettings) -> None:
        self.recorder = RecorderProcess(settings)
        self.previews: dict[str, Preview] = {}
        self.heard: list[Heard] | None = None
        self.left_unsaid = ""
        self._settings = settings
        self._clock = clock_for(settings.radio, settings.speed)
        self._changing = asyncio.Lock()
        self._connecting = asyncio.Lock()
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
    def held(self) -> tuple[Choice, ...]:
        """The sensors that are looked at, in the order in which they were chosen."""
        tonight = self.tonight
        return tuple(c for c in tonight.choices if c.leg in self.previews) if tonight else ()

    @property
    def recorded(self) -> tuple[Choice, ...]:
        """The sensors that the recorder of tonight records."""
        tonight, status = self.tonight, read_status(self._settings.home)
        if tonight is None or status is None or self.state is not State.RECORDING:
            return ()
        legs = {sensor.leg for sensor in status.sensors if status.process == tonight.process}
        return tuple(choice for choice in tonight.choices if choice.leg in legs)

    @property
    def worn(self) -> tuple[Choice, ...]:
        """The sensors that are recorded, or looked at before."""
        return self.recorded or self.held

    @property
    def known(self) -> tuple[Choice, ...]:
        """The sensors of last time, as many of them as are worn."""
        tonight = self.tonight
        return tonight.choices[: self.sensors_worn] if tonight else ()

    @property
    def sensors_worn(self) -> int | None:
        """Sensors that a participant wears, at most one on each leg; None if nobody says."""
        return self._settings.sensors or sensors_of(self._settings.study)

    @property
    def free_leg(self) -> str:
        """The leg that can get a sensor beside the one that is worn; empty if none can."""
        legs = [choice.leg for choice in self.worn]
        if len(legs) != 1 or self.sensors_worn == 1:
            return ""
        return next(leg for leg in LEGS if leg not in legs)

    @property
    def heard_others(self) -> list[Heard] | None:
        """What the last scan found beside the sensors that are worn; None before one."""
        taken = {choice.address for choice in self.worn}
        others = [each for each in self.heard or () if each.address not in taken]
        return others if others or self.heard == [] else None

    @property
    def stamp(self) -> str:
        """What a window must know to change something: it is another one with each night."""
        tonight = self.tonight
        return str(tonight.begun_ns if tonight else 0)

    @property
    def clock_was_set(self) -> bool:
        """Whether somebody set the computer's clock since the night began."""
        return abs(_wall_offset_ns() - self._wall_offset_ns) > CLOCK_STEP_NS

    @property
    def free_bytes(self) -> int:
        """Room on the disk of the nights."""
        return free_bytes(self._settings.home)

    def is_tonight(self) -> bool:
        """Whether the night that was begun last is the one that it is now."""
        tonight = self.tonight
        return tonight is not None and tonight.night == _this_night()

    async def look(self, *, keep: bool = False) -> None:
        """Listen for sensors; raises `NightcrampError` if Bluetooth cannot be used.

        Parameters
        ----------
        keep : bool
            Whether to keep the sensor that is worn, and listen for others.
        """
        async with self._changing:
            if not keep:
                await self._let_go()
            self.heard = None
            async with self._connecting:
                heard = await listen(self._settings.radio, self._clock)
            taken = {choice.address for choice in self.worn}
            self.heard = [each for each in heard if each.address not in taken]

    async def choose(self, *choices: Choice) -> None:
        """Take a sensor, or one for each leg, in place of any other, and connect it.

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
            self._check(choices)
            await self._let_go()
            self._hold(choices)

    async def add(self, other: Choice) -> None:
        """Take a sensor for the leg that is free, and connect it beside that of the other leg.

        Raises
        ------
        BusyError, UsageError
            As `choose`; also if its leg is not free, or it is the sensor of the other leg.
        """
        async with self._changing:
            self._refuse_in_use()
            self._hold(self._with(other))

    async def join(self, other: Choice) -> bool:
        """Have a sensor for the leg that is free recorded too, while the night goes on.

        Returns
        -------
        bool
            Whether it is; where the recorder is slow, it will be.

        Raises
        ------
        BusyError, OutputError
            As `RecorderProcess.add`.
        UsageError
            As `add`.
        """
        async with self._changing:
            self._with(other)
            await self.recorder.add(other)
            self.heard = None
            return other in self.recorded

    async def forget(self) -> None:
        """Let all sensors go."""
        async with self._changing:
            await self._let_go()

    async def leave_out(self, leg: str) -> None:
        """Let the sensor of one of two legs go."""
        async with self._changing:
            kept = tuple(choice for choice in self.held if choice.leg != leg)
            if len(kept) == len(self.held) or not kept:
                return
            await self.previews.pop(leg).stop()
            self._keep(kept)

    async def begin(self) -> None:
        """Begin the night with the chosen sensors.

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
            if tonight is None or not self.previews:
                raise UsageError(text("evening.choose_first"))
            setups = {leg: preview.setup for leg, preview in self.previews.items()}
            await self._let_go()
            begun = self.recorder.begin(left_first(tonight.choices))
            self.heard = None
            self._wall_offset_ns = _wall_offset_ns()
            for leg, setup in setups.items():
                if setup is not None and setup.result is not None:
                    self._keep_setup(begun, leg, setup.result.to_json())

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
        previews, self.previews = self.previews, {}
        await asyncio.gather(*(preview.stop() for preview in previews.values()))

    def _hold(self, choices: tuple[Choice, ...]) -> None:
        """Keep what was chosen, and connect what is not held yet or any more."""
        self._keep(choices)
        for choice in choices:
            earlier = self.previews.get(choice.leg)
            if earlier is not None and earlier.is_running:
                continue
            sought = parse_sensor(choice.sensor)
            preview = Preview(sought, self._settings.radio, self._clock, self._connecting)
            preview.setup = earlier.setup if earlier else None
            self.previews[choice.leg] = preview

    def _keep(self, choices: tuple[Choice, ...]) -> None:
        tonight = self.tonight or Tonight(choices)
        write_tonight(self._settings.home, replace(tonight, choices=choices))

    def _refuse_in_use(self) -> None:
        if self.state in (State.STARTING, State.RECORDING):
            raise BusyError(text("notice.already"))

    def _with(self, other: Choice) -> tuple[Choice, ...]:
        """Return the sensors that are worn with that for the other leg."""
        worn = self.worn
        if not other.leg or other.leg != self.free_leg or other.address == worn[0].address:
            raise UsageError(text("other.taken"))
        self._check((*worn, other))
        return (*worn, other)

    def _check(self, choices: Sequence[Choice]) -> None:
        legs, participant = [choice.leg for choice in choices], choices[0].participant
        if any(leg not in LEGS for leg in legs):
            raise UsageError(text("evening.no_leg"))
        wishes = Wishes([choice.sensor for choice in choices], legs, participant)
        try:
            plan_night(wishes, self._clock)
        except UsageError as error:
            raise UsageError(text("evening.no_code")) from error
        study = self._settings.study
        if study is not None and not is_enrolled(study, participant):
            raise UsageError(text("evening.not_enrolled", code=participant))

    def _keep_setup(self, begun: Tonight, leg: str, result: dict[str, object]) -> None:
        """Keep what the set-up said; a night runs without it too."""
        name = f"{begun.participant}_{begun.night}_{leg}_setup.json"
        content = {"checked_utc": datetime.now(UTC).isoformat(timespec="seconds"), **result}
        folder = self._settings.home / SETUP_FOLDER
        try:
            folder.mkdir(exist_ok=True)
            write_text(folder / name, json.dumps(content, indent=2))
        except (OSError, NightcrampError):
            log.exception("the result of the set-up was not kept")

    async def _finish_left(self, tonight: Tonight) -> None:
        home = self._settings.home
        undone = await asyncio.to_thread(finish_left_night, home, tonight)
        try:
            write_tonight(home, replace(tonight, over=True, undone=undone))
            self.left_unsaid = ""
        except NightcrampError as error:
            self.left_unsaid = " ".join([*undone.values(), str(error)])
        for problem in filter(None, (*undone.values(), self.left_unsaid)):
            log.error("%s", problem)


def _wall_offset_ns() -> int:
    """Return by how much the wall clock is ahead of the clock that is never set."""
    clock = HostClock()
    return clock.wall_ns() - clock.monotonic_ns()


def _this_night() -> str:
    return night_date(datetime.now()).isoformat()  # noqa: DTZ005 (nights are local)


def default_choice(tonight: Tonight | None) -> tuple[str, str]:
    """Return the code and the leg that a form begins with."""
    if tonight is None:
        return NOBODY, ""
    return tonight.participant, tonight.choices[0].leg
