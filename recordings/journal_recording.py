"""A journal as a recording: the same blocks, to the bit, as from the EDF file made of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from nightcramp.errors import RecordingError
from recordings.blocks import block_bounds, samples_before
from recordings.channels import HIGHEST_EMG_HZ, LOWEST_ACC_HZ, LOWEST_EMG_HZ
from recordings.edf_file import check_duration
from recordings.journal_source import JournalSource, read_journal
from recordings.recording import Block, Gap, RecordingInfo, Stream

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    import numpy as np
    import numpy.typing as npt

    from recordings.journal_decode import DecodedRun
    from recordings.journal_spool import MissingSpan, StreamSpool
    from recordings.recording import StreamKind

_AXES = 3


@dataclass(frozen=True, slots=True, eq=False)
class JournalRecording:
    """A recording in a journal, decoded into temporary files.

    Of a journal with several runs it is the longest with EMG.

    Attributes
    ----------
    info : RecordingInfo
    source : JournalSource
    emg : StreamSpool
    acc : StreamSpool or None
    rows : tuple of int
        Channels of the EMG that were chosen.
    """

    info: RecordingInfo
    source: JournalSource
    emg: StreamSpool
    acc: StreamSpool | None
    rows: tuple[int, ...]

    def blocks(
        self, block_s: float = 60.0, *, start_s: float = 0.0, stop_s: float | None = None
    ) -> Iterator[Block]:
        """Yield the samples in order, as `Recording.blocks` says."""
        for emg, acc in block_bounds(self.info, block_s, start_s, stop_s):
            yield Block(
                onset_s=emg.start / self.info.emg.rate_hz,
                emg=self._emg(emg),
                acc=None if self.acc is None else self.acc.samples(acc.start, acc.stop),
            )

    def _emg(self, part: slice) -> npt.NDArray[np.float32]:
        samples = self.emg.samples(part.start, part.stop)
        return samples if len(self.rows) == len(samples) else samples[list(self.rows)]


def open_journal_recording(
    path: Path,
    *,
    emg: Sequence[str] | None = None,
    acc: Sequence[str] | None = None,
    key: Path | None = None,
    companion: Path | None = None,
) -> JournalRecording:
    """Decode a journal and open it as a recording.

    Parameters
    ----------
    path : Path
        Its folder, or one of its segments.
    emg, acc : sequence of str, optional
        Channels to take, by the labels they have in a file.
    key, companion : Path, optional
        As in `read_journal`.

    Raises
    ------
    RecordingError
        If it cannot be read, has no usable EMG, lasts under 10 s or over a week, or lacks a
        channel.
    OutputError
        If the temporary files cannot be written.
    """
    source = read_journal(path, key=key, companion=companion)
    run = _longest(source)
    spool = run.spools["emg"]
    rows = _chosen(source.folder, spool, emg, "emg")
    chosen = tuple(spool.form.channels[row] for row in rows)
    stream = Stream("emg", spool.form.rate_hz, chosen, spool.n)
    check_duration(source.folder, stream.duration_s)
    other, acc_notes = _acc(source.folder, run, acc)
    info = RecordingInfo(
        name=source.name,
        start=source.whole_start(run),
        emg=stream,
        acc=None if other is None else _acc_stream(other, stream),
        gaps=_gaps(spool),
        annotations=tuple(sorted(run.marks, key=lambda mark: mark.onset_s)),
        notes=(*acc_notes, *_notes(source, run)),
    )
    return JournalRecording(info, source, spool, other, rows)


def _longest(source: JournalSource) -> DecodedRun:
    with_emg = [run for run in source.decoded.runs if "emg" in run.spools]
    if not with_emg:
        raise RecordingError(
            "the journal holds no EMG",
            file=source.folder,
            advice="If the EMG is of another sensor, give its journal and this one as companion",
        )
    run = max(with_emg, key=lambda run: run.spools["emg"].n)
    rate_hz = run.spools["emg"].form.rate_hz
    if not LOWEST_EMG_HZ <= rate_hz <= HIGHEST_EMG_HZ:
        raise RecordingError(
            f"EMG from 20 Hz upwards needs {LOWEST_EMG_HZ:g} to {HIGHEST_EMG_HZ:g} samples a "
            f"second, but the journal has {rate_hz:g}",
            file=source.folder,
        )
    return run


def _chosen(
    file: Path, spool: StreamSpool, wanted: Sequence[str] | None, kind: StreamKind
) -> tuple[int, ...]:
    labels = [channel.label for channel in spool.form.channels]
    lower = [label.lower() for label in labels]
    for name in wanted or ():
        if name.lower() not in lower:
            raise RecordingError(
                f"there is no {kind} channel {name!r}; the journal has {', '.join(labels)}",
                file=file,
            )
    rows = [lower.index(name.lower()) for name in wanted or labels]
    return tuple(dict.fromkeys(rows))


def _acc(
    file: Path, run: DecodedRun, wanted: Sequence[str] | None
) -> tuple[StreamSpool | None, tuple[str, ...]]:
    spool = run.spools.get("acc")
    if spool is not None and spool.has_samples:
        usable = spool.form.spec.channels == _AXES and spool.form.rate_hz >= LOWEST_ACC_HZ
        if usable and _chosen(file, spool, wanted, "acc") == tuple(range(_AXES)):
            return spool, ()
    if wanted:
        raise RecordingError("the journal has no such acceleration of three axes", file=file)
    return None, ("no acceleration",)


def _acc_stream(spool: StreamSpool, emg: Stream) -> Stream:
    """Acceleration over exactly the time of the EMG."""
    rate_hz = spool.form.rate_hz
    return Stream("acc", rate_hz, spool.form.channels, samples_before(emg.duration_s, rate_hz))


def _gaps(spool: StreamSpool) -> tuple[Gap, ...]:
    """Missing time; neighbouring spans are one gap, named after the longest of them."""
    groups: list[list[MissingSpan]] = []
    for span in spool.missing:
        if groups and groups[-1][-1].stop == span.first:
            groups[-1].append(span)
        else:
            groups.append([span])
    rate_hz = spool.form.rate_hz
    gaps = []
    for group in groups:
        first, stop = group[0].first, group[-1].stop
        longest = max(group, key=lambda span: span.stop - span.first)
        gaps.append(Gap(first / rate_hz, (stop - first) / rate_hz, longest.cause))
    return tuple(gaps)


def _notes(source: JournalSource, run: DecodedRun) -> tuple[str, ...]:
    notes = [
        f"{n} samples of the {stream} are in no place: {kind.replace('_', ' ')}"
        for (stream, kind), n in sorted(run.odd.items())
    ]
    notes += [
        f"{spool.clipped} counts of the {kind} were beyond the converter's range"
        for kind, spool in run.spools.items()
        if spool.clipped
    ]
    others = len(source.decoded.runs) - 1
    if others:
        notes.append(f"{others} more parts of the journal are left out: their streams differ")
    return (*notes, *map(str, source.damage))
