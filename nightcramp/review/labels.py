"""Reviewed nights as labels: BIDS events to train on, and the truth to evaluate against."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from models import TrueEvent, TruthKind
from nightcramp.errors import InputError, OutputError
from nightcramp.outputs import EVENT_COLUMNS, TRUTH_ENDING, columns_text, events_text, truth_text
from nightcramp.review.corrections import Status
from nightcramp.review.nights import COUNTED_KINDS
from nightcramp.review.scoring import final_episodes
from recordings import write_text
from sensing import Event, EventKind
from trial.audit import AuditAction, append_audit

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from nightcramp.review.nights import ReviewNight

_TRUE = {
    EventKind.CRAMP: TruthKind.CRAMP,
    EventKind.LEG_MOVEMENT: TruthKind.LEG_MOVEMENT,
}
_SUBJECT = re.compile(r"(?:^|_)(sub-[A-Za-z0-9]+)(?:_|$)")
_SESSION = re.compile(r"(?:^|_)(ses-[A-Za-z0-9]+)(?:_|$)")


@dataclass(frozen=True, slots=True)
class ExportedLabels:
    """What became of an export.

    Attributes
    ----------
    files : tuple of Path
    unfinished : tuple of str
        Nights left out because nobody has finished their review.
    failures : tuple of str
        Nights that could not be exported, and why.
    """

    files: tuple[Path, ...]
    unfinished: tuple[str, ...]
    failures: tuple[str, ...]


def labelled_events(night: ReviewNight) -> tuple[Event, ...] | None:
    """Return the events of a reviewed night; None if its review is not finished.

    Cramps are those that people settled on. What was rejected is no cramp and is left out, as are
    possible cramps: each was decided. Leg movements and time that could not be judged are the
    machine's.
    """
    settled = final_episodes(night)
    if settled is None:
        return None
    cramps = [one.event for one in settled[0] if one.status is Status.CONFIRMED]
    others = [event for event in night.machine_events() if event.kind not in COUNTED_KINDS]
    movements = [
        event
        for event in others
        if event.kind is not EventKind.LEG_MOVEMENT
        or not any(
            cramp.onset_s < event.offset_s and event.onset_s < cramp.offset_s for cramp in cramps
        )
    ]
    return tuple(sorted([*cramps, *movements], key=lambda event: (event.onset_s, event.kind)))


def export_labels(nights: Iterable[ReviewNight], out: Path, *, who: str) -> ExportedLabels:
    """Write ``*_events.tsv`` of every reviewed night, laid out as a BIDS data set.

    Beside each stands ``*_truth.tsv``, which ``evaluate`` holds a detector against.

    Parameters
    ----------
    nights : iterable of ReviewNight
    out : Path
        Root of the data set: that of the recordings, or one of its own.
    who : str
        For the audit log.

    Raises
    ------
    OutputError
        If a folder or file cannot be written.
    """
    files, unfinished, failures = [], [], []
    for night in nights:
        try:
            events = labelled_events(night)
            if events is None:
                unfinished.append(night.name)
            else:
                files.append(_write(night, events, out, who))
        except InputError as error:
            failures.append(str(error))
    return ExportedLabels(tuple(files), tuple(unfinished), tuple(failures))


def _write(night: ReviewNight, events: tuple[Event, ...], out: Path, who: str) -> Path:
    folder = out / _bids_folder(night.name)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"{folder}: the folder cannot be made ({error.strerror})") from error
    file = folder / f"{night.name}_events.tsv"
    _refuse_foreign(file)
    cramps = sum(event.kind is EventKind.CRAMP for event in events)
    append_audit(
        night.audit,
        who=who,
        action=AuditAction.EXPORTED,
        subject=night.name,
        after={"labels": file.name, "cramps": cramps},
    )
    write_text(file.with_suffix(".json"), columns_text())
    write_text(folder / f"{night.name}{TRUTH_ENDING}", truth_text(_truth(events)))
    write_text(file, events_text(events))
    return file


def _refuse_foreign(file: Path) -> None:
    """Refuse to write over a recorder's own events, which a BIDS data set keeps by this name."""
    if not file.is_file():
        return
    with file.open(encoding="utf-8", errors="replace") as lines:
        columns = lines.readline().rstrip("\n").split("\t")
    if columns != list(EVENT_COLUMNS):
        raise InputError(
            "other events than labels stand here, and nothing is written over",
            file=file,
            advice="Choose another folder for the labels",
        )


def _truth(events: Iterable[Event]) -> list[TrueEvent]:
    """Return what happened, in the words that the detector is evaluated by."""
    return [
        TrueEvent(event.onset_s, event.duration_s, _TRUE[event.kind], event.intensity)
        for event in events
        if event.kind in _TRUE
    ]


def _bids_folder(name: str) -> str:
    """Return the folder of a recording in a BIDS tree; its root if its name is not of BIDS."""
    subject, session = _SUBJECT.search(name), _SESSION.search(name)
    if not subject:
        return "."
    return "/".join([subject[1], *([session[1]] if session else []), "emg"])
