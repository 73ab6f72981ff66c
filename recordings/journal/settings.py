"""How a journal is written."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from nightcramp.errors import UsageError

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True, slots=True)
class JournalSettings:
    """How often a journal is written, how much it may hold back, who may read it.

    Attributes
    ----------
    block_s : float
        Length of a block: what the end of the process loses at most.
    sync_s : float
        Most that a power cut takes, by age of the oldest record. 5 s write about 1.2 times the
        bytes of the journal to the medium, 1 s twice as many (docs/journal_loss.md).
    segment_s : float
        Length of a segment.
    reserve_bytes : int
        Room kept on the disk for the night; the default lasts 10 h for two channels at 1 kHz.
    memory_bytes : int
        Most that is kept in memory while the disk takes nothing; the default lasts 2 h at that
        rate. What comes then is dropped, and noted.
    site_key : Path or None
        Public key of the site; with it the journal is encrypted.

    Raises
    ------
    UsageError
        If a length is not positive.
    """

    block_s: float = 1.0
    sync_s: float = 5.0
    segment_s: float = 1800.0
    reserve_bytes: int = 128 << 20
    memory_bytes: int = 96 << 20
    site_key: Path | None = None

    def __post_init__(self) -> None:
        if min(self.block_s, self.sync_s, self.segment_s) <= 0 or self.memory_bytes <= 0:
            raise UsageError("Lengths of blocks, segments and memory must be more than nothing.")
