"""The three ways to work on a night, and what each shows."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING

from nightcramp.review.scoring import adjudication, refuse_unblinding, scorer_log
from trial.audit import AuditAction

if TYPE_CHECKING:
    from nightcramp.review.logbook import Logbook
    from nightcramp.review.nights import ReviewNight


class Mode(StrEnum):
    """A way to work on a night, as in the page's addresses."""

    CORRECT = "correct"
    SCORE = "score"
    ADJUDICATE = "adjudicate"

    @property
    def is_blind(self) -> bool:
        """Whether what the detector found and what the participant said is hidden.

        Also from who adjudicates: what comes of it is held against the detector.
        """
        return self is not Mode.CORRECT

    @property
    def ending(self) -> AuditAction:
        """What ends the work on a night."""
        return AuditAction.ADJUDICATED if self is Mode.ADJUDICATE else AuditAction.SCORED


def logbook_of(night: ReviewNight, mode: Mode, who: str) -> Logbook:
    """Return the log that somebody works in.

    Raises
    ------
    UsageError
        If this person must not see it, or not yet.
    """
    if mode is Mode.SCORE:
        return scorer_log(night, who)
    if mode is Mode.ADJUDICATE:
        return adjudication(night, who)
    refuse_unblinding(night, who)
    return night.corrections()
