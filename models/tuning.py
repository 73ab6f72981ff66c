"""Thresholds for the scores: as sensitive as a false-alarm rate fit for a trial allows."""

from __future__ import annotations

import logging
import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from models.classifier import Classifier
from models.dataset import NightSpec, formats_of, make_night, outputs_of
from models.detector import score_frames
from models.evaluation import NIGHT_H, Judged, evaluate
from models.truth import TruthKind
from sensing import (
    EmgFormat,
    EventKind,
    Evidence,
    EvidenceWeights,
    FrontEnd,
    FrontEndOutput,
    SegmentationRules,
    Segmenter,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    from models.truth import TrueEvent
    from sensing import Event

logger = logging.getLogger(__name__)

ALLOWED_PER_NIGHT = 0.05
"""False alarms per 8 h that nights full of hard negatives may show. Seven times the rate of a
participant's nights is added to every weekly count: 0.04 biases a count of 2.6 by a tenth."""

NOT_COUNTED = ("dense", "exercise")
"""Suites whose false alarms do not count for the rate: cramps and everything else crowd each
other, or somebody is awake and busy with the leg. Both are learnt from."""

CONFIDENCES = tuple(number / 100 for number in range(50, 99))
"""Thresholds that are tried for a sure cramp."""

RIDGE = 0.3
"""Inverse strength of the penalty on the weights of the measures."""

EVERYTHING = SegmentationRules(
    least_confidence=0.0,
    certain_s=0.0,
    certain_intensity=0.0,
    certain_rest_s=0.0,
    certain_busy_s=math.inf,
)
"""Rules by which whatever scored high is an episode."""


@dataclass(frozen=True, slots=True)
class TuningNight:
    """A night that has been scored and can be segmented again and again."""

    name: str
    form: EmgFormat
    bin_s: float
    truth: tuple[TrueEvent, ...]
    outputs: tuple[FrontEndOutput, ...]
    scores: tuple[npt.NDArray[np.float32], ...]

    def judge(self, rules: SegmentationRules, evidence: Evidence) -> Judged:
        """Segment the night by these rules, and weigh its episodes."""
        segmenter = Segmenter(self.form, self.bin_s, rules, evidence)
        events: list[Event] = []
        for output, scores in zip(self.outputs, self.scores, strict=True):
            events += segmenter.push(output, scores)
        events += segmenter.finish()
        hours = sum(output.quality.shape[1] for output in self.outputs) * self.bin_s / 3600
        return Judged(self.name, hours, self.truth, tuple(events))


def tuning_night(content: bytes, spec: NightSpec) -> TuningNight:
    """Simulate a night and score it with the model in `content`."""
    classifier = Classifier(content)
    night = make_night(spec)
    form, _ = formats_of(night)
    outputs, scores = [], []
    for output in outputs_of(night):
        scores.append(score_frames(classifier, output))
        outputs.append(replace(output, features=output.features[:0]))
    bin_s = FrontEnd(form).bin_s
    name = f"{spec.suite}-{spec.night_seed}"
    return TuningNight(name, form, bin_s, night.events, tuple(outputs), tuple(scores))


class _Measured:
    """Keeps the measures of episodes, in the order they come."""

    def __init__(self) -> None:
        self.rows: list[npt.NDArray[np.float32]] = []

    def probability(self, measures: npt.NDArray[np.float32]) -> float:
        """Keep the measures; every episode is reported."""
        self.rows.append(measures)
        return 1.0


def fit_evidence(nights: Sequence[TuningNight]) -> EvidenceWeights:
    """Return how the measures of an episode tell cramps from all else that scored high.

    Nights in which nothing but cramps scored high, or no cramp did, leave it to the scores.
    """
    from sklearn.linear_model import LogisticRegression  # noqa: PLC0415  (of the extra "train")

    rows: list[npt.NDArray[np.float32]] = []
    is_cramp: list[bool] = []
    for night in nights:
        measured = _Measured()
        judged = night.judge(EVERYTHING, measured)
        cramps = [true for true in night.truth if true.kind is TruthKind.CRAMP]
        rows += measured.rows
        is_cramp += [any(_overlap(event, cramp) for cramp in cramps) for event in judged.detected]
    if all(is_cramp) or not any(is_cramp):
        logger.warning(
            "%d episodes of the tuning nights scored high, %d of them cramps: too few to weigh "
            "them by anything but their scores",
            len(is_cramp),
            sum(is_cramp),
        )
        return EvidenceWeights.of_scores()
    table = np.array(rows, dtype=np.float64)
    usual, spread = _usual_and_spread(table)
    regression = LogisticRegression(C=RIDGE, max_iter=3000)
    regression.fit(np.nan_to_num((table - usual) / spread), is_cramp)
    return EvidenceWeights(
        usual=_rounded(usual),
        spread=_rounded(spread),
        weights=_rounded(regression.coef_[0]),
        intercept=round(float(regression.intercept_[0]), 6),
    )


def tune_rules(nights: Sequence[TuningNight], evidence: EvidenceWeights) -> SegmentationRules:
    """Return the rules that find most cramps without more false alarms than a trial can bear.

    If every threshold raises more, the highest is taken.
    """
    rules = SegmentationRules()
    judged = [night.judge(rules, evidence) for night in nights]
    sure = {confidence: [_certain(one, confidence) for one in judged] for confidence in CONFIDENCES}
    bearable = [
        confidence
        for confidence in CONFIDENCES
        if _false_alarms_per_night(sure[confidence]) <= ALLOWED_PER_NIGHT
    ]
    best = max(bearable or CONFIDENCES[-1:], key=lambda confidence: _rightness(sure[confidence]))
    return replace(rules, certain_confidence=best)


def _usual_and_spread(
    table: npt.NDArray[np.float64],
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Return mean and standard deviation of each column, 0 and 1 where nothing is known."""
    known = ~np.isnan(table)
    count = np.maximum(known.sum(axis=0), 1)
    usual = np.where(known, table, 0.0).sum(axis=0) / count
    variance = np.where(known, np.square(table - usual), 0.0).sum(axis=0) / count
    return usual, np.where(variance > 0, np.sqrt(variance), 1.0)


def _rounded(values: npt.NDArray[np.float64]) -> tuple[float, ...]:
    return tuple(round(float(value), 6) for value in values)


def _overlap(event: Event, cramp: TrueEvent) -> bool:
    return event.onset_s < cramp.offset_s and cramp.onset_s < event.offset_s


def _certain(judged: Judged, confidence: float) -> Judged:
    """Keep what a trial counts: episodes that are surely cramps, each judged for itself."""
    kept = tuple(
        event
        for event in judged.detected
        if event.kind is EventKind.CRAMP and (event.confidence or 0.0) >= confidence
    )
    return replace(judged, detected=kept)


def _rightness(judged: Sequence[Judged]) -> float:
    """Return how right the count of cramps is: 1 if each is counted once.

    A cramp reported twice adds one to the count as a cramp missed takes one from it.
    """
    everything = evaluate(judged)
    found, cramps = everything.sensitivity()
    twice = sum(alarm.split for alarm in everything.false_alarms)
    return (found - twice) / max(cramps, 1)


def _false_alarms_per_night(judged: Sequence[Judged]) -> float:
    roomy = evaluate(one for one in judged if not one.name.startswith(NOT_COUNTED))
    alarms = sum(not alarm.split for alarm in roomy.false_alarms)
    return alarms / max(roomy.analysable_h / NIGHT_H, 1.0)
