"""``nightcramp key``: keys with which bedside machines can write nights, and not read them."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from nightcramp.commands.examples import with_examples

key = typer.Typer(no_args_is_help=True)

EXAMPLES = """
  nightcramp key new site-private.pem site-public.pem
  nightcramp record --sensor npg-lite-band --site-key site-public.pem
  nightcramp convert recordings/ --key site-private.pem
"""


@key.callback()
def about() -> None:
    """Make the keys that journals are encrypted with."""


@key.command("new")
@with_examples(EXAMPLES)
def new(
    private: Annotated[Path, typer.Argument(help="Opens journals; stays at the site.")],
    public: Annotated[Path, typer.Argument(help="Closes journals; goes to bedside machines.")],
) -> None:
    """Make a pair of keys: what a bedside machine records only the site can read."""
    from recordings.journal import create_site_key

    create_site_key(private, public)
    typer.echo(f"{private}: keep it at the site, and keep a copy: without it nights are lost")
    typer.echo(f"{public}: goes to the bedside machines, as --site-key of record")
