"""A recording in EDF, EDF+, BDF or BDF+ files, read in blocks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from nightcramp.errors import RecordingError
from recordings.bids import find_acc_file, find_channel_table
from recordings.blocks import block_bounds, samples_before
from recordings.channels import Selection, choose_acc, choose_emg
from recordings.edf_file import EdfFile, check_duration, find_gaps, lay_out, open_file
from recordings.edf_records import open_records
from recordings.edf_stream import StreamLayout, read_samples
from recordings.labels import is_acc_label
from recordings.recording import Block, RecordingInfo, Stream

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path


@dataclass(frozen=True, slots=True, eq=False)
class EdfRecording:
    """A recording on disk; holds where its samples are, never the samples.

    Attributes
    ----------
    info : RecordingInfo
    emg : StreamLayout
    acc : StreamLayout or None
        May belong to a second file.
    """

    info: RecordingInfo
    emg: StreamLayout
    acc: StreamLayout | None

    def blocks(
        self, block_s: float = 60.0, *, start_s: float = 0.0, stop_s: float | None = None
    ) -> Iterator[Block]:
        """Yield the samples in order, as `Recording.blocks` says.

        Memory is that of one block, however long the file is.

        Raises
        ------
        RecordingError
            If the file can no longer be read as when it was opened.
        UsageError
            If `block_s` is not above zero or `stop_s` lies before `start_s`.
        """
        acc_layout = self.acc or self.emg
        with open_records(self.emg.header) as emg_file, open_records(acc_layout.header) as acc_file:
            for emg, acc in block_bounds(self.info, block_s, start_s, stop_s):
                yield Block(
                    onset_s=emg.start / self.info.emg.rate_hz,
                    emg=read_samples(emg_file, self.emg, emg.start, emg.stop),
                    acc=read_samples(acc_file, self.acc, acc.start, acc.stop) if self.acc else None,
                )


def open_recording(
    path: Path, *, emg: Sequence[str] | None = None, acc: Sequence[str] | None = None
) -> EdfRecording:
    """Open the EDF, EDF+C, EDF+D, BDF or BDF+ file of a night.

    Channels are those named; else those a BIDS ``channels.tsv`` beside the file lists; else those
    whose label says so. Acceleration may stand in a second file, as EMG-BIDS lays it out
    (``recording-emg`` and ``recording-acc`` in the names); it is shifted to the EMG's start.
    Time that an EDF+D file leaves out or that ``BAD_ACQ_SKIP`` annotates is a gap: NaN in place,
    so that a sample's position is its time.

    Parameters
    ----------
    path : Path
    emg : sequence of str, optional
        Labels of EMG channels, any case; of several rates the most common one is kept.
    acc : sequence of str, optional
        Labels of the three axes, in the order x, y, z.

    Raises
    ------
    RecordingError
        If the file cannot be read, is not EDF or BDF, its header makes no sense (the field is
        named), its records overlap, it lasts under 10 s or over a week, or it has no usable EMG.
    """
    file = open_file(path)
    selection = choose_emg(file.header, find_channel_table(path), emg)
    layout = lay_out(file, selection)
    stream = Stream("emg", layout.rate_hz, selection.channels, layout.n_samples)
    check_duration(path, stream.duration_s)
    acc_stream, acc_layout, acc_notes = _find_acc(file, stream, acc)
    info = RecordingInfo(
        name=path.stem,
        start=file.start,
        emg=stream,
        acc=acc_stream,
        gaps=find_gaps(file, selection.signals[0]),
        annotations=file.annotations,
        notes=(*file.notes, *selection.notes, *acc_notes),
    )
    return EdfRecording(info, layout, acc_layout)


def _find_acc(
    file: EdfFile, emg: Stream, wanted: Sequence[str] | None
) -> tuple[Stream | None, StreamLayout | None, tuple[str, ...]]:
    """Return the acceleration stream of a night, from a second file if only that one has it."""
    path = file.header.path
    companion = find_acc_file(path)
    if companion and not any(is_acc_label(signal.label) for signal in file.header.channels):
        try:
            return _acc_of_companion(open_file(companion), file, emg, wanted)
        except RecordingError as error:
            if wanted:
                raise
            return None, None, (f"no acceleration: {error}",)
    selection = choose_acc(file.header, find_channel_table(path), wanted)
    return _acc_stream(file, selection, emg, 0.0)


def _acc_of_companion(
    companion: EdfFile, file: EdfFile, emg: Stream, wanted: Sequence[str] | None
) -> tuple[Stream | None, StreamLayout | None, tuple[str, ...]]:
    path = companion.header.path
    if companion.start is None or file.start is None:
        raise RecordingError("its start or that of the EMG is unknown", file=path)
    delay_s = (companion.start - file.start).total_seconds()
    length_s = float(companion.header.n_records * companion.header.record_s)
    if not -length_s < delay_s < emg.duration_s:
        raise RecordingError(f"it starts {delay_s:g} s after the EMG", file=path)
    selection = choose_acc(companion.header, find_channel_table(path), wanted)
    stream, layout, notes = _acc_stream(companion, selection, emg, delay_s)
    shifted = (f"starts {delay_s:g} s after the EMG, and was shifted",) if delay_s else ()
    named = (f"{path.name}: {note}" for note in (*companion.notes, *notes, *shifted))
    return stream, layout, (f"acceleration is from {path.name}", *named)


def _acc_stream(
    file: EdfFile, selection: Selection, emg: Stream, delay_s: float
) -> tuple[Stream | None, StreamLayout | None, tuple[str, ...]]:
    """Return acceleration over exactly the time of the EMG."""
    if not selection.signals:
        return None, None, selection.notes
    rate_hz = file.header.rate_hz(selection.signals[0])
    layout = lay_out(
        file,
        selection,
        shift=round(delay_s * rate_hz),
        n_samples=samples_before(emg.duration_s, rate_hz),
    )
    stream = Stream("acc", rate_hz, selection.channels, layout.n_samples)
    return stream, layout, selection.notes
