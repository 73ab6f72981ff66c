"""A night whose recorder is gone and will not come back: closed, made a file, and judged."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

from firmware_bridge import HostClock
from nightcramp.recorder.ending import finish_night
from nightcramp.recorder.plan import NightPlan, SensorPlan, parse_sensor
from recordings.journal import SUFFIX, open_journal, recover

if TYPE_CHECKING:
    from pathlib import Path

    from nightcramp.app.tonight import Tonight


def finish_left_night(home: Path, tonight: Tonight) -> list[str]:
    """Close the journal and make of it what the recorder would have made.

    Parameters
    ----------
    home : Path
    tonight : Tonight
        What was begun.

    Returns
    -------
    list of str
        What could not be done; the journal is safe in any case.

    Raises
    ------
    BusyError, InputError, OutputError
        If the journal is in use, unreadable, or cannot be added to.
    """
    choice = tonight.choice
    journal = home / f"{choice.participant}_{tonight.night}_{choice.leg}{SUFFIX}"
    if not journal.is_dir():
        return []
    recover(journal, HostClock())
    label = open_journal(journal).header.label
    sensor = SensorPlan(parse_sensor(choice.sensor), choice.leg, journal, label)
    plan = NightPlan(home, date.fromisoformat(tonight.night), (sensor,))
    return [ending.error for ending in finish_night(plan, lambda _: None) if ending.failed]
