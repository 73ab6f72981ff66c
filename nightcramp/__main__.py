"""Entry point of the command line."""

from __future__ import annotations

import importlib.util
import os
import sys
from pathlib import Path

import typer

from nightcramp.commands.analyze import analyze
from nightcramp.commands.app import app as page
from nightcramp.commands.audit import audit
from nightcramp.commands.convert import convert
from nightcramp.commands.demo import demo
from nightcramp.commands.doctor import doctor
from nightcramp.commands.emulate import emulate
from nightcramp.commands.evaluate import evaluate
from nightcramp.commands.export import export
from nightcramp.commands.key import key
from nightcramp.commands.record import record
from nightcramp.commands.recover import recover
from nightcramp.commands.replay import replay
from nightcramp.commands.report import report
from nightcramp.commands.review import review
from nightcramp.commands.scan import scan
from nightcramp.commands.simulate import simulate
from nightcramp.commands.stream import stream
from nightcramp.commands.study import study
from nightcramp.commands.train import train
from nightcramp.errors import NightcrampError, OutputError, UsageError

DONE, FAILED, WRONG_USE, INTERRUPTED = 0, 1, 2, 130
"""Exit codes: all done; done with failed inputs, or an input at fault; wrong use; Ctrl-C."""

OUR_PACKAGES = ("recordings", "sensing", "models", "trial")
"""Packages with names that others might use too."""

app = typer.Typer(
    name="nightcramp",
    help="Night cramps from calf EMG and acceleration: recordings in, episodes and a weekly trial "
    "report out.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command()(demo)
app.command()(scan)
app.command()(stream)
app.command()(record)
app.command()(recover)
app.add_typer(key, name="key")
app.command()(replay)
app.command()(convert)
app.command()(analyze)
app.command()(report)
app.add_typer(simulate, name="simulate")
app.command()(emulate)
app.add_typer(study, name="study")
app.add_typer(audit, name="audit")
app.add_typer(review, name="review")
app.command()(export)
app.command()(train)
app.command()(evaluate)
app.command("app")(page)
app.command()(doctor)


@app.callback(invoke_without_command=True)
def _version(version: bool = typer.Option(False, "--version", help="Show the version.")) -> None:
    if version:
        from nightcramp.version import code_version

        typer.echo(code_version())
        raise typer.Exit


def main() -> None:
    """Run the command line; errors become one message and an exit code."""
    try:
        _run()
    except UsageError as error:
        _stop(str(error), WRONG_USE)
    except NightcrampError as error:
        _stop(str(error), FAILED)
    except SystemExit as end:
        if end.code != INTERRUPTED:
            raise
        # typer ends so, without a word.
        _stop(
            "interrupted; what was finished stands, and the same command again does the rest",
            INTERRUPTED,
        )


def _run() -> None:
    """Run the command line, and see that its results got out.

    Raises
    ------
    OutputError
        If standard output takes no more.
    """
    if sys.stdout is None:
        raise OutputError("standard output is closed; let it go to a file, or to /dev/null")
    _refuse_foreign_packages()
    rest = ""
    try:
        app()
    except OSError:
        rest = "\n"  # cannot be written either, if it was standard output that failed
        raise
    finally:
        _write_out(rest)


def _write_out(rest: str) -> None:
    try:
        sys.stdout.write(rest)
        sys.stdout.flush()
    except OSError as error:
        # What waits to be written would be tried, and told of, once more as Python ends.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        if isinstance(error, BrokenPipeError):  # whoever read it has seen enough
            raise SystemExit(FAILED) from None
        raise OutputError(
            f"standard output: the results could not be written ({error.strerror}). Free space, "
            "or let it go to another file"
        ) from error


def _stop(message: str, code: int) -> None:
    sys.stderr.write(f"nightcramp: {message}\n")
    raise SystemExit(code)


def _refuse_foreign_packages() -> None:
    """Say so where another distribution's ``models`` (or the like) stands in the way of ours."""
    homes = {name: _home_of(name) for name in (*OUR_PACKAGES, "nightcramp")}
    for name, home in homes.items():
        if home != homes["nightcramp"]:
            raise UsageError(
                f"the package {name!r} was found in {home}, not beside nightcramp in "
                f"{homes['nightcramp']}: another distribution or a folder of that name stands in "
                "the way. Install nightcramp in an environment of its own, or start it from "
                "another folder"
            )


def _home_of(package: str) -> Path | None:
    """Return the folder a package would be imported from, without importing it."""
    spec = importlib.util.find_spec(package)
    return Path(spec.origin).parent.parent if spec and spec.origin else None


if __name__ == "__main__":
    main()
