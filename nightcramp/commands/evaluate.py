"""``nightcramp evaluate``: episodes against the truth."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from nightcramp.commands.examples import with_examples
from nightcramp.errors import UsageError

EXAMPLES = """
  nightcramp evaluate results --truth nights
  nightcramp evaluate results --truth nights --recordings nights --out evaluation
  nightcramp evaluate --suites --nights 16 --out evaluation
  nightcramp evaluate --suite ordinary --nights 208 --out ordinary
"""


@with_examples(EXAMPLES)
def evaluate(
    results: Annotated[
        Path | None, typer.Argument(help="Folder with the results of analyze.")
    ] = None,
    truth: Annotated[
        Path | None, typer.Option("--truth", help="Folder with NAME_truth.tsv files.")
    ] = None,
    out: Annotated[
        Path | None, typer.Option("--out", "-o", help="Folder for the page and its JSON.")
    ] = None,
    recordings: Annotated[
        Path | None,
        typer.Option(help="Recordings, read again for pictures, latency and calibration."),
    ] = None,
    suites: Annotated[
        bool, typer.Option("--suites", help="Simulate and judge nights of every suite first.")
    ] = False,
    suite: Annotated[
        list[str] | None,
        typer.Option("--suite", help="As --suites, but of this one only; may be repeated."),
    ] = None,
    nights: Annotated[int, typer.Option(min=1, help="Nights of each suite.")] = 4,
    hours: Annotated[float, typer.Option(min=0.1, max=14, help="Length of each night.")] = 8.0,
    without_cramps: Annotated[
        Path | None,
        typer.Option(help="With --suites: recordings that hold no cramp, judged as well."),
    ] = None,
    model: Annotated[
        Path | None, typer.Option(help="Another classifier than the shipped one.")
    ] = None,
    jobs: Annotated[
        int | None,
        typer.Option("--jobs", "-j", min=1, help="Processes; all processors by default."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="JSON on standard output.")] = False,
) -> None:
    """Score episodes against the truth, one to one by overlap.

    With --out it writes evaluation.html and evaluation.json. With --suites it first makes nights
    of participants and seeds no classifier was trained on, in OUT/nights; nights that stand there
    with the same model and code are not made again.
    """
    from nightcramp.batch import default_jobs
    from nightcramp.evaluation.numbers import as_numbers, as_text
    from nightcramp.evaluation.summary import summarise
    from nightcramp.progress import show_progress
    from nightcramp.scoring import score_results

    processes = jobs or default_jobs()
    failures: list[str] = []
    with show_progress() as progress:
        if suites or suite:
            from nightcramp.evaluation.suites import SUITES, SuiteRun, make_suites

            results = truth = _folder(out) / "nights"
            chosen = tuple(SUITES if suites else suite or ())
            run = SuiteRun(nights, hours, model, without_cramps, chosen)
            failures += make_suites(run, results, jobs=processes, progress=progress)
        if results is None or truth is None:
            raise UsageError("name the folder of results and --truth, or use --suites")
        found = score_results(results, truth)
        if recordings is not None:
            from nightcramp.evaluation.retrace import keep_traces

            failures += keep_traces(found, recordings, model, jobs=processes, progress=progress)
    summary = summarise(found)
    numbers = as_numbers(summary, found)
    if out is not None:
        from nightcramp.evaluation.page import write_page

        write_page(out, summary, found, numbers)
    typer.echo(json.dumps(numbers, indent=2) if as_json else as_text(summary))
    for failure in (*failures, *found.failures):
        typer.echo(f"failed   {failure}", err=True)
    if failures or found.failures:
        raise typer.Exit(1)


def _folder(out: Path | None) -> Path:
    if out is None:
        raise UsageError("--suites writes nights and a page: name the folder with --out")
    return out
