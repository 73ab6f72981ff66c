"""A journal as EDF+C or BDF+C files in an EMG-BIDS tree."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from recordings.emg_bids_edf import StreamPart, find_part_skips, sample_bytes, write_parts
from recordings.emg_bids_tree import (
    BidsName,
    add_rows,
    bids_label,
    describe_dataset,
    make_folder,
    refuse_another,
    write_json,
    write_table,
)
from recordings.journal_sidecar import (
    CHANNEL_COLUMNS,
    EVENT_COLUMNS,
    EVENT_DESCRIPTIONS,
    JournalRun,
    Makers,
    channel_rows,
    event_rows,
    makers_of,
    sidecar,
)
from recordings.journal_source import JournalSource, read_journal

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from recordings.journal_decode import DecodedRun

LONGEST_GAP_S = 1800.0
"""A longer gap ends a run: what follows is a file of its own."""

_NOON = timedelta(hours=12)


def journal_to_bids(
    journal: Path | JournalSource, root: Path, *, single_file: bool = False
) -> list[Path]:
    """Write the recording of a journal into an EMG-BIDS tree.

    Counts are copied one to one. A file is EDF+C, or BDF+C where counts do not fit 16 bits. A gap
    of all streams longer than half an hour, and a new description of the streams, begin a new run.
    Pseudonym, leg, night and time zone are those of the journal's metadata (``participant``,
    ``leg``, ``night``, ``time_zone``).

    Parameters
    ----------
    journal : Path or JournalSource
    root : Path
        Of the tree; made if it does not exist, added to if it does.
    single_file : bool
        Whether EMG and acceleration stand in one file instead of two.

    Returns
    -------
    list of Path
        The files with samples; of each run the EMG first.

    Raises
    ------
    RecordingError
        If the journal cannot be read, or a table of the tree cannot.
    OutputError
        If the tree cannot be written, or holds another recording of that name.
    """
    source = journal if isinstance(journal, JournalSource) else read_journal(journal)
    makers = makers_of(source)
    written: list[Path] = []
    for run in journal_runs(source):
        folder = root / run.name.folder
        make_folder(folder / "emg")
        groups = [run.parts] if single_file else [[part] for part in run.parts]
        files = [_write_group(folder, run, parts, makers, single_file) for parts in groups]
        _write_night(root, run, files)
        written += files
    describe_dataset(root, source.header.label.recorder)
    return written


def journal_runs(source: JournalSource) -> list[JournalRun]:
    """Return the parts of a journal that make one run each."""
    stretches = [
        (decoded, start_s, stop_s)
        for decoded in source.decoded.runs
        for start_s, stop_s in _stretches(decoded)
    ]
    return [
        JournalRun(
            source, decoded, start_s, stop_s, _name(source, k + 1 if len(stretches) > 1 else None)
        )
        for k, (decoded, start_s, stop_s) in enumerate(stretches)
    ]


def _stretches(run: DecodedRun) -> Iterator[tuple[float, float]]:
    """Yield the times between long gaps, in whole seconds."""
    spools = [spool for spool in run.spools.values() if spool.has_samples]
    if not spools:
        return
    parts = [StreamPart(spool, 0, spool.n) for spool in spools]
    edges = [0.0]
    for skip in find_part_skips(parts, run.duration_s):
        if skip.label is None and skip.duration_s > LONGEST_GAP_S:
            edges += [-(-skip.onset_s // 1), (skip.onset_s + skip.duration_s) // 1]
    edges.append(run.duration_s)
    for start_s, stop_s in zip(edges[::2], edges[1::2], strict=True):
        if start_s < stop_s:
            yield start_s, stop_s


def _name(source: JournalSource, number: int | None) -> BidsName:
    metadata = source.header.label.metadata
    evening = source.start(source.decoded.runs[0]) - _NOON
    return BidsName(
        participant=bids_label(str(metadata.get("participant") or "")),
        session=bids_label(str(metadata.get("night") or evening.date())),
        leg=bids_label(str(metadata["leg"])) if metadata.get("leg") else "",
        run=number,
    )


def _write_group(
    folder: Path, run: JournalRun, parts: Sequence[StreamPart], makers: Makers, single: bool
) -> Path:
    """Write one file with samples, and what stands beside it."""
    recording = None if single else parts[0].form.spec.kind
    ending = "edf" if sample_bytes(parts) == 2 else "bdf"
    path = folder / run.name.file(recording, f"emg.{ending}")
    refuse_another(folder / run.name.file(recording, "emg.json"), makers["Journal"])
    write_parts(
        path,
        parts,
        run.marks,
        start=run.whole_start,
        patient_code=run.name.participant,
        equipment=run.source.device(parts[0].form.spec.kind).name,
    )
    write_table(
        folder / run.name.file(recording, "channels.tsv"), CHANNEL_COLUMNS, channel_rows(parts)
    )
    write_json(folder / run.name.file(recording, "emg.json"), sidecar(run, parts, makers))
    write_table(
        folder / run.name.file(recording, "events.tsv"), EVENT_COLUMNS, event_rows(run, parts)
    )
    write_json(folder / run.name.file(recording, "events.json"), EVENT_DESCRIPTIONS)
    return path


def _write_night(root: Path, run: JournalRun, files: Sequence[Path]) -> None:
    """Put the files into the list of the night, and the participant into that of the tree."""
    folder = root / run.name.folder
    rows = [
        {
            "filename": file.relative_to(folder).as_posix(),
            "acq_time": run.whole_start.isoformat(),
        }
        for file in files
    ]
    add_rows(folder / f"{run.name.night}_scans.tsv", ("filename", "acq_time"), rows)
    participant = {"participant_id": f"sub-{run.name.participant}"}
    add_rows(root / "participants.tsv", ("participant_id",), [participant])
