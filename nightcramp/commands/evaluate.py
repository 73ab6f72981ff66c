"""``nightcramp evaluate``: episodes against the truth."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from nightcramp.commands.examples import with_examples

EXAMPLES = """
  nightcramp simulate nights --count 20 --out nights
  nightcramp analyze nights --out results --no-picture
  nightcramp evaluate results --truth nights
"""


@with_examples(EXAMPLES)
def evaluate(
    results: Annotated[Path, typer.Argument(help="Folder with the results of analyze.")],
    truth: Annotated[Path, typer.Option("--truth", help="Folder with NAME_truth.tsv files.")],
    as_json: Annotated[bool, typer.Option("--json", help="JSON on standard output.")] = False,
) -> None:
    """Score episodes against the truth of simulated nights, one to one by overlap."""
    from nightcramp.scoring import as_numbers, as_text, score_results

    evaluation, failures = score_results(results, truth)
    typer.echo(json.dumps(as_numbers(evaluation), indent=2) if as_json else as_text(evaluation))
    for failure in failures:
        typer.echo(f"failed   {failure}", err=True)
    if failures:
        raise typer.Exit(1)
