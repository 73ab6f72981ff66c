"""Environments of the software compared: pinned, apart from ours, made when first needed."""

from __future__ import annotations

import os
import subprocess
import sys
import venv
from typing import TYPE_CHECKING

from benchmarks.costs import ROOT, CommandFailedError

if TYPE_CHECKING:
    from pathlib import Path

PINS = ROOT / "benchmarks" / "peers"
ENVIRONMENTS = ROOT / "benchmarks" / ".peers"


def python_with(name: str) -> Path:
    """Return the Python of an environment that holds what ``peers/NAME.txt`` pins.

    Raises
    ------
    CommandFailedError
        If it cannot be installed here.
    """
    pins = PINS / f"{name}.txt"
    folder = ENVIRONMENTS / name
    python = folder / "bin" / "python"
    receipt = folder / "installed.txt"
    wanted = pins.read_text(encoding="utf-8")
    if not receipt.is_file() or receipt.read_text(encoding="utf-8") != wanted:
        print(f"installing {name} into an environment of its own", file=sys.stderr)
        venv.create(folder, clear=True, with_pip=True)
        _install(python, pins)
        receipt.write_text(wanted, encoding="utf-8")
    return python


def _install(python: Path, pins: Path) -> None:
    command = "-m pip install --quiet --no-deps --requirement"
    done = subprocess.run(
        [python, *command.split(), pins],
        env=os.environ | {"PIP_DISABLE_PIP_VERSION_CHECK": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        lines = [line for line in done.stderr.splitlines() if line.startswith("ERROR")]
        raise CommandFailedError(lines[-1] if lines else "pip failed")
