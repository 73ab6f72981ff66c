"""A finished EDF or BDF recording into an EMG-BIDS tree: its samples byte for byte, no name."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from nightcramp.errors import OutputError
from recordings.atomic import replace_file
from recordings.bids import companion_files
from recordings.edf_header import read_header
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
    from collections.abc import Sequence
    from pathlib import Path

    from recordings.edf_header import EdfHeader, SignalHeader
    from recordings.emg_bids_tree import Row
    from recordings.recording import RecordingInfo

_ENDINGS = (".edf", ".bdf")
_PATIENT, _RECORDING = slice(8, 88), slice(88, 168)
_STARTDATE = b"Startdate "
_NOON = timedelta(hours=12)
_CHANNEL_COLUMNS = ("name", "type", "units", "sampling_frequency", "status")
_EVENT_COLUMNS = ("onset", "duration", "trial_type", "cause")
_ANNOTATIONS = ("EDF Annotations", "BDF Annotations")


@dataclass(frozen=True, slots=True)
class _Copy:
    """A file, and the kinds of its channels by label."""

    path: Path
    header: EdfHeader
    recording: str | None
    kinds: dict[str, str]

    @property
    def suffix(self) -> str:
        """Ending of the copy: BIDS wants lower case."""
        return f"emg{self.path.suffix.lower()}"


def file_to_bids(path: Path, root: Path, *, participant: str = "", leg: str = "") -> list[Path]:
    """Copy a recording into an EMG-BIDS tree.

    Samples stay byte for byte. What the header says of the patient and of who recorded is
    replaced by the pseudonym.

    Parameters
    ----------
    path : Path
        EDF or BDF file; acceleration in a second file, as EMG-BIDS lays it out, comes along.
    root : Path
        Of the tree; made if it does not exist, added to if it does.
    participant : str
        Pseudonym; by default the file's ``sub-``, or its name.
    leg : str
        ``left`` or ``right``; empty if it is not known.

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
    name = BidsName(bids_label(participant or _subject(path)), _night(info), leg)
    folder = root / name.folder
    copies = _copies(path, info)
    for copy in copies:
        _check_place(folder, name, copy)
    make_folder(folder / "emg")
    written = [_write(folder, name, copy, info) for copy in copies]
    rows = [{"filename": file.relative_to(folder).as_posix()} for file in written]
    time = info.start.isoformat() if info.start else MISSING
    scans = folder / f"{name.night}_scans.tsv"
    add_rows(scans, ("filename", "acq_time"), [row | {"acq_time": time} for row in rows])
    participants = [{"participant_id": f"sub-{name.participant}"}]
    add_rows(root / "participants.tsv", ("participant_id",), participants)
    describe_dataset(root, "nightcramp")
    return written


def _subject(path: Path) -> str:
    first = path.stem.split("_")[0]
    return first.removeprefix("sub-") if first.startswith("sub-") else path.stem


def _night(info: RecordingInfo) -> str:
    evening = None if info.start is None else info.start - _NOON
    return bids_label(evening.date().isoformat() if evening else "")


def _copies(path: Path, info: RecordingInfo) -> list[_Copy]:
    kinds = dict.fromkeys((channel.label for channel in info.emg.channels), "EMG")
    kinds |= dict.fromkeys((c.label for c in info.acc.channels), "ACCEL") if info.acc else {}
    others = [other for other in companion_files(path) if other.suffix.lower() in _ENDINGS]
    names = (None,) if not others else ("emg", "acc")
    files = zip((path, *others), names, strict=True)
    return [_Copy(file, read_header(file), recording, kinds) for file, recording in files]


def _check_place(folder: Path, name: BidsName, copy: _Copy) -> None:
    """Raise OutputError if the file itself or another recording stands where its copy would."""
    path = folder / name.file(copy.recording, copy.suffix)
    if path.exists() and path.samefile(copy.path):
        raise OutputError(f"{path}: it stands in this tree already; choose another folder")
    refuse_another(folder / name.file(copy.recording, "emg.json"), content_hash(copy.path))


def _write(folder: Path, name: BidsName, copy: _Copy, info: RecordingInfo) -> Path:
    path = folder / name.file(copy.recording, copy.suffix)
    with replace_file(path) as temporary:
        shutil.copyfile(copy.path, temporary)
        with temporary.open("r+b") as file:
            header = bytearray(file.read(256))
            header[_PATIENT] = f"{name.participant} X X X".encode("ascii").ljust(80)[:80]
            header[_RECORDING] = _without_names(bytes(header[_RECORDING]))
            file.seek(0)
            file.write(header)
    rows = _channel_rows(copy)
    write_table(folder / name.file(copy.recording, "channels.tsv"), _CHANNEL_COLUMNS, rows)
    write_json(folder / name.file(copy.recording, "emg.json"), _sidecar(copy, info))
    events = _event_rows(info)
    write_table(folder / name.file(copy.recording, "events.tsv"), _EVENT_COLUMNS, events)
    return path


def _without_names(field: bytes) -> bytes:
    """Keep the date of EDF+, nothing else."""
    date = field[: field.find(b" ", len(_STARTDATE))] if field.startswith(_STARTDATE) else b""
    return (date + b" X X X" if date else b"").ljust(80)


def _signals(header: EdfHeader) -> Sequence[SignalHeader]:
    return [signal for signal in header.signals if signal.label not in _ANNOTATIONS]


def _channel_rows(copy: _Copy) -> list[Row]:
    record_s = copy.header.record_s
    return [
        {
            "name": signal.label,
            "type": copy.kinds.get(signal.label, "MISC"),
            "units": signal.unit or MISSING,
            "sampling_frequency": f"{float(signal.samples / record_s):g}",
            "status": "good",
        }
        for signal in _signals(copy.header)
    ]


def _event_rows(info: RecordingInfo) -> list[Row]:
    rows = [(gap.onset_s, gap.duration_s, "gap", gap.cause) for gap in info.gaps]
    rows += [(note.onset_s, note.duration_s, "mark", note.text) for note in info.annotations]
    return [
        {
            "onset": f"{onset_s:.6f}",
            "duration": f"{duration_s:.6f}",
            "trial_type": kind,
            "cause": " ".join(cause.split()) or MISSING,
        }
        for onset_s, duration_s, kind, cause in sorted(rows)
    ]


def _sidecar(copy: _Copy, info: RecordingInfo) -> dict[str, object]:
    signals = _signals(copy.header)
    known = [signal for signal in signals if signal.label in copy.kinds] or signals
    return {
        "TaskName": TASK,
        "TaskDescription": "A night's sleep at home",
        "SamplingFrequency": float(known[0].samples / copy.header.record_s),
        "PowerLineFrequency": MISSING,
        "RecordingType": copy.header.continuity.replace("plain", "continuous"),
        "RecordingDuration": info.duration_s,
        "SoftwareFilters": MISSING,
        "EMGReference": MISSING,
        "EMGPlacementScheme": "Other",
        "EMGPlacementSchemeDescription": "Sensor worn on the calf",
        "Nightcramp": {"SourceSHA256": content_hash(copy.path)},
    }
