"""Signal to episodes: filters, signal quality, features, segmentation, leg movements.

Everything here is a streaming object with explicit state or a plain function. It knows neither
where samples come from nor what a trial is; the classifier that turns features into scores is the
business of `models`.
"""

from sensing.evidence import MEASURES, Evidence, EvidenceWeights
from sensing.features import FEATURE_NAMES
from sensing.frames import FrontEnd, FrontEndOutput
from sensing.leg_movements import LegMovementScorer
from sensing.seconds import SecondsBuilder
from sensing.segmentation import SegmentationRules, Segmenter
from sensing.types import (
    AccFormat,
    Censored,
    EmgFormat,
    Event,
    EventKind,
    NightResult,
    Quality,
    Seconds,
)

__all__ = [
    "FEATURE_NAMES",
    "MEASURES",
    "AccFormat",
    "Censored",
    "EmgFormat",
    "Event",
    "EventKind",
    "Evidence",
    "EvidenceWeights",
    "FrontEnd",
    "FrontEndOutput",
    "LegMovementScorer",
    "NightResult",
    "Quality",
    "Seconds",
    "SecondsBuilder",
    "SegmentationRules",
    "Segmenter",
]
