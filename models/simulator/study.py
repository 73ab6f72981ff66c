"""A two-arm trial in small, with its participants, nights and diaries; samples come on request."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from typing import TYPE_CHECKING, Literal

import numpy as np

from models.simulator.agenda import NightPlan, planned_cramps, stream
from models.simulator.night import simulate_night
from models.simulator.parameter_file import default_parameters
from models.simulator.participants import Participant, draw_participant
from models.simulator.sensors import SENSORS
from nightcramp.errors import UsageError

if TYPE_CHECKING:
    from models.simulator.parameters import StudyParameters
    from models.truth import SimulatedNight

__all__ = [
    "DiaryRow",
    "PlannedNight",
    "SimulatedStudy",
    "StudyParticipant",
    "StudySpec",
    "simulate_study",
]

Arm = Literal["active", "placebo"]

_REASONS = ("not worn", "battery empty", "no signal received")
_HOURS_PER_WEEK = 56.0  # seven nights of eight hours, to which weekly rates refer
_MOST_PER_HOUR = 3.0  # more cramps would not fit with their aftermath


@dataclass(frozen=True, slots=True)
class StudySpec:
    """What kind of trial it is to be.

    Attributes
    ----------
    participants : int
        Of both arms together; arms alternate within sites.
    run_in_weeks, weeks : int
        Before and from randomisation.
    nights_per_week : int
        Nights of each week in which the sensor is to be worn, 1 to 7, spread over the week.
    hours : float
        Planned length of a recording.
    sensor : str
        Name in `SENSORS`.
    cramps_per_week : float
        Mean of the run-in (Tan 2024: 2.6).
    between_person_cv : float
        Spread of that rate over people (trials with sensors or daily logs: 0.5-0.7).
    rate_ratio : float
        Rate in the active arm over its own run-in, relative to placebo.
    wear_probability : float
        Chance that a planned night is worn.
    sites : int
    start : date
        First run-in night of the first participant.
    time_zone : str
        IANA name of the zone the nights' local times are in.
    """

    participants: int = 8
    run_in_weeks: int = 2
    weeks: int = 8
    nights_per_week: int = 7
    hours: float = 8.0
    sensor: str = "profile_v1"
    cramps_per_week: float = 2.6
    between_person_cv: float = 0.55
    rate_ratio: float = 0.35
    wear_probability: float = 0.85
    sites: int = 2
    start: date = date(2025, 1, 6)
    time_zone: str = "Europe/Zurich"

    def __post_init__(self) -> None:
        """Refuse what cannot be simulated.

        Raises
        ------
        UsageError
            A value is out of range; the text names it.
        """
        checks = {
            "participants must be at least 2": self.participants >= 2,
            "sites must be from 1 to participants": 1 <= self.sites <= self.participants,
            "weeks must be at least 1 and run_in_weeks at least 0": self.weeks >= 1
            and self.run_in_weeks >= 0,
            "nights_per_week must be from 1 to 7": 1 <= self.nights_per_week <= 7,
            "hours must be positive": self.hours > 0,
            "wear_probability must be from 0 to 1": 0 <= self.wear_probability <= 1,
            "rates and their spread must not be negative": min(
                self.cramps_per_week, self.between_person_cv, self.rate_ratio
            )
            >= 0,
            f"sensor must be one of {', '.join(SENSORS)}": self.sensor in SENSORS,
        }
        if wrong := [rule for rule, kept in checks.items() if not kept]:
            raise UsageError("; ".join(wrong))


@dataclass(frozen=True, slots=True)
class StudyParticipant:
    """A participant as the trial knows them, with the body the simulator gives them."""

    participant_id: str
    site: str
    age: int
    sex: Literal["female", "male"]
    randomised_on: date
    arm: Arm
    person: Participant


@dataclass(frozen=True, slots=True)
class PlannedNight:
    """One night of one participant.

    Attributes
    ----------
    participant_id : str
    night : date
        Date of its evening.
    start : datetime
        Local time of the first sample.
    plan : NightPlan
        What happens, whether or not a sensor was worn.
    seed : int
    worn : bool
    reason : str or None
        Why there is no recording.
    """

    participant_id: str
    night: date
    start: datetime
    plan: NightPlan
    seed: int
    worn: bool
    reason: str | None


@dataclass(frozen=True, slots=True)
class DiaryRow:
    """What a participant wrote in the morning; severity and minutes are of all cramps together."""

    participant_id: str
    night: date
    cramps: int
    severity: int | None
    minutes: float | None


@dataclass(frozen=True, slots=True)
class SimulatedStudy:
    """A trial: who, which nights, what the diaries say. Missing diary rows are simply absent."""

    spec: StudySpec
    participants: tuple[StudyParticipant, ...]
    nights: tuple[PlannedNight, ...]
    diary: tuple[DiaryRow, ...]

    def simulate(self, night: PlannedNight) -> SimulatedNight:
        """Make the samples of one night.

        Raises
        ------
        UsageError
            The night was not worn, so that there are none.
        """
        if not night.worn:
            raise UsageError(f"{night.participant_id} {night.night}: no recording ({night.reason})")
        person = next(
            who.person for who in self.participants if who.participant_id == night.participant_id
        )
        return simulate_night(person, night.plan, SENSORS[self.spec.sensor], night.seed)


def simulate_study(spec: StudySpec, seed: int) -> SimulatedStudy:
    """Simulate a two-arm trial.

    Parameters
    ----------
    spec : StudySpec
    seed : int
        The same specification and seed give the same study.

    Returns
    -------
    SimulatedStudy
        Without samples; `SimulatedStudy.simulate` makes those of one night at a time.
    """
    numbers = default_parameters().study
    participants, nights, diary = [], [], list[DiaryRow]()
    for number in range(spec.participants):
        rng = np.random.default_rng(stream(seed, "study participant", number))
        participant = _draw_participant(spec, number, numbers, rng)
        own = _draw_nights(spec, participant, numbers, rng)
        participants.append(participant)
        nights += own
        diary += _keep_diary(participant, own, numbers, rng)
    return SimulatedStudy(spec, tuple(participants), tuple(nights), tuple(diary))


def _draw_participant(
    spec: StudySpec, number: int, numbers: StudyParameters, rng: np.random.Generator
) -> StudyParticipant:
    """Draw one participant; arms alternate within each site, in a random order of pairs."""
    variance = math.log(1.0 + spec.between_person_cv**2)
    rate = spec.cramps_per_week * rng.lognormal(-0.5 * variance, math.sqrt(variance))
    person = replace(draw_participant(int(rng.integers(2**31))), cramps_per_week=float(rate))
    place, site = divmod(number, spec.sites)
    enrolled = spec.start + timedelta(days=7 * int(rng.integers(int(numbers.enrolment_weeks) + 1)))
    return StudyParticipant(
        participant_id=f"P{number + 1:03d}",
        site=f"S{site + 1:02d}",
        age=round(numbers.age.draw(rng)),
        sex="female" if rng.random() < numbers.female_share else "male",
        randomised_on=enrolled + timedelta(weeks=spec.run_in_weeks),
        arm="active" if (place + site) % 2 == 0 else "placebo",
        person=person,
    )


def _draw_nights(
    spec: StudySpec,
    participant: StudyParticipant,
    numbers: StudyParameters,
    rng: np.random.Generator,
) -> list[PlannedNight]:
    """Draw all planned nights of one participant; treatment works from its first night."""
    first = participant.randomised_on - timedelta(weeks=spec.run_in_weeks)
    nights = []
    for week in range(spec.run_in_weeks + spec.weeks):
        treated = participant.arm == "active" and week >= spec.run_in_weeks
        rate = participant.person.cramps_per_week * (spec.rate_ratio if treated else 1.0)
        for turn in range(spec.nights_per_week):
            night = first + timedelta(days=7 * week + turn * 7 // spec.nights_per_week)
            start = _bedtime(night, numbers, rng)
            plan = NightPlan(spec.hours, start, cramps=_draw_cramps(rate, spec.hours, rng))
            worn = bool(rng.random() < spec.wear_probability)
            reason = _REASONS[int(rng.choice(len(_REASONS), p=numbers.reason_shares))]
            nights.append(
                PlannedNight(
                    participant.participant_id,
                    night,
                    start,
                    plan,
                    int(rng.integers(2**31)),
                    worn,
                    None if worn else reason,
                )
            )
    return nights


def _bedtime(night: date, numbers: StudyParameters, rng: np.random.Generator) -> datetime:
    """Draw when the recording of a night begins, to the second."""
    after_noon = timedelta(hours=numbers.bedtime_h.draw(rng) - 12.0)
    return datetime.combine(night, time(12)) + timedelta(seconds=round(after_noon.total_seconds()))


def _draw_cramps(per_week: float, hours: float, rng: np.random.Generator) -> int:
    """Draw the number of cramps of one night; about every fourth brings another one."""
    share = default_parameters().cramp.second_share
    firsts = int(rng.poisson(per_week / _HOURS_PER_WEEK * hours * (1.0 - share)))
    cramps = firsts + int(rng.negative_binomial(firsts, 1.0 - share)) if firsts else 0
    return min(cramps, max(1, int(_MOST_PER_HOUR * hours)))


def _keep_diary(
    participant: StudyParticipant,
    nights: list[PlannedNight],
    numbers: StudyParameters,
    rng: np.random.Generator,
) -> list[DiaryRow]:
    """Write a diary half asleep: cramps are missed, dreamt up, and felt longer than they were."""
    rows = []
    for night in nights:
        if rng.random() < numbers.diary_missing_share:
            continue
        cramps = planned_cramps(participant.person, night.plan, night.seed)
        minutes = [
            length_s / 60.0 * numbers.pain_factor.draw(rng)
            for _, length_s in cramps
            if rng.random() < numbers.diary_recall
        ]
        if rng.random() < numbers.diary_false_share:
            minutes.append(numbers.false_minutes.draw(rng))
        rows.append(_diary_row(night, minutes, numbers, rng))
    return rows


def _diary_row(
    night: PlannedNight,
    minutes: list[float],
    numbers: StudyParameters,
    rng: np.random.Generator,
) -> DiaryRow:
    """Fill in one morning's row; people round to half minutes, and to fives above ten."""
    if not minutes:
        return DiaryRow(night.participant_id, night.night, 0, None, None)
    total = sum(minutes)
    step = 5.0 if total > 10.0 else 0.5
    # Longer cramps hurt more: one point for each doubling.
    severity = numbers.severity.draw(rng) + math.log2(max(minutes))
    return DiaryRow(
        night.participant_id,
        night.night,
        len(minutes),
        min(max(round(severity), 1), 10),
        max(step * round(total / step), 0.5),
    )
