"""Commands run one at a time on one thread, and what they cost."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

ROOT = Path(__file__).resolve().parent.parent
LAUNCHER = ROOT / "benchmarks" / "launch.py"

ONE_THREAD = dict.fromkeys(
    ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS"), "1"
)


@dataclass(frozen=True, slots=True)
class Cost:
    """What one run of a command took.

    Attributes
    ----------
    cpu_s : float
        Processor time, user and system.
    wall_s : float
    peak_mb : float
        Most memory the process held at a time (resident set), in 10^6 bytes.
    output : str
        What it wrote to standard output.
    """

    cpu_s: float
    wall_s: float
    peak_mb: float
    output: str = ""


class CommandFailedError(Exception):
    """A measured command ended with an error; the text is its last line on standard error."""


def run(command: Sequence[str | Path]) -> Cost:
    """Run a command from the project's folder.

    Raises
    ------
    CommandFailedError
    """
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "cost.json"
        done = subprocess.run(
            [sys.executable, "-S", LAUNCHER, report, *command],
            cwd=ROOT,
            env=_environment(),
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            lines = done.stderr.strip().splitlines() or [f"exit code {done.returncode}"]
            raise CommandFailedError(lines[-1])
        return Cost(**json.loads(report.read_text(encoding="utf-8")), output=done.stdout)


def _environment() -> dict[str, str]:
    """Return the caller's environment on one thread, with compiled modules kept between runs."""
    kept = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    return kept | ONE_THREAD
