"""A night whose recorder is gone and will not come back: closed, made a file, and judged."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

from firmware_bridge import HostClock
from nightcramp.errors import NightcrampError
from nightcramp.recorder.ending import finish_night
from nightcramp.recorder.plan import NightPlan, SensorPlan, parse_sensor
from recordings.journal import open_journal, recover

if TYPE_CHECKING:
    from pathlib import Path

    from nightcramp.app.tonight import Choice, Tonight


def finish_left_night(home: Path, tonight: Tonight) -> dict[str, str]:
    """Close the journals and make of them what the recorder would have made.

    Parameters
    ----------
    home : Path
    tonight : Tonight
        What was begun.

    Returns
    -------
    dict of str to str
        By leg, what could not be done of its sensor; the journals are safe in any case.
    """
    sensors: list[SensorPlan] = []
    undone: dict[str, str] = {}
    for choice, journal in tonight.journals(home).items():
        try:
            sensors.append(_closed(choice, journal))
        except NightcrampError as error:
            undone[choice.leg] = str(error)
    plan = NightPlan(home, date.fromisoformat(tonight.night), tuple(sensors))
    endings = finish_night(plan, lambda _: None)
    failed = zip(sensors, endings, strict=True)
    return undone | {sensor.leg: ending.error for sensor, ending in failed if ending.failed}


def _closed(choice: Choice, journal: Path) -> SensorPlan:
    """Close the journal of a sensor, and return what was planned of it."""
    recover(journal, HostClock())
    label = open_journal(journal).header.label
    return SensorPlan(parse_sensor(choice.sensor), choice.leg, journal, label)
