"""What is on the disk of a journal: how much, whether it was closed, what is damaged."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from recordings.journal.damage import Damage
from recordings.journal.pack import Place
from recordings.journal.walk import Walk

if TYPE_CHECKING:
    from recordings.journal.journal import Journal


@dataclass(frozen=True, slots=True)
class Findings:
    """What there is of a journal; found by check sums alone, so without a key.

    Attributes
    ----------
    n_segments, n_records : int
    duration_s : float
        From its beginning to its last record.
    sealed : bool
        Whether it was closed as it should be. If not, the program or the machine ended first.
    damage : tuple of Damage
    place : Place
        Where it would go on.
    sessions : int
        How often it was opened for writing.
    """

    n_segments: int
    n_records: int
    duration_s: float
    sealed: bool
    damage: tuple[Damage, ...]
    place: Place
    sessions: int

    @property
    def seconds_lost(self) -> float:
        """Sum of what is known to be lost."""
        return sum(damage.seconds_lost or 0.0 for damage in self.damage)

    @property
    def is_loss_known(self) -> bool:
        """Whether that sum is all."""
        return all(damage.seconds_lost is not None for damage in self.damage)


def examine(journal: Journal) -> Findings:
    """Read all of a journal and say what is there.

    Raises
    ------
    RecordingError
        If a segment cannot be read.
    """
    walk = Walk(journal.folder, journal.header.journal_id)
    damage, duration_s = [], 0.0
    for piece in walk.advance(final=True):
        if isinstance(piece, Damage):
            damage.append(piece)
        else:
            end_s = journal.seconds_at(piece.header.segment, piece.header.end_ns)
            duration_s = max(duration_s, end_s)
    walk.close()
    return Findings(
        n_segments=len(journal.segments),
        n_records=walk.n_records,
        duration_s=duration_s,
        sealed=walk.sealed,
        damage=tuple(damage),
        place=Place(journal.segments[-1].number, walk.following, walk.digest),
        sessions=max(s.header.session for s in journal.segments if s.header),
    )
