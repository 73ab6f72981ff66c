"""Thresholds for the scores: as sensitive as a false-alarm rate fit for a trial allows."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from models.classifier import Classifier
from models.dataset import NightSpec, formats_of, make_night, outputs_of
from models.detector import score_frames
from models.evaluation import NIGHT_H, Judged, evaluate
from sensing import (
    EmgFormat,
    EventKind,
    FrontEnd,
    FrontEndOutput,
    SegmentationRules,
    Segmenter,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    import numpy.typing as npt

    from models.truth import TrueEvent
    from sensing import Event

ALLOWED_PER_NIGHT = 0.4
"""False alarms per 8 h that nights full of hard negatives may show. Ordinary nights hold about a
tenth as many of them; seven times their rate is added to every weekly count, and 0.04 a night is
what a count of 2.6 a week can bear at a bias of a tenth."""

NOT_COUNTED = ("dense", "exercise")
"""Suites whose false alarms do not count for the rate: cramps and everything else crowd each
other, or somebody is awake and busy with the leg. Both are learnt from."""

ON = (0.5, 0.6, 0.7, 0.8)
CONFIDENCES = (0.6, 0.7, 0.75, 0.8, 0.83, 0.85, 0.87, 0.9, 0.92, 0.95)
"""Grid of thresholds."""


@dataclass(frozen=True, slots=True)
class TuningNight:
    """A night that has been scored and can be segmented again and again."""

    name: str
    form: EmgFormat
    bin_s: float
    truth: tuple[TrueEvent, ...]
    outputs: tuple[FrontEndOutput, ...]
    scores: tuple[npt.NDArray[np.float32], ...]

    def judge(self, rules: SegmentationRules) -> Judged:
        """Segment the night by these rules."""
        segmenter = Segmenter(self.form, self.bin_s, rules)
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


def tune_rules(nights: Sequence[TuningNight]) -> SegmentationRules:
    """Return the rules that find most cramps without more false alarms than a trial can bear."""
    merits: dict[SegmentationRules, float] = {}
    for on in ON:
        rules = SegmentationRules(on=on)
        judged = [night.judge(rules) for night in nights]
        for confidence in CONFIDENCES:
            merits[replace(rules, certain_confidence=confidence)] = _merit(
                [_certain(one, confidence) for one in judged]
            )
    return max(merits, key=lambda rules: merits[rules])


def _certain(judged: Judged, confidence: float) -> Judged:
    """Keep what a trial counts: episodes that are surely cramps, each judged for itself."""
    kept = tuple(
        event
        for event in judged.detected
        if event.kind is EventKind.CRAMP and (event.confidence or 0.0) >= confidence
    )
    return replace(judged, detected=kept)


def _merit(judged: Sequence[Judged]) -> float:
    """Return how right the count of cramps is, less what false alarms exceed the allowed rate by.

    A cramp reported twice adds one to the count as a cramp missed takes one from it.
    """
    everything = evaluate(judged)
    found, cramps = everything.sensitivity()
    twice = sum(alarm.split for alarm in everything.false_alarms)
    roomy = evaluate(one for one in judged if not one.name.startswith(NOT_COUNTED))
    alarms = sum(not alarm.split for alarm in roomy.false_alarms)
    rate = alarms / max(roomy.analysable_h / NIGHT_H, 1.0)
    return (found - twice) / max(cramps, 1) - max(0.0, rate - ALLOWED_PER_NIGHT)
