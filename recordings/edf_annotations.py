"""Time-stamped annotation lists (TAL) of EDF+ and BDF+, read and written.

Source: EDF+ specification, section 2.2 (edfplus.info).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from recordings.edf_records import open_records, read_parts
from recordings.recording import Annotation

if TYPE_CHECKING:
    from collections.abc import Sequence

    from recordings.edf_header import EdfHeader
    from recordings.edf_records import Bytes

# Onset, duration if any, texts. Digits are bounded so that no text can become an infinite time.
_TAL = re.compile(
    rb"([+-][0-9]{1,9}(?:\.[0-9]{0,30})?)"
    rb"(?:\x15([0-9]{1,9}(?:\.[0-9]{0,30})?))?"
    rb"\x14([^\x00]*)\x14\x00"
)


@dataclass(frozen=True, slots=True, eq=False)
class Remarks:
    """All that the annotation signals of a file say.

    Attributes
    ----------
    record_onsets_s : float64 array, shape (data records,)
        Seconds from the start in the header; NaN where a record does not say.
    annotations : tuple of Annotation
        In the order of the file; onsets count from the start in the header.
    n_unreadable : int
        Pieces of the file that hold bytes which are no annotation.
    """

    record_onsets_s: npt.NDArray[np.float64]
    annotations: tuple[Annotation, ...]
    n_unreadable: int


def read_remarks(header: EdfHeader) -> Remarks:
    """Read every annotation of a file; raises RecordingError if it cannot be read."""
    onsets = np.full(header.n_records, np.nan)
    annotations: list[Annotation] = []
    n_unreadable = 0
    signals = header.annotation_signals
    if signals:
        parts = [(s.offset, s.offset + s.samples * header.sample_bytes) for s in signals]
        with open_records(header) as file:
            for record, lists in read_parts(file, header, 0, header.n_records, parts):
                own = onsets[record : record + len(lists[0])]
                unread = [
                    _parse(rows, own if i == 0 else None, annotations)
                    for i, rows in enumerate(lists)
                ]
                n_unreadable += sum(unread)
    return Remarks(onsets, tuple(annotations), n_unreadable)


def _parse(
    rows: Bytes, onsets: npt.NDArray[np.float64] | None, annotations: list[Annotation]
) -> bool:
    """Add what the rows of one signal say; return whether bytes were left that say nothing.

    The first list of a data record, in the first annotation signal, tells when the record began.
    """
    width = rows.shape[1]
    n_read = 0
    for match in _TAL.finditer(rows.tobytes()):
        n_read += match.end() - match.start() - 1
        if onsets is not None and match.start() % width == 0:
            onsets[match.start() // width] = float(match[1])
        if match[3]:
            annotations.extend(_annotations(match))
    return n_read != np.count_nonzero(rows)


def _annotations(match: re.Match[bytes]) -> list[Annotation]:
    onset_s, duration_s = float(match[1]), float(match[2] or 0.0)
    texts = match[3].decode("utf-8", errors="replace").split("\x14")
    return [Annotation(onset_s, duration_s, text) for text in texts if text]


def encode_remarks(
    annotations: Sequence[Annotation], n_records: int, record_s: int
) -> npt.NDArray[np.uint8]:
    """Return the annotation signal of a continuous EDF+ file.

    Each annotation stands in the data record in which it begins, after the onset of the record.

    Parameters
    ----------
    annotations : sequence of Annotation
        Texts without control characters; onsets count from the start of the file.
    n_records, record_s : int
        Number and duration of the data records.

    Returns
    -------
    uint8 array, shape (data records, bytes)
        An even number of bytes, padded with zeros.
    """
    lists = [_encode(Annotation(i * record_s, 0.0, "")) for i in range(n_records)]
    for annotation in sorted(annotations, key=lambda a: a.onset_s):
        record = min(max(int(annotation.onset_s // record_s), 0), n_records - 1)
        lists[record] += _encode(annotation)
    width = max(len(text) for text in lists)
    width += width % 2
    joined = b"".join(text.ljust(width, b"\0") for text in lists)
    return np.frombuffer(joined, dtype=np.uint8).reshape(n_records, width)


def _encode(annotation: Annotation) -> bytes:
    onset = np.format_float_positional(annotation.onset_s, trim="-", sign=True)
    duration = np.format_float_positional(annotation.duration_s, trim="-")
    stretch = f"\x15{duration}" if annotation.duration_s else ""
    return f"{onset}{stretch}\x14{annotation.text}\x14\0".encode()
