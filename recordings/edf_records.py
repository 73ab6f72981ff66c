"""Bytes of data records, read in pieces that stay small however long the file is."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from nightcramp.errors import RecordingError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from io import FileIO

    from recordings.edf_header import EdfHeader

Bytes = npt.NDArray[np.uint8]
Part = tuple[int, int]  # first byte and the one after the last, counted in the data record

# Larger pieces leave the processor's cache before they are decoded (measured: 1 MB is fastest).
_PIECE_BYTES = 1 << 20


@contextlib.contextmanager
def open_records(header: EdfHeader) -> Iterator[FileIO]:
    """Open the file for `read_parts`; raises RecordingError if that fails."""
    try:
        file = header.path.open("rb", buffering=0)
    except OSError as error:
        raise _unreadable(header, error) from error
    with file:
        yield file


def read_parts(
    file: FileIO, header: EdfHeader, first: int, last: int, parts: Sequence[Part]
) -> Iterator[tuple[int, tuple[Bytes, ...]]]:
    """Yield the same parts of the data records from `first` up to, but not with, `last`.

    Yields
    ------
    record : int
        Number of the first record of this piece.
    parts : tuple of uint8 arrays, shape (records, bytes)
        One for each of `parts`, valid until the next piece is asked for.

    Raises
    ------
    RecordingError
        If the file cannot be read or has become shorter since its header was read.
    """
    size = header.record_bytes
    if size > _PIECE_BYTES:
        yield from _read_within_records(file, header, first, last, parts)
        return
    step = _PIECE_BYTES // size
    buffer = np.empty((min(step, last - first), size), dtype=np.uint8)
    for record in range(first, last, step):
        records = buffer[: min(step, last - record)]
        _fill(file, header, header.data_offset + record * size, records)
        yield record, tuple(records[:, begin:end] for begin, end in parts)


def _read_within_records(
    file: FileIO, header: EdfHeader, first: int, last: int, parts: Sequence[Part]
) -> Iterator[tuple[int, tuple[Bytes, ...]]]:
    for record in range(first, last):
        start = header.data_offset + record * header.record_bytes
        rows = tuple(np.empty((1, end - begin), dtype=np.uint8) for begin, end in parts)
        for row, (begin, _) in zip(rows, parts, strict=True):
            _fill(file, header, start + begin, row)
        yield record, rows


def _fill(file: FileIO, header: EdfHeader, position: int, rows: Bytes) -> None:
    free = rows.reshape(-1).data
    try:
        file.seek(position)
        while free.nbytes and (n_read := file.readinto(free)):
            free = free[n_read:]
    except OSError as error:
        raise _unreadable(header, error) from error
    if free.nbytes:
        raise RecordingError(
            f"the file ends at byte {position + rows.size - free.nbytes}, "
            "but was longer when it was opened",
            file=header.path,
        )


def _unreadable(header: EdfHeader, error: OSError) -> RecordingError:
    return RecordingError(f"cannot be read ({error.strerror or error})", file=header.path)
