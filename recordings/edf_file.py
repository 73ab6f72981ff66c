"""One EDF or BDF file: its header, where its records lie in time, and what is annotated."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

import numpy as np

from nightcramp.errors import RecordingError
from recordings.edf_annotations import read_remarks
from recordings.edf_header import read_header
from recordings.edf_stream import StreamLayout
from recordings.edf_timeline import place_records
from recordings.gaps import Skip, skipped_spans, split_skips
from recordings.recording import Annotation

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime
    from pathlib import Path

    from recordings.channels import Selection
    from recordings.edf_header import EdfHeader
    from recordings.edf_timeline import Timeline

_SHORTEST_S, _LONGEST_S = 10.0, 24 * 3600.0


@dataclass(frozen=True, slots=True, eq=False)
class EdfFile:
    """All of a file but its samples; times count from the first sample.

    Attributes
    ----------
    header : EdfHeader
    timeline : Timeline
    start : datetime or None
        Of the first sample, fractions of a second included.
    skips : tuple of Skip
        Time the file pads.
    annotations : tuple of Annotation
        All others.
    notes : tuple of str
    """

    header: EdfHeader
    timeline: Timeline
    start: datetime | None
    skips: tuple[Skip, ...]
    annotations: tuple[Annotation, ...]
    notes: tuple[str, ...]


def open_file(path: Path) -> EdfFile:
    """Read all of a file but its samples.

    Raises
    ------
    RecordingError
        If the file cannot be read, makes no sense, lasts too long or too short, or its data records
        overlap.
    """
    header = read_header(path)
    check_duration(path, float(header.n_records * header.record_s))
    remarks = read_remarks(header)
    timeline = place_records(header, remarks)
    skips, annotations = split_skips(
        Annotation(a.onset_s - timeline.offset_s, a.duration_s, a.text) for a in remarks.annotations
    )
    unread = remarks.n_unreadable
    broken = (f"{unread} pieces of the annotations cannot be read",) if unread else ()
    return EdfFile(
        header=header,
        timeline=timeline,
        start=header.start and header.start + timedelta(seconds=timeline.offset_s),
        skips=tuple(skips),
        annotations=tuple(annotations),
        notes=(*header.notes, *timeline.notes, *broken, *_partial_skips(skips)),
    )


def check_duration(path: Path, duration_s: float) -> None:
    """Raise RecordingError unless a recording lasts 10 s to 24 h."""
    if not _SHORTEST_S <= duration_s <= _LONGEST_S:
        raise RecordingError(
            f"the recording lasts {duration_s:g} s, but must last "
            f"{_SHORTEST_S:g} s to {_LONGEST_S / 3600:g} h",
            file=path,
        )


def lay_out(
    file: EdfFile, selection: Selection, *, shift: int = 0, n_samples: int | None = None
) -> StreamLayout:
    """Find the samples of a selection in its file.

    Parameters
    ----------
    file : EdfFile
    selection : Selection
        Not empty.
    shift : int
        Samples to put between the start of the recording and the first sample of the file.
    n_samples : int, optional
        Length of the stream, where it is not that of the file.
    """
    header, timeline = file.header, file.timeline
    per_record = selection.signals[0].samples
    rate_hz = header.rate_hz(selection.signals[0])
    places = np.append(timeline.first_records, header.n_records) * per_record
    # To the nearest sample, but never before the run before it has ended.
    late = np.round(timeline.onsets_s * rate_hz).astype(np.int64) - places[:-1]
    positions = places[:-1] + np.maximum.accumulate(late) + shift
    end = int(positions[-1] + places[-1] - places[-2])
    return StreamLayout(
        header=header,
        rate_hz=rate_hz,
        n_samples=end if n_samples is None else n_samples,
        samples_per_record=per_record,
        byte_offsets=tuple(signal.offset for signal in selection.signals),
        scales=selection.scales,
        places=places,
        positions=positions,
        lost=tuple(
            skipped_spans((s for s in file.skips if s.label in (None, signal.label)), rate_hz)
            + shift
            for signal in selection.signals
        ),
    )


def _partial_skips(skips: Sequence[Skip]) -> list[str]:
    labels = dict.fromkeys(skip.label for skip in skips if skip.label is not None)
    lacking = {
        label: sum(skip.duration_s for skip in skips if skip.label == label) for label in labels
    }
    return [f"{label!r} alone lacks {seconds:g} s" for label, seconds in lacking.items()]
