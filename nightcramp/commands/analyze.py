"""``nightcramp analyze``: recordings to episodes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from nightcramp.commands.examples import with_examples

if TYPE_CHECKING:
    from nightcramp.analysis import Outcome

EXAMPLES = """
  nightcramp analyze night.edf --out results
  nightcramp analyze recordings/ --out results --jobs 2
  nightcramp analyze night.bdf --out results --emg "GM left" --acc X --acc Y --acc Z
"""


@with_examples(EXAMPLES)
def analyze(
    files: Annotated[
        list[Path],
        typer.Argument(
            metavar="FILES...", help="EDF, EDF+, BDF or BDF+ files, or folders of them."
        ),
    ],
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder for the results.")],
    jobs: Annotated[
        int | None,
        typer.Option("--jobs", "-j", min=1, help="Processes; all processors by default."),
    ] = None,
    emg: Annotated[
        list[str] | None, typer.Option(help="EMG channel by its label; repeat for several.")
    ] = None,
    acc: Annotated[
        list[str] | None, typer.Option(help="Acceleration channel by its label; give x, y and z.")
    ] = None,
    model: Annotated[
        Path | None, typer.Option(help="Another classifier than the shipped one.")
    ] = None,
    picture: Annotated[
        bool, typer.Option("--picture/--no-picture", help="Draw each night.")
    ] = True,
    as_json: Annotated[
        bool, typer.Option("--json", help="One JSON object on standard output.")
    ] = False,
) -> None:
    """Find cramp episodes in recordings.

    Writes for each recording NAME_events.tsv, NAME_night.json and a picture of the night. Files
    already analysed with the same model, settings and code are skipped; results of other versions
    are moved to the folder 'superseded'. Exit code 1 if a file failed: the others are done.
    """
    from nightcramp.analysis import Choices, Status
    from nightcramp.batch import analyse_files, default_jobs, find_recordings
    from nightcramp.progress import show_progress

    sources = find_recordings(files)
    choices = Choices(tuple(emg or ()), tuple(acc or ()), model, picture)
    outcomes = []
    with show_progress() as progress:
        progress("recordings", 0, len(sources))
        for outcome in analyse_files(sources, out, choices, jobs=jobs or default_jobs()):
            outcomes.append(outcome)
            progress("recordings", len(outcomes), len(sources))
    outcomes.sort(key=lambda outcome: outcome.source)
    if as_json:
        typer.echo(json.dumps({"results": [_as_json(outcome) for outcome in outcomes]}, indent=2))
    else:
        _show(outcomes, out)
    if any(outcome.status is Status.FAILED for outcome in outcomes):
        raise typer.Exit(1)


def _show(outcomes: list[Outcome], out: Path) -> None:
    from nightcramp.analysis import Status

    for outcome in outcomes:
        if outcome.status is Status.FAILED:
            typer.echo(f"failed   {outcome.message}", err=True)
        else:
            typer.echo(f"{outcome.status:<8} {outcome.name}: {_sentence(outcome.summary)}")
    failed = sum(outcome.status is Status.FAILED for outcome in outcomes)
    typer.echo(f"{len(outcomes) - failed} of {len(outcomes)} recordings judged; results in {out}")


def _sentence(summary: dict[str, object]) -> str:
    hours = (
        f"{_length(summary['analysable_hours'])} of {_length(summary['recorded_hours'])} analysable"
    )
    if summary["status"] == "not_analysable":
        return f"NOT ANALYSABLE ({_reason(summary)}); nothing is known of cramps in it"
    return f"{summary['cramps']} cramps, {summary['possible_cramps']} possible; {hours}"


def _reason(summary: dict[str, object]) -> str:
    reasons = summary["not_analysable_hours"]
    if not isinstance(reasons, dict) or not reasons:
        return "no reason recorded"
    return str(max(reasons, key=lambda reason: reasons[reason])).replace("_", " ")


def _length(hours: object) -> str:
    value = float(str(hours))
    return f"{value:.2f} h" if value >= 1 else f"{value * 60:.1f} min"


def _as_json(outcome: Outcome) -> dict[str, object]:
    return {
        "source": outcome.source,
        "name": outcome.name,
        "status": outcome.status,
        "message": outcome.message,
        "summary": outcome.summary,
    }
