"""The picture of a comparison: one bar for each program, on a logarithmic scale."""

from __future__ import annotations

from typing import TYPE_CHECKING

import matplotlib as mpl
from matplotlib.figure import Figure

from benchmarks.ours import NAME
from benchmarks.table import Row, figures, find, ratio

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

# Okabe and Ito (2008); they differ in lightness too.
OURS, OTHERS, INK = "#D55E00", "#56B4E9", "#1A1A1A"


def draw(rows: Sequence[Row], hours: int, paths: Sequence[Path]) -> None:
    """Draw the programs measured on a night of so many hours into SVG or PNG files."""
    measured = [row for row in rows if row.hours == hours and row.cpu_s]
    measured.sort(key=lambda row: row.cpu_s or 0)
    with mpl.rc_context({"font.size": 9, "svg.hashsalt": NAME}):
        figure = _figure(measured, hours)
        for path in paths:
            metadata = {"Date": None} if path.suffix == ".svg" else None
            figure.savefig(path, dpi=150, facecolor="white", metadata=metadata)


def _figure(measured: Sequence[Row], hours: int) -> Figure:
    figure = Figure(figsize=(8, 0.8 + 0.5 * len(measured)), layout="constrained")
    title = f"Processor time for {hours} h of 2 EMG channels at 1 kHz (logarithmic scale)"
    figure.suptitle(title, x=0.01, horizontalalignment="left", color=INK, fontsize=10)
    axes = figure.add_subplot()
    costs = [row.cpu_s or 0 for row in measured]
    colours = [OURS if row.program.startswith(NAME) else OTHERS for row in measured]
    bars = axes.barh(range(len(measured)), costs, height=0.62, color=colours)
    nightcramp = find(measured, NAME, hours)
    axes.bar_label(bars, [_label(row, nightcramp) for row in measured], padding=4, color=INK)
    names = [f"{row.program}\n{row.job}" for row in measured]
    axes.set_yticks(range(len(measured)), names, color=INK)
    axes.set_xscale("log")
    axes.set_xlim(min(costs) / 4, max(costs) * 50)  # room for the labels
    axes.invert_yaxis()
    axes.get_xaxis().set_visible(False)
    axes.spines[:].set_visible(False)
    axes.tick_params(axis="y", length=0)
    return figure


def _label(row: Row, nightcramp: Row | None) -> str:
    cost = f"{figures(row.cpu_s)} s"
    if nightcramp is None or row.program.startswith(NAME):
        return cost
    return f"{cost}   ({figures(ratio(row, nightcramp))} × nightcramp)"
