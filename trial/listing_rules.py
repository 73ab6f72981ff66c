"""Rules of the lists beside nights and cramps: adverse events and concomitant products."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nightcramp.errors import InputError
from trial.rules import each, refuse_repeated, shown

if TYPE_CHECKING:
    from trial.rules import StudyTable
    from trial.tables import Problems

__all__ = ["check_adverse_events", "check_concomitant"]


def check_adverse_events(events: StudyTable, problems: Problems) -> None:
    """Every event once, and none that ends before it starts or ends well and badly at once."""
    refuse_repeated(events, ["participant_id", "term", "started_on"], problems)
    if "ended_on" in events.frame:
        _check_order(events, "started_on", "ended_on", problems)
    if "outcome" not in events.frame:
        return
    rows = events.frame.dropna(subset=["outcome", "serious"])
    for line, row in each(rows[(rows["outcome"] == "fatal") & (rows["serious"] == "no")]):
        problem = InputError(
            f"found {row.serious!r} for an event with a fatal outcome, expected 'yes'",
            advice="Death makes an event serious (ICH E2A); correct one of the two.",
        )
        problems.add(events.file, problem, line=line, column="serious")


def check_concomitant(products: StudyTable, problems: Problems) -> None:
    """Every product once from the same day, and none that is stopped before it is started."""
    refuse_repeated(products, ["participant_id", "product", "started_on"], problems)
    _check_order(products, "started_on", "stopped_on", problems)


def _check_order(table: StudyTable, first: str, last: str, problems: Problems) -> None:
    """Remember rows whose second date lies before the first."""
    rows = table.frame.dropna(subset=[first, last])
    for line, row in each(rows[rows[last] < rows[first]]):
        problem = InputError(
            f"found {shown(row[last])}, before {first} {shown(row[first])}; expected it later",
            advice="Correct one of the dates.",
        )
        problems.add(table.file, problem, line=line, column=last)
