"""Sensor beside diary. The diary is no truth: people sleep through cramps and misjudge times."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from trial.weeks import DISPLAY_RULE, DisplayRule, assign_weeks

if TYPE_CHECKING:
    from trial.study import Study

__all__ = ["SensorDiary", "sensor_beside_diary"]

_NIGHT = ["participant_id", "night"]


@dataclass(frozen=True, slots=True)
class SensorDiary:
    """Nights with an analysable recording and a diary answer.

    Attributes
    ----------
    participants, nights : int
    both, sensor_only, diary_only, neither : int
        Nights with a cramp in both, in one, in none of them.
    sensor_cramps, diary_cramps : int
        Totals over these nights.
    """

    participants: int
    nights: int
    both: int
    sensor_only: int
    diary_only: int
    neither: int
    sensor_cramps: int
    diary_cramps: int


def sensor_beside_diary(study: Study, rule: DisplayRule = DISPLAY_RULE) -> SensorDiary:
    """Compare sensor and diary on the analysable nights of the plan that the diary answers."""
    nights = assign_weeks(study.nights, study)
    nights = nights[nights["analysable_hours"] >= rule.night_hours]
    answers = study.diary.dropna(subset=["cramps"])[[*_NIGHT, "cramps"]]
    seen = study.counted_episodes.groupby(_NIGHT).size().rename("episodes").reset_index()
    table = nights[_NIGHT].merge(answers, on=_NIGHT).merge(seen, on=_NIGHT, how="left")
    sensor, diary = table["episodes"].fillna(0) > 0, table["cramps"] > 0
    return SensorDiary(
        participants=table["participant_id"].nunique(),
        nights=len(table),
        both=int((sensor & diary).sum()),
        sensor_only=int((sensor & ~diary).sum()),
        diary_only=int((~sensor & diary).sum()),
        neither=int((~sensor & ~diary).sum()),
        sensor_cramps=int(table["episodes"].sum()),
        diary_cramps=int(table["cramps"].sum()),
    )
