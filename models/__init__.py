"""The classifier: the shipped ONNX file, how it is run, trained and evaluated.

Also the simulator of nights it is trained on. What needs the packages of the ``train`` extra, or
much time to import, is loaded when it is first asked for.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from models.classifier import CLASS_NAMES, Classifier, ModelDescription, load_classifier
from models.detector import Detector
from models.evaluation import Evaluation, Judged, evaluate
from models.truth import SimulatedNight, TrueEvent, TruthKind

if TYPE_CHECKING:
    from models.labelled import LabelledNight, LabelledSource
    from models.training import TrainedModel, TrainingSettings, train

__all__ = [
    "CLASS_NAMES",
    "Classifier",
    "Detector",
    "Evaluation",
    "Judged",
    "LabelledNight",
    "LabelledSource",
    "ModelDescription",
    "SimulatedNight",
    "TrainedModel",
    "TrainingSettings",
    "TrueEvent",
    "TruthKind",
    "evaluate",
    "load_classifier",
    "train",
]

_LATE = dict.fromkeys(("TrainedModel", "TrainingSettings", "train"), "models.training")
_LATE |= dict.fromkeys(("LabelledNight", "LabelledSource"), "models.labelled")


def __getattr__(name: str) -> object:
    """Import a late name."""
    if name not in _LATE:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_LATE[name]), name)
