"""nightcramp itself: the whole job from a file to its results, as its users run it."""

from __future__ import annotations

import sys
import tempfile
from dataclasses import replace
from typing import TYPE_CHECKING

from benchmarks.costs import Cost, run
from benchmarks.table import Row

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

NAME = "nightcramp"

START_UP_JOB = "start-up: imports, model"

START_UP = """
import nightcramp.__main__, nightcramp.batch, nightcramp.progress
from models import Detector, load_classifier
load_classifier()
"""


def start_up() -> Row:
    """Measure what precedes the first sample; a row for a night of no length."""
    return _row(NAME, START_UP_JOB, 0, run([sys.executable, "-c", START_UP]))


def analyze(hours: int, recording: Path, *, picture: bool = False) -> Row:
    """Measure ``nightcramp analyze`` of one recording, results written, start-up included."""
    drawn = "--picture" if picture else "--no-picture"
    with tempfile.TemporaryDirectory() as out:
        command = [sys.executable, "-m", "nightcramp", "analyze"]
        cost = run([*command, recording, "--out", out, drawn, "--jobs", "1"])
    if picture:
        return _row(f"{NAME}, with picture", "EDF file → events and picture", hours, cost)
    return _row(NAME, "EDF file → events", hours, cost)


def beyond_start_up(rows: Sequence[Row]) -> list[Row]:
    """Return rows with the processor time of start-up taken off our own jobs."""
    before = next(row.cpu_s for row in rows if row.job == START_UP_JOB)
    return [
        replace(row, cpu_s=row.cpu_s - before)
        if row.program.startswith(NAME) and row.hours and row.cpu_s and before
        else row
        for row in rows
    ]


def _row(program: str, job: str, hours: int, cost: Cost) -> Row:
    return Row(program, job, hours, cost.cpu_s, cost.cpu_s, cost.wall_s, cost.peak_mb)
