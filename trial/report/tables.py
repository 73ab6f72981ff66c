"""What a table of the report is: texts in rows, and rows that belong together."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from trial.summary import Span, Summary

__all__ = ["Body", "Row", "Table", "week_bodies"]

Row = tuple[str, ...]

_ROWS_KEPT_TOGETHER = 32  # on one page of paper
_COLUMNS_OF_A_PAGE = 8


@dataclass(frozen=True, slots=True)
class Body:
    """Rows that belong together, with the name they share, if any."""

    rows: tuple[Row, ...]
    name: str = ""


@dataclass(frozen=True, slots=True)
class Table:
    """A table of texts.

    Attributes
    ----------
    caption : str
    head : tuple of str
    bodies : tuple of Body
    text_columns : int
        How many of the first columns hold words; the others hold numbers.
    """

    caption: str
    head: Row
    bodies: tuple[Body, ...]
    text_columns: int = 1

    @property
    def is_empty(self) -> bool:
        """Whether there is no row to show."""
        return not any(body.rows for body in self.bodies)

    @property
    def is_wide(self) -> bool:
        """Whether it has more columns than an upright page has room for."""
        return len(self.head) > _COLUMNS_OF_A_PAGE

    @property
    def shape(self) -> str:
        """How the table lies on the page, as classes of the style sheet."""
        columns, rows = len(self.head), sum(len(body.rows) for body in self.bodies)
        width = "slim" if columns <= 4 else "wide" if self.is_wide else "normal"
        length = "short" if rows <= _ROWS_KEPT_TOGETHER else "long"
        labels = "codes" if self.head[0] else "phrases"
        return f"{width} {length} {labels}"


def week_bodies(summary: Summary, row: Callable[[Span], Row]) -> tuple[Body, ...]:
    """Return a row for each week that somebody has reached, group by group."""
    return tuple(
        Body(
            rows=tuple(row(week) for week in group.weeks if week.nights_planned),
            name=group.arm or "",
        )
        for group in summary.groups
    )
