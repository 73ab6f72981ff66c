"""What can go wrong, by what the caller can do about it.

``NightcrampError``
├── ``InputError``        a file or a table is at fault: correct it, go on with the others
│   ├── ``RecordingError``    this recording cannot be read or judged
│   └── ``TableError``        rows of a study table break its rules; every bad row is named
├── ``UsageError``        the command or call was wrong: nothing was tried
├── ``ModelError``        the classifier file cannot be used: reinstall or train again
├── ``OutputError``       the result could not be written: free space, change the folder
├── ``BusyError``         another program holds it: wait for it or end it
└── ``SensorError``       the sensor or this computer's Bluetooth: do what the text says, try again

The module imports nothing of the project, so that every package can raise these.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

__all__ = [
    "BusyError",
    "InputError",
    "ModelError",
    "NightcrampError",
    "OutputError",
    "RecordingError",
    "SensorError",
    "TableError",
    "UsageError",
]


class NightcrampError(Exception):
    """Base of every error that nightcramp raises on purpose; its text is meant for people."""


class UsageError(NightcrampError):
    """The command or call was wrong; nothing was tried."""


class ModelError(NightcrampError):
    """The classifier file cannot be used."""


class OutputError(NightcrampError):
    """A result could not be written; what stood there before still stands."""


class BusyError(NightcrampError):
    """Another program holds what is needed; the text says which."""


class SensorError(NightcrampError):
    """The sensor or this computer's Bluetooth cannot be used as things stand."""


class InputError(NightcrampError):
    """Something given to us is at fault.

    Parameters
    ----------
    problem : str
        What is wrong, and what was expected.
    file : Path or str, optional
        The file at fault.
    place : str, optional
        Where in the file: line and column, record number, channel.
    advice : str, optional
        What the reader can do.
    """

    def __init__(
        self,
        problem: str,
        *,
        file: Path | str | None = None,
        place: str | None = None,
        advice: str | None = None,
    ) -> None:
        self.problem = problem
        self.file = file
        self.place = place
        self.advice = advice
        where = ": ".join(str(part) for part in (file, place) if part is not None)
        text = f"{where}: {problem}" if where else problem
        super().__init__(f"{text.rstrip('.')}. {advice}" if advice else text)


class RecordingError(InputError):
    """A recording that cannot be read or judged; others can."""


class TableError(InputError):
    """Rows of a study's tables break the rules.

    Parameters
    ----------
    problems : sequence of InputError
        One for each bad row, in the order of the files.
    """

    def __init__(self, problems: Sequence[InputError]) -> None:
        self.problems = tuple(problems)
        noun = "problem" if len(self.problems) == 1 else "problems"
        lines = "\n".join(f"  {problem}" for problem in self.problems)
        super().__init__(f"{len(self.problems)} {noun} in the study's tables\n{lines}")
