"""The header of EDF, EDF+, BDF and BDF+ files, read strictly.

Sources: Kemp et al. 1992 (EDF), Kemp & Olivan 2003 and edfplus.info (EDF+), biosemi.com (BDF).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Literal

from nightcramp.errors import RecordingError
from recordings.edf_start import read_start

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

Continuity = Literal["plain", "continuous", "discontinuous"]

_FILE_FIELDS = {
    "version": 8,
    "patient": 80,
    "recording": 80,
    "start date": 8,
    "start time": 8,
    "header size": 8,
    "reserved": 44,
    "number of data records": 8,
    "duration of a data record": 8,
    "number of signals": 4,
}
_SIGNAL_FIELDS = {
    "label": 16,
    "transducer": 80,
    "unit": 8,
    "physical minimum": 8,
    "physical maximum": 8,
    "digital minimum": 8,
    "digital maximum": 8,
    "prefiltering": 80,
    "samples per data record": 8,
    "reserved": 32,
}
_FIELD_BLOCK = 256  # bytes of the fixed part, and of each signal's part
_SAMPLE_BYTES = {b"0       ": 2, b"\xffBIOSEMI": 3}
EDF_ANNOTATIONS, BDF_ANNOTATIONS = "EDF Annotations", "BDF Annotations"
_ANNOTATION_LABELS = (EDF_ANNOTATIONS, BDF_ANNOTATIONS)
_CORRECT = "Write the file again, or correct a copy with an editor of EDF headers."
_WHOLE_NUMBER = re.compile(r"[+-]?[0-9]+")
_NUMBER = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]{1,2})?")


@dataclass(frozen=True, slots=True)
class SignalHeader:
    """What the header says of one signal.

    Attributes
    ----------
    label, unit : str
    samples : int
        In each data record.
    offset : int
        Bytes from the start of a data record to the first sample.
    physical, digital : tuple of str
        Texts of the smallest and the largest value; only read for channels that are used.
    """

    label: str
    unit: str
    samples: int
    offset: int
    physical: tuple[str, str]
    digital: tuple[str, str]


@dataclass(frozen=True, slots=True)
class EdfHeader:
    """What the header and the size of a file say of it.

    Attributes
    ----------
    path : Path
    sample_bytes : int
        2 in EDF, 3 in BDF.
    continuity : {"plain", "continuous", "discontinuous"}
        Not EDF+ at all, EDF+C or EDF+D.
    start : datetime or None
        As the header says it, whole seconds; None if it is hidden or makes no sense.
    record_s : Fraction
        Duration of a data record, exact.
    n_records : int
        Whole data records that are really there.
    data_offset : int
        Bytes before the first data record.
    signals : tuple of SignalHeader
        All of them, annotations too.
    notes : tuple of str
    """

    path: Path
    sample_bytes: int
    continuity: Continuity
    start: datetime | None
    record_s: Fraction
    n_records: int
    data_offset: int
    signals: tuple[SignalHeader, ...]
    notes: tuple[str, ...]

    @property
    def record_bytes(self) -> int:
        """Size of a data record."""
        return self.sample_bytes * sum(signal.samples for signal in self.signals)

    @property
    def channels(self) -> tuple[SignalHeader, ...]:
        """The signals that hold samples."""
        return tuple(s for s in self.signals if s.label not in _ANNOTATION_LABELS)

    @property
    def annotation_signals(self) -> tuple[SignalHeader, ...]:
        """The signals that hold EDF+ annotations."""
        return tuple(s for s in self.signals if s.label in _ANNOTATION_LABELS)

    def rate_hz(self, signal: SignalHeader) -> float:
        """Return the samples per second of a signal."""
        return float(signal.samples / self.record_s)


def read_header(path: Path) -> EdfHeader:
    """Read and check the header of an EDF or BDF file.

    Raises
    ------
    RecordingError
        If there is no such file, it is not EDF or BDF, a field makes no sense (named), or there is
        no whole data record.
    """
    fixed, per_signal, file_size = _read_bytes(path)
    fields = _file_fields(fixed)
    sample_bytes = _SAMPLE_BYTES[fixed[:8]]
    signals = _signals(path, per_signal, sample_bytes)
    record_s = exact_number(path, fields["duration of a data record"], "duration of a data record")
    if record_s <= 0:
        raise RecordingError(
            f"data records must last longer than 0 s, not {float(record_s)} s", file=path
        )
    start, start_notes = read_start(fields["recording"], fields["start date"], fields["start time"])
    header_size = len(fixed) + len(per_signal)
    n_records, size_notes = _count_records(
        path,
        stated=_field_integer(path, fields, "number of data records"),
        data_bytes=file_size - header_size,
        record_bytes=sample_bytes * sum(signal.samples for signal in signals),
    )
    return EdfHeader(
        path=path,
        sample_bytes=sample_bytes,
        continuity=_continuity(fields["reserved"]),
        start=start,
        record_s=record_s,
        n_records=n_records,
        data_offset=header_size,
        signals=signals,
        notes=(*start_notes, *size_notes),
    )


def exact_number(path: Path, text: str, name: str) -> Fraction:
    """Return the number a header field holds, exactly; raise RecordingError naming the field."""
    if not _NUMBER.fullmatch(text):
        raise RecordingError(
            f"{text!r} is not a number, expected one with a point for decimals",
            file=path,
            place=f"header, {name}",
            advice=_CORRECT,
        )
    return Fraction(text)


def _read_bytes(path: Path) -> tuple[bytes, bytes, int]:
    try:
        with path.open("rb") as file:
            fixed = file.read(_FIELD_BLOCK)
            _check_kind(path, fixed)
            n_signals = _n_signals(path, fixed)
            per_signal = file.read(_FIELD_BLOCK * n_signals)
            file_size = file.seek(0, 2)
    except OSError as error:
        raise RecordingError(
            f"cannot be read ({error.strerror or error})",
            file=path,
            advice="Check the name; it must be an EDF or BDF file that you may read.",
        ) from error
    if len(per_signal) < _FIELD_BLOCK * n_signals:
        raise RecordingError(
            f"the header is cut: {len(fixed) + len(per_signal)} bytes of "
            f"{_FIELD_BLOCK * (n_signals + 1)}",
            file=path,
        )
    return fixed, per_signal, file_size


def _check_kind(path: Path, fixed: bytes) -> None:
    if not fixed:
        raise RecordingError(
            "the file is empty", file=path, advice="Copy it again from where it was recorded."
        )
    if fixed[:8] not in _SAMPLE_BYTES:
        raise RecordingError(
            f"this is not an EDF or BDF file (it begins with {fixed[:8]!r})", file=path
        )
    if len(fixed) < _FIELD_BLOCK:
        raise RecordingError(
            f"the header is cut: {len(fixed)} bytes of at least {_FIELD_BLOCK}", file=path
        )


def _n_signals(path: Path, fixed: bytes) -> int:
    fields = _file_fields(fixed)
    n_signals = _field_integer(path, fields, "number of signals")
    header_size = _field_integer(path, fields, "header size")
    if n_signals < 1:
        raise RecordingError(f"the file has {n_signals} signals", file=path)
    if header_size != _FIELD_BLOCK * (n_signals + 1):
        raise RecordingError(
            f"a header of {n_signals} signals has {_FIELD_BLOCK * (n_signals + 1)} bytes, "
            f"but it says {header_size}",
            file=path,
            place="header, header size",
        )
    return n_signals


def _signals(path: Path, per_signal: bytes, sample_bytes: int) -> tuple[SignalHeader, ...]:
    n_signals = len(per_signal) // _FIELD_BLOCK
    columns = _split(per_signal, _SIGNAL_FIELDS, n_signals)
    signals = []
    offset = 0
    for i in range(n_signals):
        texts = {name: column[i] for name, column in columns.items()}
        field = f"samples per data record of {texts['label']!r}"
        samples = _whole_number(path, texts["samples per data record"], field)
        if samples < 1:
            raise RecordingError(f"{samples} is not above 0", file=path, place=f"header, {field}")
        signal = SignalHeader(
            label=texts["label"],
            unit=texts["unit"],
            samples=samples,
            offset=offset,
            physical=(texts["physical minimum"], texts["physical maximum"]),
            digital=(texts["digital minimum"], texts["digital maximum"]),
        )
        signals.append(signal)
        offset += samples * sample_bytes
    if all(signal.label in _ANNOTATION_LABELS for signal in signals):
        raise RecordingError("the file holds annotations but no signals", file=path)
    return tuple(signals)


def _count_records(
    path: Path, *, stated: int, data_bytes: int, record_bytes: int
) -> tuple[int, tuple[str, ...]]:
    present, rest = divmod(data_bytes, record_bytes)
    if stated == 0 or present == 0:
        raise RecordingError("the file holds no whole data record", file=path)
    if stated < -1:
        raise RecordingError(
            f"{stated} is not a number of data records",
            file=path,
            place="header, number of data records",
        )
    if stated == -1:
        ending = f" and {rest} bytes of an unfinished one, left out" if rest else ""
        return present, (f"file was never finished: it holds {present} data records{ending}",)
    if present < stated:
        return present, (f"file is cut: {present} of {stated} data records are there",)
    extra = data_bytes - stated * record_bytes
    notes = (f"{extra} bytes after the last data record are left out",) if extra else ()
    return stated, notes


def _continuity(reserved: str) -> Continuity:
    kinds: dict[str, Continuity] = {"+C": "continuous", "+D": "discontinuous"}
    return kinds.get(reserved[3:5], "plain") if reserved[:3] in ("EDF", "BDF") else "plain"


def _file_fields(fixed: bytes) -> dict[str, str]:
    return {name: column[0] for name, column in _split(fixed, _FILE_FIELDS, 1).items()}


def _split(raw: bytes, fields: dict[str, int], n: int) -> dict[str, list[str]]:
    columns = {}
    begin = 0
    for name, width in fields.items():
        columns[name] = [_text(raw[begin + i * width :][:width]) for i in range(n)]
        begin += n * width
    return columns


def _text(raw: bytes) -> str:
    """Decode a field; EDF asks for ASCII, but labels and units with µ or umlauts are common."""
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError:
        text = raw.decode("latin-1")
    return text.strip(" \0")


def _field_integer(path: Path, fields: dict[str, str], name: str) -> int:
    return _whole_number(path, fields[name], name)


def _whole_number(path: Path, text: str, name: str) -> int:
    if not _WHOLE_NUMBER.fullmatch(text):
        raise RecordingError(
            f"{text!r} is not a whole number", file=path, place=f"header, {name}", advice=_CORRECT
        )
    return int(text)
