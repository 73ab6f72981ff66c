"""Labelled recordings on disk, as training reads them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from nightcramp.analysis import BLOCK_S, acc_format, emg_format
from nightcramp.batch import find_recordings, result_names
from nightcramp.errors import InputError, UsageError
from nightcramp.event_tables import read_events, refuse_outside
from recordings import open_recording

if TYPE_CHECKING:
    from pathlib import Path

    from models import LabelledNight

EVENTS_ENDING = "_events.tsv"

_SUBJECT = re.compile(r"(?:^|_)(sub-[A-Za-z0-9]+)(?:_|$)")


@dataclass(frozen=True, slots=True)
class LabelledFile:
    """A recording and the events file that says what is in it.

    Attributes
    ----------
    participant : str
        The subject its name tells; else its own name.
    name : str
    recording, events : Path
    """

    participant: str
    name: str
    recording: Path
    events: Path

    def check(self) -> None:
        """Find out whether `load` will do, without reading a sample.

        Raises
        ------
        InputError
            If the recording or its events cannot be read, or an event lies outside of it.
        """
        recorded_s = open_recording(self.recording).info.duration_s
        refuse_outside(read_events(self.events), recorded_s, self.events)

    def load(self) -> LabelledNight:
        """Take the recording through the signal stage.

        Raises
        ------
        InputError
            If the recording or its events cannot be read.
        """
        from models import LabelledNight
        from sensing import FrontEnd

        recording = open_recording(self.recording)
        form = emg_format(recording.info)
        front_end = FrontEnd(form, acc_format(recording.info))
        outputs = [front_end.push(block.emg, block.acc) for block in recording.blocks(BLOCK_S)]
        return LabelledNight(
            name=self.name,
            form=form,
            bin_s=front_end.bin_s,
            outputs=(*outputs, front_end.finish()),
            events=read_events(self.events),
        )


def find_labelled(folders: list[Path]) -> list[LabelledFile]:
    """Return the recordings of BIDS data sets that have an events file, by name.

    Parameters
    ----------
    folders : list of Path
        An events file may stand beside its recording or in a tree of its own, as review exports
        it: both are found by name. Where a name is found twice, that of the later folder counts.

    Raises
    ------
    UsageError
        If no recording in the folders has one.
    """
    labels = {
        file.name.removesuffix(EVENTS_ENDING): file
        for folder in folders
        for file in sorted(folder.rglob(f"*{EVENTS_ENDING}"))
        if _holds_labels(file)
    }
    recordings = result_names([file for folder in folders for file in _recordings_in(folder)])
    found = [
        LabelledFile(_participant(name), name, recording, labels[name])
        for recording, name in sorted(recordings.items(), key=lambda pair: pair[1])
        if name in labels
    ]
    if not found:
        raise UsageError(
            f"{', '.join(map(str, folders))}: none of the {len(recordings)} recordings has a file "
            f"NAME{EVENTS_ENDING} beside it: export the labels of reviewed nights first, or name "
            "the folder they are in as well"
        )
    return found


def find_unlabelled(folders: list[Path], labelled: list[LabelledFile]) -> list[Path]:
    """Return the recordings in the folders that `find_labelled` found no labels for."""
    known = {file.recording for file in labelled}
    everything = dict.fromkeys(file for folder in folders for file in _recordings_in(folder))
    return [file for file in everything if file not in known]


def check_labelled(files: list[LabelledFile]) -> None:
    """Raise InputError that names every recording that cannot be learnt from, if there is one."""
    faults = []
    for file in files:
        try:
            file.check()
        except InputError as error:
            faults.append(f"  {error}")
    if faults:
        told = "\n".join(faults)
        raise InputError(f"{len(faults)} of {len(files)} recordings cannot be learnt from\n{told}")


def _recordings_in(folder: Path) -> list[Path]:
    """Return the recordings in a folder; one with labels only holds none."""
    try:
        return find_recordings([folder])
    except UsageError:
        return []


def _holds_labels(file: Path) -> bool:
    """Whether an events file is of labels, not of a recording's gaps and marks.

    Those have causes. Labels need not have every column that review writes: people write them too.
    """
    with file.open(encoding="utf-8-sig", errors="replace") as lines:
        columns = lines.readline().rstrip("\n").split("\t")
    return "trial_type" in columns and "cause" not in columns


def _participant(name: str) -> str:
    subject = _SUBJECT.search(name)
    return subject[1] if subject else name
