"""A finished EDF or BDF recording into an EMG-BIDS tree: its samples byte for byte, no name.

What stands beside each file is told of that file alone: acceleration of a second file begins and
ends when it does, and has gaps of its own.
"""

from __future__ import annotations

import itertools
import shutil
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from nightcramp.errors import OutputError
from recordings.atomic import replace_file
from recordings.bids import companion_files
from recordings.edf_file import duration_s, find_gaps, open_file
from recordings.edf_reader import open_recording
from recordings.emg_bids_tree import (
    MISSING,
    TASK,
    BidsName,
    add_rows,
    bids_label,
    describe_dataset,
    make_folder,
    refuse_another,
    write_json,
    write_table,
)
from recordings.fingerprint import content_hash

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from recordings.edf_file import EdfFile
    from recordings.edf_header import EdfHeader, SignalHeader
    from recordings.emg_bids_tree import Row
    from recordings.recording import RecordingInfo

_ENDINGS = (".edf", ".bdf")
_FIELD_BLOCK = 256
_PATIENT, _RECORDING = slice(8, 88), slice(88, 168)
_STARTDATE = b"Startdate "
_NOON = timedelta(hours=12)
_LEGS = ("left", "right")
_CHANNEL_COLUMNS = ("name", "type", "units", "sampling_frequency", "status")
_EVENT_COLUMNS = ("onset", "duration", "trial_type", "cause")
_EVENT_DESCRIPTIONS = {
    "trial_type": {
        "Levels": {"gap": "time without samples", "mark": "an annotation of the file"},
    },
    "cause": {"Description": "how the file tells of the gap, or the text of the annotation"},
}
_LABEL_BYTES = 16


@dataclass(frozen=True, slots=True)
class _Copy:
    """A file that is to be copied.

    Attributes
    ----------
    file : EdfFile
    recording : str or None
        ``emg`` or ``acc``; None where one file holds both.
    kinds : tuple of str
        BIDS types of its channels.
    """

    file: EdfFile
    recording: str | None
    kinds: tuple[str, ...]

    @property
    def path(self) -> Path:
        """The file itself."""
        return self.file.header.path

    @property
    def suffix(self) -> str:
        """Ending of the copy: BIDS wants lower case."""
        return f"emg{self.path.suffix.lower()}"

    @property
    def main(self) -> SignalHeader:
        """The channel by whose samples times are told."""
        channels = self.file.header.channels
        pairs = zip(channels, self.kinds, strict=True)
        return next((signal for signal, kind in pairs if kind != "MISC"), channels[0])


def file_to_bids(path: Path, root: Path, *, participant: str = "", leg: str = "") -> list[Path]:
    """Copy a recording into an EMG-BIDS tree.

    Samples stay byte for byte. What the header says of the patient and of who recorded is
    replaced by the pseudonym, and labels that repeat another one are numbered.

    Parameters
    ----------
    path : Path
        EDF or BDF file; acceleration in a second file, as EMG-BIDS lays it out, comes along.
    root : Path
        Of the tree; made if it does not exist, added to if it does.
    participant : str
        Pseudonym; by default the file's ``sub-``, or its name.
    leg : str
        ``left`` or ``right``; by default the file's ``acq-``, if that is one of them.

    Returns
    -------
    list of Path
        The copies; the one with the EMG first.

    Raises
    ------
    RecordingError
        If the file cannot be read or has no EMG, or a table of the tree cannot be read.
    OutputError
        If the tree cannot be written, or holds another recording of that name.
    """
    info = open_recording(path).info
    name = _name(path, info, participant, leg)
    folder = root / name.folder
    copies = _copies(path, info)
    for copy in copies:
        _check_place(folder, name, copy)
    make_folder(folder / "emg")
    written = [_write(folder, name, copy) for copy in copies]
    rows = [
        {
            "filename": file.relative_to(folder).as_posix(),
            "acq_time": copy.file.start.isoformat() if copy.file.start else MISSING,
        }
        for copy, file in zip(copies, written, strict=True)
    ]
    add_rows(folder / f"{name.night}_scans.tsv", ("filename", "acq_time"), rows)
    participants = [{"participant_id": f"sub-{name.participant}"}]
    add_rows(root / "participants.tsv", ("participant_id",), participants)
    describe_dataset(root, "nightcramp")
    return written


def _name(path: Path, info: RecordingInfo, participant: str, leg: str) -> BidsName:
    """Return the place of a recording: of a file of another tree, that which its name tells."""
    parts = (part.partition("-") for part in path.stem.split("_"))
    told = {entity: label for entity, _, label in parts}
    if not leg and told.get("acq") in _LEGS:
        leg = told["acq"]
    return BidsName(
        bids_label(participant or told.get("sub") or path.stem),
        bids_label(_evening(info) or told.get("ses", "")),
        leg,
        int(told["run"]) if told.get("run", "").isdecimal() else None,
    )


def _evening(info: RecordingInfo) -> str:
    return "" if info.start is None else (info.start - _NOON).date().isoformat()


def _copies(path: Path, info: RecordingInfo) -> list[_Copy]:
    others = [other for other in companion_files(path) if other.suffix.lower() in _ENDINGS]
    names = (None,) if not others else ("emg", "acc")
    files = zip((open_file(file) for file in (path, *others)), names, strict=True)
    return [_Copy(file, recording, _kinds(file.header, info)) for file, recording in files]


def _kinds(header: EdfHeader, info: RecordingInfo) -> tuple[str, ...]:
    streams = [("EMG", info.emg), *([("ACCEL", info.acc)] if info.acc else [])]
    known = {(c.label, stream.rate_hz): kind for kind, stream in streams for c in stream.channels}
    return tuple(known.get((s.label, header.rate_hz(s)), "MISC") for s in header.channels)


def _check_place(folder: Path, name: BidsName, copy: _Copy) -> None:
    """Raise OutputError if the file itself or another recording stands where its copy would."""
    path = folder / name.file(copy.recording, copy.suffix)
    if path.exists() and path.samefile(copy.path):
        raise OutputError(f"{path}: it stands in this tree already; choose another folder")
    refuse_another(folder / name.file(copy.recording, "emg.json"), content_hash(copy.path))


def _write(folder: Path, name: BidsName, copy: _Copy) -> Path:
    path = folder / name.file(copy.recording, copy.suffix)
    labels = _distinct_labels(copy.file.header)
    with replace_file(path) as temporary:
        shutil.copyfile(copy.path, temporary)
        with temporary.open("r+b") as file:
            header = bytearray(file.read(copy.file.header.data_offset))
            header[_PATIENT] = f"{name.participant} X X X".encode("ascii").ljust(80)[:80]
            header[_RECORDING] = _without_names(bytes(header[_RECORDING]))
            for number, label in labels.items():
                place = _FIELD_BLOCK + number * _LABEL_BYTES
                header[place : place + _LABEL_BYTES] = label.encode("ascii").ljust(_LABEL_BYTES)
            file.seek(0)
            file.write(header)
    side_files: tuple[tuple[str, Sequence[str], list[Row]], ...] = (
        ("channels.tsv", _CHANNEL_COLUMNS, _channel_rows(copy, labels)),
        ("events.tsv", _EVENT_COLUMNS, _event_rows(copy)),
    )
    for suffix, columns, rows in side_files:
        write_table(folder / name.file(copy.recording, suffix), columns, rows)
    write_json(folder / name.file(copy.recording, "emg.json"), _sidecar(copy))
    write_json(folder / name.file(copy.recording, "events.json"), _EVENT_DESCRIPTIONS)
    return path


def _distinct_labels(header: EdfHeader) -> dict[int, str]:
    """Return new labels, by number of the signal, where one repeats another: BIDS asks for it."""
    taken = {signal.label.lower() for signal in header.signals}
    seen: set[str] = set()
    labels = {}
    for number, signal in enumerate(header.signals):
        repeats = signal in header.channels and (signal.label.lower() in seen or not signal.label)
        seen.add(signal.label.lower())
        if repeats:
            label = next(new for new in _numbered(signal.label) if new.lower() not in taken)
            taken.add(label.lower())
            labels[number] = label
    return labels


def _numbered(label: str) -> Iterator[str]:
    plain = label.encode("ascii", errors="replace").decode("ascii") or "channel"
    for number in itertools.count(2):
        ending = f"-{number}"
        yield plain[: _LABEL_BYTES - len(ending)] + ending


def _without_names(field: bytes) -> bytes:
    """Keep the date of EDF+, nothing else."""
    date = field[: field.find(b" ", len(_STARTDATE))] if field.startswith(_STARTDATE) else b""
    return (date + b" X X X" if date else b"").ljust(80)


def _channel_rows(copy: _Copy, labels: Mapping[int, str]) -> list[Row]:
    header = copy.file.header
    kinds = dict(zip(header.channels, copy.kinds, strict=True))
    return [
        {
            "name": labels.get(number, signal.label),
            "type": kinds[signal],
            "units": signal.unit or MISSING,
            "sampling_frequency": f"{header.rate_hz(signal):g}",
            "status": "good",
        }
        for number, signal in enumerate(header.signals)
        if signal in kinds
    ]


def _event_rows(copy: _Copy) -> list[Row]:
    gaps = find_gaps(copy.file, copy.main)
    rows = [(gap.onset_s, gap.duration_s, "gap", gap.cause) for gap in gaps]
    rows += [(note.onset_s, note.duration_s, "mark", note.text) for note in copy.file.annotations]
    return [
        {
            "onset": f"{onset_s:.6f}",
            "duration": f"{duration_s:.6f}",
            "trial_type": kind,
            "cause": " ".join(cause.split()) or MISSING,
        }
        for onset_s, duration_s, kind, cause in sorted(rows)
    ]


def _sidecar(copy: _Copy) -> dict[str, object]:
    header = copy.file.header
    return {
        "TaskName": TASK,
        "TaskDescription": "A night's sleep",
        "SamplingFrequency": header.rate_hz(copy.main),
        "PowerLineFrequency": MISSING,
        "RecordingType": header.continuity.replace("plain", "continuous"),
        "RecordingDuration": duration_s(copy.file, copy.main),
        "SoftwareFilters": MISSING,
        "EMGReference": MISSING,
        "EMGPlacementScheme": "Other",
        "EMGPlacementSchemeDescription": "Known by the names of the channels alone",
        "Nightcramp": {"SourceSHA256": content_hash(copy.path)},
    }
