"""Recordings judged again for their traces, where an analysis left none."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from models import load_classifier
from nightcramp.analysis import detect
from nightcramp.batch import find_recordings, result_names
from nightcramp.errors import InputError, NightcrampError
from nightcramp.evaluation.trace import TRACE_ENDING, trace_of, write_trace
from nightcramp.outputs import read_night
from nightcramp.processes import each
from recordings import open_recording

if TYPE_CHECKING:
    from pathlib import Path

    from nightcramp.progress import Report
    from nightcramp.scoring import Results

_Work = tuple["Path", str]


def keep_traces(
    results: Results, recordings: Path, model: Path | None, *, jobs: int, progress: Report
) -> list[str]:
    """Judge the recordings of results once more and keep a trace of each beside its results.

    Parameters
    ----------
    results : Results
    recordings : Path
        Folder of the recordings, named as they were when they were analysed.
    model : Path or None
        The classifier the results were made with; None for the shipped one.
    jobs : int
        Processes.
    progress : callable

    Returns
    -------
    list of str
        A message for each recording that cannot be read, or whose results another model made.

    Raises
    ------
    UsageError
        If the folder holds no recording.
    """
    wanted = {one.judged.name for one in results.scored}
    files = result_names(find_recordings([recordings]))
    work = [
        (file, name)
        for file, name in files.items()
        if name in wanted and not (results.folder / f"{name}{TRACE_ENDING}").is_file()
    ]
    failures = []
    step = "recordings read again"
    progress(step, 0, len(work))
    judge = partial(_keep, model, results.folder)
    for done, failure in enumerate(each(judge, work, jobs), start=1):
        progress(step, done, len(work))
        if failure:
            failures.append(failure)
    return failures


def _keep(model: Path | None, folder: Path, work: _Work) -> str:
    """Write the trace of a recording; return why it could not be done, if so."""
    file, name = work
    summary = folder / f"{name}_night.json"
    try:
        classifier = load_classifier(model)
        made_by = read_night(summary).get("made_by")
        if not isinstance(made_by, dict) or made_by.get("model_sha256") != classifier.sha256:
            raise InputError(
                "made with another model than the one given",
                file=summary,
                advice="Name it with --model, or analyse the recording again",
            )
        result = detect(open_recording(file), classifier)
        trace = trace_of(result, classifier.description.rules)
        write_trace(folder / f"{name}{TRACE_ENDING}", trace)
    except NightcrampError as error:
        return str(error)
    return ""
