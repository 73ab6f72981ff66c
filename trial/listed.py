"""What is listed of participants beside nights and cramps, counted: safety, products, devices."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection

    import pandas as pd

    from trial.study import Listings

__all__ = ["Count", "Listed", "count_listings"]


@dataclass(frozen=True, slots=True)
class Count:
    """How often something is listed, and of how many participants."""

    name: str
    participants: int
    entries: int


@dataclass(frozen=True, slots=True)
class Listed:
    """Counts of the lists of a group of participants; None where the study has no such list.

    Attributes
    ----------
    adverse_events : tuple of Count or None
        Any, serious, related (possibly or surely), severe, fatal.
    adverse_event_terms : tuple of Count or None
        By term, the most participants first.
    concomitant : tuple of Count or None
        Products by kind.
    deviations : tuple of Count or None
        By severity and kind.
    device_events : tuple of Count or None
        By kind.
    """

    adverse_events: tuple[Count, ...] | None
    adverse_event_terms: tuple[Count, ...] | None
    concomitant: tuple[Count, ...] | None
    deviations: tuple[Count, ...] | None
    device_events: tuple[Count, ...] | None


def count_listings(listings: Listings, people: Collection[str]) -> Listed:
    """Count what is listed of some participants, each of them once however often it happened."""
    events = _of(listings.adverse_events, people)
    deviations = _of(listings.deviations, people)
    if deviations is not None:
        kind = deviations["severity"] + ", " + deviations["kind"]
        deviations = deviations.assign(kind=kind)
    return Listed(
        adverse_events=None if events is None else _adverse_events(events),
        adverse_event_terms=_by(events, "term"),
        concomitant=_by(_of(listings.concomitant, people), "kind"),
        deviations=_by(deviations, "kind"),
        device_events=_by(_of(listings.device_events, people), "kind"),
    )


def _of(table: pd.DataFrame | None, people: Collection[str]) -> pd.DataFrame | None:
    return None if table is None else table[table["participant_id"].isin(people)]


def _adverse_events(events: pd.DataFrame) -> tuple[Count, ...]:
    fatal = events["outcome"] == "fatal" if "outcome" in events else events["term"].isna()
    parts = {
        "any": events["term"].notna(),
        "serious": events["serious"] == "yes",
        "related or possibly related": events["related"].isin(["possible", "yes"]),
        "severe": events["severity"] == "severe",
        "fatal": fatal,
    }
    return tuple(_count(name, events[chosen]) for name, chosen in parts.items())


def _by(table: pd.DataFrame | None, column: str) -> tuple[Count, ...] | None:
    if table is None:
        return None
    counts = [_count(str(name), rows) for name, rows in table.groupby(column)]
    return tuple(sorted(counts, key=lambda count: (-count.participants, count.name)))


def _count(name: str, rows: pd.DataFrame) -> Count:
    return Count(name, int(rows["participant_id"].nunique()), len(rows))
