"""What became of the episodes that the tables list."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from trial.calendar import assign_weeks

if TYPE_CHECKING:
    from trial.study import Study

__all__ = ["EpisodeFlow", "episode_flow"]


@dataclass(frozen=True, slots=True)
class EpisodeFlow:
    """Episodes on their way into the analysis; every cramp that is listed is in one of the counts.

    Attributes
    ----------
    listed : int
        Cramps in the episodes table; of these
    rejected : int
        by a person;
    not_exposed : int
        outside a session, or while one of two legs was not analysable;
    outside_plan : int
        in no week of the plan, or of a participant who is not randomised;
    auto, confirmed : int
        counted, as the detector left them or confirmed by a person.
    censored : int
        Counted with an end that could not be seen: their duration is that which was seen.
    possible : int
        Possible cramps, which are listed beside the cramps and never counted.
    """

    listed: int
    rejected: int
    not_exposed: int
    outside_plan: int
    auto: int
    confirmed: int
    censored: int
    possible: int


def episode_flow(study: Study) -> EpisodeFlow:
    """Count what became of the episodes of a study."""
    episodes = study.episodes
    possible = 0
    if "kind" in episodes:
        possible = int((episodes["kind"] == "possible_cramp").sum())
        episodes = episodes[episodes["kind"] == "cramp"]
    rejected = int((episodes["status"] == "rejected").sum())
    exposed = study.counted_episodes
    counted = assign_weeks(exposed, study)
    hidden_ends = counted["censored"] if "censored" in counted else counted["status"]
    return EpisodeFlow(
        listed=len(episodes),
        rejected=rejected,
        not_exposed=len(episodes) - rejected - len(exposed),
        outside_plan=len(exposed) - len(counted),
        auto=int((counted["status"] == "auto").sum()),
        confirmed=int((counted["status"] == "confirmed").sum()),
        censored=int(hidden_ends.isin(["onset", "offset", "both"]).sum()),
        possible=possible,
    )
