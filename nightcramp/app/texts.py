"""Every text of the page, from one catalogue a language.

``texts/LANGUAGE*.toml`` together are a catalogue; a key names its tables with dots. A text that
depends on a number is a table with ``one`` and ``other`` and is chosen by `count`.
"""

from __future__ import annotations

import functools
import tomllib
from collections.abc import Mapping
from importlib.resources import files
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import date

LANGUAGE = "en"


def text(key: str, /, **values: object) -> str:
    """Return a text with its values filled in.

    Parameters
    ----------
    key : str
        ``table.name``.
    **values
        What stands in braces in the text; `count` also chooses singular or plural.

    Raises
    ------
    KeyError
        If the catalogue has no such text, or the text needs a value that was not given.
    """
    return catalogue()[_form_of(key, values)].format(**values)


def day(when: date) -> str:
    """Return a date as people say it: weekday, day, month."""
    weekday, month = text(f"weekday.d{when.weekday()}"), text(f"month.m{when.month}")
    return text("page.date", weekday=weekday, day=when.day, month=month)


@functools.cache
def catalogue(language: str = LANGUAGE) -> Mapping[str, str]:
    """Return all texts by their keys.

    Raises
    ------
    ValueError
        If a key stands in two files.
    """
    texts: dict[str, str] = {}
    for file in files("nightcramp.app").joinpath("texts").iterdir():
        if file.name.startswith(language) and file.name.endswith(".toml"):
            found = _flat(tomllib.loads(file.read_text(encoding="utf-8")))
            twice = texts.keys() & found
            if twice:
                raise ValueError(f"{file}: {', '.join(sorted(twice))} stands in another file too")
            texts |= found
    return texts


def _form_of(key: str, values: Mapping[str, object]) -> str:
    if key in catalogue() or "count" not in values:
        return key
    return f"{key}.one" if values["count"] == 1 else f"{key}.other"


def _flat(table: Mapping[str, object], above: str = "") -> dict[str, str]:
    texts: dict[str, str] = {}
    for name, value in table.items():
        key = f"{above}{name}"
        if isinstance(value, Mapping):
            texts |= _flat(value, f"{key}.")
        else:
            texts[key] = str(value).strip()
    return texts
