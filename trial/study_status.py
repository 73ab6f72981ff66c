"""How far a study is: nights planned, recorded, analysed and to review, by site."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from trial.blinding import counts_published
from trial.calendar import data_cut
from trial.wear import night_grid

if TYPE_CHECKING:
    from datetime import date

    import pandas as pd

    from trial.study import Study

__all__ = ["SiteStatus", "StudyStatus", "study_status"]

ALL_SITES = "all sites"

_NIGHT = ["participant_id", "night"]


@dataclass(frozen=True, slots=True)
class SiteStatus:
    """How far one site is, up to the data cut.

    Attributes
    ----------
    site : str
    participants, randomised : int
    nights_planned : int
        Nights (or sessions) of the plan that have come.
    nights_recorded, nights_analysed : int
        Of these: with a recording; with analysable time.
    nights_to_review : int or None
        Nights with episodes that nobody has confirmed or rejected yet. None in a blinded study:
        one status held against the next would tell whether a night between them has a cramp.
    """

    site: str
    participants: int
    randomised: int
    nights_planned: int
    nights_recorded: int
    nights_analysed: int
    nights_to_review: int | None


@dataclass(frozen=True, slots=True)
class StudyStatus:
    """How far a study is.

    Attributes
    ----------
    data_cut : date or None
        Last night of the plan that the tables know of.
    sites : tuple of SiteStatus
        By name.
    total : SiteStatus
    site_of : dict
        The site of each participant.
    """

    data_cut: date | None
    sites: tuple[SiteStatus, ...]
    total: SiteStatus
    site_of: dict[str, str]


def study_status(study: Study) -> StudyStatus:
    """Return how far a study is; it holds no count of cramps."""
    cut = data_cut(study)
    grid = night_grid(study)
    people = study.participants
    site_of = dict(zip(people["participant_id"], people["site"], strict=True))
    waiting = _to_review(study).map(site_of) if counts_published(study) else None
    sites = []
    for site in sorted(people["site"].unique()):
        here = people[people["site"] == site]
        mine = None if waiting is None else int((waiting == site).sum())
        sites.append(_status(site, here, grid[grid["site"] == site], mine))
    all_waiting = None if waiting is None else len(waiting)
    total = _status(ALL_SITES, people, grid, all_waiting)
    return StudyStatus(None if cut is None else cut.date(), tuple(sites), total, site_of)


def _status(
    site: str, people: pd.DataFrame, grid: pd.DataFrame, to_review: int | None
) -> SiteStatus:
    return SiteStatus(
        site=site,
        participants=len(people),
        randomised=int(people["randomised_on"].notna().sum()),
        nights_planned=len(grid),
        nights_recorded=int((grid["recorded_hours"] > 0).sum()),
        nights_analysed=int((grid["analysable_hours"] > 0).sum()),
        nights_to_review=to_review,
    )


def _to_review(study: Study) -> pd.Series[str]:
    """Return the participant of each night with episodes, none of which anybody has judged."""
    judged = study.episodes["status"] != "auto"
    nights = judged.groupby([study.episodes[key] for key in _NIGHT]).any()
    people: pd.Series[str] = nights[~nights].reset_index()["participant_id"]
    return people
