"""Values of a TOML document: read one by one, every problem remembered with its key."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeVar
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from nightcramp.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from enum import StrEnum
    from pathlib import Path

    from trial.tables import Problems

__all__ = ["Keys", "decimal", "flag", "text", "whole", "word", "zone"]

T = TypeVar("T")
Word = TypeVar("Word", bound="StrEnum")


@dataclass(slots=True)
class Keys:
    """The keys of a TOML document or of a table in it.

    Attributes
    ----------
    file : Path
        Named in the problems.
    document : mapping
    problems : Problems
        Collects what is wrong.
    place : str
        What the keys of a table are called after, such as ``sessions.``.
    """

    file: Path
    document: Mapping[str, object]
    problems: Problems
    place: str = ""
    _known: list[str] = field(default_factory=list)

    def __contains__(self, key: str) -> bool:
        self._known.append(key)
        return key in self.document

    def required(self, key: str, parse: Callable[[object], T], placeholder: T) -> T:
        """Return the value of a key; without one, remember it and return the placeholder."""
        if key not in self.document:
            self.refuse(key, InputError(f"the key {key} is missing"))
        return self.optional(key, parse, placeholder)

    def optional(self, key: str, parse: Callable[[object], T], default: T) -> T:
        """Return the value of a key, or its default where the file does not set it."""
        if key not in self:
            return default
        try:
            return parse(self.document[key])
        except InputError as error:
            self.refuse(key, error)
            return default

    def table(self, key: str) -> Keys | None:
        """Return the keys of a table, or None where the file does not hold it."""
        if key not in self:
            return None
        value = self.document[key]
        if isinstance(value, dict):
            return Keys(self.file, value, self.problems, f"{self.place}{key}.")
        self.refuse(key, InputError(f"found {value!r}, expected a table [{self.place}{key}]"))
        return None

    def tables(self, key: str) -> list[Keys]:
        """Return the keys of each table of a list of tables."""
        if key not in self:
            return []
        value = self.document[key]
        if isinstance(value, list) and all(isinstance(item, dict) for item in value):
            return [
                Keys(self.file, item, self.problems, f"{self.place}{key}[{number}].")
                for number, item in enumerate(value, start=1)
            ]
        name = f"[[{self.place}{key}]]"
        self.refuse(key, InputError(f"found {value!r}, expected tables {name}"))
        return []

    def refuse(self, key: str, problem: InputError) -> None:
        """Remember a problem with a key."""
        place = f"key {self.place}{key}"
        error = InputError(problem.problem, place=place, advice=problem.advice)
        self.problems.add_unreadable(self.file, error)

    def refuse_others(self) -> None:
        """Remember keys that nothing asked for: a misspelt key must not pass for a default."""
        expected = ", ".join(dict.fromkeys(self._known))
        for key in self.document:
            if key not in self._known:
                self.refuse(key, InputError(f"the key {key} is not known, expected {expected}"))


def text(value: object) -> str:
    """Return a text without blanks around it."""
    if not isinstance(value, str) or not value.strip():
        raise InputError(f"found {value!r}, expected a text in quotation marks")
    return value.strip()


def flag(value: object) -> bool:
    """Return true or false."""
    if not isinstance(value, bool):
        raise InputError(f"found {value!r}, expected true or false")
    return value


def whole(low: int, high: int, unit: str) -> Callable[[object], int]:
    """Return a parser of whole numbers from `low` to `high`, both included."""

    def parse(value: object) -> int:
        if not isinstance(value, int) or isinstance(value, bool) or not low <= value <= high:
            raise InputError(
                f"found {value!r}, expected a whole number of {unit} from {low} to {high}"
            )
        return value

    return parse


def decimal(high: float, unit: str) -> Callable[[object], float]:
    """Return a parser of numbers above 0 and up to `high`."""

    def parse(value: object) -> float:
        if not isinstance(value, int | float) or isinstance(value, bool) or not 0 < value <= high:
            raise InputError(f"found {value!r}, expected {unit} above 0 and up to {high:g}")
        return float(value)

    return parse


def word(words: type[Word]) -> Callable[[object], Word]:
    """Return a parser of the words of an enumeration."""

    def parse(value: object) -> Word:
        for known in words:
            if known == value:
                return known
        raise InputError(
            f"found {value!r}, expected one of {', '.join(map(repr, map(str, words)))}"
        )

    return parse


def zone(value: object) -> ZoneInfo:
    """Return a time zone of the IANA list."""
    name = text(value)
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise InputError(
            f"found {name!r}, expected a time zone of the IANA list such as Europe/Vienna"
        ) from None
