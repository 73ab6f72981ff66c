"""The recorder's status file, as the page reads it."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from nightcramp.recorder.status import SCHEMA, STATUS_NAME

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path


@dataclass(frozen=True, slots=True)
class SensorStatus:
    """How the sensor stands; fields as in ``docs/recording.md``."""

    title: str
    leg: str | None
    state: str
    says: str | None
    alarm: str | None
    contact: str
    recorded_s: float
    data_age_s: float | None
    battery_percent: int | None
    battery_hours: float | None


@dataclass(frozen=True, slots=True)
class NightStatus:
    """How the night stands.

    Attributes
    ----------
    process : int
        Of the recorder.
    state : str
        ``recording``, ``fetching`` or ``ended``.
    marks : int
        Cramps marked since the recorder started.
    wall_ns, started_ns : int
        Clock of the night when this was written, and when the recorder started.
    sensors : tuple of SensorStatus
    awaited_s : float
        Length of what sensors may still send.
    written_ns : int
        Real time of the recorder's last sign of life: it wrote this, or touched it on a full disk.
    """

    process: int
    state: str
    marks: int
    wall_ns: int
    started_ns: int
    sensors: tuple[SensorStatus, ...]
    awaited_s: float
    written_ns: int

    @property
    def age_s(self) -> float:
        """Real seconds since it was written."""
        return (time.time_ns() - self.written_ns) / 1e9


def read_status(home: Path) -> NightStatus | None:
    """Return what the recorder of a folder said last; None if it said nothing that is known."""
    path = home / STATUS_NAME
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        if content.get("schema") != SCHEMA:
            return None
        return NightStatus(
            process=int(content["process"]),
            state=str(content["state"]),
            marks=int(content["marks"]),
            wall_ns=int(content["updated_ns"]),
            started_ns=int(content["started_ns"]),
            sensors=tuple(_sensor(each) for each in content["sensors"]),
            awaited_s=sum(float(each.get("awaited_s") or 0.0) for each in content["sensors"]),
            written_ns=path.stat().st_mtime_ns,
        )
    except (OSError, ValueError, KeyError, AttributeError, TypeError):
        return None


def _sensor(content: Mapping[str, object]) -> SensorStatus:
    return SensorStatus(**{name: content[name] for name in SensorStatus.__slots__})  # type: ignore[arg-type]
