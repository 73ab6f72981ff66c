"""One recording through the detector, and its results onto disk."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from enum import StrEnum
from functools import lru_cache
from typing import TYPE_CHECKING

from nightcramp.errors import NightcrampError
from nightcramp.outputs import MadeBy, columns_text, events_text, json_text, night_summary
from nightcramp.results import ResultFiles
from nightcramp.version import code_version
from recordings import companion_files, content_hash, open_recording, write_bytes, write_text

if TYPE_CHECKING:
    from pathlib import Path

    from models import Classifier
    from recordings import Recording, RecordingInfo
    from sensing import AccFormat, EmgFormat, NightResult

BLOCK_S = 600.0
"""Seconds read at a time: ten minutes, over which the work for each block spreads thin."""


@dataclass(frozen=True, slots=True)
class Choices:
    """What the caller chose for an analysis.

    Attributes
    ----------
    emg, acc : tuple of str
        Channels by name; empty to let the reader choose.
    model : Path or None
        Another classifier than the shipped one.
    picture : bool
        Whether to draw the night.
    """

    emg: tuple[str, ...] = ()
    acc: tuple[str, ...] = ()
    model: Path | None = None
    picture: bool = True


class Status(StrEnum):
    """What became of an input."""

    ANALYSED = "analysed"
    SKIPPED = "skipped"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one input file.

    Attributes
    ----------
    source : str
        The file as the caller named it.
    name : str
        What its results are named after.
    status : Status
    message : str
        Why it failed, or what else a person should know; empty otherwise.
    summary : dict
        The night summary; empty if it failed.
    """

    source: str
    name: str
    status: Status
    message: str = ""
    summary: dict[str, object] = field(default_factory=dict)


def detect(recording: Recording, classifier: Classifier) -> NightResult:
    """Find the cramps of a recording.

    Parameters
    ----------
    recording : Recording
        A file opened with ``open_recording``, or arrays in an ``ArrayRecording``.
    classifier : Classifier

    Returns
    -------
    NightResult
        Events of all kinds and the night at one value a second.
    """
    from models import Detector

    info = recording.info
    detector = Detector(classifier, emg_format(info), acc_format(info))
    for block in recording.blocks(BLOCK_S):
        detector.push(block.emg, block.acc)
    return detector.finish()


def emg_format(info: RecordingInfo) -> EmgFormat:
    """Return what the signal stage must know of a recording's EMG."""
    from sensing import EmgFormat

    channels = info.emg.channels
    return EmgFormat(
        labels=tuple(channel.label for channel in channels),
        rate_hz=info.emg.rate_hz,
        scaled=info.emg.scaled,
        resolution=tuple(channel.resolution for channel in channels),
        limits=tuple(channel.limits for channel in channels),
    )


def acc_format(info: RecordingInfo) -> AccFormat | None:
    """Return what the signal stage must know of a recording's acceleration."""
    from sensing import AccFormat

    return AccFormat(info.acc.rate_hz, scaled=info.acc.scaled) if info.acc else None


def analyse_file(source: Path, name: str, out: Path, choices: Choices) -> Outcome:
    """Analyse one file and write its results; never raises for a bad input.

    Results of the same input, model, settings and code are left as they are. Results of others
    are moved aside, never overwritten.

    Parameters
    ----------
    source : Path
    name : str
        What the results are named after.
    out : Path
        Existing folder for the results.
    choices : Choices
    """
    files = ResultFiles(out, name)
    try:
        classifier = _classifier(choices.model)
        made_by = _makers(source, classifier, choices)
        done = files.find_equal(made_by.analysis_id, picture=choices.picture)
        if done:
            return Outcome(str(source), name, Status.SKIPPED, summary=done)
        recording = open_recording(source, emg=choices.emg or None, acc=choices.acc or None)
        result = detect(recording, classifier)
        start = recording.info.start
        displaced = files.other_night(
            made_by.source_sha256, None if start is None else start.isoformat()
        )
        version, supersedes = files.make_room(made_by.analysis_id)
        if choices.picture:
            _draw(files, recording, result, made_by, classifier)
        write_text(out / "events.json", columns_text())
        write_text(files.events, events_text(result.events))
        summary = night_summary(result, recording.info, made_by, version, supersedes)
        write_text(files.summary, json_text(summary))
    except NightcrampError as error:
        return Outcome(str(source), name, Status.FAILED, message=str(error))
    return Outcome(str(source), name, Status.ANALYSED, displaced, summary)


@lru_cache(maxsize=1)
def _classifier(model: Path | None) -> Classifier:
    """Load the classifier once for all recordings a process analyses."""
    from models import load_classifier

    return load_classifier(model)


def _makers(source: Path, classifier: Classifier, choices: Choices) -> MadeBy:
    settings = {"emg": choices.emg, "acc": choices.acc}
    source_sha256 = content_hash(source)
    companions = {path.name: content_hash(path) for path in companion_files(source)}
    makers = [source_sha256, classifier.sha256, code_version(), json.dumps([settings, companions])]
    return MadeBy(
        analysis_id=hashlib.sha256("\n".join(makers).encode()).hexdigest()[:16],
        source=source.name,
        source_sha256=source_sha256,
        companions=companions,
        code_version=code_version(),
        model_version=classifier.description.version,
        model_sha256=classifier.sha256,
        settings=settings,
    )


def _draw(
    files: ResultFiles,
    recording: Recording,
    result: NightResult,
    made_by: MadeBy,
    classifier: Classifier,
) -> None:
    from nightcramp.picture import draw_night, render_png, render_svg

    figure = draw_night(
        result,
        recording,
        scores_threshold=classifier.description.rules.on,
        makers=(
            f"analysis {made_by.analysis_id} · model {made_by.model_version} "
            f"({made_by.model_sha256[:12]}) · nightcramp {made_by.code_version}"
        ),
    )
    svg, png = files.pictures
    write_text(svg, render_svg(figure))
    write_bytes(png, render_png(figure))
