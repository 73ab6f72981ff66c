"""Nights of every suite, simulated and judged, with their truth; and recordings without cramps.

Participants and seeds are those of the family no classifier was trained or tuned on. The samples
of a simulated night are not kept: its seeds make them again.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from models import load_classifier
from models.dataset import NightSpec, make_night
from models.evaluation import NIGHT_H, Origin
from models.simulator import SENSORS, SIMULATOR_VERSION
from nightcramp.analysis import detect
from nightcramp.batch import find_recordings, result_names
from nightcramp.errors import NightcrampError, OutputError, UsageError
from nightcramp.evaluation.conditions import write_conditions
from nightcramp.evaluation.trace import TRACE_ENDING, trace_of, write_trace
from nightcramp.outputs import (
    TRUTH_ENDING,
    MadeBy,
    events_text,
    json_text,
    night_summary,
    truth_text,
)
from nightcramp.processes import each
from nightcramp.results import ResultFiles
from nightcramp.simulation import night_info
from nightcramp.version import code_version
from recordings import ArrayRecording, content_hash, open_recording, write_text

if TYPE_CHECKING:
    from pathlib import Path

    from models import Classifier, TrueEvent
    from nightcramp.progress import Report
    from recordings import Recording

EVALUATION_FAMILY = 9
"""Seed family of nights that are for reporting only; training and tuning have others."""

SUITES: dict[str, int | None] = {
    "ordinary": None,
    "quiet": 10,
    "plm": 2,
    "restless_legs": 2,
    "restless_sleeper": 2,
    "toilet_trips": 2,
    "standing": 2,
    "long_holds": 2,
    "exercise": 2,
    "hum": 2,
    "lift_off": 2,
    "saturation": 2,
    "dropouts": 2,
}
"""Suites and the cramps in eight hours of each; ordinary nights bring the participant's own."""


@dataclass(frozen=True, slots=True)
class SuiteRun:
    """What is to be made and judged.

    Attributes
    ----------
    nights : int
        Of each suite.
    hours : float
    model : Path or None
        Another classifier than the shipped one.
    without_cramps : Path or None
        Folder of recordings that hold no cramp; their names begin with their source.
    suites : tuple of str
        Names from `SUITES`; all by default.
    """

    nights: int
    hours: float
    model: Path | None = None
    without_cramps: Path | None = None
    suites: tuple[str, ...] = tuple(SUITES)


@dataclass(frozen=True, slots=True)
class _Task:
    """One recording to be judged: a simulated night, or a file."""

    name: str
    origin: Origin
    source: NightSpec | Path


@dataclass(frozen=True, slots=True)
class _Material:
    """A recording with its truth."""

    recording: Recording
    truth: tuple[TrueEvent, ...] = ()


def suite_nights(nights: int, hours: float) -> list[NightSpec]:
    """Return the nights of all suites, each of another participant, sensors in turn.

    Parameters
    ----------
    nights : int
        Of each suite.
    hours : float
    """
    sensors, first = tuple(SENSORS), EVALUATION_FAMILY * 1_000_000
    specs = []
    for turn in range(nights):
        for place, (suite, cramps) in enumerate(SUITES.items()):
            number = turn * len(SUITES) + place
            specs.append(
                NightSpec(
                    participant_seed=first + number,
                    night_seed=first + 500_000 + number,
                    sensor=sensors[(turn + place) % len(sensors)],
                    suite=suite,
                    cramps=None if cramps is None else max(1, round(cramps * hours / NIGHT_H)),
                    hours=hours,
                )
            )
    return specs


def make_suites(run: SuiteRun, out: Path, *, jobs: int, progress: Report) -> list[str]:
    """Judge the nights of all suites and the recordings without cramps.

    Each leaves ``NAME_events.tsv``, ``NAME_night.json``, ``NAME_truth.tsv`` and a trace in `out`,
    which also gets the table of conditions. What stands there, made by the same model and code, is
    left.

    Parameters
    ----------
    run : SuiteRun
    out : Path
        Folder; made if it does not exist.
    jobs : int
        Processes.
    progress : callable

    Returns
    -------
    list of str
        A message for each recording that cannot be judged.

    Raises
    ------
    OutputError
        If the folder cannot be made.
    UsageError
        If there is no such suite, or the folder of recordings without cramps holds none.
    """
    unknown = [suite for suite in run.suites if suite not in SUITES]
    if unknown:
        raise UsageError(f"no suite {unknown[0]!r}: expected one of {', '.join(SUITES)}")
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"{out}: the folder cannot be made ({error.strerror})") from error
    specs = suite_nights(run.nights, run.hours)
    tasks = [_simulated(spec) for spec in specs if spec.suite in run.suites]
    tasks += _recorded(run.without_cramps)
    write_conditions(out, {task.name: task.origin for task in tasks})
    failures = []
    step = "nights judged"
    progress(step, 0, len(tasks))
    for done, failure in enumerate(each(partial(_judge, run.model, out), tasks, jobs), start=1):
        progress(step, done, len(tasks))
        if failure:
            failures.append(failure)
    return failures


def _simulated(spec: NightSpec) -> _Task:
    suite, sensor = spec.suite.replace("_", "-"), spec.sensor.replace("_", "-")
    origin = Origin(
        participant=f"sim-{spec.participant_seed}",
        suite=spec.suite,
        sensor=spec.sensor,
        simulated=True,
    )
    return _Task(f"sim-{spec.night_seed}_{suite}_{sensor}", origin, spec)


def _recorded(folder: Path | None) -> list[_Task]:
    """Return the recordings without cramps; source and participant begin their names."""
    if folder is None:
        return []
    names = result_names(find_recordings([folder]))
    return [_Task(name, _origin_of(name), file) for file, name in names.items()]


def _origin_of(name: str) -> Origin:
    parts = name.split("_")
    return Origin("_".join(parts[:2]), parts[0], simulated=False)


def _judge(model: Path | None, out: Path, task: _Task) -> str:
    """Judge a recording and write what was found; return why it could not be done, if so."""
    files = ResultFiles(out, task.name)
    trace = out / f"{task.name}{TRACE_ENDING}"
    try:
        classifier = load_classifier(model)
        made_by = _makers(task, classifier)
        if trace.is_file() and files.find_equal(made_by.analysis_id, picture=False):
            return ""
        material = _material(task)
        result = detect(material.recording, classifier)
        version, supersedes = files.make_room(made_by.analysis_id)
        write_trace(trace, trace_of(result, classifier.description.rules))
        write_text(out / f"{task.name}{TRUTH_ENDING}", truth_text(material.truth))
        write_text(files.events, events_text(result.events))
        summary = night_summary(result, material.recording.info, made_by, version, supersedes)
        write_text(files.summary, json_text(summary))
    except NightcrampError as error:
        return str(error)
    return ""


def _material(task: _Task) -> _Material:
    if isinstance(task.source, NightSpec):
        night = make_night(task.source)
        info = night_info(night, task.name)
        return _Material(ArrayRecording(info, night.emg, night.acc), night.events)
    return _Material(open_recording(task.source))


def _makers(task: _Task, classifier: Classifier) -> MadeBy:
    if isinstance(task.source, NightSpec):
        source = f"simulator {SIMULATOR_VERSION}, {task.source}"
        content = hashlib.sha256(source.encode()).hexdigest()
    else:
        source, content = task.source.name, content_hash(task.source)
    makers = f"{content}\n{classifier.sha256}\n{code_version()}"
    return MadeBy(
        analysis_id=hashlib.sha256(makers.encode()).hexdigest()[:16],
        source=source,
        source_sha256=content,
        companions={},
        code_version=code_version(),
        model_version=classifier.description.version,
        model_sha256=classifier.sha256,
        settings={},
    )
