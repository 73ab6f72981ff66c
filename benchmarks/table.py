"""Costs to ratios, and ratios to a table."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

COLUMNS = (
    "night",
    "program",
    "job",
    "× sosfilt",
    "× LibEMG",
    "× real time",
    "CPU s",
    "process CPU s",
    "process wall s",
    "peak MB",
)
TEXT_COLUMNS = 3
NOTHING = "–"


@dataclass(frozen=True, slots=True)
class Row:
    """What one program took for one night.

    Attributes
    ----------
    program, job : str
    hours : int
        Length of the night; 0 for what precedes it.
    cpu_s : float or None
        Processor time of the job: without imports, and for others than nightcramp with the samples
        in memory. None if it could not be measured.
    process_cpu_s, process_wall_s, peak_mb : float or None
        Of the whole process, imports and all.
    note : str
        What a reader must know of this row.
    """

    program: str
    job: str
    hours: int
    cpu_s: float | None = None
    process_cpu_s: float | None = None
    process_wall_s: float | None = None
    peak_mb: float | None = None
    note: str = ""


def best(rows: Sequence[Row]) -> Row:
    """Return the run that took least processor time: others on the machine only ever add to it."""
    return min(rows, key=lambda row: math.inf if row.cpu_s is None else row.cpu_s)


def find(rows: Sequence[Row], program: str, hours: int) -> Row | None:
    """Return the first row of a program, told by the beginning of its name, for a night."""
    matching = (row for row in rows if row.hours == hours and row.program.startswith(program))
    return next(matching, None)


def ratio(row: Row, other: Row | None) -> float | None:
    """Return how many times the processor time of another row this one takes."""
    if other is None or not row.cpu_s or not other.cpu_s:
        return None
    return row.cpu_s / other.cpu_s


def markdown(rows: Sequence[Row]) -> str:
    """Return the table as Markdown, its columns aligned for readers of plain text."""
    cells = [COLUMNS, *(_cells(row, rows) for row in rows)]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    rule = [
        "-" * width if index < TEXT_COLUMNS else "-" * (width - 1) + ":"
        for index, width in enumerate(widths)
    ]
    lines = [_line(row, widths) for row in [cells[0], rule, *cells[1:]]]
    notes = [f"{row.program}, {row.hours} h: {row.note}." for row in rows if row.note]
    return "\n".join([*lines, *([""] if notes else []), *notes]) + "\n"


def figures(value: float | None) -> str:
    """Return a number with as many decimals as can be trusted."""
    if value is None:
        return NOTHING
    decimals = 0 if value >= 100 else 1 if value >= 10 else 2
    return f"{value:,.{decimals}f}"


def _cells(row: Row, rows: Sequence[Row]) -> tuple[str, ...]:
    real_time = row.hours * 3600 / row.cpu_s if row.hours and row.cpu_s else None
    return (
        f"{row.hours} h" if row.hours else NOTHING,
        row.program,
        row.job,
        figures(ratio(row, find(rows, "SciPy sosfilt", row.hours))),
        figures(ratio(row, find(rows, "LibEMG", row.hours))),
        figures(real_time),
        figures(row.cpu_s),
        figures(row.process_cpu_s),
        figures(row.process_wall_s),
        figures(row.peak_mb),
    )


def _line(cells: Sequence[str], widths: Sequence[int]) -> str:
    aligned = [
        cell.ljust(width) if index < TEXT_COLUMNS else cell.rjust(width)
        for index, (cell, width) in enumerate(zip(cells, widths, strict=True))
    ]
    return f"| {' | '.join(aligned)} |"
