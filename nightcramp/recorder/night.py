"""A night: all its sensors at once, until it is over; what happens is told, kept and shown."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import math
import shutil
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from nightcramp.errors import OutputError
from nightcramp.recorder.fetching import Fetching
from nightcramp.recorder.figures import NightFigures
from nightcramp.recorder.joining import answer_asked, remove_asked
from nightcramp.recorder.messages import Message, episode_message
from nightcramp.recorder.plan import with_sensor
from nightcramp.recorder.sensor import SensorRecorder
from nightcramp.recorder.setup import run_setup_check
from nightcramp.recorder.stage import Earlier, LiveStage
from nightcramp.recorder.status import StatusFile
from nightcramp.recorder.unclosed import unclosed_journals
from nightcramp.recorder.worker import ThreadWorker
from recordings.journal import RecordKind, lock_recorder

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from firmware_bridge import Clock
    from firmware_bridge.link import Radio
    from nightcramp.live import Finder
    from nightcramp.recorder.figures import FoundEpisode
    from nightcramp.recorder.joining import Asked
    from nightcramp.recorder.messages import Screen
    from nightcramp.recorder.plan import NightPlan, SensorPlan
    from nightcramp.recorder.setup_check import CheckResult
    from nightcramp.recorder.worker import Worker

log = logging.getLogger(__name__)

CLOSE_S = 20.0


@dataclass(frozen=True, slots=True)
class Means:
    """What a night is recorded with.

    Attributes
    ----------
    clock : Clock
    screen : Screen
    make_finder : callable
        Makes a finder of episodes; told whether acceleration comes from a companion.
    make_worker : callable
        Makes what does the live work of a sensor, by its name.
    """

    clock: Clock
    screen: Screen
    make_finder: Callable[[bool], Finder]
    make_worker: Callable[[str], Worker] = ThreadWorker


class NightRecorder:
    """Records a night.

    Parameters
    ----------
    plan : NightPlan
    means : Means

    Attributes
    ----------
    plan : NightPlan
        With the sensor that was taken in meanwhile.
    """

    def __init__(self, plan: NightPlan, means: Means) -> None:
        self.plan = plan
        self._means = means
        self._clock = means.clock
        self._over = asyncio.Event()
        self._at_once = asyncio.Event()
        self._is_fetching = False
        self._why = "ended"
        self._started_ns = means.clock.wall_ns()
        self._status = StatusFile(plan.folder)
        self._sensors: list[SensorRecorder] = []
        self._stages: list[tuple[LiveStage, Worker]] = []
        self._links: list[asyncio.Task[None]] = []
        self._connecting = asyncio.Lock()
        self._marks = 0
        self._prompt = ""
        self._has_ended = False
        self._checking: asyncio.Task[None] | None = None

    async def run(self, radio: Radio, *, check: bool) -> list[Path]:
        """Record until the night is over; returns the journals, sealed.

        Parameters
        ----------
        radio : Radio
        check : bool
            Whether to begin with the set-up check.

        Raises
        ------
        BusyError
            If another recorder uses the folder.
        OutputError, RecordingError
            If a journal cannot be written there, or a sensor's is another recording's.
        """
        _make_folder(self.plan.folder)
        async with contextlib.AsyncExitStack() as stack:
            stack.enter_context(lock_recorder(self.plan.folder, self._clock))
            stack.push_async_callback(self._close)
            remove_asked(self.plan.folder)  # of a recorder before: our own plan is newer
            self._open()
            self._say_what_waits()
            for sensor in self._sensors:
                self._connect(sensor, radio)
            if check:
                self.check()
            try:
                await self._tick(radio)
                await self._fetch()
            finally:
                await self._disconnect()
        return [sensor.plan.journal for sensor in self._sensors]

    def end(self, why: str, *, at_once: bool = False) -> None:
        """Let the night end, after fetching what sensors kept; said again, or `at_once`: without.

        Parameters
        ----------
        why : str
            Stands in the journal.
        at_once : bool
        """
        if at_once or self._over.is_set():
            self._at_once.set()
        if not self._over.is_set():
            self._why = why
            self._over.set()

    def mark(self) -> None:
        """Keep the participant's word that there is a cramp now; no detection is touched by it."""
        self._marks += 1
        for sensor in self._sensors:
            sensor.note(RecordKind.MARK, {"mark": "cramp_now", "by": "participant"})
        self._tell("mark", "Marked: a cramp now.", {"mark": "cramp_now"})

    def check(self) -> None:
        """Begin the set-up check, unless it is under way."""
        if self._checking is None or self._checking.done():
            self._checking = asyncio.create_task(self._check())

    def figures(self) -> NightFigures:
        """How the night stands."""
        try:
            free = shutil.disk_usage(self.plan.folder).free
        except OSError:
            free = 0
        return NightFigures(
            wall_ns=self._clock.wall_ns(),
            started_ns=self._started_ns,
            until_ns=self._until_ns(),
            state=self._state(),
            prompt=self._prompt,
            marks=self._marks,
            free_bytes=free,
            sensors=tuple(sensor.figures() for sensor in self._sensors),
        )

    def _state(self) -> str:
        if self._has_ended:
            return "ended"
        return "fetching" if self._is_fetching else "recording"

    def _open(self) -> None:
        """Open the journals, and let the live stages know what earlier sessions recorded."""
        for plan in self.plan.sensors:
            self._open_sensor(plan)
        for place in range(len(self._stages)):
            self._recall(place)

    def _open_sensor(self, plan: SensorPlan) -> SensorRecorder:
        """Open a journal; if that fails, nothing has changed."""
        if plan.companion_of is None:
            worker = self._means.make_worker(f"live {plan.journal.stem}")
            live = self._stage(plan), worker
        else:
            live = self._stages[plan.companion_of]
        tell, site_key = self._means.screen.tell, self.plan.site_key
        sensor = SensorRecorder(plan, self._clock, *live, tell, site_key=site_key)
        if plan.companion_of is None:
            self._stages.append(live)
        self._sensors.append(sensor)
        sensor.note(RecordKind.NOTE, {"event": "night_begins", "speed": self._clock.speed})
        return sensor

    def _recall(self, place: int) -> None:
        """Let a live stage know what earlier sessions recorded."""
        (stage, worker), (earlier, companion) = self._stages[place], self._earlier(place)
        if earlier is not None:
            worker.submit(partial(stage.recall, earlier, companion))

    def _connect(self, sensor: SensorRecorder, radio: Radio) -> None:
        self._links.append(asyncio.create_task(sensor.run(radio, self._connecting)))

    def _take_in_asked(self, radio: Radio) -> None:
        why = answer_asked(self.plan.folder, partial(self._take_in, radio))
        if why:
            self._tell("sensor", f"A sensor could not be added: {why}", {"error": why})

    def _take_in(self, radio: Radio, asked: Asked) -> None:
        """Record one more sensor from now on."""
        plan = with_sensor(self.plan, asked.sensor, asked.leg)
        sensor = self._open_sensor(plan.sensors[-1])
        self.plan = plan
        self._recall(len(self._stages) - 1)
        self._connect(sensor, radio)
        self._tell("sensor", f"{sensor.who}: recorded too from now on.", {"sensor": sensor.who})
        self._show()

    def _say_what_waits(self) -> None:
        for journal in unclosed_journals(self.plan):
            text = (
                f"{journal.name} of another night was not closed: run 'nightcramp recover "
                f"{journal}', then 'nightcramp convert {journal}'."
            )
            self._tell("journal", text, {"journal": journal.name})

    def _stage(self, plan: SensorPlan) -> LiveStage:
        place = len(self._stages)
        companions = (p.spec for p in self.plan.sensors if p.companion_of == place)
        companion = next(companions, None)
        loop = asyncio.get_running_loop()
        who = " ".join(filter(None, (plan.leg, plan.spec.title)))

        def on_episode(found: FoundEpisode) -> None:
            with contextlib.suppress(RuntimeError):  # the loop has ended, and the screen with it
                loop.call_soon_threadsafe(self._on_episode, found, who)

        finder = self._means.make_finder(companion is not None)
        return LiveStage(plan.spec, finder, self._clock, on_episode, companion=companion)

    def _earlier(self, place: int) -> tuple[Earlier | None, Earlier | None]:
        """Return what earlier sessions left of a sensor and of its companion."""
        own: Earlier | None = None
        companion: Earlier | None = None
        stages = [sensor for sensor in self._sensors if sensor.plan.companion_of is None]
        for sensor in self._sensors:
            found = sensor.journal.found
            earlier = Earlier(sensor.plan.journal, found.n_records) if found else None
            if sensor is stages[place]:
                own = earlier
            elif sensor.plan.companion_of == place:
                companion = earlier
        return own, companion

    async def _tick(self, radio: Radio) -> None:
        """Show how it stands, once a real second, until the night is over."""
        while not self._over.is_set():
            self._take_in_asked(radio)
            await self._show_until(self._over)
            if self._is_late():
                self.end("time")

    async def _fetch(self) -> None:
        """Go on for a while if sensors in reach may still send what they kept while out of it."""
        awaited_s = self._awaited_s()
        fetching = Fetching(self._now_s())
        self._is_fetching = awaited_s > 0
        if self._is_fetching:
            minutes = math.ceil(awaited_s / 60)
            text = f"Fetching {minutes} min that a sensor kept. Ending again ends at once."
            self._tell("night", text, {"awaited_s": round(awaited_s, 1)})
        while not self._at_once.is_set() and fetching.goes_on(self._awaited_s(), self._now_s()):
            await self._show_until(self._at_once)
        self._is_fetching = False

    def _awaited_s(self) -> float:
        return sum(sensor.awaited_s for sensor in self._sensors)

    def _now_s(self) -> float:
        return self._clock.monotonic_ns() / 1e9

    async def _show_until(self, event: asyncio.Event) -> None:
        """Show how it stands, then wait for an event, or a real second."""
        self._show()
        with contextlib.suppress(TimeoutError):
            async with self._clock.timeout(max(1.0, self._clock.speed)):
                await event.wait()

    def _show(self) -> None:
        figures = self.figures()
        self._status.write(figures)
        self._means.screen.show(figures)

    def _is_late(self) -> bool:
        monotonic_ns, wall_ns = self.plan.stop_monotonic_ns, self.plan.stop_wall_ns
        if monotonic_ns is not None and self._clock.monotonic_ns() >= monotonic_ns:
            return True
        return wall_ns is not None and self._clock.wall_ns() >= wall_ns

    def _until_ns(self) -> int | None:
        if self.plan.stop_monotonic_ns is None:
            return self.plan.stop_wall_ns
        left_ns = self.plan.stop_monotonic_ns - self._clock.monotonic_ns()
        return self._clock.wall_ns() + left_ns

    async def _check(self) -> None:
        for sensor in self._sensors:
            if sensor.plan.companion_of is None:
                result = await run_setup_check(sensor, self._clock, self._ask)
                self._show_check(sensor, result)

    def _ask(self, prompt: str) -> None:
        """Ask the participant to do something; empty when nothing is asked any more."""
        self._prompt = prompt
        if prompt:
            self._tell("check", prompt, {"prompt": prompt})

    def _show_check(self, sensor: SensorRecorder, result: CheckResult) -> None:
        sensor.note(RecordKind.NOTE, result.to_json())
        verdict = "passed" if result.passed else "not passed; the recording goes on"
        lines = [f"{sensor.who}: set-up check {verdict}."]
        lines += [f"  {finding.verdict:<8}{finding.text}" for finding in result.findings]
        self._tell("check", "\n".join(lines), {"sensor": sensor.who, **result.to_json()})

    def _on_episode(self, found: FoundEpisode, who: str) -> None:
        self._means.screen.tell(episode_message(found, who, self._clock.wall_ns()))

    def _tell(self, kind: str, text: str, fields: dict[str, object]) -> None:
        self._means.screen.tell(Message(kind, self._clock.wall_ns(), text, fields))

    async def _disconnect(self) -> None:
        """Let every link go; what fails here must not keep the journals from being sealed."""
        if self._checking is not None:
            self._checking.cancel()
        for sensor in self._sensors:
            sensor.stop()
        results = await asyncio.gather(*self._links, return_exceptions=True)
        for result in results:
            if isinstance(result, Exception):
                log.error("a link did not end well: %r", result)

    async def _close(self) -> None:
        """Seal the journals, then end the live stages: those may hang, the journals do not."""
        for sensor in self._sensors:
            sensor.note(RecordKind.NOTE, {"event": "night_ends", "why": self._why})
        errors: list[OutputError] = []
        loop = asyncio.get_running_loop()
        for sensor in self._sensors:
            try:
                await loop.run_in_executor(None, sensor.journal.close)
            except OutputError as error:
                errors.append(error)
        for stage, worker in self._stages:
            worker.submit(stage.finish)
            if not await loop.run_in_executor(None, worker.close, CLOSE_S):
                text = "Live detection was behind; the finished file is judged instead."
                self._tell("night", text, {"live": "behind"})
        self._has_ended = True
        self._show()
        if errors:
            raise errors[0]


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(
            f"{folder}: the folder cannot be made ({error.strerror}). Record to one that you may "
            "write to, with --out."
        ) from error
