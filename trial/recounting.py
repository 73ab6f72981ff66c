"""The episodes of a study counted by other rules than the detector's: what hangs on these."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from trial.study import Study

__all__ = ["LEAST_S", "SURE", "recounted"]

LEAST_S = 15.0
"""Length of a possible cramp that is counted: that of a cramp."""

SURE = 0.9
"""Confidence from which a cramp is among the sure ones."""


def recounted(study: Study) -> dict[str, Study]:
    """Return the study with its episodes counted by each other rule that changes what counts.

    ``possible_cramps`` counts possible cramps of `LEAST_S` or more as well: weak ones, unsure ones,
    those after little rest, and what follows a cramp at once. ``sure_cramps`` leaves out cramps of
    a confidence below `SURE`; what a person confirmed, or has no confidence, stands.

    Parameters
    ----------
    study : Study
    """
    episodes = study.episodes
    found = {}
    if "kind" in episodes:
        also = (episodes["kind"] == "possible_cramp") & (episodes["duration_s"] >= LEAST_S)
        if also.any():
            kind = episodes["kind"].mask(also, "cramp")
            found["possible_cramps"] = replace(study, episodes=episodes.assign(kind=kind))
    unsure = (episodes["confidence"] < SURE) & (episodes["status"] == "auto")
    if unsure.any():
        found["sure_cramps"] = replace(study, episodes=episodes[~unsure])
    return found
