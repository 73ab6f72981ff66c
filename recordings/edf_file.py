"""One EDF or BDF file: its header, where its records lie in time, and what is annotated."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from nightcramp.errors import RecordingError
from recordings.edf_annotations import read_remarks
from recordings.edf_header import read_header
from recordings.edf_stream import StreamLayout
from recordings.edf_timeline import place_records
from recordings.gaps import Skip, gaps_of, skipped_spans, split_skips
from recordings.recording import Annotation

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime
    from pathlib import Path

    from recordings.channels import Selection
    from recordings.edf_header import EdfHeader, SignalHeader
    from recordings.edf_timeline import Timeline
    from recordings.recording import Gap

_SHORTEST_S, _LONGEST_S = 10.0, 7 * 24 * 3600.0


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
    """Raise RecordingError unless a recording lasts 10 s to a week."""
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
    header = file.header
    signal = selection.signals[0]
    rate_hz = header.rate_hz(signal)
    places, positions = _runs(file, signal)
    return StreamLayout(
        header=header,
        rate_hz=rate_hz,
        n_samples=_end(places, positions) if n_samples is None else n_samples,
        samples_per_record=signal.samples,
        byte_offsets=tuple(signal.offset for signal in selection.signals),
        scales=selection.scales,
        places=places,
        positions=positions + shift,
        lost=tuple(
            skipped_spans((s for s in file.skips if s.label in (None, signal.label)), rate_hz)
            + shift
            for signal in selection.signals
        ),
    )


def find_gaps(file: EdfFile, signal: SignalHeader) -> tuple[Gap, ...]:
    """Return the time in which no signal of a file has samples, to a sample of this one."""
    rate_hz = file.header.rate_hz(signal)
    places, positions = _runs(file, signal)
    ends = positions + np.diff(places)
    holes = np.column_stack((ends[:-1], positions[1:]))
    padded = skipped_spans((skip for skip in file.skips if skip.label is None), rate_hz)
    return gaps_of(holes, padded, rate_hz, _end(places, positions))


def duration_s(file: EdfFile, signal: SignalHeader) -> float:
    """Return the length of a file in whole samples of a signal, gaps included."""
    return _end(*_runs(file, signal)) / file.header.rate_hz(signal)


def _runs(
    file: EdfFile, signal: SignalHeader
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Return places and positions of the samples of a signal, as `StreamLayout` has them."""
    timeline = file.timeline
    places = np.append(timeline.first_records, file.header.n_records) * signal.samples
    # To the nearest sample, but never before the run before it has ended.
    late = np.round(timeline.onsets_s * file.header.rate_hz(signal)).astype(np.int64) - places[:-1]
    return places, places[:-1] + np.maximum.accumulate(late)


def _end(places: npt.NDArray[np.int64], positions: npt.NDArray[np.int64]) -> int:
    return int(positions[-1] + places[-1] - places[-2])


def _partial_skips(skips: Sequence[Skip]) -> list[str]:
    labels = dict.fromkeys(skip.label for skip in skips if skip.label is not None)
    lacking = {
        label: sum(skip.duration_s for skip in skips if skip.label == label) for label in labels
    }
    return [f"{label!r} alone lacks {seconds:g} s" for label, seconds in lacking.items()]
