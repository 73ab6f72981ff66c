"""Makes the classifier: simulate, learn, tune thresholds on nights of other seeds, export."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, TypeVar

import numpy as np
import numpy.typing as npt

from models.classifier import CLASS_NAMES, Classifier, ModelDescription
from models.dataset import Frames, NightSpec, frames_of, join_frames, night_specs
from models.labelled import (
    LabelledNight,
    LabelledSource,
    frames_of_labelled,
    split_by_participant,
    tuning_night_of,
)
from models.simulator import SIMULATOR_VERSION
from models.tuning import TuningNight, fit_evidence, tune_rules, tuning_night
from nightcramp.errors import UsageError
from nightcramp.processes import each
from sensing import FEATURE_NAMES, MEASURES, EvidenceWeights, SegmentationRules

if TYPE_CHECKING:
    from sklearn.ensemble import HistGradientBoostingClassifier

TRAINING_FAMILY, TUNING_FAMILY = 1, 2
"""Seed families. Nights of families from 3 on are for looking at and for reporting only."""

REST_STEP = 3
"""Frames at rest are many and alike: one in three is learnt from, with three times the weight."""

Item = TypeVar("Item")
Result = TypeVar("Result")
Progress = Callable[[str, int, int], None]
"""Told the name of the step, how much of it is done, and how much there is."""


@dataclass(frozen=True, slots=True)
class TrainingSettings:
    """What a model depends on besides the code.

    Attributes
    ----------
    version : str
        Name of the model that comes out.
    nights, hours : int, float
        Training nights and the length of each.
    tuning_nights, tuning_hours : int, float
        Nights the thresholds are tuned on.
    trees : int
        Boosting rounds; each grows one tree a class.
    leaves : int
        Leaves of each tree.
    seed : int
        Of the learner.
    without : tuple of str
        Simulator sources left out of the training nights, not of the tuning nights.
    """

    version: str = "8"
    nights: int = 1344
    hours: float = 0.75
    tuning_nights: int = 560
    tuning_hours: float = 1.5
    trees: int = 60
    leaves: int = 32
    seed: int = 20260101
    without: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class TrainedModel:
    """An ONNX file and how it came about."""

    content: bytes
    description: ModelDescription
    frames: int
    frames_of_class: dict[str, int]


def train(
    settings: TrainingSettings,
    *,
    jobs: int,
    progress: Progress,
    labelled: Sequence[LabelledSource] = (),
) -> TrainedModel:
    """Train a classifier on simulated nights, and on recordings that people labelled.

    Parameters
    ----------
    settings : TrainingSettings
    jobs : int
        Processes that simulate nights.
    progress : callable
        Told of every night that is done.
    labelled : sequence of LabelledSource
        Two participants in three are learnt from, the others tune the thresholds.

    Raises
    ------
    UsageError
        If the packages for training are not installed, or a class never occurs in the nights.
    """
    _require_packages()
    from models.export import to_onnx

    specs = night_specs(TRAINING_FAMILY, settings.nights, settings.hours, settings.without)
    frames = join_frames(list(_map(frames_of, specs, jobs, progress, "training nights")))
    _require_classes(frames)
    ensemble = _grow(frames, settings, progress)
    learnt, tuned_on = split_by_participant(labelled)
    if learnt:
        parts = [frames_of_labelled(night, ensemble) for night in _loaded(learnt, progress)]
        frames = join_frames([frames, *parts])
        ensemble = _grow(frames, settings, progress)
    description = ModelDescription(
        version=settings.version,
        feature_names=FEATURE_NAMES,
        class_names=CLASS_NAMES,
        normalisation="none",
        rates_hz=(200.0, 4000.0),
        rules=SegmentationRules(),
        measure_names=MEASURES,
        evidence=EvidenceWeights.of_scores(),
        training={
            "simulator": SIMULATOR_VERSION,
            "settings": repr(settings),
            "recordings": f"{len(learnt)} learnt from, {len(tuned_on)} tuned on",
            "data_sha256": frames.fingerprint(),
        },
    )
    content = to_onnx(ensemble, description)
    tuning = night_specs(TUNING_FAMILY, settings.tuning_nights, settings.tuning_hours)
    nights = list(_map(_Tuner(content), tuning, jobs, progress, "tuning nights"))
    scorer = Classifier(content)
    nights += [tuning_night_of(night, scorer) for night in _loaded(tuned_on, progress)]
    evidence = fit_evidence(nights)
    description = replace(description, rules=tune_rules(nights, evidence), evidence=evidence)
    counts = _frames_of_class(frames)
    return TrainedModel(to_onnx(ensemble, description), description, len(frames.labels), counts)


def _grow(
    frames: Frames, settings: TrainingSettings, progress: Progress
) -> HistGradientBoostingClassifier:
    progress("growing trees", 0, 1)
    ensemble = fit(frames, settings)
    progress("growing trees", 1, 1)
    return ensemble


def _loaded(sources: Sequence[LabelledSource], progress: Progress) -> Iterator[LabelledNight]:
    for done, source in enumerate(sources):
        progress("labelled recordings", done, len(sources))
        yield source.load()


def fit(frames: Frames, settings: TrainingSettings) -> HistGradientBoostingClassifier:
    """Grow the trees."""
    from sklearn.ensemble import HistGradientBoostingClassifier

    ensemble = HistGradientBoostingClassifier(
        max_iter=settings.trees,
        max_leaf_nodes=settings.leaves,
        learning_rate=0.12,
        min_samples_leaf=60,
        l2_regularization=5.0,
        max_features=0.5,
        early_stopping=False,
        random_state=settings.seed,
    )
    kept, weights = _thin_rest(frames.labels)
    ensemble.fit(frames.features[kept], frames.labels[kept], sample_weight=weights)
    return ensemble


def _thin_rest(
    labels: npt.NDArray[np.int64],
) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.float64]]:
    """Return which frames to learn from, and their weights: every third of those at rest."""
    rest = labels == CLASS_NAMES.index("rest")
    kept = np.flatnonzero(~rest | (np.arange(len(labels)) % REST_STEP == 0))
    return kept, np.where(rest[kept], float(REST_STEP), 1.0)


class _Tuner:
    """Judges a tuning night; travels to worker processes."""

    def __init__(self, content: bytes) -> None:
        self._content = content

    def __call__(self, spec: NightSpec) -> TuningNight:
        return tuning_night(self._content, spec)


def _frames_of_class(frames: Frames) -> dict[str, int]:
    counts: npt.NDArray[np.int64] = np.bincount(frames.labels, minlength=len(CLASS_NAMES))
    return dict(zip(CLASS_NAMES, counts.tolist(), strict=True))


def _require_classes(frames: Frames) -> None:
    missing = [name for name, count in _frames_of_class(frames).items() if not count]
    if missing:
        raise UsageError(
            f"the training nights hold no frame of class {', '.join(missing)}: use more nights"
        )


def _map(
    function: Callable[[Item], Result],
    items: Iterable[Item],
    jobs: int,
    progress: Progress,
    step: str,
) -> Iterator[Result]:
    """Apply a function to all items, in `jobs` processes, in order."""
    work = list(items)
    progress(step, 0, len(work))
    for done, result in enumerate(each(function, work, jobs), start=1):
        yield result
        progress(step, done, len(work))


def _require_packages() -> None:
    missing = [name for name in ("onnx", "sklearn") if importlib.util.find_spec(name) is None]
    if missing:
        raise UsageError(
            f"training needs {' and '.join(missing)}: install nightcramp with its extra 'train'"
        )
