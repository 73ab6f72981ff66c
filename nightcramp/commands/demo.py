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
    """Record a night from an emulated sensor; simulate, analyse and report a two-arm study.

    The night passes in half a minute; its link is cut and its recorder killed. All takes about
    three minutes on two processors. Nights of the study that are done are not done again. Needs
    the extra 'emulator'.
    """
    from nightcramp.demonstration import run_demo
    from nightcramp.progress import show_progress

    with show_progress() as progress:
        for line in run_demo(out, seed, jobs=jobs, progress=progress):
            typer.echo(line)
