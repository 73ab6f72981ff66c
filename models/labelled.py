"""Recordings that people have labelled, to learn from beside simulated nights.

People say when a cramp was; of all else in the night they say little. Frames outside of cramps are
learnt as what trees grown on simulated nights hold them for, cramps excepted.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Protocol

import numpy as np

from models.classifier import CLASS_NAMES
from models.dataset import Frames
from models.detector import score_frames
from models.labels import label_frames
from models.truth import TrueEvent, TruthKind
from models.tuning import TuningNight
from sensing import EmgFormat, Event, EventKind, FrontEndOutput

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sklearn.ensemble import HistGradientBoostingClassifier

    from models.classifier import Classifier

TUNING_SHARE = 3
"""One labelled participant in three is for thresholds and weights, not for the trees."""

_TRUTH_OF = {EventKind.CRAMP: TruthKind.CRAMP, EventKind.LEG_MOVEMENT: TruthKind.LEG_MOVEMENT}


@dataclass(frozen=True, slots=True)
class LabelledNight:
    """A recording after the signal stage, with what people say of it.

    Attributes
    ----------
    name : str
    form : EmgFormat
    bin_s : float
    outputs : tuple of FrontEndOutput
    events : tuple of Event
        Cramps are believed to be all there were.
    """

    name: str
    form: EmgFormat
    bin_s: float
    outputs: tuple[FrontEndOutput, ...]
    events: tuple[Event, ...]

    @property
    def truth(self) -> tuple[TrueEvent, ...]:
        """Cramps and leg movements, as simulated nights tell them."""
        return tuple(
            TrueEvent(event.onset_s, event.duration_s, _TRUTH_OF[event.kind], event.intensity)
            for event in self.events
            if event.kind in _TRUTH_OF
        )


class LabelledSource(Protocol):
    """A labelled recording that has not been read yet."""

    @property
    def participant(self) -> str:
        """Whose it is."""

    def load(self) -> LabelledNight:
        """Take the recording through the signal stage."""


def split_by_participant(
    sources: Sequence[LabelledSource],
) -> tuple[list[LabelledSource], list[LabelledSource]]:
    """Return the recordings to learn from and those to tune on; nobody is in both.

    With fewer than three participants all are learnt from.
    """
    people = sorted({source.participant for source in sources}, key=_scrambled)
    tuned_on = set(people[TUNING_SHARE - 1 :: TUNING_SHARE])
    learnt = [source for source in sources if source.participant not in tuned_on]
    return learnt, [source for source in sources if source.participant in tuned_on]


def frames_of_labelled(night: LabelledNight, trees: HistGradientBoostingClassifier) -> Frames:
    """Return the labelled frames of a recording.

    Parameters
    ----------
    night : LabelledNight
    trees : HistGradientBoostingClassifier
        Grown on simulated nights; they name what people did not.
    """
    features = np.concatenate([output.features for output in night.outputs])
    end_s = np.concatenate(
        [output.frame_end_bin[output.active_frame] * night.bin_s for output in night.outputs]
    )
    said = label_frames(end_s, night.truth)
    if not len(features):
        return Frames(features, said)
    probabilities = trees.predict_proba(features)
    probabilities[:, CLASS_NAMES.index("cramp")] = 0.0
    return Frames(features, np.where(said > 0, said, probabilities.argmax(axis=1)))


def tuning_night_of(night: LabelledNight, classifier: Classifier) -> TuningNight:
    """Return a recording as thresholds are tuned on."""
    scores = tuple(score_frames(classifier, output) for output in night.outputs)
    outputs = tuple(replace(output, features=output.features[:0]) for output in night.outputs)
    return TuningNight(night.name, night.form, night.bin_s, night.truth, outputs, scores)


def _scrambled(participant: str) -> bytes:
    """Return what sorts participants in an order that their names say nothing about."""
    return hashlib.sha256(participant.encode()).digest()
