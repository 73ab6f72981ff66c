"""Nights: local noon to noon, named by the date of their evening."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING

from nightcramp.errors import UsageError

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

__all__ = ["night_of"]

_NOON = timedelta(hours=12)


def night_of(start: datetime, zone: ZoneInfo) -> date:
    """Return the night that a moment belongs to.

    The wall clock decides, so a night on which the clocks change keeps its name and its true
    length of 23 or 25 hours.

    Parameters
    ----------
    start : datetime
        A moment with its offset from UTC.
    zone : ZoneInfo
        Where the participant sleeps.

    Raises
    ------
    UsageError
        If `start` has no time zone.
    """
    if start.tzinfo is None:
        raise UsageError(f"{start.isoformat()} has no time zone: its night cannot be told")
    return (start.astimezone(zone).replace(tzinfo=None) - _NOON).date()
