"""Who should not have been enrolled, and who is in danger: checklist and screening rule."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

import pandas as pd

from trial.plan import NIGHTS_OF_A_WEEK, EpisodeSource

if TYPE_CHECKING:
    from collections.abc import Iterator

    from trial.plan import Criterion, Screening
    from trial.study import Study

__all__ = ["Concern", "Finding", "check_enrolment"]


class Concern(StrEnum):
    """What a finding is about, the gravest first."""

    SAFETY_STOP = "safety stop"
    NOT_ELIGIBLE = "not eligible"
    NOT_ANSWERED = "not answered"
    TOO_FEW_EPISODES = "too few episodes"
    NO_LONGER_ELIGIBLE = "no longer eligible"


@dataclass(frozen=True, slots=True)
class Finding:
    """Something about a participant that a person must act upon or explain.

    Attributes
    ----------
    participant_id : str
    concern : Concern
    criterion : str
        Code of the checklist, or ``screening``.
    text : str
        A sentence for a person.
    """

    participant_id: str
    concern: Concern
    criterion: str
    text: str


def check_enrolment(study: Study) -> tuple[Finding, ...]:
    """Hold every participant against the checklist and the screening rule of the plan.

    The wrong answer to a criterion with a hard stop is a danger at any visit, before or after
    randomisation. Randomised participants must have every criterion answered, and their last
    answers up to randomisation must be right; a wrong one later is told apart from that. Nobody is
    left out of the analysis for any of it. The screening rule speaks of randomised participants
    only, and tells no more than whether it is met.

    Returns
    -------
    tuple of Finding
        Safety stops first, then by participant.
    """
    found = [*_unsafe(study), *_unfit(study), *_with_few_episodes(study)]
    order = list(Concern)
    return tuple(
        sorted(found, key=lambda f: (order.index(f.concern) > 0, f.participant_id, f.criterion))
    )


def _answers(study: Study) -> pd.DataFrame:
    """Return the answers with their participants' day of randomisation, the oldest first."""
    columns = ["participant_id", "assessed_on", "criterion", "answer"]
    answers = pd.DataFrame(columns=columns) if study.eligibility is None else study.eligibility
    people = study.participants[["participant_id", "randomised_on"]]
    return answers.merge(people, on="participant_id").sort_values("assessed_on", kind="stable")


def _unsafe(study: Study) -> Iterator[Finding]:
    criteria = {c.code: c for c in study.plan.eligibility if c.hard_stop}
    answers = _answers(study)
    for row in answers[answers["criterion"].isin(criteria)].itertuples():
        criterion = criteria[str(row.criterion)]
        if isinstance(row.answer, str) and row.answer != criterion.right_answer:
            text = (
                f"{criterion.text}: {row.answer} on {_day(row.assessed_on)}; do not start "
                "or continue the treatment, and inform the investigator"
            )
            yield _finding(row.participant_id, Concern.SAFETY_STOP, criterion, text)


def _unfit(study: Study) -> Iterator[Finding]:
    """Yield wrong and missing answers; those of hard stops are told by `_unsafe` if wrong."""
    answers = _answers(study)
    before = answers["assessed_on"] <= answers["randomised_on"]
    keys = ["participant_id", "criterion"]
    known = answers[before].drop_duplicates(keys, keep="last").set_index(keys)["answer"].to_dict()
    later = answers[answers["assessed_on"] > answers["randomised_on"]]
    latest = later.drop_duplicates(keys, keep="last").set_index(keys)["answer"].to_dict()
    for participant in study.randomised["participant_id"]:
        for criterion in study.plan.eligibility:
            key = (participant, criterion.code)
            wrong = "no" if criterion.right_answer == "yes" else "yes"
            answer = known.get(key)
            if not isinstance(answer, str):
                text = f"{criterion.text}: not answered up to randomisation"
                yield _finding(participant, Concern.NOT_ANSWERED, criterion, text)
            elif answer == wrong and not criterion.hard_stop:
                text = f"{criterion.text}: {answer} at randomisation"
                yield _finding(participant, Concern.NOT_ELIGIBLE, criterion, text)
            elif latest.get(key) == wrong and not criterion.hard_stop:
                text = f"{criterion.text}: {wrong} since randomisation"
                yield _finding(participant, Concern.NO_LONGER_ELIGIBLE, criterion, text)


def _with_few_episodes(study: Study) -> Iterator[Finding]:
    rule = study.plan.screening
    if rule is None:
        return
    counts = _screening_counts(study, rule)
    noun = "episode" if rule.episodes == 1 else "episodes"
    for participant, count in counts.items():
        if count < rule.episodes:
            text = (
                f"fewer than {rule.episodes} {noun} by the {rule.source} in the "
                f"{NIGHTS_OF_A_WEEK * rule.weeks} nights before the first treatment night"
            )
            yield Finding(str(participant), Concern.TOO_FEW_EPISODES, "screening", text)


def _screening_counts(study: Study, rule: Screening) -> pd.Series[float]:
    """Return the episodes of each randomised participant that the screening rule counts."""
    if rule.source is EpisodeSource.DIARY:
        counted = study.diary.dropna(subset=["cramps"])
    else:
        counted = study.counted_episodes.assign(cramps=1.0)
    people = study.randomised.set_index("participant_id")["first_treatment_night"]
    before = (counted["participant_id"].map(people) - counted["night"]).dt.days
    within = counted[before.between(1, NIGHTS_OF_A_WEEK * rule.weeks)]
    return within.groupby("participant_id")["cramps"].sum().reindex(people.index, fill_value=0.0)


def _finding(participant: object, concern: Concern, criterion: Criterion, text: str) -> Finding:
    return Finding(str(participant), concern, criterion.code, text)


def _day(stamp: object) -> str:
    return str(stamp)[:10]
