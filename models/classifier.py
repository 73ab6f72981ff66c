"""The shipped classifier: an ONNX file that carries all that is needed to run it."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass, fields
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from nightcramp.errors import ModelError
from sensing import FEATURE_NAMES, MEASURES, EvidenceWeights, SegmentationRules

if TYPE_CHECKING:
    import numpy.typing as npt
    import onnxruntime

CLASS_NAMES = ("rest", "movement", "leg_movement", "gait", "artefact", "cramp")
"""Classes of a frame, in the order of the columns of `Classifier.probabilities`."""

SHIPPED_MODEL = "nightcramp.onnx"

HASH_ENDING = ".sha256"
"""Ending of the file beside a model that holds its hash, in the form of ``sha256sum``."""

METADATA_KEY = "nightcramp"
"""Key of the ONNX metadata entry that holds a `ModelDescription` as JSON."""


@dataclass(frozen=True, slots=True)
class ModelDescription:
    """What a model file says of itself.

    Attributes
    ----------
    version : str
        Version of the model; a changed model changes it.
    feature_names : tuple of str
        Columns the model expects, in order.
    class_names : tuple of str
        Columns it answers with, in order.
    normalisation : str
        What must be done to features before the model; trees need nothing.
    rates_hz : tuple of float
        Lowest and highest sampling rate of EMG it was trained on.
    rules : SegmentationRules
        Thresholds tuned with the model.
    measure_names : tuple of str
        What the confidence of an episode is made of, in order.
    evidence : EvidenceWeights
        How.
    training : dict of str
        Simulator version, seeds, hash of the training data.
    """

    version: str
    feature_names: tuple[str, ...]
    class_names: tuple[str, ...]
    normalisation: str
    rates_hz: tuple[float, float]
    rules: SegmentationRules
    measure_names: tuple[str, ...]
    evidence: EvidenceWeights
    training: dict[str, str]

    def to_json(self) -> str:
        """Return the text stored in the model file."""
        return json.dumps(asdict(self), sort_keys=True)

    @classmethod
    def from_json(cls, text: str) -> ModelDescription:
        """Read what `to_json` wrote.

        Raises
        ------
        ModelError
            If the text is not of this form.
        """
        try:
            values = json.loads(text)
            known = {field.name: values[field.name] for field in fields(cls)}
            known["rules"] = SegmentationRules(**known["rules"])
            known["evidence"] = EvidenceWeights.of(known["evidence"])
            for name in ("feature_names", "class_names", "rates_hz", "measure_names"):
                known[name] = tuple(known[name])
        except (ValueError, KeyError, TypeError) as error:
            raise ModelError(f"the description inside the model cannot be read: {error}") from error
        return cls(**known)


class Classifier:
    """Gives the class probabilities of frames.

    Parameters
    ----------
    content : bytes
        An ONNX file made by training.
    name : str
        Its name in messages.
    threads : int
        Threads onnxruntime may use; one keeps batch runs in step with the cores.

    Raises
    ------
    ModelError
        If it is not a model of this project, or was trained on other features.
    """

    def __init__(self, content: bytes, *, name: str = "model", threads: int = 1) -> None:
        self.sha256 = hashlib.sha256(content).hexdigest()
        self._session = _session(content, name, threads)
        metadata = self._session.get_modelmeta().custom_metadata_map
        if METADATA_KEY not in metadata:
            raise ModelError(f"{name}: not a nightcramp model: its metadata lacks {METADATA_KEY!r}")
        self.description = ModelDescription.from_json(metadata[METADATA_KEY])
        computed = (FEATURE_NAMES, MEASURES)
        if (self.description.feature_names, self.description.measure_names) != computed:
            raise ModelError(
                f"{name}: trained on other features than this version computes. "
                "Train it again with 'nightcramp train'"
            )
        self._cramp = self.description.class_names.index("cramp")

    def probabilities(self, features: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        """Return class probabilities, shape (frames, classes), for features (frames, features)."""
        if not len(features):
            return np.zeros((0, len(self.description.class_names)), dtype=np.float32)
        (probabilities,) = self._session.run(["probabilities"], {"features": features})
        return np.asarray(probabilities, dtype=np.float32)

    def cramp_probability(self, features: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        """Return the probability of a cramp, shape (frames,)."""
        return self.probabilities(features)[:, self._cramp]


def load_classifier(path: Path | str | None = None, *, threads: int = 1) -> Classifier:
    """Load a classifier from a file; the shipped one by default.

    Raises
    ------
    ModelError
        If the file is missing or cannot be used.
    """
    if path is None:
        return Classifier(_shipped(), name=SHIPPED_MODEL, threads=threads)
    try:
        content = Path(path).read_bytes()
    except OSError as error:
        raise ModelError(f"{path}: cannot be read ({error.strerror})") from error
    return Classifier(content, name=str(path), threads=threads)


def hash_text(content: bytes, name: str) -> str:
    """Return the line that ``sha256sum`` writes for a file."""
    return f"{hashlib.sha256(content).hexdigest()}  {name}\n"


def _shipped() -> bytes:
    """Return the classifier of the package, if it is the one that was put into it."""
    folder = resources.files("models")
    file, signed = folder / SHIPPED_MODEL, folder / (SHIPPED_MODEL + HASH_ENDING)
    if not file.is_file() or not signed.is_file():
        raise ModelError(
            f"the package lacks its classifier {SHIPPED_MODEL} or its hash: install it again, or "
            "train one with 'nightcramp train'"
        )
    content = file.read_bytes()
    if signed.read_text(encoding="utf-8") != hash_text(content, SHIPPED_MODEL):
        raise ModelError(
            f"the classifier {SHIPPED_MODEL} of the package is not the one it was published with: "
            "install the package again, or name a classifier of your own with --model"
        )
    return content


def _session(content: bytes, name: str, threads: int) -> onnxruntime.InferenceSession:
    import onnxruntime  # imported late: it costs 0.15 s that other commands need not pay

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.log_severity_level = 3
    try:
        return onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
    except onnxruntime.capi.onnxruntime_pybind11_state.InvalidProtobuf as error:
        raise ModelError(f"{name}: not an ONNX file") from error
    except onnxruntime.capi.onnxruntime_pybind11_state.Fail as error:
        raise ModelError(f"{name}: onnxruntime cannot load it: {error}") from error
