"""``nightcramp demo``: the main job from end to end on a small simulated study."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from nightcramp.commands.examples import with_examples

EXAMPLES = """
  nightcramp demo
  nightcramp demo --out elsewhere --seed 11
"""


@with_examples(EXAMPLES)
def demo(
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder for everything.")] = Path("demo"),
    seed: Annotated[int, typer.Option(min=0, help="Seed of the simulated study.")] = 4,
    jobs: Annotated[
        int | None,
        typer.Option("--jobs", "-j", min=1, help="Processes; all processors by default."),
    ] = None,
) -> None:
    """Simulate a small two-arm study, analyse its nights and write the weekly report.

    Takes about two minutes on two processors. What is done already is not done again.
    """
    from nightcramp.demonstration import run_demo
    from nightcramp.progress import show_progress

    with show_progress() as progress:
        for line in run_demo(out, seed, jobs=jobs, progress=progress):
            typer.echo(line)
