"""Writes decoded streams as EDF+C or BDF+C in pieces: counts one to one, gaps padded and named.

Beside the streams stands a channel ``LINK``: the share of each second that is no gap, in percent,
for tools that do not read annotations.
"""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from nightcramp.errors import OutputError
from recordings.atomic import replace_file
from recordings.blocks import samples_before
from recordings.edf_annotations import encode_remarks
from recordings.edf_encoding import SignalText, describe_annotations, encode_header
from recordings.gaps import Skip, split_skips
from recordings.recording import Annotation

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import datetime
    from pathlib import Path

    from recordings.journal_format import StreamFormat
    from recordings.journal_spool import StreamSpool

Bytes = npt.NDArray[np.uint8]

LINK = "LINK"
_RECORDS_AT_ONCE = 60
_LONGEST_RECORD_S = 60


@dataclass(frozen=True, slots=True)
class StreamPart:
    """Positions of a stream from `first` up to `stop`."""

    spool: StreamSpool
    first: int
    stop: int

    @property
    def form(self) -> StreamFormat:
        """How its counts become samples."""
        return self.spool.form

    @property
    def n(self) -> int:
        """Number of positions."""
        return self.stop - self.first

    @property
    def duration_s(self) -> float:
        """Length, gaps included."""
        return self.n / self.form.rate_hz

    def spans(self, n: int) -> list[tuple[int, int]]:
        """Missing positions, joined, of `n` positions: those after the last are missing too."""
        spans = [*self.spool.spans(self.first, self.stop).tolist(), (self.n, max(n, self.n))]
        joined: list[tuple[int, int]] = []
        for first, stop in spans:
            if joined and joined[-1][1] == first:
                joined[-1] = (joined[-1][0], stop)
            elif first < stop:
                joined.append((first, stop))
        return joined


def cut(spool: StreamSpool, start_s: float, stop_s: float) -> StreamPart:
    """Return the part of a stream from one time up to another."""
    rate_hz = spool.form.rate_hz
    first, stop = samples_before(start_s, rate_hz), samples_before(stop_s, rate_hz)
    return StreamPart(spool, min(first, spool.n), min(stop, spool.n))


def sample_bytes(parts: Sequence[StreamPart]) -> int:
    """Size of a count in the file that holds these streams: 2 makes it EDF, 3 BDF."""
    return max(part.form.sample_bytes for part in parts)


def write_parts(
    path: Path,
    parts: Sequence[StreamPart],
    annotations: Sequence[Annotation],
    *,
    start: datetime,
    patient_code: str = "X",
    equipment: str = "X",
) -> None:
    """Write streams that begin together as one file, in place of any that stands there.

    Memory does not grow with the length but for the annotations.

    Parameters
    ----------
    path : Path
        Ends in ``.edf``, or ``.bdf`` if `sample_bytes` is 3.
    parts : sequence of StreamPart
        The EMG first, if there is any.
    annotations : sequence of Annotation
        Those of padded time are added.
    start : datetime
        Local, a whole second.
    patient_code, equipment : str
        One word each; ``X`` says nothing.

    Raises
    ------
    OutputError
        If the streams have no common data record of up to 60 s, a text does not fit the header, or
        the file cannot be written.
    """
    record_s = _record_seconds([part.form.rate_hz for part in parts])
    n_records = max(1, math.ceil(max(part.duration_s for part in parts) / record_s - 1e-9))
    _, others = split_skips(annotations)
    skips = find_part_skips(parts, n_records * record_s)
    told = [*others, *(Annotation(s.onset_s, s.duration_s, s.text) for s in skips)]
    size = sample_bytes(parts)
    lists = _whole_samples(encode_remarks(told, n_records, record_s), size)
    signals = [*_signals(parts, record_s), describe_annotations(lists.shape[1], size)]
    header = encode_header(
        signals,
        n_records=n_records,
        record_s=record_s,
        start=start,
        patient_code=patient_code,
        equipment=equipment,
        sample_bytes=size,
    )
    with replace_file(path) as temporary, temporary.open("wb") as file:
        file.write(header)
        for records in _data_records(parts, lists, record_s, size):
            file.write(records.data)


def find_part_skips(parts: Sequence[StreamPart], duration_s: float) -> list[Skip]:
    """Tell which time is missing: without a label in all streams, with one in a channel alone."""
    missing = [part.spans(round(duration_s * part.form.rate_hz)) for part in parts]
    if len(parts) == 1:
        rate_hz = parts[0].form.rate_hz
        return [Skip(a / rate_hz, (b - a) / rate_hz) for a, b in missing[0]]
    rates = [part.form.rate_hz for part in parts]
    common = missing[0]
    for rate_hz, spans in zip(rates[1:], missing[1:], strict=True):
        common = list(_common(common, _within(spans, rate_hz, rates[0])))
    skips = [Skip(a / rates[0], (b - a) / rates[0]) for a, b in common]
    covered = [(skip.onset_s, skip.onset_s + skip.duration_s) for skip in skips]
    for part, spans in zip(parts, missing, strict=True):
        rate_hz = part.form.rate_hz
        known = [(samples_before(a, rate_hz), samples_before(b, rate_hz)) for a, b in covered]
        skips += [
            Skip(a / rate_hz, (b - a) / rate_hz, text.label)
            for a, b in _without(spans, known)
            for text in part.form.texts
        ]
    return skips


def _within(
    spans: Sequence[tuple[int, int]], rate_hz: float, other_hz: float
) -> list[tuple[int, int]]:
    """Spans of a stream as those samples of another that lie wholly in them."""
    return [
        (
            math.ceil(first / rate_hz * other_hz - 1e-6),
            math.floor(stop / rate_hz * other_hz + 1e-6),
        )
        for first, stop in spans
    ]


def _common(
    spans: Sequence[tuple[int, int]], others: Sequence[tuple[int, int]]
) -> Iterator[tuple[int, int]]:
    """Yield what lies in spans of both lists; both, and what is yielded, are in order."""
    at = other = 0
    while at < len(spans) and other < len(others):
        (begin, end), (low, high) = spans[at], others[other]
        if max(begin, low) < min(end, high):
            yield max(begin, low), min(end, high)
        if end < high:
            at += 1
        else:
            other += 1


def _without(
    spans: Sequence[tuple[int, int]], known: Sequence[tuple[int, int]]
) -> Iterator[tuple[int, int]]:
    """Yield what of spans is not known already."""
    edges = [0, *itertools.chain.from_iterable(known), spans[-1][1] if spans else 0]
    return _common(spans, list(zip(edges[::2], edges[1::2], strict=True)))


def _record_seconds(rates: Sequence[float]) -> int:
    """Return the shortest whole number of seconds that holds whole samples of every stream."""
    for seconds in range(1, _LONGEST_RECORD_S + 1):
        counts = [rate_hz * seconds for rate_hz in rates]
        if all(math.isclose(count, round(count), rel_tol=1e-12) for count in counts):
            return seconds
    raise OutputError(
        f"No data record of up to {_LONGEST_RECORD_S} s holds whole samples at "
        f"{' and '.join(f'{rate_hz:g} Hz' for rate_hz in rates)}."
    )


def _signals(parts: Sequence[StreamPart], record_s: int) -> Iterator[SignalText]:
    for part in parts:
        samples = round(part.form.rate_hz * record_s)
        for text in part.form.texts:
            yield SignalText(text.label, text.unit, text.physical, text.digital, samples)
    yield SignalText(LINK, "%", ("0", "100"), (0, 100), record_s)


def _whole_samples(lists: Bytes, size: int) -> Bytes:
    """Fill lists of annotations up to whole samples."""
    return np.pad(lists, ((0, 0), (0, -lists.shape[1] % (2 * size))))


def _data_records(
    parts: Sequence[StreamPart], lists: Bytes, record_s: int, size: int
) -> Iterator[Bytes]:
    """Yield data records, shape (records, bytes), some at a time."""
    for record in range(0, len(lists), _RECORDS_AT_ONCE):
        texts = lists[record : record + _RECORDS_AT_ONCE]
        columns = []
        for part in parts:
            per_record = round(part.form.rate_hz * record_s)
            first = record * per_record
            counts = _counts(part, first, first + len(texts) * per_record)
            columns += [_packed(row, len(texts), size) for row in counts]
        link = _link(parts[0], record * record_s, len(texts) * record_s)
        yield np.concatenate([*columns, _packed(link, len(texts), size), texts], axis=1)


def _counts(part: StreamPart, first: int, stop: int) -> npt.NDArray[np.int32]:
    """Return counts of a part; what is missing is stored as the count that means zero."""
    spec = part.form.spec
    low, high = spec.limits
    stored = np.full((spec.channels, stop - first), min(max(spec.offset, low), high), np.int32)
    end = min(stop, part.n)
    if end > first:
        found = part.spool.read(part.first + first, part.first + end)
        present = np.ones(end - first, np.bool_)
        for begin, finish in part.spool.spans(part.first + first, part.first + end).tolist():
            present[begin:finish] = False
        stored[:, : end - first][:, present] = found[:, present]
    return stored


def _link(part: StreamPart, start_s: int, n_seconds: int) -> npt.NDArray[np.int32]:
    """Share of each second that is no gap, in percent."""
    edges = [samples_before(start_s + k, part.form.rate_hz) for k in range(n_seconds + 1)]
    present = np.zeros(edges[-1] - edges[0] + 1, np.int64)
    end = min(edges[-1], part.n) - edges[0]
    if end > 0:
        present[1 : end + 1] = 1
        first = part.first + edges[0]
        for begin, finish in part.spool.spans(first, first + end).tolist():
            present[begin + 1 : finish + 1] = 0
    count = np.cumsum(present)[np.array(edges) - edges[0]]
    share: npt.NDArray[np.int32] = np.rint(100 * np.diff(count) / np.diff(edges)).astype(np.int32)
    return share


def _packed(row: npt.NDArray[np.int32], n_records: int, size: int) -> Bytes:
    """Little-endian counts of `size` bytes, shape (records, bytes)."""
    wide = np.ascontiguousarray(row, "<i4").view(np.uint8).reshape(-1, 4)
    return np.ascontiguousarray(wide[:, :size]).reshape(n_records, -1)
