"""The embedded demonstration: a night live, then a study small enough to watch.

Through every step of the main job, from the bytes of a sensor to the three reports.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from models.simulator import StudySpec
from nightcramp.analysis import Choices, Status
from nightcramp.batch import analyse_files, default_jobs, find_recordings
from nightcramp.demonstration_night import record_demo_night
from nightcramp.errors import NightcrampError
from nightcramp.evaluation.numbers import as_text
from nightcramp.evaluation.summary import summarise
from nightcramp.reporting import write_participant_summary, write_report
from nightcramp.scoring import score_results
from nightcramp.simulation import write_study
from nightcramp.study import collect
from trial import load_study

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from nightcramp.progress import Report

DEMO_STUDY = StudySpec(
    participants=6,
    run_in_weeks=1,
    weeks=1,
    nights_per_week=7,
    hours=5.0,
    sensor="demo",
    cramps_per_week=9.0,
    rate_ratio=0.3,
    wear_probability=0.75,
)
"""Six people, two weeks of short nights; cramps are three times as frequent as in trials, so that
so few hours show some."""


def run_demo(out: Path, seed: int, *, jobs: int | None, progress: Report) -> Iterator[str]:
    """Record a night; simulate, analyse, collect, report a study; yields lines for a person.

    Parameters
    ----------
    out : Path
        Folder for the night, the study, its results and reports.
    seed : int
        Of the simulated study.
    jobs : int, optional
        Processes; all processors by default.
    progress : callable
        Told how far each step is.

    Raises
    ------
    NightcrampError
        If a night could not be recorded or analysed.
    """
    yield from record_demo_night(out / "night", progress)
    yield ""
    study, results, workers = out / "study", out / "results", jobs or default_jobs()
    for done, total in write_study(DEMO_STUDY, seed, study, jobs=workers):
        progress("simulated nights", done, total)
    sources = find_recordings([study / "recordings"])
    for done, outcome in enumerate(
        analyse_files(sources, results, Choices(), jobs=workers), start=1
    ):
        if outcome.status is Status.FAILED:
            raise NightcrampError(outcome.message)
        progress("analysed nights", done, len(sources))
    collected = collect(study, results)
    reports = list(_write_reports(study, out / f"reports_{datetime.now(UTC):%Y%m%dT%H%M%SZ}"))
    summary = summarise(score_results(results, study))
    yield f"{collected.nights} nights analysed, {collected.episodes} episodes; against the truth:"
    yield as_text(summary)
    yield ""
    yield from reports
    yield f"One picture for each night:   {results}"


def _write_reports(study: Path, out: Path) -> Iterator[str]:
    """Write what a participant, a site and a statistician are handed, and say where it is."""
    who, participant = "demonstration", load_study(study).randomised["participant_id"].iloc[0]
    (summary,) = write_participant_summary(study, out / "participant", participant, who=who)
    yield f"Participant's summary:        {summary}"
    write_report(study, out / "blinded", who=who)
    yield f"Site report, blinded:         {out / 'blinded' / 'report.html'}"
    arms, reason = study / "arms.tsv", "shown at the end of the demonstration"
    write_report(study, out / "unblinded", who=who, arms=arms, unblind=reason)
    yield f"Unblinded report:             {out / 'unblinded' / 'report_unblinded.html'}"
