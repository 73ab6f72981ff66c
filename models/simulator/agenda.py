"""What happens when: draws a night's happenings and gives each a place and a random stream."""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from models.simulator.cramp import Cramp
from models.simulator.parameter_file import default_parameters
from models.simulator.scene import Chance
from models.simulator.sources import SOURCES, Layer
from nightcramp.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from models.simulator.parameters import Parameters, Suite
    from models.simulator.participants import Participant
    from models.simulator.scene import Happening

__all__ = ["Booking", "NightPlan", "draw_agenda", "planned_cramps", "stream"]

_MARGIN_S = 5.0  # nothing begins or ends at the very edge of a recording
_TRIES = 200
_HOURS_PER_WEEK = 56.0  # seven nights of eight hours, to which weekly rates refer


@dataclass(frozen=True, slots=True)
class NightPlan:
    """What kind of night it is to be.

    Attributes
    ----------
    hours : float
    start : datetime
        Local time of the first sample.
    cramps : int or None
        Number of cramps; None leaves it to the suite and the participant.
    suite : str
        Name in the parameter file's ``suites``.
    density : float
        Factor on all rates but that of given cramps.
    without : tuple of str
        Names of sources that never happen, to see what a model is worth that never met them.
    """

    hours: float
    start: datetime
    cramps: int | None = None
    suite: str = "ordinary"
    density: float = 1.0
    without: tuple[str, ...] = ()

    @property
    def duration_s(self) -> float:
        """Length in whole seconds."""
        return float(round(self.hours * 3600))


@dataclass(frozen=True, slots=True)
class Booking:
    """A happening with its place in the night and the seed of its details."""

    source: str
    onset_s: float
    happening: Happening
    seed: np.random.SeedSequence

    @property
    def end_s(self) -> float:
        """When it is over."""
        return self.onset_s + self.happening.duration_s


def stream(seed: int, name: str, *number: int) -> np.random.SeedSequence:
    """Return the seed of one purpose, which no other purpose shares or shifts."""
    return np.random.SeedSequence(seed, spawn_key=(zlib.crc32(name.encode()), *number))


def draw_agenda(
    participant: Participant, plan: NightPlan, seed: int, parameters: Parameters | None = None
) -> tuple[Booking, ...]:
    """Draw all happenings of a night, in the order of `SOURCES`, then by time.

    Raises
    ------
    UsageError
        The suite is unknown, or the night too short for its cramps.
    """
    parameters = parameters or default_parameters()
    leg = _Calendar()
    bookings: list[Booking] = []
    for name, source in SOURCES.items():
        order = _Order(name, plan, participant, parameters, seed)
        made = _book_cramps(order) if name == "cramp" else _book(order)
        kept = [booking for booking in made if source.layer is not Layer.BODY or leg.claim(booking)]
        bookings += sorted(kept, key=lambda booking: booking.onset_s)
    return tuple(bookings)


def planned_cramps(
    participant: Participant, plan: NightPlan, seed: int
) -> tuple[tuple[float, float], ...]:
    """Return onset and length in seconds of the cramps of a night, without painting it.

    Raises
    ------
    UsageError
        The suite is unknown, or the night too short for its cramps.
    """
    order = _Order("cramp", plan, participant, default_parameters(), seed)
    bookings = sorted(_book_cramps(order), key=lambda booking: booking.onset_s)
    return tuple(
        (booking.onset_s, booking.happening.active_s)
        for booking in bookings
        if isinstance(booking.happening, Cramp)
    )


class _Calendar:
    """Stretches of the night in which the leg is busy."""

    def __init__(self) -> None:
        self._busy: list[tuple[float, float]] = []

    def claim(self, booking: Booking) -> bool:
        """Take a stretch if it is free."""
        if any(booking.onset_s < end and start < booking.end_s for start, end in self._busy):
            return False
        self._busy.append((booking.onset_s, booking.end_s))
        return True


@dataclass(frozen=True, slots=True)
class _Order:
    """One source's part of a night that is being drawn."""

    name: str
    plan: NightPlan
    participant: Participant
    parameters: Parameters
    seed: int

    @property
    def suite(self) -> Suite:
        """The suite of the plan."""
        suites = self.parameters.suites
        if self.plan.suite not in suites:
            known = ", ".join(sorted(suites))
            raise UsageError(f"unknown suite {self.plan.suite!r}; choose one of {known}")
        return suites[self.plan.suite]

    @property
    def per_hour(self) -> float:
        """Rate in this participant's night."""
        if self.name in self.plan.without:
            return 0.0
        return self.plan.density * self._usual_per_hour()

    def _usual_per_hour(self) -> float:
        suite = self.suite
        if self.name in suite.fixed:
            return suite.fixed[self.name]
        if self.name == "cramp" and suite.cramps_from_participant:
            return self.participant.cramps_per_week / _HOURS_PER_WEEK
        base = self.parameters.suites[suite.base].rates if suite.base else {}
        rate = suite.rates.get(self.name, base.get(self.name, 0.0))
        return rate * SOURCES[self.name].propensity(self.participant)

    @property
    def at_least(self) -> int:
        """Number the suite promises."""
        if self.name in self.plan.without:
            return 0
        return round(self.suite.at_least.get(self.name, 0))

    def rng(self) -> np.random.Generator:
        """Random stream of numbers and places."""
        return np.random.default_rng(stream(self.seed, self.name))

    def draw(self, *number: int) -> tuple[Happening, np.random.SeedSequence, float]:
        """Draw one happening; return it with the seed of its details and the room it leaves."""
        seed = stream(self.seed, self.name, *number)
        chance = Chance(self.participant, self.parameters, np.random.default_rng(seed))
        happening = SOURCES[self.name].draw(chance)
        room = self.plan.duration_s - happening.duration_s - 2 * _MARGIN_S
        return happening, seed.spawn(1)[0], room


def _book(order: _Order) -> Iterator[Booking]:
    """Scatter happenings evenly over the night; what is longer than the night is left out."""
    rng = order.rng()
    count = max(int(rng.poisson(order.per_hour * order.plan.hours)), order.at_least)
    for number in range(count):
        happening, seed, room = order.draw(number)
        onset_s = _MARGIN_S + float(rng.random()) * room
        if room > 0:
            yield Booking(order.name, onset_s, happening, seed)


def _book_cramps(order: _Order) -> list[Booking]:
    """Place cramps: the first of each cluster anywhere, others some time after it.

    Raises
    ------
    UsageError
        The plan names a number of cramps that does not fit.
    """
    rng, calendar = order.rng(), _Calendar()
    bookings: list[Booking] = []
    for size in _cluster_sizes(order, rng):
        previous: Booking | None = None
        for _ in range(size):
            previous = _place_cramp(order, len(bookings), previous, calendar, rng)
            if previous is not None:
                bookings.append(previous)
            elif order.plan.cramps is not None:
                raise UsageError(
                    f"{order.plan.cramps} cramps do not fit into {order.plan.hours:g} h; "
                    "plan fewer, or a longer night"
                )
    return bookings


def _cluster_sizes(order: _Order, rng: np.random.Generator) -> list[int]:
    """Draw how many cramps come together: every fourth or so is followed by another one."""
    alone = 1.0 - order.parameters.cramp.second_share
    wanted = order.plan.cramps
    if wanted is None:
        # A first cramp brings 1 / alone cramps on average, itself included.
        firsts = int(rng.poisson(order.per_hour * order.plan.hours * alone))
        sizes = rng.geometric(alone, firsts).tolist()
        return [*sizes, *[1] * (order.at_least - sum(sizes))]
    sizes = []
    while (missing := wanted - sum(sizes)) > 0:
        sizes.append(min(int(rng.geometric(alone)), missing))
    return sizes


def _place_cramp(
    order: _Order,
    number: int,
    previous: Booking | None,
    calendar: _Calendar,
    rng: np.random.Generator,
) -> Booking | None:
    """Draw a cramp and a free place for it; None if there is none.

    Every try draws the cramp anew, so that a crowded night still holds short ones.
    """
    gap_min = order.parameters.cramp.second_gap_min
    for attempt in range(_TRIES):
        happening, seed, room = order.draw(number, attempt)
        onset_s = _MARGIN_S + float(rng.random()) * room
        if previous is not None and attempt == 0:
            onset_s = previous.end_s + 60.0 * gap_min.draw(rng)
        booking = Booking(order.name, onset_s, happening, seed)
        if _MARGIN_S <= onset_s <= _MARGIN_S + room and calendar.claim(booking):
            return booking
    return None
