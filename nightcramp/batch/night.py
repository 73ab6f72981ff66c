"""The work on one recording, wherever it is done: fetch, analyse, bring the results home."""

from __future__ import annotations

import contextlib
import os
import platform
import re
import shutil
import tempfile
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from nightcramp.analysis import Choices, Outcome, Status, analyse_file
from nightcramp.batch.storage import exists, fetch, is_remote, join, list_remote, publish, remove
from nightcramp.errors import NightcrampError, RecordingError
from nightcramp.results import SUPERSEDED, ResultFiles
from nightcramp.version import code_version
from recordings import companion_files, content_hash, process_is_alive

if TYPE_CHECKING:
    from collections.abc import Iterator

_SCRATCH = re.compile(r"nightcramp-(?P<host>[^-]+)-(?P<process>\d+)-")


@dataclass(frozen=True, slots=True)
class Task:
    """One recording to be analysed.

    Attributes
    ----------
    source : str
        Path or URL of the recording.
    name : str
        What its results are named after.
    out : str
        Path or URL of the folder for the results.
    choices : Choices
    code_version : str
        Code of the run: a worker with other code must not mix its results in.
    """

    source: str
    name: str
    out: str
    choices: Choices
    code_version: str


@dataclass(frozen=True, slots=True)
class Done:
    """What became of a task, and how.

    Attributes
    ----------
    outcome : Outcome
    source_sha256 : str or None
        Hash of the input, where it could be read.
    seconds : float
        Time it took on its worker.
    worker : str
        Computer and process that did it.
    tries : int
        How often it was begun; more than 1 where a worker was lost.
    """

    outcome: Outcome
    source_sha256: str | None = None
    seconds: float = 0.0
    worker: str = ""
    tries: int = 1


def run_task(task: Task) -> Done:
    """Analyse one recording; never raises for a bad input."""
    begun = time.perf_counter()
    try:
        _refuse_other_code(task)
        outcome, digest = _run(task)
    except NightcrampError as error:
        outcome, digest = failed(task, str(error)), None
    worker = f"{platform.node()}:{os.getpid()}"
    return Done(outcome, digest, time.perf_counter() - begun, worker)


def failed(task: Task, message: str) -> Outcome:
    """Return the outcome of a task that failed."""
    return Outcome(task.source, task.name, Status.FAILED, message=message)


def _refuse_other_code(task: Task) -> None:
    if task.code_version != code_version():
        raise NightcrampError(
            f"{task.source}: the worker on {platform.node()} runs nightcramp {code_version()}, the "
            f"run was started with {task.code_version}. Install the same release everywhere"
        )


def _run(task: Task) -> tuple[Outcome, str | None]:
    with contextlib.ExitStack() as stack:
        source, out = Path(task.source), Path(task.out)
        if is_remote(task.source):
            source = _fetch_recording(task.source, stack.enter_context(_scratch_folder()))
        if is_remote(task.out):
            out = stack.enter_context(_scratch_folder())
            standing = _fetch_results(task, out)
        outcome = analyse_file(source, task.name, out, task.choices)
        if is_remote(task.out) and outcome.status is Status.ANALYSED:
            _bring_home(task, out, standing)
        return _as_named(outcome, task, source), _digest(outcome, source)


def _as_named(outcome: Outcome, task: Task, source: Path) -> Outcome:
    """Return an outcome that speaks of the recording by the name the caller gave it."""
    message = outcome.message.replace(str(source), task.source)
    return replace(outcome, source=task.source, message=message)


def _digest(outcome: Outcome, source: Path) -> str | None:
    makers = outcome.summary.get("made_by")
    if isinstance(makers, dict):
        return str(makers["source_sha256"])
    try:
        return content_hash(source)
    except RecordingError:
        return None


def _fetch_recording(url: str, folder: Path) -> Path:
    """Fetch a recording with the files beside it that have a say in how it is read."""
    local = fetch(url, folder)
    parent = url.rpartition("/")[0]
    for name, is_folder in list_remote(parent).items():
        if not is_folder and name != local.name:
            (folder / name).touch()  # by its name alone the reader tells whether it wants it
    for companion in companion_files(local):
        fetch(join(parent, companion.name), folder)
    return local


def _fetch_results(task: Task, out: Path) -> list[Path]:
    """Make a local image of what stands of a recording's results; return the files fetched."""
    files = ResultFiles(out, task.name)
    urls = [join(task.out, path.name) for path in (files.summary, files.events, *files.pictures)]
    standing = [fetch(url, out) for url in urls if exists(url)]
    for version, is_folder in list_remote(join(task.out, SUPERSEDED, task.name)).items():
        if is_folder:
            (out / SUPERSEDED / task.name / version).mkdir(parents=True)
    return standing


def _bring_home(task: Task, out: Path, standing: list[Path]) -> None:
    """Copy results to the remote folder: first what was set aside, the night summary last."""
    aside = sorted(path for path in (out / SUPERSEDED).rglob("*") if path.is_file())
    publish(aside, out, task.out)
    remove(task.out, [path.name for path in standing if not path.exists()])
    summary = ResultFiles(out, task.name).summary
    fresh = sorted(path for path in out.iterdir() if path.is_file() and path != summary)
    publish([*fresh, summary], out, task.out)


@contextlib.contextmanager
def _scratch_folder() -> Iterator[Path]:
    """Yield a local folder that is gone afterwards; those of killed processes go as well."""
    host = re.sub(r"\W", "", platform.node())
    for left in Path(tempfile.gettempdir()).glob(f"nightcramp-{host}-*"):
        mark = _SCRATCH.match(left.name)
        if mark and not process_is_alive(int(mark["process"])):
            shutil.rmtree(left, ignore_errors=True)
    with tempfile.TemporaryDirectory(prefix=f"nightcramp-{host}-{os.getpid()}-") as folder:
        yield Path(folder)
