"""The set-up contractions: a minute of rest and three times pressing the foot down, step by step.

The same steps as the recorder's own check, and the same judgement; here the page shows each step
with the time that is left.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Protocol

from nightcramp.recorder.setup_check import (
    CONTRACTION_S,
    CONTRACTIONS,
    PAUSE_S,
    QUIET_S,
    CheckResult,
    judge_setup,
)

if TYPE_CHECKING:
    from firmware_bridge import Clock
    from nightcramp.recorder.battery import Forecast
    from nightcramp.recorder.meter import Bins


class Phase(StrEnum):
    """What the participant is asked to do."""

    REST = "rest"
    PRESS = "press"
    RELAX = "relax"
    DONE = "done"


@dataclass(frozen=True, slots=True)
class Step:
    """A step of the round.

    Attributes
    ----------
    phase : Phase
    number : int
        Of the contraction, from 1; 0 at rest.
    seconds : float
        How long it lasts.
    """

    phase: Phase
    number: int
    seconds: float


STEPS = (
    Step(Phase.REST, 0, QUIET_S),
    *(
        step
        for number in range(1, CONTRACTIONS + 1)
        for step in (
            Step(Phase.PRESS, number, CONTRACTION_S),
            Step(Phase.RELAX, number, PAUSE_S),
        )
    ),
)


class Watched(Protocol):
    """A sensor that the round looks at."""

    async def bins_between(self, start_ns: int, stop_ns: int) -> Bins | None:
        """Return the EMG between two times of the monotonic clock."""
        ...

    def battery(self) -> Forecast:
        """How long the battery will last."""
        ...


class SetupRound:
    """One round of the set-up.

    Parameters
    ----------
    sensor : Watched
    clock : Clock

    Attributes
    ----------
    result : CheckResult or None
        Once it is done.
    """

    def __init__(self, sensor: Watched, clock: Clock) -> None:
        self.result: CheckResult | None = None
        self._sensor = sensor
        self._clock = clock
        self._step = STEPS[0]
        self._until_ns = clock.monotonic_ns()

    @property
    def phase(self) -> Phase:
        """What the participant is asked to do now."""
        return Phase.DONE if self.result else self._step.phase

    @property
    def number(self) -> int:
        """Of the contraction, from 1; 0 at rest."""
        return self._step.number

    @property
    def left_s(self) -> int:
        """Whole seconds until the next step."""
        return max(0, -(-(self._until_ns - self._clock.monotonic_ns()) // 1_000_000_000))

    async def run(self) -> None:
        """Go through the steps and judge what came meanwhile."""
        seen: dict[Phase, list[Bins | None]] = {phase: [] for phase in Phase}
        ended: tuple[Phase, int, int] | None = None
        for step in STEPS:
            start_ns = await self._pass(step)
            # The front end holds samples back: a step is looked at when the next one is over.
            if ended is not None:
                phase, *times = ended
                seen[phase].append(await self._sensor.bins_between(*times))
            ended = step.phase, start_ns, self._until_ns
        rest, pressed = seen[Phase.REST][0], seen[Phase.PRESS]
        self.result = judge_setup(rest, pressed, self._sensor.battery())

    async def _pass(self, step: Step) -> int:
        """Let the time of a step pass; returns when it began."""
        start_ns = self._clock.monotonic_ns()
        self._step, self._until_ns = step, start_ns + round(step.seconds * 1e9)
        await self._clock.sleep(step.seconds)
        return start_ns
