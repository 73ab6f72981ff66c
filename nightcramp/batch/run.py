"""A run over many recordings: each is begun, tried again if its worker dies, and accounted for."""

from __future__ import annotations

import contextlib
import logging
import tempfile
from collections import deque
from concurrent.futures import FIRST_COMPLETED, BrokenExecutor, Future, wait
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from nightcramp.batch.inputs import Source, result_names
from nightcramp.batch.manifest import RUNS, ManifestWriter
from nightcramp.batch.night import Done, Task, failed, run_task
from nightcramp.batch.storage import is_remote, publish
from nightcramp.batch.workers import Workers, open_workers
from nightcramp.errors import OutputError
from nightcramp.version import code_version
from recordings import remove_leftovers

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from nightcramp.analysis import Choices, Outcome

log = logging.getLogger(__name__)

MOST_TRIES = 3
"""A night whose worker was lost is begun again twice: a worker may die for its neighbours' sake."""

LOOKED_EVERY_S = 1.0
"""Seconds after which the number of workers is asked for again while none has anything to tell."""


def analyse_files(
    sources: Sequence[Source],
    out: Source,
    choices: Choices,
    *,
    jobs: int,
    scheduler: str | None = None,
) -> Iterator[Outcome]:
    """Analyse recordings and yield what became of each as it is known.

    A manifest of the run, in the folder ``runs`` within `out`, names every input with its outcome.

    Parameters
    ----------
    sources : sequence of Path or str
        Files, or URLs of files elsewhere.
    out : Path or str
        Folder or URL for the results; made if it does not exist.
    choices : Choices
    jobs : int
        Processes; with 1 the work is done in this one.
    scheduler : str, optional
        Address of a Dask scheduler, or ``"local"`` for Dask on this computer.

    Raises
    ------
    OutputError
        If the folder cannot be made, or the manifest cannot be written.
    UsageError
        If Dask is wanted and not there.
    """
    tasks = [
        Task(str(source), name, str(out), choices, code_version())
        for source, name in result_names(sources).items()
    ]
    facts = {
        "out": str(out),
        "code_version": code_version(),
        "model": str(choices.model) if choices.model else "shipped",
        "workers": scheduler or f"{jobs} processes",
    }
    jobs = min(jobs, len(tasks))
    with (
        _manifest_folder(str(out)) as folder,
        open_workers(scheduler, jobs) as workers,
        ManifestWriter(folder, tasks, facts) as manifest,
    ):
        for done in run_tasks(tasks, workers):
            manifest.add(done)
            yield done.outcome


def run_tasks(
    tasks: Sequence[Task], workers: Workers, work: Callable[[Task], Done] = run_task
) -> Iterator[Done]:
    """Run tasks and yield what became of each, in the order in which they are done.

    Tasks that were under way when a worker died are begun again last and one by one: only so is it
    known which of them kills its worker, and none is given up for another's fault.
    """
    waiting = deque((task, 1) for task in tasks)
    suspects: deque[tuple[Task, int]] = deque()
    running: dict[Future[Done], tuple[Task, int]] = {}
    try:
        while waiting or suspects or running:
            while waiting and len(running) < workers.slots:
                task, tries = waiting.popleft()
                running[_submit(workers, work, task)] = task, tries
            if suspects and not running:
                task, tries = suspects.popleft()
                running[_submit(workers, work, task)] = task, tries
            for future in wait(running, LOOKED_EVERY_S, FIRST_COMPLETED).done:
                task, tries = running.pop(future)
                done = _settled(future, task, tries)
                if done is None:
                    suspects.append((task, tries + 1))
                else:
                    yield replace(done, tries=tries)
    finally:
        for future in running:
            future.cancel()


def _submit(workers: Workers, work: Callable[[Task], Done], task: Task) -> Future[Done]:
    try:
        return workers.submit(work, task)
    except BrokenExecutor as error:
        lost: Future[Done] = Future()
        advice = "Run the command again when it is back: what is done is skipped"
        lost.set_result(Done(failed(task, f"{task.source}: not analysed. {error}. {advice}")))
        return lost


def _settled(future: Future[Done], task: Task, tries: int) -> Done | None:
    """Return what became of a task, None if its worker was lost and it shall be tried again."""
    try:
        return future.result()
    except BrokenExecutor:
        if tries < MOST_TRIES:
            return None
        message = (
            f"{task.source}: the process that analysed it was killed, {tries} times. "
            "Check that there is memory left, then run the command again"
        )
        return Done(failed(task, message))
    except Exception as error:
        log.exception("%s: an error of the program", task.source)
        return Done(failed(task, f"{task.source}: an error of the program ({error!r})"))


@contextlib.contextmanager
def _manifest_folder(out: str) -> Iterator[Path]:
    """Yield the folder for the run's manifest; where results are remote it follows them there."""
    if is_remote(out):
        with tempfile.TemporaryDirectory(prefix="nightcramp-run-") as local:
            root = Path(local)
            try:
                yield root / RUNS
            finally:
                publish(sorted((root / RUNS).glob("*")), root, out)
        return
    try:
        Path(out).mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"{out}: the folder cannot be made ({error.strerror})") from error
    remove_leftovers(Path(out))  # of an earlier run that was killed
    yield Path(out) / RUNS
    remove_leftovers(Path(out))  # of workers of this one
