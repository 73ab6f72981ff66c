"""What was lost, and what it cost, as tables."""

from __future__ import annotations

import statistics
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

NOTHING = "–"


@dataclass(frozen=True, slots=True)
class Loss:
    """What one kind of mishap did.

    Attributes
    ----------
    mishap : str
    tries : int
    opened : int
        In how many the journal could be opened and read.
    lost_s : sequence of float
        Seconds lost beyond what no program could save, one of each try.
    n_wrong : int
        Records read that were not written, over all tries.
    note : str
        What a reader must know of this row.
    """

    mishap: str
    tries: int
    opened: int
    lost_s: Sequence[float]
    n_wrong: int
    note: str = ""


@dataclass(frozen=True, slots=True)
class Cost:
    """One figure of what writing and reading take."""

    what: str
    value: str


def losses_text(losses: Sequence[Loss]) -> str:
    """Return the loss table as Markdown."""
    rows = [("mishap", "tries", "opened", "lost s, median", "lost s, most", "wrong records")]
    rows += [
        (
            loss.mishap,
            f"{loss.tries:,}",
            f"{loss.opened:,}",
            f"{statistics.median(loss.lost_s):.2f}" if loss.lost_s else NOTHING,
            f"{max(loss.lost_s):.2f}" if loss.lost_s else NOTHING,
            f"{loss.n_wrong}" if loss.tries else NOTHING,
        )
        for loss in losses
    ]
    notes = [f"{loss.mishap}: {loss.note}." for loss in losses if loss.note]
    return "\n".join([_markdown(rows, 1), *([""] if notes else []), *notes]) + "\n"


def costs_text(costs: Sequence[Cost]) -> str:
    """Return the cost table as Markdown."""
    return _markdown([("cost", "figure"), *((cost.what, cost.value) for cost in costs)], 1) + "\n"


def _markdown(rows: Sequence[Sequence[str]], n_text: int) -> str:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    rule = [
        "-" * width if index < n_text else "-" * (width - 1) + ":"
        for index, width in enumerate(widths)
    ]
    lines = [rows[0], rule, *rows[1:]]
    return "\n".join(
        "| "
        + " | ".join(
            cell.ljust(width) if index < n_text else cell.rjust(width)
            for index, (cell, width) in enumerate(zip(line, widths, strict=True))
        )
        + " |"
        for line in lines
    )
