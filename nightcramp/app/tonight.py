"""What was chosen for tonight, kept on disk: page, browser and computer may end meanwhile."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING

from nightcramp.errors import InputError
from recordings import write_text
from recordings.journal import SUFFIX

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

SCHEMA = "nightcramp-tonight/2"
NAME = "tonight.json"


@dataclass(frozen=True, slots=True)
class Choice:
    """A sensor and who wears it where.

    Attributes
    ----------
    device : str
        Kind of the sensor, as ``nightcramp scan`` names it.
    address : str
        As the operating system calls the sensor.
    name : str
        That the sensor advertises.
    leg : str
        ``left`` or ``right``.
    participant : str
        Pseudonym.
    """

    device: str
    address: str
    name: str
    leg: str
    participant: str

    @property
    def sensor(self) -> str:
        """As the recorder's ``--sensor`` takes it."""
        return f"{self.device}@{self.address}"


@dataclass(frozen=True, slots=True)
class Tonight:
    """What was chosen, and the night that was begun with it.

    Attributes
    ----------
    choices : tuple of Choice
        One, or one for each leg; all of one participant.
    night : str
        Date of its evening; empty before it has begun.
    process : int
        Of the recorder; 0 before.
    begun_ns : int
        Wall clock of this computer when the recorder was started last; 0 before.
    over : bool
        Whether the night was put in order without its recorder, which was gone.
    undone : mapping of str to str
        By leg, why that could not be done of its sensor.
    """

    choices: tuple[Choice, ...]
    night: str = ""
    process: int = 0
    begun_ns: int = 0
    over: bool = False
    undone: Mapping[str, str] = field(default_factory=dict)

    @property
    def participant(self) -> str:
        """Pseudonym of who wears the sensors."""
        return self.choices[0].participant

    def journals(self, home: Path) -> dict[Choice, Path]:
        """Return the journals of the night that are there."""
        stem = f"{self.participant}_{self.night}"
        paths = {choice: home / f"{stem}_{choice.leg}{SUFFIX}" for choice in self.choices}
        return {choice: path for choice, path in paths.items() if path.is_dir()}


def read_tonight(home: Path) -> Tonight | None:
    """Return what was chosen last; None if nothing ever was.

    Raises
    ------
    InputError
        If the file is damaged.
    """
    path = home / NAME
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        # The first form of this file knew of one sensor only.
        choices = tuple(Choice(**each) for each in content.get("choices") or [content["choice"]])
        return Tonight(
            choices,
            night=str(content["night"]),
            process=int(content["process"]),
            begun_ns=int(content["begun_ns"]),
            over=bool(content["over"]),
            undone=dict(content.get("undone") or {}),
        )
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        advice = "Remove the file and choose the sensor anew; what was recorded is not touched."
        raise InputError(f"cannot be understood ({error})", file=path, advice=advice) from error


def write_tonight(home: Path, tonight: Tonight) -> None:
    """Keep what was chosen.

    Raises
    ------
    OutputError
        If it cannot be written: no space, no permission.
    """
    content = {"schema": SCHEMA, **asdict(tonight)}
    write_text(home / NAME, json.dumps(content, indent=2, ensure_ascii=False))
