"""Results of an analysis that people review, made without analysing anything."""

from __future__ import annotations

import json
from datetime import datetime
from typing import TYPE_CHECKING

import numpy as np

from models import SimulatedNight
from nightcramp.outputs import NIGHT_SCHEMA, events_text
from nightcramp.simulation import night_info
from recordings import content_hash, write_edf
from sensing import Event, EventKind

if TYPE_CHECKING:
    from pathlib import Path

START = datetime(2026, 3, 1, 22)
RATE_HZ = 250.0


def cramp(onset_s, duration_s, kind=EventKind.CRAMP):
    return Event(onset_s, duration_s, kind, channel="EMG GM1", confidence=0.9, intensity=5.0)


def write_recording(path: Path, duration_s: float, bursts=()) -> Path:
    """Write an EDF of noise with bursts of activity, given as (onset, duration)."""
    random = np.random.default_rng(1)
    emg = random.normal(0, 4, (2, int(duration_s * RATE_HZ))).astype(np.float32)
    for onset_s, length_s in bursts:
        emg[:, int(onset_s * RATE_HZ) : int((onset_s + length_s) * RATE_HZ)] *= 12
    acc = np.zeros((3, int(duration_s * 50)), dtype=np.float32)
    acc[2] = 1
    night = SimulatedNight(START, emg, RATE_HZ, "uV", 0.5, (-1000.0, 1000.0), acc, 50.0, ())
    path.parent.mkdir(parents=True, exist_ok=True)
    write_edf(path, night_info(night, path.stem), emg, acc, patient_code="P1")
    return path


def write_results(folder: Path, name: str, events, *, hours=1.0, analysis_id="aaaa", source=None):
    """Write the summary and the events of a night."""
    folder.mkdir(parents=True, exist_ok=True)
    blind = sum(e.duration_s for e in events if e.kind is EventKind.NOT_ANALYSABLE)
    summary = {
        "schema": NIGHT_SCHEMA,
        "recording": name,
        "status": "judged",
        "start": START.isoformat(),
        "recorded_hours": hours,
        "analysable_hours": hours - blind / 3600,
        "not_analysable_hours": {},
        "cramps": sum(event.kind is EventKind.CRAMP for event in events),
        "possible_cramps": sum(event.kind is EventKind.POSSIBLE_CRAMP for event in events),
        "emg": {"channels": ["EMG GM1", "EMG GM2"], "rate_hz": RATE_HZ},
        "gaps": [],
        "made_by": {
            "analysis_id": analysis_id,
            "source": source.name if source else f"{name}.edf",
            "source_sha256": content_hash(source) if source else "0" * 64,
            "code_version": "0",
            "model_version": "1",
            "model_sha256": "1" * 64,
            "settings": {"emg": [], "acc": []},
        },
    }
    (folder / f"{name}_events.tsv").write_text(events_text(events))
    (folder / f"{name}_night.json").write_text(json.dumps(summary))
