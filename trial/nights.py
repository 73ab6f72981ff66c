"""Nights: local noon to noon, named by the date of their evening."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from typing import TYPE_CHECKING

import pandas as pd

from nightcramp.errors import UsageError

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

__all__ = ["hours_of", "night_of", "nights_of"]

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


def hours_of(night: date, zone: ZoneInfo) -> float:
    """Return how many hours a night has from noon to noon: 24, or 23 or 25 if the clocks change."""
    begin, end = (
        datetime.combine(night + timedelta(days=days), time(12), tzinfo=zone).astimezone(UTC)
        for days in (0, 1)
    )
    return (end - begin).total_seconds() / 3600


def nights_of(moments: pd.Series[pd.Timestamp], zone: ZoneInfo) -> pd.Series[pd.Timestamp]:
    """Return the night of each moment of a column, as `night_of` does of one."""
    local = moments.dt.tz_convert(zone).dt.tz_localize(None)
    return (local - pd.Timedelta(_NOON)).dt.normalize().astype("datetime64[s]")
