"""The nights of a results folder, and what belongs to the review of each."""

from __future__ import annotations

import glob
import json
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

import numpy as np

from nightcramp.errors import InputError, UsageError
from nightcramp.event_tables import read_events
from nightcramp.outputs import read_night
from nightcramp.results import SUPERSEDED, ResultFiles, analysis_id_of
from nightcramp.review.corrections import Episode, Status
from nightcramp.review.logbook import Heading, Logbook, read_log
from recordings import content_hash, open_recording
from sensing import EventKind

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    import numpy.typing as npt

    from recordings import Recording
    from sensing import Event

FOLDER = "review"
"""Folder, within the results, of what people said and of what is kept for drawing."""

CORRECTIONS = "corrections.jsonl"
COUNTED_KINDS = (EventKind.CRAMP, EventKind.POSSIBLE_CRAMP)

Summary = dict[str, object]


@dataclass(frozen=True, slots=True)
class ReviewNight:
    """A night that was analysed and may be reviewed.

    Attributes
    ----------
    name : str
        What its results are named after.
    results : Path
        Folder of the results.
    audit : Path
        Folder of the audit log: the study, or the results where there is no study.
    """

    name: str
    results: Path
    audit: Path

    @property
    def folder(self) -> Path:
        """Where its review is kept."""
        return self.results / FOLDER / self.name

    def analysis_id(self) -> str:
        """Return the analysis under review: that of the first correction, else the newest.

        A later analysis does not take the ground from under what a person has said.
        """
        log = self.folder / CORRECTIONS
        if log.is_file():
            return read_log(log)[0].analysis_id
        newest = ResultFiles(self.results, self.name).summary
        analysis_id = analysis_id_of(read_night(newest))
        if analysis_id is None:
            raise InputError("made_by is not an object", file=newest)
        return analysis_id

    @property
    def is_superseded(self) -> bool:
        """Whether a later analysis than the one under review stands among the results."""
        return self.files().folder != self.results

    def summary(self) -> Summary:
        """Return the summary of the analysis under review."""
        return read_night(self.files().summary)

    def machine_events(self) -> tuple[Event, ...]:
        """Return all events of the analysis under review."""
        return read_events(self.files().events)

    def analysable_seconds(self) -> npt.NDArray[np.bool_]:
        """Return for each second of the night whether a cramp would have been seen."""
        analysable = np.ones(int(self.duration_s), dtype=np.bool_)
        for event in self.machine_events():
            if event.kind is EventKind.NOT_ANALYSABLE:
                analysable[int(event.onset_s) : math.ceil(event.offset_s)] = False
        return analysable

    def corrections(self) -> Logbook:
        """Return the corrections of the machine's episodes."""
        found = [event for event in self.machine_events() if event.kind in COUNTED_KINDS]
        base = tuple(
            Episode(f"m{number}", event, Status.AUTO, "detector")
            for number, event in enumerate(found, start=1)
        )
        return self.logbook(CORRECTIONS, base, is_final=False)

    def logbook(
        self, file: str, base: tuple[Episode, ...], *, is_final: bool, scorer: str | None = None
    ) -> Logbook:
        """Return a log of this night."""
        heading = Heading(self.name, self.analysis_id(), self.duration_s, scorer)
        return Logbook(self.folder / file, self.audit, heading, base, is_final)

    @property
    def duration_s(self) -> float:
        """Length of the night."""
        return 3600 * float(str(self.summary()["recorded_hours"]))

    def files(self) -> ResultFiles:
        """Return the files of the analysis under review, which a later one may have moved."""
        newest = ResultFiles(self.results, self.name)
        reviewed = self.analysis_id()
        if reviewed == analysis_id_of(read_night(newest.summary)):
            return newest
        return ResultFiles(self.results / SUPERSEDED / self.name / reviewed, self.name)


def find_nights(results: Path, study: Path | None = None) -> list[ReviewNight]:
    """Return the nights of a results folder, by name; none if there is no such folder."""
    ending = "_night.json"
    names = sorted(file.name.removesuffix(ending) for file in results.glob(f"*{ending}"))
    return [ReviewNight(name, results, study or results) for name in names]


def find_night(name: str, results: Path, study: Path | None = None) -> ReviewNight:
    """Return a night by its name.

    Raises
    ------
    UsageError
        If the results hold no such night.
    """
    is_name = name and not set(name) & set("/\\\0")
    if not is_name or not (results / f"{name}_night.json").is_file():
        raise UsageError(f"{results}: holds no night {name!r}")
    return ReviewNight(name, results, study or results)


def open_source(summary: Summary, folders: Iterable[Path]) -> Recording:
    """Open the recording that a summary is about, wherever it lies in some folders.

    Raises
    ------
    InputError
        If it is not found, or was changed since it was analysed.
    """
    made_by = makers(summary)
    source = str(made_by["source"])
    settings = cast("Mapping[str, list[str]]", made_by["settings"])
    searched = list(folders)
    changed = None
    for path in (path for folder in searched for path in folder.rglob(glob.escape(source))):
        if content_hash(path) == made_by["source_sha256"]:
            return open_recording(
                path, emg=settings.get("emg") or None, acc=settings.get("acc") or None
            )
        changed = path
    if changed:
        raise InputError("the recording was changed since it was analysed", file=changed)
    raise InputError(
        f"the recording {source} was not found in {', '.join(map(str, searched))}",
        advice="Put it there, or name its folder with --home",
    )


def settings_key(summary: Summary) -> str:
    """Return, as text, which channels of the recording were analysed."""
    return json.dumps(makers(summary)["settings"], sort_keys=True)


def makers(summary: Summary) -> Mapping[str, object]:
    """Return what made a result: hashes, versions, settings.

    Raises
    ------
    InputError
        If the summary does not say.
    """
    made_by = summary.get("made_by")
    if not isinstance(made_by, dict):
        raise InputError(f"made_by of {summary.get('recording')} is not an object")
    return made_by
