"""Thresholds for the scores: as sensitive as a false-alarm rate fit for a trial allows."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import product
from typing import TYPE_CHECKING

from models.classifier import Classifier
from models.dataset import NightSpec, formats_of, make_night, outputs_of
from models.detector import score_frames
from models.evaluation import NIGHT_H, Judged, evaluate
from sensing import EmgFormat, FrontEnd, FrontEndOutput, SegmentationRules, Segmenter

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    import numpy.typing as npt

    from models.truth import TrueEvent
    from sensing import Event

ALLOWED_PER_NIGHT = 0.1
"""False alarms per 8 h that nights full of hard negatives may show; seven times the rate of
ordinary nights, which hold about a tenth as many of them, is added to every weekly count."""

CROWDED = "dense"
"""Suite in which cramps and everything else crowd each other; it does not count for the rate."""

ON = (0.5, 0.6, 0.7, 0.8, 0.9)
OFF_SHARES = (0.4, 0.6)
LEAST_CONFIDENCES = (0.0, 0.5, 0.55, 0.6, 0.64, 0.68, 0.7, 0.72, 0.74, 0.76, 0.8)
"""Grid of thresholds; the lower one as a share of the upper."""


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
    for on, share in product(ON, OFF_SHARES):
        rules = SegmentationRules(on=on, off=round(on * share, 3))
        judged = [night.judge(rules) for night in nights]
        for least in LEAST_CONFIDENCES:
            merits[replace(rules, least_confidence=least)] = _merit(
                [_without_unsure(one, least) for one in judged]
            )
    return max(merits, key=lambda rules: merits[rules])


def _without_unsure(judged: Judged, least_confidence: float) -> Judged:
    """Drop episodes as the rule would: it judges each for itself, after all else."""
    kept = tuple(
        event for event in judged.detected if (event.confidence or 0.0) >= least_confidence
    )
    return replace(judged, detected=kept)


def _merit(judged: Sequence[Judged]) -> float:
    """Return how right the count of cramps is, less what false alarms exceed the allowed rate by.

    A cramp reported twice adds one to the count as a cramp missed takes one from it.
    """
    everything = evaluate(judged)
    found, cramps = everything.sensitivity()
    twice = sum(alarm.split for alarm in everything.false_alarms)
    roomy = evaluate(one for one in judged if not one.name.startswith(CROWDED))
    alarms = sum(not alarm.split for alarm in roomy.false_alarms)
    rate = alarms / max(roomy.analysable_h / NIGHT_H, 1.0)
    return (found - twice) / max(cramps, 1) - max(0.0, rate - ALLOWED_PER_NIGHT)
