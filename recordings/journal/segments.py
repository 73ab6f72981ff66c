"""The segments of a journal: which there are, what they say of themselves, when they begin."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from nightcramp.errors import RecordingError
from recordings.journal.block import BlockHeader, BlockKind
from recordings.journal.header import SegmentHeader, header_from_json
from recordings.journal.scan import SegmentFile
from recordings.journal_name import segment_paths

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path


@dataclass(frozen=True, slots=True)
class Segment:
    """One file of a journal.

    Attributes
    ----------
    path : Path
    number : int
        From 1 on, as in its name.
    header : SegmentHeader or None
        None if nothing is left of it.
    first : BlockHeader or None
        Of its first sound block: when the segment begins.
    """

    path: Path
    number: int
    header: SegmentHeader | None
    first: BlockHeader | None


def read_segments(folder: Path) -> list[Segment]:
    """Return what the segments of a journal say of themselves.

    Raises
    ------
    RecordingError
        If the folder is not there or has no segment, none has a sound block, one cannot be read,
        one is of a newer version, or they belong to different journals.
    """
    if not folder.exists():
        raise RecordingError("cannot be read (No such file or directory)", file=folder)
    segments = [read_segment(path) for path in segment_paths(folder)]
    if not segments:
        raise RecordingError(
            "no journal: there is no segment 0001.ncj or the like in it",
            file=folder,
            advice="Give the folder NAME.ncj that the recorder made, or one of its segments",
        )
    if not any(segment.header for segment in segments):
        raise RecordingError("no journal, or nothing left of it: no readable header", file=folder)
    _check_one_journal(segments)
    return segments


def read_segment(path: Path) -> Segment:
    """Return what one segment says of itself; raises RecordingError as `read_segments` does."""
    number = int(path.stem)
    file = SegmentFile(path)
    try:
        first = block = file.find_block(0)
        while block and block.header.kind is not BlockKind.HEADER:
            block = file.find_block(block.end)
    finally:
        file.close()
    header = header_from_json(block.body, path) if block else None
    return Segment(path, number, header, first.header if first else None)


def places_on_first_clock(segments: Sequence[Segment]) -> list[int]:
    """Return what to add to the monotonic times of each segment, in nanoseconds.

    Within one start of the host its monotonic clock runs on: nothing is added. After a new start,
    or when that clock went backwards, the wall clock says how much time passed between the
    beginnings of two segments; but a computer without a clock chip wakes with a wall clock from
    before the cut, and no segment begins before the one before it ended.
    """
    shifts: list[int] = []
    shift, before = 0, None
    for segment in segments:
        if before and before.first and segment.first and not _same_clock(before, segment):
            passed = segment.first.wall_ns - before.first.wall_ns
            start = max(before.first.monotonic_ns + passed, _end_ns(before, before.first))
            shift += start - segment.first.monotonic_ns
        shifts.append(shift)
        before = segment if segment.first else before
    return shifts


def _end_ns(segment: Segment, first: BlockHeader) -> int:
    """Return the monotonic time of the last that a segment tells."""
    file = SegmentFile(segment.path)
    try:
        last = file.find_last(first.journal_id)
    finally:
        file.close()
    return last.header.end_ns if last else first.end_ns


def _same_clock(one: Segment, following: Segment) -> bool:
    """Say whether the monotonic clock ran on from a segment to a later one."""
    if one.first is None or following.first is None:
        return True
    if one.header and following.header and one.header.boot != following.header.boot:
        return False
    return following.first.monotonic_ns >= one.first.monotonic_ns


def _check_one_journal(segments: Sequence[Segment]) -> None:
    ids = {s.path: s.first.journal_id for s in segments if s.first}
    first, *others = ids
    for path in others:
        if ids[path] != ids[first]:
            raise RecordingError(
                f"of another recording (journal {ids[path].hex()}) than {first.name} beside it "
                f"(journal {ids[first].hex()})",
                file=path,
                advice="Keep the segments of each recording in a folder of their own",
            )
