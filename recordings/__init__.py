"""A night on disk: EDF and BDF files read in blocks, EDF+C written, gaps kept as gaps.

``open_recording`` gives a `Recording` of a file, ``ArrayRecording`` one of arrays; both tell what
is known of the night (`RecordingInfo`) and yield its samples as `Block` after `Block`, so that a
night never has to be in memory. A sample's position is its time: where samples are missing there
is NaN. ``write_edf`` writes what ``open_recording`` reads back, count for count.

>>> from pathlib import Path
>>> recording = open_recording(Path("night.edf"))          # doctest: +SKIP
>>> for block in recording.blocks(block_s=60.0):           # doctest: +SKIP
...     print(block.onset_s, block.emg.shape)
"""

from __future__ import annotations

from recordings.atomic import remove_leftovers, replace_file, write_bytes, write_text
from recordings.bids import companion_files
from recordings.edf_reader import EdfRecording, open_recording
from recordings.edf_writer import write_edf
from recordings.fingerprint import content_hash
from recordings.gaps import SKIP_TEXT
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

__all__ = [
    "SKIP_TEXT",
    "Annotation",
    "ArrayRecording",
    "Block",
    "Channel",
    "EdfRecording",
    "Gap",
    "Recording",
    "RecordingInfo",
    "Stream",
    "StreamKind",
    "companion_files",
    "content_hash",
    "open_recording",
    "remove_leftovers",
    "replace_file",
    "write_bytes",
    "write_edf",
    "write_text",
]
