"""What of a journal cannot be had any more."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


class DamageKind(StrEnum):
    """What is wrong with a stretch of a journal."""

    CUT = "cut_short"
    ZEROS = "zeros"
    ALTERED = "altered_bytes"
    MISSING_BLOCKS = "missing_blocks"
    MISSING_SEGMENT = "missing_segment"
    BROKEN_CHAIN = "broken_chain"
    UNREADABLE = "unreadable"


@dataclass(frozen=True, slots=True)
class Damage:
    """A stretch of a journal that cannot be had.

    Attributes
    ----------
    file : Path
        Segment.
    offset, n_bytes : int
        Where in it, and how much of what is there; no bytes if a piece is missing altogether.
    kind : DamageKind
    seconds_lost : float or None
        Between the last record before and the first one after; None where nothing tells.
    """

    file: Path
    offset: int
    n_bytes: int
    kind: DamageKind
    seconds_lost: float | None

    def to_json(self) -> dict[str, object]:
        """Return it for machines; the segment by its name."""
        return {
            "segment": self.file.name,
            "offset": self.offset,
            "bytes": self.n_bytes,
            "kind": self.kind,
            "seconds_lost": self.seconds_lost,
        }

    def __str__(self) -> str:
        """Return it as a sentence."""
        lost = "how much is lost cannot be told"
        if self.seconds_lost is not None:
            lost = f"{self.seconds_lost:.1f} s lost" if self.seconds_lost else "nothing lost"
        what = _SENTENCES[self.kind].format(n=self.n_bytes, offset=self.offset)
        return f"{self.file.parent.name}/{self.file.name}: {what}; {lost}"


_SENTENCES = {
    DamageKind.CUT: "ends within a block at byte {offset}",
    DamageKind.ZEROS: "{n} bytes of zeros at byte {offset}",
    DamageKind.ALTERED: "{n} bytes at byte {offset} are not what was written",
    DamageKind.MISSING_BLOCKS: "blocks are missing before byte {offset}",
    DamageKind.MISSING_SEGMENT: "this segment is missing",
    DamageKind.BROKEN_CHAIN: "the block before byte {offset} is not the one that stood there",
    DamageKind.UNREADABLE: "{n} bytes at byte {offset} cannot be decoded or decrypted",
}
