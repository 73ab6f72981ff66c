"""Opens the recording of a night, whatever holds it."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

from recordings import edf_reader
from recordings.journal_name import is_journal

if TYPE_CHECKING:
    from collections.abc import Sequence

    from recordings.recording import Recording


def open_recording(
    path: Path | str, *, emg: Sequence[str] | None = None, acc: Sequence[str] | None = None
) -> Recording:
    """Open the EDF, EDF+C, EDF+D, BDF or BDF+ file of a night, or its journal.

    Of a file, channels are those named; else those a BIDS ``channels.tsv`` beside it lists; else
    those whose label says so. Acceleration may stand in a second file, as EMG-BIDS lays it out
    (``recording-emg`` and ``recording-acc`` in the names); it is shifted to the EMG's start.
    Time that is missing, or that ``BAD_ACQ_SKIP`` annotates, is a gap: NaN in place, so that a
    sample's position is its time.

    Parameters
    ----------
    path : Path or str
        A file, or the folder of a journal (``NAME.ncj``), which gives what the files give that are
        made from it, to the bit.
    emg : sequence of str, optional
        Labels of EMG channels, any case; of several rates the most common one is kept.
    acc : sequence of str, optional
        Labels of the three axes, in the order x, y, z.

    Raises
    ------
    RecordingError
        If it cannot be read, is of no known kind, its header makes no sense (the field is named),
        its records overlap, it lasts under 10 s or over a week, or it has no usable EMG.
    OutputError
        If a journal is decoded and the temporary files cannot be written.
    """
    path = Path(path)
    if not is_journal(path):
        return edf_reader.open_recording(path, emg=emg, acc=acc)
    # What journals need takes a while to import; most recordings are files.
    journals = import_module("recordings.journal_recording")
    recording: Recording = journals.open_journal_recording(path, emg=emg, acc=acc)
    return recording
