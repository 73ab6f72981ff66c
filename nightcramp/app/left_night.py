"""A night whose recorder is gone and will not come back: closed, made a file, and judged."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

from firmware_bridge import HostClock
from nightcramp.recorder.ending import finish_night
from nightcramp.recorder.plan import NightPlan, SensorPlan, parse_sensor
from recordings.journal import open_journal, recover

if TYPE_CHECKING:
    from pathlib import Path

    from nightcramp.app.tonight import Choice, Tonight


def finish_left_night(home: Path, tonight: Tonight) -> list[str]:
    """Close the journals and make of them what the recorder would have made.

    Parameters
    ----------
    home : Path
    tonight : Tonight
        What was begun.

    Returns
    -------
    list of str
        What could not be done; the journals are safe in any case.

    Raises
    ------
    BusyError, InputError, OutputError
        If a journal is in use, unreadable, or cannot be added to.
    """
    sensors = tuple(_closed(*journal) for journal in tonight.journals(home).items())
    plan = NightPlan(home, date.fromisoformat(tonight.night), sensors)
    return [ending.error for ending in finish_night(plan, lambda _: None) if ending.failed]


def _closed(choice: Choice, journal: Path) -> SensorPlan:
    """Close the journal of a sensor, and return what was planned of it."""
    recover(journal, HostClock())
    label = open_journal(journal).header.label
    return SensorPlan(parse_sensor(choice.sensor), choice.leg, journal, label)
