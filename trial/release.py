"""Which person-weeks the pooled cramps of a blinded trial may rest on.

Pooled cramps of this week less those of last week's report are the cramps of whoever was added. So
a blinded report speaks of a week only after it is over, and only of whole blocks of participants,
in the order in which they completed it: whatever two reports are held against each other, the
difference is that of a block and never of a person. Intervals rest on the sums of blocks as well:
from one over participants, with each one's hours beside it, everybody's cramps could be worked out.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pandas as pd

from trial.blinding import SMALLEST_POOL, counts_published
from trial.calendar import assign_weeks, data_cut, person_weeks
from trial.plan import NIGHTS_OF_A_WEEK

if TYPE_CHECKING:
    from trial.study import Study

__all__ = ["released", "released_weeks"]

_WEEK = ["participant_id", "week"]


def released(study: Study) -> Study:
    """Return a study with the nights, cramps and diary of released weeks only.

    Where participants' own counts may be written, everything is released.
    """
    if counts_published(study):
        return study
    weeks = released_weeks(study)
    sessions = study.sessions
    return replace(
        study,
        nights=_within(study.nights, weeks, study),
        episodes=_within(study.episodes, weeks, study),
        diary=_within(study.diary, weeks, study),
        sessions=None if sessions is None else _within(sessions, weeks, study),
    )


def released_weeks(study: Study) -> pd.DataFrame:
    """Return the person-weeks that pooled cramps of a blinded trial rest on.

    Of each week of the plan they are the weeks of the first participants who completed it with
    analysable time, as many of them as make whole blocks of `SMALLEST_POOL`.

    Returns
    -------
    DataFrame
        ``participant_id week block``; blocks of a week are numbered in their order.
    """
    cut = data_cut(study)
    weeks = person_weeks(study)
    if cut is None:
        return weeks[_WEEK].iloc[:0].assign(block=0)
    weeks["end"] = weeks["first_night"] + pd.Timedelta(days=NIGHTS_OF_A_WEEK - 1)
    seen = assign_weeks(study.windows[study.windows["analysable_hours"] > 0], study)
    complete = weeks[weeks["end"] <= cut].merge(seen[_WEEK].drop_duplicates(), on=_WEEK)
    ordered = complete.sort_values(["week", "end", "participant_id"], kind="stable")
    place = ordered.groupby("week").cumcount()
    size = ordered.groupby("week")["week"].transform("size")
    blocks = ordered[_WEEK].assign(block=place // SMALLEST_POOL)
    return blocks[place < size // SMALLEST_POOL * SMALLEST_POOL]


def _within(table: pd.DataFrame, weeks: pd.DataFrame, study: Study) -> pd.DataFrame:
    """Return the rows of a table that lie in some of the person-weeks."""
    dated = assign_weeks(table, study)
    kept = dated.reset_index().merge(weeks, on=_WEEK)["index"]
    return table.loc[kept.sort_values()].reset_index(drop=True)
