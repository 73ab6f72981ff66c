"""The plan of a study: what ``study.toml`` says."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, TypeVar
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from nightcramp.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from trial.tables import Problems

__all__ = ["Blinding", "DataOrigin", "FirstTreatmentNight", "StudyPlan", "read_plan"]


T = TypeVar("T")
Word = TypeVar("Word", bound=StrEnum)


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


@dataclass(frozen=True, slots=True)
class StudyPlan:
    """What a study set out to do.

    Attributes
    ----------
    title : str
    weeks, run_in_weeks : int
        Seven nights each, after and before the first treatment night.
    zone : ZoneInfo
        Time zone in which nights run from noon to noon.
    blinding : Blinding
    estimand : str
        What is to be estimated, in the words of the protocol.
    first_treatment_night : FirstTreatmentNight
    data : DataOrigin
    """

    title: str
    weeks: int
    run_in_weeks: int
    zone: ZoneInfo
    blinding: Blinding
    estimand: str
    first_treatment_night: FirstTreatmentNight = FirstTreatmentNight.SAME
    data: DataOrigin = DataOrigin.RECORDED

    @property
    def week_numbers(self) -> tuple[int, ...]:
        """Run-in weeks counted down to −1, then treatment weeks from 1: there is no week 0."""
        return (*range(-self.run_in_weeks, 0), *range(1, self.weeks + 1))


def read_plan(file: Path, content: bytes, problems: Problems) -> StudyPlan | None:
    """Read ``study.toml``; what is wrong with it goes to `problems`, and None is returned."""
    try:
        document = tomllib.loads(content.decode("utf-8-sig"))
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        problems.add_unreadable(file, InputError(f"not a TOML file in UTF-8 ({error})"))
        return None
    keys = _Keys(file, document, problems)
    plan = StudyPlan(
        title=keys.required("title", _text, ""),
        weeks=keys.required("weeks", _weeks(low=1), 1),
        run_in_weeks=keys.required("run_in_weeks", _weeks(low=0), 0),
        zone=keys.required("time_zone", _zone, ZoneInfo("UTC")),
        blinding=keys.required("blinding", _word(Blinding), Blinding.BLINDED),
        estimand=keys.required("estimand", _text, ""),
        first_treatment_night=keys.optional(
            "first_treatment_night", _word(FirstTreatmentNight), FirstTreatmentNight.SAME
        ),
        data=keys.optional("data", _word(DataOrigin), DataOrigin.RECORDED),
    )
    keys.refuse_others()
    return plan if problems.is_readable(file) else None


@dataclass(slots=True)
class _Keys:
    """The keys of a TOML document: read one by one, each problem remembered."""

    file: Path
    document: Mapping[str, object]
    problems: Problems
    known: list[str] = field(default_factory=list)

    def required(self, key: str, parse: Callable[[object], T], placeholder: T) -> T:
        """Return the value of a key; without one, remember it and return the placeholder."""
        if key not in self.document:
            problem = InputError(f"the key {key} is missing", place=f"key {key}")
            self.problems.add_unreadable(self.file, problem)
        return self.optional(key, parse, placeholder)

    def optional(self, key: str, parse: Callable[[object], T], default: T) -> T:
        """Return the value of a key, or its default where the file does not set it."""
        self.known.append(key)
        if key not in self.document:
            return default
        try:
            return parse(self.document[key])
        except InputError as error:
            problem = InputError(error.problem, place=f"key {key}", advice=error.advice)
            self.problems.add_unreadable(self.file, problem)
            return default

    def refuse_others(self) -> None:
        """Remember keys that nothing asked for: a misspelt key must not pass for a default."""
        for key in self.document:
            if key not in self.known:
                problem = InputError(
                    f"the key {key} is not known, expected {', '.join(self.known)}",
                    place=f"key {key}",
                )
                self.problems.add_unreadable(self.file, problem)


def _text(value: object) -> str:
    if not isinstance(value, str) or not value.strip():
        raise InputError(f"found {value!r}, expected a text in quotation marks")
    return value.strip()


def _weeks(low: int) -> Callable[[object], int]:
    def parse(value: object) -> int:
        if not isinstance(value, int) or isinstance(value, bool) or not low <= value <= 520:
            raise InputError(f"found {value!r}, expected a whole number of weeks from {low} to 520")
        return value

    return parse


def _zone(value: object) -> ZoneInfo:
    name = _text(value)
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise InputError(
            f"found {name!r}, expected a time zone of the IANA list such as Europe/Vienna"
        ) from None


def _word(words: type[Word]) -> Callable[[object], Word]:
    def parse(value: object) -> Word:
        for word in words:
            if word == value:
                return word
        raise InputError(
            f"found {value!r}, expected one of {', '.join(map(repr, map(str, words)))}"
        )

    return parse
