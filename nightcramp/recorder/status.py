"""The status file: how the night stands, for pages and programs that look in from outside.

``status.json`` in the recorder's folder is replaced once a second, so that whoever opens it reads
a whole one. Its fields are told in ``docs/recording.md``.
"""

from __future__ import annotations

import contextlib
import json
import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from nightcramp.recorder.figures import FoundEpisode, NightFigures, SensorFigures, SignalFigures

SCHEMA = "nightcramp-status/1"
STATUS_NAME = "status.json"


class StatusFile:
    """Writes the status of one recorder.

    Parameters
    ----------
    folder : Path
    """

    def __init__(self, folder: Path) -> None:
        self._path = folder / STATUS_NAME
        self._is_ours = False

    def write(self, figures: NightFigures) -> None:
        """Replace the file; on a full disk only its time moves, as a sign of life."""
        text = json.dumps(status_content(figures), ensure_ascii=False)
        beside = self._path.with_name(f".{STATUS_NAME}.{os.getpid()}")
        try:
            beside.write_text(text, encoding="utf-8")
            beside.replace(self._path)
            self._is_ours = True
        except OSError:
            with contextlib.suppress(OSError):
                beside.unlink(missing_ok=True)
            if self._is_ours:  # that of an earlier recorder must not look alive
                with contextlib.suppress(OSError):
                    os.utime(self._path)


def status_content(figures: NightFigures) -> dict[str, object]:
    """Return what stands in the status file."""
    return {
        "schema": SCHEMA,
        "process": os.getpid(),
        "state": figures.state,
        "updated_ns": figures.wall_ns,
        "started_ns": figures.started_ns,
        "until_ns": figures.until_ns,
        "prompt": figures.prompt,
        "marks": figures.marks,
        "free_bytes": figures.free_bytes,
        "sensors": [_sensor(sensor) for sensor in figures.sensors],
    }


def _sensor(sensor: SensorFigures) -> dict[str, object]:
    from firmware_bridge.link import explain

    return {
        "title": sensor.title,
        "leg": sensor.leg or None,
        "journal": sensor.journal,
        "state": str(sensor.state),
        "cause": str(sensor.cause) if sensor.cause else None,
        "says": explain(sensor.cause) if sensor.cause else None,
        "data_age_s": _rounded(sensor.data_age_s),
        "durable_age_s": _rounded(sensor.durable_age_s),
        "alarm": sensor.alarm or None,
        **_signal(sensor.signal),
    }


def _signal(signal: SignalFigures) -> dict[str, object]:
    battery = signal.battery
    return {
        "recorded_s": _rounded(signal.recorded_s),
        "analysable_s": _rounded(signal.analysable_s),
        "missing_share": None if signal.missing is None else round(signal.missing, 5),
        "contact": signal.contact,
        "unit": signal.unit,
        "envelope": [round(value, 2) for value in signal.envelope],
        "noise_floor": None if signal.floor is None else round(signal.floor, 3),
        "battery_percent": battery.percent,
        "battery_hours": _rounded(battery.hours),
        "rejects": signal.rejects,
        "live_trouble": signal.trouble or None,
        "decision_lag_s": round(signal.decision_lag_s, 3),
        "awaited_s": _rounded(signal.awaited_s),
        "episodes": [_episode(found) for found in signal.episodes],
    }


def _episode(found: FoundEpisode) -> dict[str, object]:
    event = found.event
    return {
        "onset_ns": found.onset_ns,
        "duration_s": round(event.duration_s, 2),
        "trial_type": str(event.kind),
        "confidence": None if event.confidence is None else round(event.confidence, 3),
    }


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 1)
