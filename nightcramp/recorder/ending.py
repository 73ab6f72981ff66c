"""The end of a night: from sealed journals to files, episodes, summary and picture.

Whatever fails here, the journals are safe, and the same can be done again by hand.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING

from nightcramp.analysis import Choices, Status, analyse_file
from nightcramp.batch import result_names
from nightcramp.errors import NightcrampError, RecordingError
from nightcramp.recorder.messages import Message
from recordings.journal import open_journal

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from nightcramp.analysis import Outcome
    from nightcramp.recorder.plan import NightPlan, SensorPlan

log = logging.getLogger(__name__)

TREE, RESULTS = "bids", "results"
"""Folders, beside the journals, of the finished recordings and of what was found in them."""

_ACC_ONLY = "recording-acc"


@dataclass(frozen=True, slots=True)
class Ending:
    """What became of one recording.

    Attributes
    ----------
    journal : Path
    files : tuple of Path
        Finished recordings; of each run the EMG first.
    outcomes : tuple of Outcome
        What the analysis of each EMG file came to.
    error : str
        Why there is nothing, or not all; empty if there is.
    """

    journal: Path
    files: tuple[Path, ...] = ()
    outcomes: tuple[Outcome, ...] = ()
    error: str = ""

    @property
    def failed(self) -> bool:
        """Whether something is left to be done by a person."""
        return bool(self.error)

    def message(self, wall_ns: int) -> Message:
        """Say what became of it."""
        fields: dict[str, object] = {
            "journal": str(self.journal),
            "files": [str(file) for file in self.files],
            "nights": [outcome.summary for outcome in self.outcomes],
            "error": self.error or None,
        }
        return Message("night", wall_ns, self._text(), fields)

    def _text(self) -> str:
        lines = [f"{self.journal.name}: the journal is closed."]
        judged = (each for each in self.outcomes if each.status is not Status.FAILED)
        lines += (f"  {_night_sentence(outcome.summary)}" for outcome in judged)
        lines += [f"  {self.error}"] if self.error else []
        return "\n".join(lines)


def finish_night(plan: NightPlan, tell: Callable[[str], None]) -> list[Ending]:
    """Turn the journals of a night into files and results; never raises.

    Ctrl-C leaves the sensor out whose file is being made.

    Parameters
    ----------
    plan : NightPlan
    tell : callable
        Called with what is being done.
    """
    companions = {sensor.companion_of: sensor.journal for sensor in plan.sensors}
    endings = []
    for place, sensor in enumerate(plan.sensors):
        if sensor.companion_of is None:
            tell(f"{sensor.journal.name}: making the file and looking for cramps …")
            try:
                endings.append(_finish(plan, sensor, companions.get(place)))
            except KeyboardInterrupt:  # the same command again would go on recording
                error = _redo("Interrupted", sensor.journal, "convert")
                endings.append(Ending(sensor.journal, error=error))
    return endings


def _finish(plan: NightPlan, sensor: SensorPlan, companion: Path | None) -> Ending:
    journal = sensor.journal
    try:
        if open_journal(journal).encrypted:
            text = "It is encrypted: the site makes the file with its private key, by"
            return Ending(journal, error=f"{text} 'nightcramp convert {journal} --key KEY'.")
        files = _convert(journal, companion, plan.folder / TREE)
    except RecordingError as error:  # again would come to the same
        return Ending(journal, error=f"{str(error).rstrip('.')}. The journal stays as it is.")
    except NightcrampError as error:
        return Ending(journal, error=_redo(str(error), journal, "convert"))
    except Exception as error:
        log.exception("the journal could not be made a file")
        text = f"The file was not made, by an error of the program ({error!r})"
        return Ending(journal, error=_redo(text, journal, "convert"))
    return _judge(journal, files, plan.folder / RESULTS)


def _convert(journal: Path, companion: Path | None, root: Path) -> tuple[Path, ...]:
    from recordings import journal_to_bids, read_journal

    return tuple(journal_to_bids(read_journal(journal, companion=companion), root))


def _judge(journal: Path, files: tuple[Path, ...], results: Path) -> Ending:
    with_emg = [file for file in files if _ACC_ONLY not in file.name]
    try:
        results.mkdir(parents=True, exist_ok=True)
        names = result_names(with_emg).items()
        outcomes = tuple(analyse_file(file, name, results, Choices()) for file, name in names)
    except OSError as error:
        text = f"{results}: the folder cannot be made ({error.strerror})"
        return Ending(journal, files, error=_redo(text, files[0], "analyze"))
    except Exception as error:
        log.exception("the recording could not be judged")
        text = f"It was not judged, by an error of the program ({error!r})"
        return Ending(journal, files, error=_redo(text, files[0], "analyze"))
    bad = [outcome for outcome in outcomes if outcome.status is Status.FAILED]
    error_text = _redo(bad[0].message, files[0], "analyze") if bad else ""
    return Ending(journal, files, outcomes, error_text)


def _redo(problem: str, path: Path, command: str) -> str:
    return (
        f"{problem.rstrip('.')}. The journal is safe. To do it again: nightcramp {command} {path}"
    )


def _night_sentence(summary: dict[str, object]) -> str:
    hours, good = (float(str(summary[key])) for key in ("recorded_hours", "analysable_hours"))
    return (
        f"{summary['recording']}: recorded {hours:.2f} h, analysable {good:.2f} h, cramps "
        f"{summary['cramps']}, possible cramps {summary['possible_cramps']}."
    )
