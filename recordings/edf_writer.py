"""Writes a recording as EDF+C with exact counts, padded gaps and nothing of the participant."""

from __future__ import annotations

import contextlib
import math
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from nightcramp.errors import OutputError
from recordings.atomic import replace_file
from recordings.edf_annotations import encode_remarks
from recordings.edf_encoding import (
    SignalText,
    describe_annotations,
    describe_channel,
    encode_header,
)
from recordings.gaps import find_skips, split_skips
from recordings.memory import check_shapes
from recordings.recording import Annotation

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from recordings.recording import Channel, RecordingInfo, Stream

_Samples = npt.NDArray[np.float32]

_LONGEST_RECORD_S = 60
_RECORDS_AT_ONCE = 60


def write_edf(
    path: Path,
    info: RecordingInfo,
    emg: _Samples,
    acc: _Samples | None,
    *,
    patient_code: str = "X",
    equipment: str = "X",
) -> None:
    """Write a recording as one EDF+C file of 16 bits, in place of any that stands there.

    A sample is stored as the count nearest to sample / resolution; `open_recording` gives back
    count * resolution as float32. Missing samples (NaN) are stored as 0 and annotated
    ``BAD_ACQ_SKIP`` with their duration, for one channel alone as ``BAD_ACQ_SKIP@@label``. The last
    data record is filled up in the same way. `info.gaps` is not used: the samples say what is
    missing. The header names the participant by nothing but a code.

    Parameters
    ----------
    path : Path
    info : RecordingInfo
        Names, units, resolutions and limits of the channels; start (a whole second, or None);
        annotations.
    emg, acc : float32 array of shape (channels, samples), or None for no `acc`
        In the units of the channels.
    patient_code, equipment : str
        One word each; ``X`` says nothing.

    Raises
    ------
    OutputError
        If a resolution, a label or the start cannot be told in the header, a sample lies
        beyond the limits of its channel, or the file cannot be written.
    UsageError
        If the arrays have not the shapes that `info` names.
    """
    check_shapes(info, emg, acc)
    streams = [(info.emg, emg)]
    if info.acc is not None and acc is not None:
        streams.append((info.acc, acc))
    with replace_file(path) as temporary, _naming(path), temporary.open("wb") as file:
        for part in _encode(info, streams, patient_code, equipment):
            file.write(part)


@contextlib.contextmanager
def _naming(path: Path) -> Iterator[None]:
    try:
        yield
    except OutputError as error:
        raise OutputError(f"{path}: {error}") from error


def _encode(
    info: RecordingInfo,
    streams: Sequence[tuple[Stream, _Samples]],
    patient_code: str,
    equipment: str,
) -> Iterator[bytes | memoryview]:
    """Yield the file in parts: the header, then data records."""
    record_s = _record_duration([stream for stream, _ in streams])
    n_records = math.ceil(max(stream.duration_s for stream, _ in streams) / record_s - 1e-9)
    remarks = encode_remarks(_annotations(info, streams, n_records * record_s), n_records, record_s)
    rows = [
        (channel, row, describe_channel(channel, round(stream.rate_hz * record_s)))
        for stream, samples in streams
        for channel, row in zip(stream.channels, samples, strict=True)
    ]
    _check_labels([channel.label for channel, _, _ in rows])
    yield encode_header(
        [*(text for _, _, text in rows), describe_annotations(remarks.shape[1])],
        n_records=n_records,
        record_s=record_s,
        start=info.start,
        patient_code=patient_code,
        equipment=equipment,
    )
    yield from (records.data for records in _data_records(rows, remarks))


def _check_labels(labels: Sequence[str]) -> None:
    """Refuse equal labels: a padded stretch names its channel by label."""
    if len(set(labels)) < len(labels):
        raise OutputError(f"two channels have the same label: {', '.join(map(repr, labels))}.")


def _record_duration(streams: Sequence[Stream]) -> int:
    """Return the shortest whole number of seconds that holds whole samples of every stream."""
    for seconds in range(1, _LONGEST_RECORD_S + 1):
        counts = [stream.rate_hz * seconds for stream in streams]
        if all(math.isclose(count, round(count), rel_tol=1e-12) for count in counts):
            return seconds
    rates = " and ".join(f"{stream.rate_hz} Hz" for stream in streams)
    raise OutputError(
        f"no data record of up to {_LONGEST_RECORD_S} s holds whole samples at {rates}. "
        "Resample to a rate that is a whole number."
    )


def _annotations(
    info: RecordingInfo, streams: Sequence[tuple[Stream, _Samples]], duration_s: float
) -> list[Annotation]:
    _, others = split_skips(info.annotations)
    for annotation in others:
        if any(ord(character) < 32 and character not in "\t\n" for character in annotation.text):
            raise OutputError(
                f"the annotation at {annotation.onset_s} s holds control characters: "
                f"{annotation.text!r}. EDF+ cannot keep them."
            )
    skips = find_skips(streams, duration_s)
    return [*others, *(Annotation(s.onset_s, s.duration_s, s.text) for s in skips)]


def _data_records(
    rows: Sequence[tuple[Channel, _Samples, SignalText]], remarks: npt.NDArray[np.uint8]
) -> Iterator[npt.NDArray[np.int16]]:
    """Yield data records, shape (records, samples of all signals), some at a time."""
    for first in range(0, len(remarks), _RECORDS_AT_ONCE):
        lists = remarks[first : first + _RECORDS_AT_ONCE]
        columns = [_counts(channel, row, text, first, len(lists)) for channel, row, text in rows]
        yield np.concatenate((*columns, lists.view("<i2")), axis=1)


def _counts(
    channel: Channel, row: _Samples, text: SignalText, first_record: int, n_records: int
) -> npt.NDArray[np.int16]:
    begin = first_record * text.samples
    values = row[begin : begin + n_records * text.samples].astype(np.float64)
    counts = np.rint(values / channel.resolution)
    low, high = text.digital
    beyond = np.flatnonzero((counts < low) | (counts > high))
    if beyond.size:
        raise OutputError(
            f"channel {channel.label!r}: sample {begin + beyond[0]} is {values[beyond[0]]:g} "
            f"{channel.unit}, beyond the limits {channel.limits}."
        )
    stored = np.full(n_records * text.samples, min(max(0, low), high), dtype="<i2")
    present = ~np.isnan(counts)
    stored[: len(counts)][present] = counts[present]
    return stored.reshape(n_records, text.samples)
