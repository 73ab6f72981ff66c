"""The kinds of detector that are compared: each learns from the same nights and scores frames."""

from __future__ import annotations

import warnings
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Protocol

import numpy as np
import numpy.typing as npt
from sklearn.exceptions import ConvergenceWarning
from sklearn.neural_network import MLPClassifier

from benchmarks.detector_nights import FloatArray, FramedNight, as_frames, with_history
from models import CLASS_NAMES, Classifier, ModelDescription, TrainingSettings
from models.export import to_onnx
from models.training import fit
from sensing import FEATURE_NAMES, MEASURES, EvidenceWeights, SegmentationRules

if TYPE_CHECKING:
    from collections.abc import Sequence

CRAMP = CLASS_NAMES.index("cramp")

LAGS = (0, 1, 2, 4, 8, 16, 32, 60)
"""Frames of half a second before the one judged: half a minute, seen more and more coarsely."""

LAYERS = (64, 32)


class Kind(Protocol):
    """A kind of detector."""

    name: str

    def learn(self, nights: Sequence[FramedNight]) -> None:
        """Learn from labelled nights."""

    def score(self, night: FramedNight) -> FloatArray:
        """Return the probability of a cramp for each row of a night."""


class EnvelopeRule:
    """Amplitude alone: twice the noise floor scores 0, 32 times scores 1, evenly on a log scale."""

    name = "envelope rule"

    def learn(self, nights: Sequence[FramedNight]) -> None:
        """Learn nothing: its thresholds are tuned as those of the others."""

    def score(self, night: FramedNight) -> FloatArray:
        level = np.concatenate([output.level for output in night.outputs], axis=1)
        ends = np.concatenate([output.frame_end_bin for output in night.outputs])[night.frame]
        within = ends[:, None] - np.arange(1, round(1.0 / night.bin_s) + 1)
        log2 = np.nan_to_num(level[night.channel[:, None], within]).mean(axis=1)
        return np.clip((log2 - 1) / 4, 0, 1).astype(np.float32)


class BoostedTrees:
    """Gradient-boosted trees with the settings of the shipped classifier."""

    name = "gradient-boosted trees"

    def __init__(self, settings: TrainingSettings | None = None) -> None:
        self._settings = settings or TrainingSettings()
        self._classifier: Classifier | None = None

    def learn(self, nights: Sequence[FramedNight]) -> None:
        ensemble = fit(as_frames(nights), self._settings)
        description = ModelDescription(
            version="compared",
            feature_names=FEATURE_NAMES,
            class_names=CLASS_NAMES,
            normalisation="none",
            rates_hz=(200.0, 4000.0),
            rules=SegmentationRules(),
            measure_names=MEASURES,
            evidence=EvidenceWeights.of_scores(),
            training={},
        )
        self._classifier = Classifier(to_onnx(ensemble, description))

    def score(self, night: FramedNight) -> FloatArray:
        assert self._classifier is not None, "learn first"
        return self._classifier.cramp_probability(night.features)


@dataclass(frozen=True, slots=True)
class _Scale:
    middle: FloatArray
    width: FloatArray

    @classmethod
    def of(cls, features: FloatArray) -> _Scale:
        """Return middle and spread of each feature; one that is never known stays as it is."""
        known = np.where(np.isnan(features).all(axis=0), np.float32(0), features)
        spread = np.nanstd(known, axis=0)
        return cls(np.nanmedian(known, axis=0), np.where(spread > 0, spread, np.float32(1)))

    def apply(self, night: FramedNight) -> FramedNight:
        centred = np.clip((night.features - self.middle) / self.width, -5, 5)
        return replace(night, features=np.nan_to_num(centred))


class TemporalNetwork:
    """A small neural network over the frames of the last half minute.

    A multilayer perceptron on frames at growing lags sees what a dilated temporal convolution
    sees; it needs scikit-learn only, where a recurrent network would need gigabytes of torch.
    """

    name = "temporal network"

    def __init__(self) -> None:
        self._network: MLPClassifier | None = None
        self._scale = _Scale(np.zeros(0, np.float32), np.ones(0, np.float32))

    def learn(self, nights: Sequence[FramedNight]) -> None:
        self._scale = _Scale.of(np.concatenate([night.features for night in nights]))
        rows = np.concatenate([with_history(self._scale.apply(night), LAGS) for night in nights])
        labels = np.concatenate([night.labels for night in nights])
        self._network = MLPClassifier(
            LAYERS, alpha=1e-3, batch_size=512, max_iter=12, n_iter_no_change=12, random_state=1
        )
        _fit_quietly(self._network, rows, labels)

    def score(self, night: FramedNight) -> FloatArray:
        assert self._network is not None, "learn first"
        if not len(night.features):
            return np.zeros(0, dtype=np.float32)
        rows = with_history(self._scale.apply(night), LAGS)
        cramp = self._network.classes_.tolist().index(CRAMP)
        return self._network.predict_proba(rows)[:, cramp].astype(np.float32)


def _fit_quietly(network: MLPClassifier, rows: FloatArray, labels: npt.NDArray[np.int64]) -> None:
    """Fit for the given number of rounds; that they are not endless is meant so."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        network.fit(rows, labels)


KINDS: tuple[type[Kind], ...] = (EnvelopeRule, BoostedTrees, TemporalNetwork)
