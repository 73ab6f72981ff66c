"""What the side files of an EMG-BIDS tree say of a recording that was made from a journal."""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING

from recordings.emg_bids_edf import LINK, StreamPart, cut
from recordings.emg_bids_tree import MISSING, TASK
from recordings.fingerprint import content_hash
from recordings.recording import Annotation

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime, timedelta
    from pathlib import Path

    from firmware_bridge import ClockModel, StreamSpec
    from recordings.emg_bids_tree import BidsName, Row
    from recordings.journal.header import SegmentHeader
    from recordings.journal_decode import DecodedRun
    from recordings.journal_source import JournalSource

CHANNEL_COLUMNS = (
    "name",
    "type",
    "units",
    "sampling_frequency",
    "low_cutoff",
    "high_cutoff",
    "status",
)
EVENT_COLUMNS = ("onset", "duration", "trial_type", "cause", "error")
EVENT_DESCRIPTIONS = {
    "trial_type": {
        "Levels": {
            "gap": "samples that never arrived; annotated BAD_ACQ_SKIP in the file",
            "mark": "the participant, or the sensor's button, marked this moment",
        }
    },
    "cause": {"Description": "why samples are missing, or the text of the mark"},
    "error": {
        "Description": "standard uncertainty of the duration: one standard deviation, no limit",
        "Units": "s",
    },
}
_TYPES = {"emg": "EMG", "acc": "ACCEL"}

Makers = dict[str, object]
"""Devices, journals and their hashes, as they stand in a side file."""


@dataclass(frozen=True, slots=True, eq=False)
class JournalRun:
    """What becomes one run of a tree: streams from `start_s` up to `stop_s` of a decoded run.

    Attributes
    ----------
    source : JournalSource
    decoded : DecodedRun
    start_s, stop_s : float
        Whole seconds.
    name : BidsName
    """

    source: JournalSource
    decoded: DecodedRun
    start_s: float
    stop_s: float
    name: BidsName

    @property
    def start(self) -> datetime:
        """Local time of the first sample, with its offset from UTC."""
        return self.source.start(self.decoded, self.start_s)

    @property
    def whole_start(self) -> datetime:
        """What the header says: the nearest whole second, local, without zone."""
        return self.source.whole_start(self.decoded, self.start_s)

    @property
    def parts(self) -> list[StreamPart]:
        """Streams of the run that hold anything; the EMG first."""
        spools = self.decoded.spools.values()
        return [cut(spool, self.start_s, self.stop_s) for spool in spools if spool.has_samples]

    @property
    def marks(self) -> list[Annotation]:
        """Marks, by the time of the run."""
        return [
            Annotation(mark.onset_s - self.start_s, mark.duration_s, mark.text)
            for mark in sorted(self.decoded.marks, key=lambda mark: mark.onset_s)
            if mark.onset_s < self.stop_s and (mark.onset_s >= self.start_s or self.start_s == 0)
        ]


def channel_rows(parts: Sequence[StreamPart]) -> list[Row]:
    """Rows of ``channels.tsv``, in the order of the file."""
    rows = []
    for part in parts:
        spec = part.form.spec
        low, high = spec.bandwidth_hz or (None, None)
        rows += [
            {
                "name": channel.label,
                "type": _TYPES[spec.kind],
                "units": channel.unit if channel.scaled else MISSING,
                "sampling_frequency": f"{part.form.rate_hz:g}",
                "low_cutoff": f"{low:g}" if low else MISSING,
                "high_cutoff": f"{high:g}" if high else MISSING,
                "status": "good",
            }
            for channel in part.form.channels
        ]
    link = {"name": LINK, "type": "MISC", "units": "%", "sampling_frequency": "1"}
    return [*rows, link | {"status": "good"}]


def event_rows(run: JournalRun, parts: Sequence[StreamPart]) -> list[Row]:
    """Rows of ``events.tsv``: gaps of the first stream of a file, and marks, by onset."""
    part = parts[0]
    rate_hz = part.form.rate_hz
    found = [
        (max(span.first, part.first), min(span.stop, part.stop), span)
        for span in part.spool.missing
        if span.first < part.stop and part.first < span.stop
    ]
    rows = [
        {
            "onset": _number((first - part.first) / rate_hz),
            "duration": _number((stop - first) / rate_hz),
            "trial_type": "gap",
            "cause": span.cause,
            "error": _number(span.error_s),
        }
        for first, stop, span in found
    ]
    rows += [
        {"onset": _number(mark.onset_s), "duration": "0", "trial_type": "mark", "cause": mark.text}
        for mark in run.marks
    ]
    return sorted(rows, key=lambda row: float(row["onset"]))


def makers_of(source: JournalSource) -> Makers:
    """Return what a recording was made from: its journal, and that of the companion."""
    makers = _maker(source.folder, source.header)
    other = source.companion
    return makers if other is None else {**makers, "Companion": _maker(other.folder, other.header)}


def _maker(folder: Path, header: SegmentHeader) -> Makers:
    return {
        "Device": header.label.device,
        "Journal": header.journal_id.hex(),
        "JournalSHA256": content_hash(folder),
        "Recorder": header.label.recorder,
    }


def sidecar(run: JournalRun, parts: Sequence[StreamPart], makers: Makers) -> dict[str, object]:
    """Content of the JSON file beside the samples."""
    form = parts[0].form
    leg = f" of the {run.name.leg} leg" if run.name.leg else ""
    return {
        "TaskName": TASK,
        "TaskDescription": "A night's sleep at home",
        "ManufacturersModelName": run.source.device(form.spec.kind).title,
        "SamplingFrequency": form.rate_hz,
        "PowerLineFrequency": MISSING,
        "RecordingType": "continuous",
        "RecordingDuration": parts[0].duration_s,
        "SoftwareFilters": MISSING,
        "EMGReference": MISSING,
        "EMGPlacementScheme": "Other",
        "EMGPlacementSchemeDescription": f"Sensor worn on the calf{leg}",
        "Nightcramp": {
            "Start": run.start.isoformat(),
            "StartUTC": run.source.decoded.utc(run.decoded.start_s + run.start_s).isoformat(),
            "UTCOffset": _seconds(run.start.utcoffset()),
            "StartInHeader": run.whole_start.isoformat(),
            **makers,
            "Streams": {part.form.spec.kind: _stream(run, part) for part in parts},
            "Damage": [str(damage) for damage in run.source.damage],
        },
    }


def _stream(run: JournalRun, part: StreamPart) -> dict[str, object]:
    """Scale and clock of a stream, as exactly as they are known."""
    spec = part.form.spec
    clock = run.decoded.clocks.get(spec.kind)
    missing = sum(stop - first for first, stop in part.spans(part.n))
    return {
        "DeclaredRate": part.form.rate_hz,
        "StatedRate": spec.rate_hz,
        "Samples": part.n,
        "MissingSamples": missing,
        "CountScale": _scale(spec),
        "CountOffset": spec.offset,
        "Units": spec.unit,
        "Limits": list(spec.limits),
        "Clock": None if clock is None else _clock(run, clock),
    }


def _scale(spec: StreamSpec) -> str | None:
    """Size of a count as a fraction: exact, whatever a header can hold."""
    return None if spec.scale is None else str(Fraction(spec.scale))


def _clock(run: JournalRun, clock: ClockModel) -> dict[str, object]:
    """Sensor's clock against the host's; times are seconds after the start of the run."""
    origin_s = run.decoded.start_s + run.start_s
    return {
        "Rate": clock.rate_hz,
        "PPM": clock.ppm,
        "Residual": None if math.isnan(clock.residual_s) else clock.residual_s,
        "FirstSample": clock.start_s - origin_s,
        "Knots": [[index, round(seconds - origin_s, 6)] for index, seconds in clock.knots],
    }


def _seconds(offset: timedelta | None) -> float | None:
    return None if offset is None else offset.total_seconds()


def _number(value: float) -> str:
    return f"{value:.6f}".rstrip("0").rstrip(".")
