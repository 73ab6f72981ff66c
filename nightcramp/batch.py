"""Many recordings at once: one bad file, or one worker that dies, never stops the others."""

from __future__ import annotations

import multiprocessing
import os
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from typing import TYPE_CHECKING

from nightcramp.analysis import Choices, Outcome, Status, analyse_file
from nightcramp.errors import OutputError, UsageError
from recordings import remove_leftovers

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

ENDINGS = (".edf", ".bdf")
JOURNAL_ENDING = ".ncj"

BIDS_SUFFIX = "_emg"
"""Left out of the names of results, as BIDS does: ``sub-1_emg.edf`` has ``sub-1_events.tsv``."""


def find_recordings(paths: Sequence[Path]) -> list[Path]:
    """Return the files and journals named, and the files within folders named, each once.

    Journals within a folder are left out: their EDF files stand beside them.

    Raises
    ------
    UsageError
        If a folder holds no recording.
    """
    found: dict[Path, None] = {}
    for path in paths:
        if not path.is_dir() or path.suffix == JOURNAL_ENDING:
            found[path] = None
            continue
        inside = sorted(
            file
            for file in path.rglob("*")
            if file.suffix.lower() in ENDINGS and not file.name.startswith(".")
        )
        if not inside:
            raise UsageError(f"{path}: the folder holds no .edf or .bdf file")
        found |= dict.fromkeys(inside)
    return list(found)


def result_names(sources: Sequence[Path]) -> dict[Path, str]:
    """Return what each recording's results are named after.

    Its own name; with its folders and ending where several share one.
    """
    alike: dict[str, list[Path]] = {}
    for source in sources:
        alike.setdefault(source.stem.removesuffix(BIDS_SUFFIX), []).append(source)
    names = {}
    for stem, same in alike.items():
        for source in same:
            names[source] = stem if len(same) == 1 else _name_apart(source, stem, same)
    return {source: names[source] for source in sources}


def analyse_files(
    sources: Sequence[Path], out: Path, choices: Choices, *, jobs: int
) -> Iterator[Outcome]:
    """Analyse recordings and yield what became of each as it is known.

    Parameters
    ----------
    sources : sequence of Path
    out : Path
        Folder for the results; made if it does not exist.
    choices : Choices
    jobs : int
        Processes.

    Raises
    ------
    OutputError
        If the folder cannot be made.
    """
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"{out}: the folder cannot be made ({error.strerror})") from error
    remove_leftovers(out)
    work = list(result_names(sources).items())
    if min(jobs, len(work)) <= 1:
        for source, name in work:
            yield analyse_file(source, name, out, choices)
        return
    yield from _in_processes(work, out, choices, jobs)


def default_jobs() -> int:
    """Return the number of processors this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _in_processes(
    work: list[tuple[Path, str]], out: Path, choices: Choices, jobs: int
) -> Iterator[Outcome]:
    """Run in a pool; what a dying worker takes with it is tried once more, each on its own."""
    orphans = []
    with _pool(min(jobs, len(work))) as pool:
        futures: dict[Future[Outcome], tuple[Path, str]] = {
            pool.submit(analyse_file, source, name, out, choices): (source, name)
            for source, name in work
        }
        for future in as_completed(futures):
            try:
                yield future.result()
            except BrokenProcessPool:
                orphans.append(futures[future])
    for source, name in orphans:
        yield _alone(source, name, out, choices)


def _alone(source: Path, name: str, out: Path, choices: Choices) -> Outcome:
    with _pool(1) as pool:
        try:
            return pool.submit(analyse_file, source, name, out, choices).result()
        except BrokenProcessPool:
            return Outcome(
                str(source),
                name,
                Status.FAILED,
                message=f"{source}: the process that analysed it was killed, twice. "
                "Check that there is memory left, then run the command again",
            )


def _pool(workers: int) -> ProcessPoolExecutor:
    # Spawned, not forked: onnxruntime and BLAS threads do not survive a fork.
    return ProcessPoolExecutor(workers, mp_context=multiprocessing.get_context("spawn"))


def _name_apart(source: Path, stem: str, others: Sequence[Path]) -> str:
    """Return a name that tells a recording apart from others of the same name."""
    shared = os.path.commonpath([other.absolute().parent for other in others])
    folders = source.absolute().parent.relative_to(shared).parts
    return "_".join([*folders, stem, source.suffix.lstrip(".").lower()])
