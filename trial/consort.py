"""How participants went through the trial, as the flow diagram of CONSORT 2025 shows it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pandas as pd

from trial.calendar import data_cut
from trial.plan import NIGHTS_OF_A_WEEK, CriterionKind

if TYPE_CHECKING:
    from trial.plan import Criterion
    from trial.study import Study

__all__ = ["Course", "Reason", "Screened", "course", "screened"]

NO_REASON = "no reason recorded"
NOT_RANDOMISED = "other, or not randomised yet"


@dataclass(frozen=True, slots=True)
class Reason:
    """Why participants left, and how many for it."""

    reason: str
    participants: int


@dataclass(frozen=True, slots=True)
class Screened:
    """From the assessment to randomisation.

    Attributes
    ----------
    assessed, randomised : int
        Rows of the participants table; those of them with a date of randomisation.
    excluded : tuple of Reason
        By the first criterion of the plan that was not met.
    """

    assessed: int
    randomised: int
    excluded: tuple[Reason, ...]


@dataclass(frozen=True, slots=True)
class Course:
    """From randomisation to the end of the treatment, up to the data cut.

    Attributes
    ----------
    started : int
        Whose first treatment night has come.
    stopped : tuple of Reason
        Who stopped treatment early.
    completed : int
        Who did not, and whose last treatment night has come.
    """

    started: int
    stopped: tuple[Reason, ...]
    completed: int


def screened(study: Study) -> Screened:
    """Return who was assessed, and why some were not randomised."""
    people = study.participants
    left = people.loc[people["randomised_on"].isna(), "participant_id"]
    unmet = _first_unmet(study).reindex(left).fillna(NOT_RANDOMISED)
    return Screened(len(people), len(people) - len(left), _reasons(unmet))


def course(study: Study, people: pd.Series[str]) -> Course:
    """Return how some of the randomised participants went on."""
    cut = data_cut(study)
    chosen = study.randomised[study.randomised["participant_id"].isin(people)]
    if cut is None:
        return Course(0, (), 0)
    first = chosen["first_treatment_night"]
    last = first + pd.Timedelta(days=NIGHTS_OF_A_WEEK * study.plan.last_week - 1)
    stopped = pd.Series(data=False, index=chosen.index)
    reasons: tuple[Reason, ...] = ()
    if "treatment_stopped_on" in chosen:
        stopped = chosen["treatment_stopped_on"].notna()
        known = chosen.get("stop_reason", pd.Series(index=chosen.index, dtype="str"))
        reasons = _reasons(known[stopped].fillna(NO_REASON))
    return Course(
        started=int((first <= cut).sum()),
        stopped=reasons,
        completed=int(((last <= cut) & ~stopped).sum()),
    )


def _first_unmet(study: Study) -> pd.Series[str]:
    """Return the first criterion of the plan that each participant's last answers do not meet."""
    if study.eligibility is None:
        return pd.Series(dtype="str")
    right = {criterion.code: criterion.right_answer for criterion in study.plan.eligibility}
    texts = {criterion.code: _unmet(criterion) for criterion in study.plan.eligibility}
    order = list(right)
    answers = study.eligibility.dropna(subset=["answer"]).sort_values("assessed_on", kind="stable")
    last = answers.drop_duplicates(["participant_id", "criterion"], keep="last")
    wrong = last[last["answer"] != last["criterion"].map(right)]
    rank = wrong["criterion"].map(order.index)
    first = wrong.assign(rank=rank).sort_values("rank", kind="stable")
    unmet = first.drop_duplicates("participant_id").set_index("participant_id")["criterion"]
    return unmet.map(texts)


def _unmet(criterion: Criterion) -> str:
    if criterion.kind is CriterionKind.EXCLUSION:
        return criterion.text
    return f"not met: {criterion.text}"


def _reasons(texts: pd.Series[str]) -> tuple[Reason, ...]:
    counts = texts.value_counts()
    named = [Reason(str(text), int(count)) for text, count in counts.items()]
    return tuple(sorted(named, key=lambda reason: (-reason.participants, reason.reason)))
