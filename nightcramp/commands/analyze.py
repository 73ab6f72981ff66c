"""``nightcramp analyze``: recordings to episodes."""

from __future__ import annotations

import json
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from nightcramp.commands.examples import with_examples
from nightcramp.errors import UsageError

if TYPE_CHECKING:
    from nightcramp.analysis import Outcome

EXAMPLES = """
  nightcramp analyze night.edf --out results
  nightcramp analyze recordings/ --out results --jobs 2
  nightcramp analyze night.bdf --out results --emg "GM left" --acc X --acc Y --acc Z
  nightcramp analyze --list nights.txt --out results --no-picture
  nightcramp analyze s3://bucket/study --out s3://bucket/results --scheduler tcp://10.0.0.1:8786
"""


class Dask(StrEnum):
    """Dask clusters that the command makes itself."""

    LOCAL = "local"


@with_examples(EXAMPLES)
def analyze(
    out: Annotated[str, typer.Option("--out", "-o", help="Folder or URL for the results.")],
    files: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="FILES...",
            help="EDF, EDF+, BDF or BDF+ files, folders of them, or URLs (s3://, gs://, ...).",
        ),
    ] = None,
    listed: Annotated[
        Path | None,
        typer.Option("--list", metavar="FILE", help="File that names recordings, one a line."),
    ] = None,
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
    scheduler: Annotated[
        str | None, typer.Option(help="Dask scheduler that shares the work out, tcp://HOST:PORT.")
    ] = None,
    dask: Annotated[
        Dask | None, typer.Option(help="'local': Dask on this computer instead of processes.")
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="One JSON object on standard output.")
    ] = False,
) -> None:
    """Find cramp episodes in recordings.

    Writes for each recording NAME_events.tsv, NAME_night.json and a picture of the night, and for
    the run a manifest of every input (folder 'runs'). Files already analysed with the same model,
    settings and code are skipped; results of other versions are moved to the folder 'superseded'.
    Exit code 1 if a file failed: the others are done.
    """
    from nightcramp.analysis import Choices
    from nightcramp.batch import analyse_files, default_jobs, find_sources, read_list
    from nightcramp.progress import show_progress

    if scheduler and dask:
        raise UsageError("--scheduler and --dask: choose one")
    places = [*(files or ()), *(read_list(listed) if listed else ())]
    if not places:
        raise UsageError("no recording: name files, folders or URLs, or a list of them with --list")
    sources = find_sources(places)
    choices = Choices(tuple(emg or ()), tuple(acc or ()), model, picture)
    shown = _Json() if as_json else _Lines()
    with show_progress() as progress:
        progress("recordings", 0, len(sources))
        run = analyse_files(
            sources, out, choices, jobs=jobs or default_jobs(), scheduler=scheduler or dask
        )
        for number, outcome in enumerate(run, start=1):
            shown.add(outcome)
            progress("recordings", number, len(sources))
    shown.end(out)
    if shown.failed:
        raise typer.Exit(1)


class _Lines:
    """A line for each recording, by name once all are done; a night's summary is not kept."""

    def __init__(self) -> None:
        self._judged: list[str] = []
        self._problems: list[str] = []
        self._notes: list[str] = []

    @property
    def failed(self) -> int:
        """How many recordings failed."""
        return len(self._problems)

    def add(self, outcome: Outcome) -> None:
        """Take what became of a recording."""
        from nightcramp.analysis import Status

        if outcome.status is Status.FAILED:
            self._problems.append(f"failed   {outcome.message}")
        else:
            sentence = _sentence(outcome.summary)
            self._judged.append(f"{outcome.status:<8} {outcome.name}: {sentence}")
            self._notes += [f"note     {outcome.message}"] if outcome.message else []

    def end(self, out: str) -> None:
        """Write the lines."""
        for line in sorted([*self._problems, *self._notes]):
            typer.echo(line, err=True)
        for line in sorted(self._judged):
            typer.echo(line)
        total = len(self._judged) + self.failed
        typer.echo(f"{len(self._judged)} of {total} recordings judged; results in {out}")


class _Json:
    """All outcomes as one JSON object."""

    def __init__(self) -> None:
        self.failed = 0
        self._results: list[dict[str, object]] = []

    def add(self, outcome: Outcome) -> None:
        """Take what became of a recording."""
        from nightcramp.analysis import Status

        self.failed += outcome.status is Status.FAILED
        self._results.append(_as_json(outcome))

    def end(self, _out: str) -> None:
        """Write the object."""
        results = sorted(self._results, key=lambda result: str(result["source"]))
        typer.echo(json.dumps({"results": results}, indent=2))


def _sentence(summary: dict[str, object]) -> str:
    from nightcramp.outputs import told_cramps

    hours = (
        f"{_length(summary['analysable_hours'])} of {_length(summary['recorded_hours'])} analysable"
    )
    found = int(str(summary["cramps"])), int(str(summary["possible_cramps"]))
    if summary["status"] == "not_analysable":
        seen = told_cramps(*found) if any(found) else "nothing is known of cramps in it"
        return f"NOT ANALYSABLE ({_reason(summary)}); {seen}"
    return f"{told_cramps(*found)}; {hours}"


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
