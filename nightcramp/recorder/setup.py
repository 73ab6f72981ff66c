"""The set-up check as it is carried out: ask, wait, and look at what came meanwhile."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import TYPE_CHECKING

from nightcramp.recorder.setup_check import (
    CONTRACTION_S,
    CONTRACTIONS,
    PAUSE_S,
    QUIET_S,
    judge_setup,
)
from nightcramp.recorder.worker import ask

if TYPE_CHECKING:
    from collections.abc import Callable

    from firmware_bridge import Clock
    from nightcramp.recorder.meter import Bins
    from nightcramp.recorder.sensor import SensorRecorder
    from nightcramp.recorder.setup_check import CheckResult

PATIENCE_S = 120.0
"""How long to wait for a sensor before the check says that nothing came."""

_SETTLE_S = 3.0
_POLL_S = 0.5


async def run_setup_check(
    sensor: SensorRecorder, clock: Clock, prompt: Callable[[str], None]
) -> CheckResult:
    """Carry out the check.

    Parameters
    ----------
    sensor : SensorRecorder
        Already being recorded.
    clock : Clock
    prompt : callable
        Called with what the participant is to do; with nothing when that is over.
    """
    await _wait_for_data(sensor, clock)
    prompt(f"{sensor.who}: lie still for a minute.")
    quiet = await _watch(sensor, clock, QUIET_S)
    contractions: list[Bins | None] = []
    for number in range(1, CONTRACTIONS + 1):
        prompt(f"{sensor.who}: now press the foot down firmly and hold ({number}).")
        contractions.append(await _watch(sensor, clock, CONTRACTION_S))
        prompt(f"{sensor.who}: relax.")
        await clock.sleep(PAUSE_S)
    prompt("")
    return judge_setup(quiet, contractions, sensor.figures().signal.battery)


async def _wait_for_data(sensor: SensorRecorder, clock: Clock) -> None:
    waited_s = 0.0
    while sensor.figures().data_age_s is None and waited_s < PATIENCE_S:
        await clock.sleep(_POLL_S)
        waited_s += _POLL_S


async def _watch(sensor: SensorRecorder, clock: Clock, seconds: float) -> Bins | None:
    """Return what came in so many seconds from now on."""
    start_ns = clock.monotonic_ns()
    await clock.sleep(seconds)
    stop_ns = clock.monotonic_ns()
    await clock.sleep(_SETTLE_S)
    return await asyncio.wrap_future(
        ask(sensor.worker, partial(sensor.stage.bins_between, start_ns, stop_ns))
    )
