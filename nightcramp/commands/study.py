"""``nightcramp study``: a trial planned, and the tables of its study folder filled and checked."""

from __future__ import annotations

import contextlib
import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from nightcramp.commands.examples import with_examples
from nightcramp.commands.study_size import size

if TYPE_CHECKING:
    from trial import StudyCheck

study = typer.Typer(no_args_is_help=True, help="Plan a trial; fill and check its study folder.")

COLLECT_EXAMPLES = """
  nightcramp analyze trial/recordings --out trial/results
  nightcramp study collect trial --results trial/results
  nightcramp report trial --out trial/report
"""

RESULT_ENDINGS = ("_night.json", "_events.tsv")

STATUS_EXAMPLES = """
  nightcramp study status trial
  nightcramp study status trial --results trial/results --json
"""

COMPACT_EXAMPLES = """
  nightcramp study compact trial
  nightcramp study compact trial --undo
"""

CHECK_EXAMPLES = """
  nightcramp study check trial
  nightcramp study check trial --arms trial/arms.tsv --json
"""


@study.callback()
def _group() -> None:
    """Plan a trial; fill and check its study folder."""


@with_examples(COLLECT_EXAMPLES)
def collect(
    folder: Annotated[Path, typer.Argument(metavar="STUDY", help="Study folder.")],
    results: Annotated[
        list[str],
        typer.Option("--results", help="Folder or URL that analyze wrote; repeat for several."),
    ],
    who: Annotated[
        str | None, typer.Option(help="Your name for the audit log; the login name by default.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="JSON on standard output.")] = False,
) -> None:
    """Write analysed nights and episodes into the tables nights and episodes.

    Recordings are named sub-PARTICIPANT_...; the night is taken from their start and the study's
    time zone. Nights that somebody reviewed are not replaced. Where two sensors are worn the names
    say the leg (..._recording-left_...) and study.toml which one counts.
    """
    from nightcramp.batch import local_folder
    from nightcramp.study import collect as run

    with contextlib.ExitStack() as stack:
        folders = [stack.enter_context(local_folder(place, RESULT_ENDINGS)) for place in results]
        done = run(folder, *folders, who=who)
    if as_json:
        typer.echo(json.dumps(asdict(done), indent=2))
    else:
        typer.echo(f"{done.nights} nights and {done.episodes} episodes written to {folder}")
    for night in done.kept:
        typer.echo(f"kept     {night}: a person has reviewed it", err=True)
    for failure in done.failures:
        typer.echo(f"failed   {failure}", err=True)
    if done.failures:
        raise typer.Exit(1)


@with_examples(CHECK_EXAMPLES)
def check(
    folder: Annotated[Path, typer.Argument(metavar="STUDY", help="Study folder.")],
    arms: Annotated[
        Path | None, typer.Option(help="Allocation, to be checked with the other tables.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="JSON on standard output.")] = False,
) -> None:
    """Check every table and study.toml, and the enrolment of every participant.

    Prints each fault with its file, line and column; without faults, who is in danger (safety
    stop), not eligible, or lacks an answer of the checklist. Changes nothing. Exit code 0 if
    nothing was found, 1 if something was.
    """
    from trial import check_study

    found = check_study(folder, arms=arms)
    if as_json:
        typer.echo(json.dumps(_document(found), indent=2))
    else:
        _print(found)
    if not found.is_clean:
        raise typer.Exit(1)


@with_examples(STATUS_EXAMPLES)
def status(
    folder: Annotated[Path, typer.Argument(metavar="STUDY", help="Study folder.")],
    results: Annotated[
        list[Path] | None,
        typer.Option(help="Folder that analyze wrote, to count what failed; repeat for several."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="JSON on standard output.")] = False,
) -> None:
    """Show by site how many nights are planned, recorded, analysed, failed and to be reviewed.

    Planned are the nights of the plan that have come. Failed are recordings whose last analysis
    failed, by the manifests within the results. It says nothing of how many cramps there were; in
    a blinded study nights to be reviewed are counted over all sites only.
    """
    from nightcramp.study_progress import study_progress

    found = study_progress(folder, results or ())
    if as_json:
        typer.echo(json.dumps(found.document(), indent=2))
    else:
        typer.echo(found.text())


@with_examples(COMPACT_EXAMPLES)
def compact(
    folder: Annotated[Path, typer.Argument(metavar="STUDY", help="Study folder.")],
    undo: Annotated[
        bool, typer.Option("--undo", help="Back to tab-separated tables, to be edited by hand.")
    ] = False,
) -> None:
    """Keep the tables of a large study as Parquet, one file for each participant.

    For nights, episodes and diary of some 100,000 nights and more. The tables mean the same, and
    every command reads either form. They are checked first; the files that are replaced are put
    aside within the study folder.
    """
    from nightcramp.study_compaction import compact as run
    from nightcramp.study_compaction import expand

    for table, rows in (expand if undo else run)(folder).items():
        typer.echo(f"{table}: {rows} rows")


def _print(found: StudyCheck) -> None:
    for problem in found.problems:
        typer.echo(f"fault    {problem}")
    for finding in found.findings:
        typer.echo(f"{finding.concern}  {finding.participant_id}: {finding.text}")
    if found.problems:
        count = len(found.problems)
        faults = "1 fault" if count == 1 else f"{count} faults"
        typer.echo(f"{faults}; enrolment is checked once nothing is at fault")
    else:
        until = f" up to the night of {found.data_cut:%Y-%m-%d}" if found.data_cut else ""
        episodes = "" if found.episodes is None else f" and {found.episodes} episodes"
        typer.echo(
            f"{found.participants} participants ({found.randomised} randomised), {found.nights} "
            f"nights{episodes}{until}: no fault, {len(found.findings)} findings"
        )


def _document(found: StudyCheck) -> dict[str, object]:
    return {
        "faults": [
            {
                "file": str(problem.file),
                "place": problem.place,
                "problem": problem.problem,
                "advice": problem.advice,
            }
            for problem in found.problems
        ],
        "findings": [asdict(finding) for finding in found.findings],
        "participants": found.participants,
        "randomised": found.randomised,
        "nights": found.nights,
        "episodes": found.episodes,
        "data_cut": None if found.data_cut is None else f"{found.data_cut:%Y-%m-%d}",
    }


study.command()(collect)
study.command()(check)
study.command()(status)
study.command()(compact)
study.command()(size)
