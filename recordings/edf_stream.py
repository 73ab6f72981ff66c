"""Samples of one stream of a file: which they are, and how they are read."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from recordings.edf_records import read_parts

if TYPE_CHECKING:
    from collections.abc import Iterator
    from io import FileIO

    from recordings.edf_header import EdfHeader
    from recordings.edf_records import Bytes
    from recordings.gaps import Spans


@dataclass(frozen=True, slots=True)
class Scale:
    """Delivered value = digital value * gain + offset."""

    gain: float
    offset: float


@dataclass(frozen=True, slots=True, eq=False)
class StreamLayout:
    """Where the samples of a stream are in its file.

    Samples have two numbers: their place in the file, closed up, and their position in time.

    Attributes
    ----------
    header : EdfHeader
    rate_hz : float
    n_samples : int
        Length in time, gaps included.
    samples_per_record : int
    byte_offsets : tuple of int
        Of each channel in the data record.
    scales : tuple of Scale
        Of each channel.
    places, positions : int64 array, shape (runs + 1,), and (runs,)
        First sample of each run of touching data records in the file and in time; the last place is
        the number of samples in the file.
    lost : tuple of Spans
        Stretches of each channel that are in the file but were never measured.
    """

    header: EdfHeader
    rate_hz: float
    n_samples: int
    samples_per_record: int
    byte_offsets: tuple[int, ...]
    scales: tuple[Scale, ...]
    places: npt.NDArray[np.int64]
    positions: npt.NDArray[np.int64]
    lost: tuple[Spans, ...]


def read_samples(
    file: FileIO, layout: StreamLayout, first: int, last: int
) -> npt.NDArray[np.float32]:
    """Return the samples from position `first` up to, but not with, `last`.

    Returns
    -------
    float32 array, shape (channels, last - first)
        In the unit of the channels; NaN where there are none.

    Raises
    ------
    RecordingError
        If the file can no longer be read as when it was opened.
    """
    samples = np.full((len(layout.scales), last - first), np.nan, dtype=np.float32)
    positions, places = layout.positions, layout.places
    ends = positions + np.diff(places)
    runs = slice(np.searchsorted(ends, first, side="right"), np.searchsorted(positions, last))
    for position, place, end in zip(positions[runs], places[:-1][runs], ends[runs], strict=True):
        begin = max(first, int(position))
        part = samples[:, begin - first : int(end) - first]
        _decode(file, layout, int(place + begin - position), part)
    for channel, lost in zip(samples, layout.lost, strict=True):
        for begin, end in lost[(lost[:, 1] > first) & (lost[:, 0] < last)]:
            channel[max(begin - first, 0) : end - first] = np.nan
    return samples


def _decode(
    file: FileIO, layout: StreamLayout, place: int, samples: npt.NDArray[np.float32]
) -> None:
    """Fill `samples` with those that follow each other in the file from `place` on."""
    size = layout.header.sample_bytes
    done = 0
    for first, last, low, high in _pieces(place, samples.shape[1], layout.samples_per_record):
        parts = [(at + low * size, at + high * size) for at in layout.byte_offsets]
        for _, rows in read_parts(file, layout.header, first, last, parts):
            n_records = len(rows[0])
            piece = slice(done, done + n_records * (high - low))
            for channel, scale, digital in zip(samples, layout.scales, rows, strict=True):
                _scale(_integers(digital, size), scale, channel[piece].reshape(n_records, -1))
            done = piece.stop


def _pieces(place: int, n: int, per_record: int) -> Iterator[tuple[int, int, int, int]]:
    """Split samples into whole data records and the parts of records before and after them.

    Yields
    ------
    first, last : int
        Data records.
    low, high : int
        Samples in each of them.
    """
    record, low = divmod(place, per_record)
    if low:
        high = min(low + n, per_record)
        yield record, record + 1, low, high
        record, n = record + 1, n - (high - low)
    whole, rest = divmod(n, per_record)
    if whole:
        yield record, record + whole, 0, per_record
    if rest:
        yield record + whole, record + whole + 1, 0, rest


def _integers(rows: Bytes, sample_bytes: int) -> npt.NDArray[np.int16] | npt.NDArray[np.int32]:
    """Return little-endian samples; those of 24 bits stand in the upper three bytes of 32."""
    if sample_bytes == 2:
        return rows.view("<i2")
    triples = rows.reshape(len(rows), -1, 3)
    quads = np.zeros((*triples.shape[:2], 4), dtype=np.uint8)
    for byte in range(3):  # byte by byte is four times as fast as all three at once
        quads[..., byte + 1] = triples[..., byte]
    return quads.view("<i4")[..., 0]


def _scale(
    digital: npt.NDArray[np.int16] | npt.NDArray[np.int32],
    scale: Scale,
    out: npt.NDArray[np.float32],
) -> None:
    """Convert in double precision, so that every delivered value is the nearest float32."""
    gain = np.float64(scale.gain)
    if digital.dtype.itemsize == 4:
        gain /= 256  # exact: undoes the place of 24-bit samples
    np.add(np.multiply(digital, gain), scale.offset, out=out, casting="same_kind")
