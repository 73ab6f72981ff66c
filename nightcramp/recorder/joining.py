"""A sensor for the other leg while the night runs: a file asks for it, the recorder answers.

``join.json`` in the recorder's folder names the sensor. The recorder looks for it once a second; it
removes the file once it records the sensor too, and writes into it why if it cannot.
"""

from __future__ import annotations

import contextlib
import json
import logging
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING

from nightcramp.errors import InputError, NightcrampError
from recordings import write_text

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

log = logging.getLogger(__name__)

NAME = "join.json"


@dataclass(frozen=True, slots=True)
class Asked:
    """A sensor that is to be recorded too.

    Attributes
    ----------
    sensor, leg : str
        As the recorder's ``--sensor`` and ``--leg`` take them.
    refused : str
        The recorder's answer, if it cannot.
    """

    sensor: str
    leg: str
    refused: str = ""


def read_asked(folder: Path) -> Asked | None:
    """Return what is asked of the recorder of a folder; None if nothing is.

    Raises
    ------
    InputError
        If the file cannot be understood.
    """
    path = folder / NAME
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        return Asked(*(str(content[name]) for name in Asked.__slots__))
    except FileNotFoundError:
        return None
    except (OSError, ValueError, LookupError, TypeError) as error:
        advice = 'Write {"sensor": "DEVICE@ADDRESS", "leg": "right", "refused": ""}'
        raise InputError(f"cannot be understood ({error})", file=path, advice=advice) from error


def write_asked(folder: Path, asked: Asked) -> None:
    """Ask the recorder of a folder, or answer; raises `OutputError` if that cannot be written."""
    write_text(folder / NAME, json.dumps(asdict(asked), ensure_ascii=False))


def remove_asked(folder: Path) -> None:
    """Ask for nothing any more."""
    (folder / NAME).unlink(missing_ok=True)


def answer_asked(folder: Path, take_in: Callable[[Asked], None]) -> str:
    """Have a sensor taken in that is asked for; never raises, so that the others go on.

    Returns
    -------
    str
        Why it was not taken in; empty if it was, or nothing is asked.
    """
    asked: Asked | None = None
    try:
        asked = read_asked(folder)
        if asked is None or asked.refused:
            return ""
        take_in(asked)
        remove_asked(folder)
    except Exception as error:
        if not isinstance(error, NightcrampError):
            log.exception("the sensor could not be added")
        why = str(error) or repr(error)
        _refuse(folder, asked, why)
        return why
    return ""


def _refuse(folder: Path, asked: Asked | None, why: str) -> None:
    """Write why not; where that is not possible, ask for nothing any more."""
    with contextlib.suppress(OSError):
        try:
            if asked is not None:
                write_asked(folder, replace(asked, refused=why))
                return
        except NightcrampError as error:
            log.warning("%s", error)
        remove_asked(folder)
