"""The threshold for a sure cramp: how it weighs false alarms against cramps."""

from dataclasses import dataclass

import pytest

from models import Judged, TrueEvent, TruthKind
from models.tuning import CONFIDENCES, tune_rules
from sensing import Event, EventKind, EvidenceWeights

HOURS = 80.0


@dataclass(frozen=True)
class Night:
    """Ten nights in one, with a cramp for each confidence and an alarm for each of others."""

    cramps: tuple
    alarms: tuple
    name: str = "quiet-1"

    def judge(self, rules, evidence):
        """Return what stands in it."""
        truth = [
            TrueEvent(1000.0 * place, 60.0, TruthKind.CRAMP, 5.0)
            for place in range(1, len(self.cramps) + 1)
        ]
        found = [
            Event(true.onset_s, 60.0, EventKind.CRAMP, confidence=confidence)
            for true, confidence in zip(truth, self.cramps, strict=True)
        ] + [
            Event(1000.0 * place + 500, 60.0, EventKind.CRAMP, confidence=confidence)
            for place, confidence in enumerate(self.alarms, start=1)
        ]
        return Judged(self.name, HOURS, tuple(truth), tuple(found))


@pytest.mark.parametrize(
    ("alarms", "expected"),
    [((), 0.5), ((0.6,), 0.61), ((0.6, 0.95), 0.96), ((0.99,), CONFIDENCES[-1])],
    ids=str,
)
def test_no_cramp_is_worth_a_false_alarm_too_many(alarms, expected):
    night = Night(cramps=(0.55, 0.65, 0.75, 0.85, 0.97), alarms=alarms)
    assert tune_rules([night], EvidenceWeights.of_scores()).certain_confidence == expected


def test_alarms_of_people_at_exercise_do_not_count():
    night = Night(cramps=(0.55, 0.97), alarms=(0.9, 0.9), name="exercise-1")
    assert tune_rules([night], EvidenceWeights.of_scores()).certain_confidence == 0.5
