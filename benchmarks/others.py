"""Other software on the same samples: what it is asked for, and what that costs."""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.costs import CommandFailedError, run
from benchmarks.environments import PINS, python_with
from benchmarks.table import Row

if TYPE_CHECKING:
    from collections.abc import Callable


@dataclass(frozen=True, slots=True)
class Other:
    """A program that does part of the job.

    Attributes
    ----------
    name : str
    job : str
        What it is asked for.
    script : str
        In ``peers/``; gets the samples as ``.npy`` and prints a JSON object with the version, the
        processor time of the job with the samples in memory, and the share of the job it did.
    environment : str
        Name of its pins in ``peers/``; empty for what runs in ours.
    """

    name: str
    job: str
    script: str
    environment: str = ""


SOSFILT = Other("SciPy sosfilt", "band pass, nothing else", "sosfilt_band_pass.py")
LIBEMG = Other("LibEMG", "band pass, 11 features", "libemg_features.py", "libemg")
NEUROKIT2 = Other(
    "NeuroKit2", "emg_process, extrapolated from 10 min", "neurokit2_emg_process.py", "neurokit2"
)


def task(other: Other, hours: int, samples: Path) -> Callable[[], Row]:
    """Return what measures one run; where it cannot be installed, what says so."""
    try:
        python = python_with(other.environment) if other.environment else Path(sys.executable)
    except CommandFailedError as error:
        return partial(_unavailable, other, hours, error)
    return partial(_measure, other, python, hours, samples)


def _measure(other: Other, python: Path, hours: int, samples: Path) -> Row:
    try:
        cost = run([python, PINS / other.script, samples])
    except CommandFailedError as error:
        return _unavailable(other, hours, error)
    # The report is the last line: libraries greet on standard output as they are imported.
    report = json.loads(cost.output.splitlines()[-1])
    whole = report["share"] == 1
    return Row(
        f"{other.name} {report['version']}",
        other.job,
        hours,
        cpu_s=report["cpu_s"] / report["share"],
        process_cpu_s=cost.cpu_s if whole else None,
        process_wall_s=cost.wall_s if whole else None,
        peak_mb=cost.peak_mb if whole else None,
        note="" if whole else "extrapolated",
    )


def _unavailable(other: Other, hours: int, error: CommandFailedError) -> Row:
    return Row(other.name, other.job, hours, note=f"not available here ({error})")
