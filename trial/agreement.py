"""Sensor beside diary. The diary is no truth: people sleep through cramps and misjudge times."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from trial.weeks import nightly_table

if TYPE_CHECKING:
    from trial.study import Study

__all__ = ["SensorDiary", "SharesOfNights", "sensor_beside_diary"]


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

    def shares(self) -> SharesOfNights:
        """Return what may be said while participants' own counts may not."""
        return SharesOfNights(
            self.participants,
            self.nights,
            _share(self.both, self.both + self.diary_only),
            _share(self.both, self.both + self.sensor_only),
        )


@dataclass(frozen=True, slots=True)
class SharesOfNights:
    """How sensor and diary agree, without a count.

    Whose diary is empty is known. The cramps of nights with an answer, taken from all that are
    pooled, would leave those of such people.

    Attributes
    ----------
    participants, nights : int
        As of `SensorDiary`.
    sensor_of_diary, diary_of_sensor : float or None
        Of the nights with a cramp in the diary, the share in which the sensor has one; and the
        other way round. In whole percents; None without such a night.
    """

    participants: int
    nights: int
    sensor_of_diary: float | None
    diary_of_sensor: float | None


def _share(part: int, whole: int) -> float | None:
    return round(part / whole, 2) if whole else None


def sensor_beside_diary(study: Study) -> SensorDiary:
    """Compare sensor and diary on the analysable nights of the plan that the diary answers."""
    table = nightly_table(study).dropna(subset=["cramps"])
    table = table[table["analysable_hours"] >= study.plan.display.night_hours]
    sensor, diary = table["episodes"] > 0, table["cramps"] > 0
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
