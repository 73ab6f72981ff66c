"""The plan of a study: what ``study.toml`` says."""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

__all__ = [
    "NIGHTS_OF_A_WEEK",
    "Blinding",
    "Criterion",
    "CriterionKind",
    "Crossover",
    "DataOrigin",
    "DisplayRule",
    "EpisodeSource",
    "Estimand",
    "FirstTreatmentNight",
    "Leg",
    "NightsOutsidePlan",
    "Period",
    "Screening",
    "Sessions",
    "SeverityScale",
    "StudyPlan",
]

NIGHTS_OF_A_WEEK = 7
HOURS_OF_A_NIGHT = 8.0


class Blinding(StrEnum):
    """Whether anybody at the sites may know who is in which arm."""

    BLINDED = "blinded"
    OPEN = "open"


class DataOrigin(StrEnum):
    """Where the nights come from."""

    RECORDED = "recorded"
    SIMULATED = "simulated"


class FirstTreatmentNight(StrEnum):
    """Which night is the first of week 1."""

    SAME = "night of randomisation"
    NEXT = "night after randomisation"


class Leg(StrEnum):
    """Whose recordings make a night where two sensors were worn."""

    LEFT = "left"
    RIGHT = "right"
    BOTH = "both"


class SeverityScale(StrEnum):
    """How the diary asks for the severity of a cramp."""

    FROM_ONE = "1 to 10"
    FROM_ZERO = "0 to 10"

    @property
    def lowest(self) -> int:
        """The severity of the faintest cramp."""
        return 1 if self is SeverityScale.FROM_ONE else 0


class NightsOutsidePlan(StrEnum):
    """What becomes of nights before the run-in and after the last week."""

    REFUSED = "refused"
    LEFT_OUT = "left out"


class Period(StrEnum):
    """What a week is for."""

    RUN_IN = "run_in"
    TREATMENT = "treatment"
    WASHOUT = "washout"


class EpisodeSource(StrEnum):
    """Whose episodes the screening rule counts."""

    DIARY = "diary"
    SENSOR = "sensor"


class CriterionKind(StrEnum):
    """Which answer to a criterion lets a person take part: yes to the one, no to the other."""

    INCLUSION = "inclusion"
    EXCLUSION = "exclusion"


@dataclass(frozen=True, slots=True)
class Estimand:
    """What is to be estimated, in the words of the protocol.

    Attributes
    ----------
    text : str
        All of it.
    attributes : tuple of (str, str)
        The five attributes of ICH E9(R1), each with its text; none if ``study.toml`` holds a
        text only.
    """

    text: str
    attributes: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class DisplayRule:
    """When a week is complete enough to be shown as one participant's week.

    It never decides what enters a pooled estimate: those use all analysable hours, because
    leaving out incomplete weeks biases the rate when a bad night makes people take the sensor off.

    Attributes
    ----------
    night_hours : float
        Analysable hours that make a night (or session) an analysable one.
    week_nights : int
        Analysable nights (or sessions) that a displayed week has at least.
    """

    night_hours: float = 4.0
    week_nights: int = 4


@dataclass(frozen=True, slots=True)
class Sessions:
    """Windows of analysis that are not nights, such as haemodialysis sessions.

    Attributes
    ----------
    per_week : int
        Planned sessions a week.
    hours : float
        Planned length of one.
    """

    per_week: int
    hours: float


@dataclass(frozen=True, slots=True)
class Crossover:
    """Two periods of treatment, of as many weeks as the plan says, with a washout between them."""

    washout_weeks: int


@dataclass(frozen=True, slots=True)
class Screening:
    """How many episodes make a person eligible (Tan 2024: two in two weeks).

    Attributes
    ----------
    episodes : int
        At least so many in the nights before the first treatment night.
    weeks : int
        How many weeks of seven nights these are.
    source : EpisodeSource
    """

    episodes: int
    weeks: int
    source: EpisodeSource


@dataclass(frozen=True, slots=True)
class Criterion:
    """One line of the eligibility checklist.

    Attributes
    ----------
    code : str
        Its name in ``eligibility.tsv``.
    text : str
        What is asked.
    kind : CriterionKind
    hard_stop : bool
        Whether the wrong answer is a danger at any visit, not only before randomisation.
    """

    code: str
    text: str
    kind: CriterionKind
    hard_stop: bool = False

    @property
    def right_answer(self) -> str:
        """The answer that lets a person take part."""
        return "yes" if self.kind is CriterionKind.INCLUSION else "no"


@dataclass(frozen=True, slots=True)
class StudyPlan:
    """What a study set out to do.

    Attributes
    ----------
    title : str
    weeks, run_in_weeks : int
        Seven nights each, after and before the first treatment night; of each of its two
        treatment periods in a crossover.
    zone : ZoneInfo
        Time zone in which nights run from noon to noon.
    blinding : Blinding
    estimand : Estimand
    first_treatment_night : FirstTreatmentNight
    data : DataOrigin
    nights_per_week : int
        Nights of a week in which the sensor is to be worn.
    leg : Leg or None
        What is made of two recordings of one night; None if only one sensor is worn.
    severity : SeverityScale
    outside_plan : NightsOutsidePlan
    display : DisplayRule
    sessions : Sessions or None
        Windows of analysis in place of nights.
    crossover : Crossover or None
    screening : Screening or None
    eligibility : tuple of Criterion
    reference_arm : str or None
        Arm that the other is compared with; needed for the final analysis only.
    """

    title: str
    weeks: int
    run_in_weeks: int
    zone: ZoneInfo
    blinding: Blinding
    estimand: Estimand
    first_treatment_night: FirstTreatmentNight = FirstTreatmentNight.SAME
    data: DataOrigin = DataOrigin.RECORDED
    nights_per_week: int = NIGHTS_OF_A_WEEK
    leg: Leg | None = None
    severity: SeverityScale = SeverityScale.FROM_ONE
    outside_plan: NightsOutsidePlan = NightsOutsidePlan.REFUSED
    display: DisplayRule = DisplayRule()
    sessions: Sessions | None = None
    crossover: Crossover | None = None
    screening: Screening | None = None
    eligibility: tuple[Criterion, ...] = ()
    reference_arm: str | None = None

    @property
    def last_week(self) -> int:
        """Number of the last week."""
        if self.crossover is None:
            return self.weeks
        return 2 * self.weeks + self.crossover.washout_weeks

    @property
    def week_numbers(self) -> tuple[int, ...]:
        """Run-in weeks counted down to −1, then from 1: there is no week 0."""
        return (*range(-self.run_in_weeks, 0), *range(1, self.last_week + 1))

    @property
    def windows_per_week(self) -> int:
        """Nights of a week in which the sensor is to be worn, or sessions of a week."""
        return self.nights_per_week if self.sessions is None else self.sessions.per_week

    @property
    def reference_hours(self) -> float:
        """Hours that a weekly rate refers to: 56, or the planned hours of a week's sessions."""
        if self.sessions is None:
            return NIGHTS_OF_A_WEEK * HOURS_OF_A_NIGHT
        return self.sessions.per_week * self.sessions.hours

    def treatment_period(self, week: int) -> int:
        """Return 1 or 2 for a week of the first or second treatment period, else 0."""
        if week < 0:
            return 0
        if self.crossover is None or week <= self.weeks:
            return 1
        return 2 if week > self.weeks + self.crossover.washout_weeks else 0

    def period(self, week: int) -> Period:
        """Return what a week is for."""
        if week < 0:
            return Period.RUN_IN
        return Period.TREATMENT if self.treatment_period(week) else Period.WASHOUT


def usual_display_rule(per_week: int, hours: float) -> DisplayRule:
    """Return the rule of a study that sets none: half a night, and four sevenths of the nights."""
    return DisplayRule(hours / 2, math.ceil(4 * per_week / NIGHTS_OF_A_WEEK))
