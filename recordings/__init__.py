"""A night on disk: EDF and BDF files read in blocks, EDF+C written, gaps kept as gaps.

``open_recording`` gives a `Recording` of a file or a journal, ``ArrayRecording`` one of arrays;
both tell what is known of the night (`RecordingInfo`) and yield its samples as `Block` after
`Block`, so that a night never has to be in memory. A sample's position is its time: where samples
are missing there is NaN. ``write_edf`` writes what ``open_recording`` reads back, count for count;
``journal_to_bids`` makes files of a journal.

>>> from pathlib import Path
>>> recording = open_recording(Path("night.edf"))          # doctest: +SKIP
>>> for block in recording.blocks(block_s=60.0):           # doctest: +SKIP
...     print(block.onset_s, block.emg.shape)
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from recordings.atomic import (
    check_writable,
    process_is_alive,
    remove_leftovers,
    replace_file,
    write_bytes,
    write_text,
)
from recordings.bids import companion_files
from recordings.edf_reader import EdfRecording
from recordings.edf_writer import write_edf
from recordings.fingerprint import content_hash
from recordings.gaps import SKIP_TEXT
from recordings.journal_format import StreamFormat, stream_format
from recordings.journal_name import is_journal
from recordings.journal_open import open_recording
from recordings.memory import ArrayRecording
from recordings.recording import (
    Annotation,
    Block,
    Channel,
    Gap,
    Recording,
    RecordingInfo,
    Stream,
    StreamKind,
)

if TYPE_CHECKING:
    from recordings.journal_recording import JournalRecording, open_journal_recording
    from recordings.journal_source import JournalSource, read_journal
    from recordings.journal_to_edf import journal_to_bids

__all__ = [
    "SKIP_TEXT",
    "Annotation",
    "ArrayRecording",
    "Block",
    "Channel",
    "EdfRecording",
    "Gap",
    "JournalRecording",
    "JournalSource",
    "Recording",
    "RecordingInfo",
    "Stream",
    "StreamFormat",
    "StreamKind",
    "check_writable",
    "companion_files",
    "content_hash",
    "is_journal",
    "journal_to_bids",
    "open_journal_recording",
    "open_recording",
    "process_is_alive",
    "read_journal",
    "remove_leftovers",
    "replace_file",
    "stream_format",
    "write_bytes",
    "write_edf",
    "write_text",
]

_JOURNALS = {
    "JournalRecording": "journal_recording",
    "JournalSource": "journal_source",
    "journal_to_bids": "journal_to_edf",
    "open_journal_recording": "journal_recording",
    "read_journal": "journal_source",
}
"""What needs the sensors' decoders and the journal; imported when it is first used."""


def __getattr__(name: str) -> object:
    """Import a name when it is first used."""
    if name not in _JOURNALS:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_JOURNALS[name]}"), name)
