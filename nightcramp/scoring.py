"""Results of an analysis beside the truth of simulated nights."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from models.evaluation import Judged, Origin, Scored, score_each
from nightcramp.errors import InputError, UsageError
from nightcramp.evaluation.conditions import origin_of_name, read_conditions
from nightcramp.evaluation.trace import TRACE_ENDING, Trace, read_trace
from nightcramp.event_tables import read_events, read_truth, refuse_outside
from nightcramp.outputs import TRUTH_ENDING, read_night

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path


_TOLD = 5
"""Faults that are told where no file is without: they are mostly all the same."""


@dataclass(frozen=True, slots=True)
class Results:
    """All recordings that have both results and truth.

    Attributes
    ----------
    folder : Path
        Of the results.
    scored : tuple of Scored
    makers : tuple of dict
        What made each result: versions and hashes, as in its night summary.
    failures : tuple of str
        A message for each truth file whose results are missing or unreadable.
    """

    folder: Path
    scored: tuple[Scored, ...]
    makers: tuple[Mapping[str, str], ...]
    failures: tuple[str, ...]

    def trace(self, name: str) -> Trace | None:
        """Return the trace of a recording; None if none was kept.

        Raises
        ------
        InputError
            If it cannot be read.
        """
        return read_trace(self.folder / f"{name}{TRACE_ENDING}")


def score_results(results: Path, truth: Path) -> Results:
    """Compare the results in one folder with the truth files in another.

    Parameters
    ----------
    results : Path
        Folder of ``NAME_events.tsv`` and ``NAME_night.json``.
    truth : Path
        Folder of ``NAME_truth.tsv``, searched with its subfolders. A table ``conditions.tsv`` in
        it says where each recording is from.

    Raises
    ------
    UsageError
        If there is no truth file.
    InputError
        If none can be compared, or the table of conditions cannot be read.
    """
    files = sorted(truth.rglob(f"*{TRUTH_ENDING}"))
    if not files:
        raise UsageError(
            f"{truth}: no file named *{TRUTH_ENDING} in this folder; the labels of NAME.edf belong "
            f"in NAME{TRUTH_ENDING}, as 'nightcramp review labels' writes them"
        )
    origins = read_conditions(truth)
    judged, makers, failures = [], [], []
    for file in files:
        name = file.name.removesuffix(TRUTH_ENDING)
        try:
            summary = read_night(results / f"{name}_night.json")
            judged.append(_judged(results, file, summary, origins.get(name, origin_of_name(name))))
            makers.append(_makers(summary))
        except InputError as error:
            failures.append(str(error))
    if not judged:
        told = "\n".join(f"  {failure}" for failure in failures[:_TOLD])
        others = f"\n  and {len(failures) - _TOLD} more" if len(failures) > _TOLD else ""
        raise InputError(f"no truth file can be compared with a result\n{told}{others}")
    return Results(results, tuple(score_each(judged)), tuple(makers), tuple(failures))


def _judged(results: Path, file: Path, summary: Mapping[str, object], origin: Origin) -> Judged:
    name = file.name.removesuffix(TRUTH_ENDING)
    emg = summary.get("emg")
    rate_hz = float(emg["rate_hz"]) if isinstance(emg, dict) else None
    recorded_h = float(str(summary["recorded_hours"]))
    return Judged(
        name=name,
        analysable_h=float(str(summary["analysable_hours"])),
        truth=refuse_outside(read_truth(file), recorded_h * 3600, file),
        detected=read_events(results / f"{name}_events.tsv"),
        origin=replace(origin, rate_hz=rate_hz),
        recorded_h=recorded_h,
    )


def _makers(summary: Mapping[str, object]) -> dict[str, str]:
    made_by = summary.get("made_by")
    names = ("code_version", "model_version", "model_sha256")
    return {name: str(made_by.get(name)) for name in names} if isinstance(made_by, dict) else {}
