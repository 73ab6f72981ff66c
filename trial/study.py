"""A study in memory: its plan and its tables."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pandas as pd

from trial.plan import FirstTreatmentNight

if TYPE_CHECKING:
    from trial.plan import StudyPlan

__all__ = ["Listings", "Study"]


@dataclass(frozen=True, slots=True)
class Listings:
    """What is listed of participants beside nights and cramps; None where the study has no list.

    Attributes
    ----------
    adverse_events : DataFrame or None
        ``participant_id started_on term severity serious related``, and ``ended_on outcome`` where
        the file has them.
    concomitant : DataFrame or None
        ``participant_id product kind started_on stopped_on``.
    deviations : DataFrame or None
        ``participant_id noted_on kind severity description``.
    device_events : DataFrame or None
        ``participant_id noted_on kind severity description``.
    """

    adverse_events: pd.DataFrame | None = None
    concomitant: pd.DataFrame | None = None
    deviations: pd.DataFrame | None = None
    device_events: pd.DataFrame | None = None


@dataclass(frozen=True, slots=True)
class Study:
    """The tables of a study; they keep to the rules, and no row was left out or altered.

    Attributes
    ----------
    plan : StudyPlan
    participants : DataFrame
        ``participant_id site randomised_on age sex``, and ``treatment_stopped_on stop_reason``
        where the file has them; if the arms were opened with ``arm``, or in a crossover with
        ``sequence``, the arms in their order.
    nights : DataFrame
        ``participant_id night start_utc recorded_hours analysable_hours reason``, and ``end_utc``
        where the file has it.
    episodes : DataFrame
        ``participant_id night onset_utc duration_s confidence status version``, and ``kind``,
        ``censored`` and ``exposed`` where the file has them.
    diary : DataFrame
        ``participant_id night cramps severity minutes``; without rows if there is no diary.
    input_hash : str
        SHA-256 over the files that were read.
    sessions : DataFrame or None
        ``participant_id night start_utc end_utc recorded_hours analysable_hours reason`` where
        sessions and not nights are analysed; the night is that of the start.
    eligibility : DataFrame or None
        ``participant_id assessed_on criterion answer``.
    listings : Listings
        What is listed of participants beside nights and cramps.
    allocation : DataFrame or None
        ``participant_id arm``, in a crossover with ``treatment_period`` (1 or 2); None while the
        arms are closed.
    """

    plan: StudyPlan
    participants: pd.DataFrame
    nights: pd.DataFrame
    episodes: pd.DataFrame
    diary: pd.DataFrame
    input_hash: str
    sessions: pd.DataFrame | None = None
    eligibility: pd.DataFrame | None = None
    allocation: pd.DataFrame | None = None
    listings: Listings = Listings()

    @property
    def arms_opened(self) -> bool:
        """Whether the allocation was read."""
        return self.allocation is not None

    @property
    def arms(self) -> tuple[str, ...]:
        """Names of the arms in alphabetical order; none while they are closed."""
        return () if self.allocation is None else tuple(sorted(self.allocation["arm"].unique()))

    @property
    def windows(self) -> pd.DataFrame:
        """The windows of analysis with their hours: the nights, or the sessions if they are."""
        return self.nights if self.sessions is None else self.sessions

    @property
    def randomised(self) -> pd.DataFrame:
        """Participants with a date of randomisation, with their ``first_treatment_night``."""
        people = self.participants.dropna(subset=["randomised_on"])
        wait = 1 if self.plan.first_treatment_night is FirstTreatmentNight.NEXT else 0
        first = people["randomised_on"] + pd.Timedelta(days=wait)
        return people.assign(first_treatment_night=first)

    @property
    def counted_episodes(self) -> pd.DataFrame:
        """Cramps that stand, with their ``minutes``; in a session the night is that of its start.

        Left out is what was rejected, what is only a possible cramp, and what nobody could have
        seen by the study's own definition: outside a session, or while one of two legs was not
        analysable.
        """
        episodes = self.episodes
        stands = episodes["status"] != "rejected"
        if "kind" in episodes:
            stands &= episodes["kind"] == "cramp"
        if "exposed" in episodes:
            stands &= episodes["exposed"] != "no"
        counted = episodes[stands].assign(minutes=episodes["duration_s"] / 60)
        return counted if self.sessions is None else _within(counted, self.sessions)


def _within(episodes: pd.DataFrame, sessions: pd.DataFrame) -> pd.DataFrame:
    """Return the episodes that begin within a session, named by the night of its start."""
    windows = sessions[["participant_id", "night", "start_utc", "end_utc"]]
    found = pd.merge_asof(
        episodes.drop(columns="night").sort_values("onset_utc", kind="stable"),
        windows.sort_values("start_utc", kind="stable"),
        left_on="onset_utc",
        right_on="start_utc",
        by="participant_id",
    )
    return found[found["onset_utc"] < found["end_utc"]].drop(columns=["start_utc", "end_utc"])
