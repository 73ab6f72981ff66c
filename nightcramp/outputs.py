"""The files an analysis leaves: events, night summary, and the words for their columns."""

from __future__ import annotations

import csv
import io
import json
import math
from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from nightcramp.errors import InputError
from sensing import Censored, Event, EventKind, NightResult

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

    from models import TrueEvent
    from recordings import RecordingInfo

NIGHT_SCHEMA = "nightcramp-night/1"

TRUTH_ENDING = "_truth.tsv"

EVENT_COLUMNS = {
    "onset": "Start of the event in seconds from the start of the recording.",
    "duration": "Length of the event in seconds.",
    "trial_type": {
        "LongName": "Kind of event",
        "Levels": {
            "cramp": "A cramp of at least 15 s.",
            "possible_cramp": "Perhaps a cramp: short (10 to 15 s), weak, unsure or after little "
            "rest; not counted in weekly frequencies.",
            "leg_movement": "A leg movement of 0.5 to 10 s by the AASM/WASM rules.",
            "not_analysable": "Time in which a cramp could not have been seen.",
        },
    },
    "channel": "EMG channel that shows the event best.",
    "confidence": "Probability that the event is a cramp, from all that was seen of it, 0 to 1.",
    "intensity": "Median EMG amplitude over the event, in multiples of the noise floor.",
    "rms_uv": "The same in microvolts; n/a where the recording has no physical unit.",
    "censored": "Which end a gap or the edge of the recording hides: none, onset, offset, both.",
    "detail": "Reason of a not_analysable stretch; 'periodic' for a movement of a series.",
}
"""Columns of an events file and their meaning (BIDS sidecar)."""

LEAST_PLAUSIBLE_UV = 0.2
"""Lowest noise floor to be believed; the best amplifiers on skin have about 0.5 uV RMS."""

TRUTH_COLUMNS = ("onset", "duration", "trial_type", "intensity", "detail")


@dataclass(frozen=True, slots=True)
class MadeBy:
    """What a result depends on.

    Attributes
    ----------
    analysis_id : str
        Changes with any of the others.
    source, source_sha256 : str
        Name and hash of the recording.
    companions : mapping
        Hash of each file beside it that had a say: acceleration, table of channels.
    code_version, model_version, model_sha256 : str
    settings : mapping
        What the caller chose.
    """

    analysis_id: str
    source: str
    source_sha256: str
    companions: Mapping[str, str]
    code_version: str
    model_version: str
    model_sha256: str
    settings: Mapping[str, Sequence[str]]


def told_cramps(cramps: int, possible: int) -> str:
    """Return how many were found as a line of text tells it."""
    return f"{cramps} cramp{'' if cramps == 1 else 's'}, {possible} possible"


def events_text(events: Iterable[Event]) -> str:
    """Return the text of an events file."""
    rows = [
        (
            _number(event.onset_s),
            _number(event.duration_s),
            event.kind,
            event.channel or "n/a",
            _number(event.confidence),
            _number(event.intensity, 2),
            _number(event.rms_uv, 2),
            event.censored if event.kind in _CRAMPS else "n/a",
            event.detail or "n/a",
        )
        for event in events
    ]
    return _table(tuple(EVENT_COLUMNS), rows)


def columns_text() -> str:
    """Return the sidecar that explains the columns of events files."""
    columns = {
        name: meaning if isinstance(meaning, dict) else {"Description": meaning}
        for name, meaning in EVENT_COLUMNS.items()
    }
    return json_text(columns)


def truth_text(events: Iterable[TrueEvent]) -> str:
    """Return the text of a truth file."""
    rows = [
        (
            _number(event.onset_s),
            _number(event.duration_s),
            event.kind,
            _number(event.intensity, 2),
            event.detail or "n/a",
        )
        for event in events
    ]
    return _table(TRUTH_COLUMNS, rows)


def night_summary(
    result: NightResult, info: RecordingInfo, made_by: MadeBy, version: int, supersedes: str | None
) -> dict[str, object]:
    """Return hours, reasons, counts and makers of a judged recording, ready for JSON.

    Parameters
    ----------
    result : NightResult
    info : RecordingInfo
    made_by : MadeBy
    version : int
        1 for the first analysis of this recording in this folder, one more each time.
    supersedes : str or None
        ``analysis_id`` of the version before.
    """
    cramps = result.of_kind(EventKind.CRAMP)
    movements = result.of_kind(EventKind.LEG_MOVEMENT)
    periodic = sum(movement.detail == "periodic" for movement in movements)
    hours = result.analysable_s / 3600
    return {
        "schema": NIGHT_SCHEMA,
        "recording": info.name,
        "status": "judged" if result.analysable_s else "not_analysable",
        "start": info.start.isoformat() if info.start else None,
        "recorded_hours": round(result.duration_s / 3600, 5),
        "analysable_hours": round(hours, 5),
        "not_analysable_hours": _reasons(result),
        "cramps": len(cramps),
        "possible_cramps": len(result.of_kind(EventKind.POSSIBLE_CRAMP)),
        "cramps_censored": sum(cramp.censored is not Censored.NONE for cramp in cramps),
        "cramp_minutes": round(sum(cramp.duration_s for cramp in cramps) / 60, 3),
        "longest_cramp_s": round(max((cramp.duration_s for cramp in cramps), default=0.0), 2),
        "leg_movements": len(movements),
        "periodic_leg_movements": periodic,
        "periodic_leg_movements_per_hour": round(periodic / hours, 2) if hours else None,
        "emg": {
            "channels": [channel.label for channel in info.emg.channels],
            "rate_hz": info.emg.rate_hz,
            "amplitude": "microvolts" if info.emg.scaled else "relative to the noise floor",
            "noise_floor_median": _noise_floor(result),
        },
        "acc": {"rate_hz": info.acc.rate_hz} if info.acc else None,
        "gaps": [
            {
                "onset": round(gap.onset_s, 3),
                "duration": round(gap.duration_s, 3),
                "cause": gap.cause,
            }
            for gap in info.gaps
        ],
        "notes": [*info.notes, *_doubts(result, info)],
        "made_by": {
            "analysis_id": made_by.analysis_id,
            "version": version,
            "supersedes": supersedes,
            "source": made_by.source,
            "source_sha256": made_by.source_sha256,
            "companions": dict(made_by.companions),
            "code_version": made_by.code_version,
            "model_version": made_by.model_version,
            "model_sha256": made_by.model_sha256,
            "settings": {name: list(values) for name, values in made_by.settings.items()},
        },
    }


def read_night(path: Path) -> dict[str, object]:
    """Read a night summary.

    Raises
    ------
    InputError
        If the file cannot be read or is no night summary of this version.
    """
    try:
        summary = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError(f"cannot be read ({error.strerror})", file=path) from error
    except ValueError as error:
        raise InputError(f"not JSON ({error})", file=path) from error
    if not isinstance(summary, dict) or summary.get("schema") != NIGHT_SCHEMA:
        raise InputError(
            f"not a night summary of the form {NIGHT_SCHEMA}",
            file=path,
            advice="Analyse the recording again with this version",
        )
    return summary


_CRAMPS = (EventKind.CRAMP, EventKind.POSSIBLE_CRAMP)


def _reasons(result: NightResult) -> dict[str, float]:
    seconds: defaultdict[str, float] = defaultdict(float)
    for event in result.of_kind(EventKind.NOT_ANALYSABLE):
        seconds[event.detail or "unknown"] += event.duration_s
    return {reason: round(value / 3600, 5) for reason, value in sorted(seconds.items())}


def _noise_floor(result: NightResult) -> list[float | None]:
    return [
        round(float(np.nanmedian(floor)), 3) if not np.isnan(floor).all() else None
        for floor in result.seconds.floor
    ]


def _doubts(result: NightResult, info: RecordingInfo) -> list[str]:
    """Return what a person should check because no recorder and no skin is that quiet."""
    if not info.emg.scaled:
        return []
    return [
        f"{channel.label}: a noise floor of {floor:g} uV is not plausible, is the unit right? "
        "Episodes do not depend on it, but leg movements are scored by microvolts"
        for channel, floor in zip(info.emg.channels, _noise_floor(result), strict=True)
        if floor is not None and floor < LEAST_PLAUSIBLE_UV
    ]


def _number(value: float | None, digits: int = 3) -> str:
    return "n/a" if value is None or math.isnan(value) else f"{value:.{digits}f}"


def _table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    buffer = io.StringIO()
    writer = csv.writer(buffer, delimiter="\t", lineterminator="\n")
    writer.writerow(columns)
    writer.writerows(rows)
    return buffer.getvalue()


def json_text(value: object) -> str:
    """Return a value as JSON for people and machines."""
    return json.dumps(value, indent=2, ensure_ascii=False) + "\n"
