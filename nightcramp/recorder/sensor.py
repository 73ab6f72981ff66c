"""One sensor of a night: link to journal, then to the live stage, in this order."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from functools import partial
from typing import TYPE_CHECKING

from firmware_bridge.link import Link, LinkEvent, LinkState
from nightcramp.errors import SensorError
from nightcramp.recorder.figures import SensorFigures, SignalFigures
from nightcramp.recorder.known_sensor import read_sensor, write_sensor
from nightcramp.recorder.messages import Message, link_content, link_message
from nightcramp.recorder.worker import ask
from recordings.journal import (
    AlarmKind,
    JournalSettings,
    JournalWriter,
    RecordKind,
    json_record,
    record_of,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from firmware_bridge import Clock, Notification
    from firmware_bridge.link import Identity, LinkCause, Radio
    from nightcramp.recorder.plan import SensorPlan
    from nightcramp.recorder.stage import LiveStage
    from nightcramp.recorder.worker import Worker
    from recordings.journal import Alarm, JournalRecord

log = logging.getLogger(__name__)

ASK_EVERY_S = 0.5
_AGAIN_S = 5.0


class SensorRecorder:
    """Records one sensor into one journal.

    Parameters
    ----------
    plan : SensorPlan
    clock : Clock
    stage : LiveStage
        Of this sensor; of the other one for a companion.
    worker : Worker
        That the stage works on.
    tell : callable
        Called with each `Message`, from the event loop.
    site_key : Path, optional

    Raises
    ------
    BusyError, OutputError, RecordingError
        As `recordings.journal.JournalWriter` does.
    """

    def __init__(
        self,
        plan: SensorPlan,
        clock: Clock,
        stage: LiveStage,
        worker: Worker,
        tell: Callable[[Message], None],
        *,
        site_key: Path | None = None,
    ) -> None:
        self.plan = plan
        self.who = " ".join(filter(None, (plan.leg, plan.spec.title)))
        self._clock = clock
        self.stage = stage
        self.worker = worker
        self._tell = tell
        self._loop = asyncio.get_running_loop()
        self._link: Link | None = None
        self._state = LinkState.WAITING
        self._cause: LinkCause | None = None
        self._last_ns: int | None = None
        self._alarm = ""
        self._is_stopping = False
        settings = JournalSettings(site_key=site_key)
        self.journal = JournalWriter(
            plan.journal, plan.label, clock=clock, settings=settings, on_alarm=self._on_alarm
        )
        self._kept_sensor = read_sensor(plan.journal)
        self._report_found()

    def notification(self, notification: Notification) -> None:
        """Take bytes that have just arrived: into the journal first."""
        self._last_ns = notification.monotonic_ns
        self._put(record_of(notification))

    def event(self, event: LinkEvent) -> None:
        """Take news of the link."""
        self._state = event.state
        if event.state is LinkState.STREAMING and not event.cause:
            self._cause = None
        self._cause = event.cause or self._cause
        content = link_content(event)
        self._put(json_record(RecordKind.LINK, event.monotonic_ns, event.wall_ns, content))
        self._tell(link_message(event, self.who))
        sensor = self._link.sensor if self._link else None
        if sensor is not None and sensor != self._kept_sensor:
            self._loop.run_in_executor(None, self._keep_sensor, sensor)

    def note(self, kind: RecordKind, content: Mapping[str, object]) -> None:
        """Put something that happened into the journal."""
        self._put(json_record(kind, self._clock.monotonic_ns(), self._clock.wall_ns(), content))

    async def run(self, radio: Radio, connecting: asyncio.Lock) -> None:
        """Keep the link up until `stop`; an error of the program does not end it."""
        self._link = Link(
            self.plan.sought,
            self,
            radio=radio,
            clock=self._clock,
            connecting=connecting,
            known=self._kept_sensor,
        )
        asking = asyncio.create_task(self._ask())
        try:
            while not self._is_stopping:
                await self._run_link(self._link)
        finally:
            asking.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await asking

    @property
    def awaited_s(self) -> float:
        """Length of what the sensor may still send, if it is in reach."""
        is_silent = self._state is not LinkState.STREAMING or self.plan.companion_of is not None
        return 0.0 if is_silent else self.stage.figures.awaited_s

    def stop(self) -> None:
        """Disconnect."""
        self._is_stopping = True
        if self._link is not None:
            self._link.stop()

    def figures(self) -> SensorFigures:
        """How this sensor stands."""
        now_ns = self._clock.monotonic_ns()
        is_companion = self.plan.companion_of is not None
        return SensorFigures(
            title=self.plan.spec.title,
            leg=self.plan.leg,
            journal=self.plan.journal.name,
            state=self._state,
            cause=self._cause,
            data_age_s=None if self._last_ns is None else (now_ns - self._last_ns) / 1e9,
            durable_age_s=max(0.0, (now_ns - self.journal.durable_ns) / 1e9),
            alarm=self._alarm,
            signal=SignalFigures() if is_companion else self.stage.figures,
        )

    def _keep_sensor(self, sensor: Identity) -> None:
        """Keep which sensor it is, on a thread: the disk may be slow."""
        if write_sensor(self.plan.journal, sensor):
            self._kept_sensor = sensor

    def _put(self, record: JournalRecord) -> None:
        self.journal.append(record)
        of_companion = self.plan.companion_of is not None
        self.worker.submit(partial(self.stage.take, record, of_companion=of_companion))

    async def _run_link(self, link: Link) -> None:
        try:
            await link.run()
        except Exception:
            log.exception("the link stopped by an error of the program; it begins anew")
            await self._clock.sleep(_AGAIN_S)

    async def _ask(self) -> None:
        """Write to the sensor what the stage asks of it: to send again, to forget."""
        while True:
            await self._clock.sleep(ASK_EVERY_S)
            if self._link is None or self._state is not LinkState.STREAMING:
                continue
            now_ns, durable_ns = self._clock.monotonic_ns(), self.journal.durable_ns
            question = partial(self.stage.next_write, now_ns, durable_ns)
            try:
                write = await asyncio.wrap_future(ask(self.worker, question))
                if write is not None:
                    await self._link.write(write)
            except SensorError as error:
                log.info("not asked: %s", error)
            except Exception:
                log.exception("the sensor could not be asked for what it keeps")

    def _report_found(self) -> None:
        """Say what earlier sessions of this night left."""
        found = self.journal.found
        if found is None:
            return
        closed = "" if found.sealed else ", which was not closed,"
        lost = f"; {found.seconds_lost:.1f} s are damaged" if found.damage else "; nothing is lost"
        text = f"{self.who}: the journal of this night{closed} goes on{lost}"
        content = {"sensor": self.who, "records": found.n_records, "lost_s": found.seconds_lost}
        self._tell(Message("journal", self._clock.wall_ns(), text, content))

    def _on_alarm(self, alarm: Alarm) -> None:
        """Tell what is wrong with the disk; called from the journal's thread."""
        self._alarm = "" if alarm.kind is AlarmKind.DISK_WORKS_AGAIN else alarm.text
        fields = {"sensor": self.who, "alarm": str(alarm.kind)}
        message = Message("disk", self._clock.wall_ns(), alarm.text, fields)
        with contextlib.suppress(RuntimeError):  # the loop has ended, and the screen with it
            self._loop.call_soon_threadsafe(self._tell, message)
