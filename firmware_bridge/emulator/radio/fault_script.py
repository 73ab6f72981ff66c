"""Fault scripts: what goes wrong in an emulated night, and when, as TOML.

>>> script = parse_faults('''
... seed = 3                    # of the chances within the faults; optional
... [[fault]]
... at_s = 600                  # seconds after the sensor was switched on
... kind = "fade"
... seconds = 4
... [[fault]]
... at_s = 60
... every_s = 1800              # again and again; optional
... kind = "lost_notifications"
... seconds = 30
... share = 0.02
... ''')
>>> [fault.kind for fault in script.faults]
['fade', 'lost_notifications']
"""

from __future__ import annotations

import math
import re
import tomllib
from dataclasses import dataclass
from itertools import islice
from types import MappingProxyType
from typing import TYPE_CHECKING

from nightcramp.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping
    from pathlib import Path

_HEAD = re.compile(r"\s*\[\[\s*fault\s*\]\]")


@dataclass(frozen=True, slots=True)
class Number:
    """A number of a fault: what it is if not said, and its limits."""

    default: float
    low: float = 0.0
    high: float = math.inf


RADIO_FAULTS: Mapping[str, Mapping[str, Number]] = MappingProxyType(
    {
        # Connection events fail; all of them for longer than the supervision time-out: link lost.
        "fade": {"seconds": Number(5.0), "loss": Number(1.0, 0.0, 1.0)},
        "link_loss": {"seconds": Number(30.0)},
        # The receiving host stalls, then delivers all at once; the link does not notice.
        "latency": {"seconds": Number(0.27)},
        "disconnect": {},
        "zombie": {"seconds": Number(30.0)},
        "duplicates": {"seconds": Number(60.0), "share": Number(0.1, 0.0, 1.0)},
        "wrong_lengths": {"seconds": Number(60.0), "share": Number(0.05, 0.0, 1.0)},
        "lost_notifications": {"seconds": Number(60.0), "share": Number(0.05, 0.0, 1.0)},
        "reboot": {"seconds": Number(3.0)},
        # For ever if not said for how long.
        "battery_out": {"seconds": Number(math.inf)},
        "address_change": {"seconds": Number(3.0)},
        "adapter_off": {"seconds": Number(10.0)},
    }
)
"""Faults that every sensor can have, each with its numbers."""


@dataclass(frozen=True, slots=True)
class Fault:
    """One entry of a fault script.

    Attributes
    ----------
    kind : str
        One of `RADIO_FAULTS`, or one that the sensor knows.
    at_s : float
        True seconds after the sensor was switched on.
    every_s : float or None
        Again and again after so many seconds.
    numbers : mapping of str to float
    place : str
        Where it stands, for messages.
    """

    kind: str
    at_s: float
    every_s: float | None
    numbers: Mapping[str, float]
    place: str


@dataclass(frozen=True, slots=True)
class FaultScript:
    """What goes wrong in a night; `seed` decides the chances within the faults."""

    faults: tuple[Fault, ...] = ()
    seed: int = 1


def read_faults(path: Path, sensor_kinds: Collection[str] = ()) -> FaultScript:
    """Read a fault script.

    Parameters
    ----------
    path : Path
    sensor_kinds : collection of str
        Kinds that the sensor itself knows, beside `RADIO_FAULTS`.

    Raises
    ------
    InputError
        Names file, line and entry, what was found and what was expected.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise InputError(f"cannot be read ({error.strerror})", file=path) from error
    except UnicodeDecodeError as error:
        raise InputError("is not UTF-8 text", file=path) from error
    return parse_faults(text, sensor_kinds, file=path)


def parse_faults(
    text: str, sensor_kinds: Collection[str] = (), *, file: Path | str = "fault script"
) -> FaultScript:
    """Understand a fault script; see `read_faults`."""
    try:
        table = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise InputError(f"is not TOML: {error}", file=file) from error
    reader = _Reader(file, sensor_kinds)
    seed, entries = table.pop("seed", 1), table.pop("fault", [])
    if table:
        raise reader.error("", f"unknown key {_names(table)}: expected 'seed' and [[fault]]")
    if not isinstance(seed, int) or isinstance(seed, bool):
        raise reader.error("", f"seed is {seed!r}: expected a whole number")
    if not isinstance(entries, list):
        raise reader.error("", "'fault' is no list: write [[fault]] above each entry")
    return FaultScript(
        tuple(reader.fault(entry, _place(text, at)) for at, entry in enumerate(entries)), seed
    )


class _Reader:
    """Turns entries of one file into faults."""

    def __init__(self, file: Path | str, sensor_kinds: Collection[str]) -> None:
        self._file = file
        self._sensor_kinds = sensor_kinds

    def error(self, place: str, problem: str) -> InputError:
        return InputError(problem, file=self._file, place=place or None)

    def fault(self, entry: object, place: str) -> Fault:
        if not isinstance(entry, dict):
            raise self.error(place, "is no table: write [[fault]] above each entry")
        given = dict(entry)
        kind = self._kind(given.pop("kind", None), place)
        at_s = self._number("at_s", given.pop("at_s", None), Number(0.0), place)
        every_s = given.pop("every_s", None)
        if every_s is not None:
            every_s = self._number("every_s", every_s, Number(0.0, low=0.001), place)
        return Fault(kind, at_s, every_s, self._numbers(kind, given, place), place)

    def _kind(self, kind: object, place: str) -> str:
        if isinstance(kind, str) and (kind in RADIO_FAULTS or kind in self._sensor_kinds):
            return kind
        found = "kind is missing" if kind is None else f"unknown kind {kind!r}"
        raise self.error(place, f"{found}: expected {_names({*RADIO_FAULTS, *self._sensor_kinds})}")

    def _numbers(self, kind: str, given: dict[str, object], place: str) -> dict[str, float]:
        limits = RADIO_FAULTS.get(kind)
        if limits is None:  # the sensor knows which it takes
            return {
                name: self._number(name, value, Number(0.0, low=-math.inf), place)
                for name, value in given.items()
            }
        if unknown := given.keys() - limits.keys():
            expected = _names(limits) if limits else "none"
            raise self.error(place, f"{kind} has no {_names(unknown)}: expected {expected}")
        return {
            name: self._number(name, given.get(name, limit.default), limit, place)
            for name, limit in limits.items()
        }

    def _number(self, name: str, value: object, limit: Number, place: str) -> float:
        if value is None:
            raise self.error(place, f"{name} is missing: expected a number")
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise self.error(place, f"{name} is {value!r}: expected a number")
        if not limit.low <= value <= limit.high:
            raise self.error(place, f"{name} is {value}: expected {limit.low:g} to {limit.high:g}")
        return float(value)


def _place(text: str, at: int) -> str:
    """Line and number of an entry."""
    heads = (n for n, line in enumerate(text.splitlines(), start=1) if _HEAD.match(line))
    line = next(islice(heads, at, None), None)
    return f"fault {at + 1}" if line is None else f"line {line} (fault {at + 1})"


def _names(names: Collection[str]) -> str:
    return ", ".join(repr(name) for name in sorted(names))
