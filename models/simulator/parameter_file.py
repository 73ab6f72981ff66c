"""Reads ``parameters.toml`` into types, and refuses what does not fit them."""

from __future__ import annotations

import tomllib
from dataclasses import fields
from functools import cache
from importlib import resources
from typing import TypeVar, cast, get_type_hints

from models.simulator.distributions import Uniform
from models.simulator.parameters import Parameters, Suite
from nightcramp.errors import InputError

__all__ = ["default_parameters", "read_parameters"]

_FILE = "parameters.toml"
_T = TypeVar("_T")
_Value = object


@cache
def default_parameters() -> Parameters:
    """Return the numbers of the packaged ``parameters.toml``."""
    return read_parameters(resources.files("models.simulator").joinpath(_FILE).read_text("utf-8"))


def read_parameters(text: str) -> Parameters:
    """Read the numbers from the text of a parameter file.

    Raises
    ------
    InputError
        The text is not TOML, or a value is missing, unknown or of the wrong form.
    """
    try:
        tables = tomllib.loads(text)
    except tomllib.TOMLDecodeError as fault:
        raise InputError(f"not valid TOML: {fault}", file=_FILE) from fault
    suites = tables.pop("suites", {})
    sections = {name: value for name, value in tables.items() if name != "suites"}
    sections["suites"] = {
        name: _read(Suite, table, f"suites.{name}") for name, table in suites.items()
    }
    return _read(Parameters, sections, "")


def _read(kind: type[_T], table: _Value, place: str) -> _T:
    """Fill a dataclass from a table; both must have exactly the same names."""
    if not isinstance(table, dict):
        raise InputError("expected a table", file=_FILE, place=place)
    hints = get_type_hints(kind, localns={"Mapping": dict})
    names = {field.name for field in fields(kind)}  # type: ignore[arg-type]
    if odd := names.symmetric_difference(table):
        raise InputError(
            f"missing or unknown: {', '.join(sorted(odd))}", file=_FILE, place=place or None
        )
    return kind(**{name: _value(hints[name], table[name], f"{place}.{name}") for name in names})


def _value(kind: object, value: _Value, place: str) -> object:
    """Turn one TOML value into the type its field asks for."""
    if kind is Uniform and isinstance(value, list) and len(value) == 2:
        return Uniform(float(value[0]), float(value[1]))
    if kind == tuple[float, ...] and isinstance(value, list):
        return tuple(float(item) for item in value)
    if kind is float and isinstance(value, int | float):
        return float(value)
    if isinstance(value, dict):
        return (
            value
            if getattr(kind, "__origin__", None) is dict
            else _read(cast("type[object]", kind), value, place)
        )
    if kind in {str, bool} and isinstance(value, cast("type", kind)):
        return value
    raise InputError(f"unexpected value {value!r}", file=_FILE, place=place)
