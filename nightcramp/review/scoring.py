"""Two people score a night, each without the detector's output and without the other's."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from nightcramp.errors import UsageError
from nightcramp.review.agreement import ScorerAgreement, merged, scorer_agreement
from nightcramp.review.corrections import Status
from nightcramp.review.logbook import read_log

if TYPE_CHECKING:
    from nightcramp.review.corrections import Episode
    from nightcramp.review.logbook import Logbook
    from nightcramp.review.nights import ReviewNight
    from sensing import Event

SCORERS = 2
ADJUDICATION = "adjudication.jsonl"

_PREFIX = "scorer-"


@dataclass(frozen=True, slots=True)
class ScoringState:
    """How far the scoring of a night is; tells nothing of what was scored.

    Attributes
    ----------
    scorers : tuple of str
        Who has begun, by name.
    finished : tuple of str
        Who has finished.
    is_adjudicated : bool
    """

    scorers: tuple[str, ...]
    finished: tuple[str, ...]
    is_adjudicated: bool

    @property
    def may_be_compared(self) -> bool:
        """Whether both have finished, so that nothing one sees can sway the other."""
        return len(self.finished) == SCORERS


def scoring_state(night: ReviewNight) -> ScoringState:
    """Return how far the scoring of a night is."""
    logs = _scorer_logs(night)
    finished = tuple(who for who in sorted(logs) if logs[who].is_done)
    done = len(finished) == SCORERS and _is_settled(_adjudication(night))
    return ScoringState(tuple(sorted(logs)), finished, done)


def scorer_log(night: ReviewNight, who: str) -> Logbook:
    """Return the log in which a person scores a night from nothing.

    Raises
    ------
    UsageError
        If two others score it, or the person has seen what the detector found.
    """
    others = [name for name in _scorer_logs(night) if not _same(name, who)]
    if len(others) >= SCORERS:
        raise UsageError(f"{night.name} is scored by {' and '.join(sorted(others))} already")
    _refuse_corrector(night, who)
    return night.logbook(_file_of(who), (), is_final=True, scorer=who)


def refuse_unblinding(night: ReviewNight, who: str) -> None:
    """Refuse to show a person what the detector found before they have finished scoring.

    Raises
    ------
    UsageError
        If they have begun and not finished.
    """
    for name, log in _scorer_logs(night).items():
        if _same(name, who) and not log.is_done:
            raise UsageError(
                f"{who} scores {night.name} and has not finished: what the detector found is "
                "shown afterwards"
            )


def adjudication(night: ReviewNight, who: str) -> Logbook:
    """Return the log in which a third person decides what two scorers disagree about.

    Raises
    ------
    UsageError
        If the scorers have not finished, or the person is one of them or has seen what the
        detector found: the result is to be one that the detector had no part in.
    """
    if any(_same(name, who) for name in _scorer_logs(night)):
        raise UsageError(f"{who} has scored {night.name}: a third person adjudicates")
    _refuse_corrector(night, who)
    return _adjudication(night)


def compare_scorers(night: ReviewNight) -> ScorerAgreement:
    """Return how well the scorers of a night agree; raises UsageError until both have finished."""
    return scorer_agreement(*_marks(night), night.analysable_seconds())


def final_episodes(night: ReviewNight) -> tuple[tuple[Episode, ...], str] | None:
    """Return what people have settled on for a night, and who; None as long as they have not.

    An adjudicated scoring comes before corrections of the detector's episodes: it was blind.
    """
    state = scoring_state(night)
    if state.is_adjudicated:
        log = _adjudication(night)
        deciders = sorted({one.who for one in log.corrections()})
        return log.episodes(), ", ".join([*state.scorers, *deciders])
    log = night.corrections()
    if not log.is_done:
        return None
    return log.episodes(), ", ".join(sorted({one.who for one in log.corrections()}))


def _adjudication(night: ReviewNight) -> Logbook:
    first, second = _marks(night)
    return night.logbook(ADJUDICATION, merged(first, second), is_final=False)


def _refuse_corrector(night: ReviewNight, who: str) -> None:
    if any(_same(one.who, who) for one in night.corrections().corrections()):
        raise UsageError(
            f"{who} has corrected {night.name} and so has seen what the detector found: another "
            "person must do this"
        )


def _is_settled(log: Logbook) -> bool:
    """Whether nothing is left to decide: somebody said so, or the scorers agree on everything."""
    agreed = not log.corrections() and all(one.status is not Status.AUTO for one in log.base)
    return agreed or log.is_done


def _marks(night: ReviewNight) -> tuple[list[Event], list[Event]]:
    logs = _scorer_logs(night)
    if len(logs) < SCORERS or not all(log.is_done for log in logs.values()):
        raise UsageError(f"{night.name}: compared once two people have finished scoring it")
    first, second = (
        [one.event for one in logs[who].episodes() if one.status is Status.CONFIRMED]
        for who in sorted(logs)
    )
    return first, second


def _scorer_logs(night: ReviewNight) -> dict[str, Logbook]:
    logs = {}
    for file in night.folder.glob(f"{_PREFIX}*.jsonl"):
        scorer = read_log(file)[0].scorer or ""
        logs[scorer] = night.logbook(file.name, (), is_final=True, scorer=scorer)
    return logs


def _file_of(who: str) -> str:
    """Return the name of a person's log; names of people are no names of files."""
    digest = hashlib.sha256(_folded(who).encode()).hexdigest()[:12]
    return f"{_PREFIX}{digest}.jsonl"


def _same(one: str, other: str) -> bool:
    return _folded(one) == _folded(other)


def _folded(who: str) -> str:
    return " ".join(who.casefold().split())
