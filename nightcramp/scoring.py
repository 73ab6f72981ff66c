"""Results of an analysis beside the truth of simulated nights."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from models import Evaluation, Judged, evaluate
from nightcramp.errors import InputError, UsageError
from nightcramp.outputs import TRUTH_ENDING, read_events, read_night, read_truth

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


def score_results(results: Path, truth: Path) -> tuple[Evaluation, list[str]]:
    """Compare the results in one folder with the truth files in another.

    Parameters
    ----------
    results : Path
        Folder of ``NAME_events.tsv`` and ``NAME_night.json``.
    truth : Path
        Folder of ``NAME_truth.tsv``, searched with its subfolders.

    Returns
    -------
    Evaluation
        Of all recordings that have both.
    list of str
        A message for each truth file whose results are missing or unreadable.

    Raises
    ------
    UsageError
        If there is no truth file, or none has results.
    """
    files = sorted(truth.rglob(f"*{TRUTH_ENDING}"))
    if not files:
        raise UsageError(f"{truth}: no file named *{TRUTH_ENDING} in this folder")
    judged, failures = [], []
    for file in files:
        try:
            judged.append(_judged(results, file))
        except InputError as error:
            failures.append(str(error))
    if not judged:
        raise UsageError(f"{results}: holds no result for the truth files in {truth}")
    return evaluate(judged), failures


def as_numbers(evaluation: Evaluation) -> dict[str, object]:
    """Return the figures of an evaluation, ready for JSON; times in seconds."""
    found, cramps = evaluation.sensitivity()
    found_any, cramps_any = evaluation.sensitivity(easy_only=False)
    rate, lower, upper = evaluation.false_alarm_rate()
    return {
        "recordings": evaluation.recordings,
        "analysable_hours": round(evaluation.analysable_h, 3),
        "cramps_15s_3floors": {"found": found, "of": cramps},
        "cramps_all": {"found": found_any, "of": cramps_any},
        "false_alarms": len(evaluation.false_alarms),
        "false_alarms_split": sum(alarm.split for alarm in evaluation.false_alarms),
        "false_alarms_per_8h": {
            "rate": round(rate, 4),
            "lower95": round(lower, 4),
            "upper95": round(upper, 4),
        },
        "errors_s": {
            name: _spread(values) for name, values in evaluation.errors_s().items() if len(values)
        },
        "durations_within_5s_or_10_percent": round(evaluation.duration_within(), 4),
    }


def as_text(evaluation: Evaluation) -> str:
    """Return the figures of an evaluation as lines for a terminal."""
    return "\n".join(_lines(evaluation))


def _lines(evaluation: Evaluation) -> Iterator[str]:
    yield f"{evaluation.recordings} recordings, {evaluation.analysable_h:.1f} analysable hours"
    for title, easy in (("cramps ≥ 15 s and ≥ 3 x floor", True), ("all cramps", False)):
        found, cramps = evaluation.sensitivity(easy_only=easy)
        verdict = f"sensitivity {found / cramps:.3f}" if cramps else "sensitivity not defined"
        yield f"{title:<30} {found} of {cramps} found, {verdict}"
    rate, lower, upper = evaluation.false_alarm_rate()
    yield (
        f"{'false alarms':<30} {len(evaluation.false_alarms)}, per 8 analysable hours {rate:.3f} "
        f"(95 % limits {lower:.3f} to {upper:.3f})"
    )
    for name, values in evaluation.errors_s().items():
        if len(values):
            spread = _spread(values)
            yield (
                f"{name + ' error':<30} median {spread['median']:+.2f} s, 90 % within "
                f"{spread['p90_absolute']:.2f} s"
            )
    share = evaluation.duration_within()
    yield f"{'durations right':<30} {share:.1%} within the larger of 5 s and 10 %"
    for alarm in evaluation.false_alarms:
        kind = "second report of a cramp" if alarm.split else f"during {alarm.during}"
        yield (
            f"  false alarm in {alarm.recording} at {alarm.event.onset_s:.1f} s, "
            f"{alarm.event.duration_s:.1f} s long, {kind}"
        )


def _spread(values: npt.NDArray[np.float64]) -> dict[str, float]:
    return {
        "median": round(float(np.median(values)), 3),
        "p90_absolute": round(float(np.quantile(np.abs(values), 0.9)), 3),
    }


def _judged(results: Path, file: Path) -> Judged:
    name = file.name.removesuffix(TRUTH_ENDING)
    summary = read_night(results / f"{name}_night.json")
    return Judged(
        name=name,
        analysable_h=float(str(summary["analysable_hours"])),
        truth=read_truth(file),
        detected=read_events(results / f"{name}_events.tsv"),
    )
