"""Where the data records of a file lie in time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from nightcramp.errors import RecordingError

if TYPE_CHECKING:
    from recordings.edf_annotations import Remarks
    from recordings.edf_header import EdfHeader

# Onsets are texts, often rounded to a millisecond: two records closer than this touch.
_TOUCHING_S = 0.002


@dataclass(frozen=True, slots=True, eq=False)
class Timeline:
    """Runs of data records that follow each other without missing time.

    Attributes
    ----------
    offset_s : float
        First sample, in seconds after the start in the header.
    first_records : int64 array, shape (runs,)
        Number of each run's first data record.
    onsets_s : float64 array, shape (runs,)
        Time of each run's first sample, in seconds after the first sample of all.
    notes : tuple of str
    """

    offset_s: float
    first_records: npt.NDArray[np.int64]
    onsets_s: npt.NDArray[np.float64]
    notes: tuple[str, ...] = ()


def place_records(header: EdfHeader, remarks: Remarks) -> Timeline:
    """Put the data records in time, by the onsets they state in an EDF+D file.

    Raises
    ------
    RecordingError
        If a record of an EDF+D file does not say when it began, or begins before the one before it
        has ended.
    """
    onsets = remarks.record_onsets_s
    first = float(onsets[0]) if np.isfinite(onsets[0]) else 0.0
    breaks = _breaks(onsets, float(header.record_s))
    if header.continuity != "discontinuous":
        return Timeline(first, np.zeros(1, np.int64), np.zeros(1), _complaint(header, breaks))
    _check_order(header, onsets)
    starts = np.concatenate(([0], breaks)).astype(np.int64)
    return Timeline(first, starts, onsets[starts] - first)


def _breaks(onsets: npt.NDArray[np.float64], record_s: float) -> npt.NDArray[np.int64]:
    """Return the records that do not begin where the one before them ends."""
    return np.flatnonzero(np.abs(np.diff(onsets) - record_s) > _TOUCHING_S) + 1


def _complaint(header: EdfHeader, breaks: npt.NDArray[np.int64]) -> tuple[str, ...]:
    if header.continuity == "plain" or not breaks.size:
        return ()
    record = int(breaks[0]) + 1
    return (f"file says it is continuous and is taken so, but data record {record} disagrees",)


def _check_order(header: EdfHeader, onsets: npt.NDArray[np.float64]) -> None:
    silent = np.flatnonzero(np.isnan(onsets))
    if silent.size:
        raise RecordingError(
            "the file is discontinuous (EDF+D) but this record does not say when it began",
            file=header.path,
            place=f"data record {silent[0] + 1}",
        )
    early = np.flatnonzero(np.diff(onsets) - float(header.record_s) < -_TOUCHING_S)
    if early.size:
        record = int(early[0]) + 1
        raise RecordingError(
            f"the record begins at {onsets[record]:g} s, before the one before it has ended",
            file=header.path,
            place=f"data record {record + 1}",
        )
