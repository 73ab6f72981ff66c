"""Features of a frame: scale-free numbers, one file for each family.

They say how strong the muscle is, since when, and what the leg does. How the EMG itself is made up
(spectrum, peakedness, how its envelope wavers from second to second) is left out: it parts cramps
from efforts in nights of one simulator, and misleads in nights of another.

A family is a module with ``NAMES`` and ``compute(windows) -> array (frames, len(NAMES))``. A new
family is one new file and one new entry in ``FAMILIES``; the classifier learns the names from here.
Where a feature has no meaning (no accelerometer, one channel, no history yet) it is NaN.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from sensing.features import amplitude, artefact, context, movement, neighbours, run
from sensing.features.windows import HALF_SECOND_BINS, LONG_HOPS, WINDOW_BINS, AccWindows, Windows

if TYPE_CHECKING:
    from sensing.types import FloatArray

__all__ = [
    "FAMILIES",
    "FEATURE_NAMES",
    "HALF_SECOND_BINS",
    "LONG_HOPS",
    "WINDOW_BINS",
    "AccWindows",
    "Windows",
    "compute_features",
]

FAMILIES = (amplitude, artefact, movement, neighbours, context, run)

FEATURE_NAMES: tuple[str, ...] = tuple(name for family in FAMILIES for name in family.NAMES)
"""All features, in the order of the columns of `compute_features`."""


def compute_features(windows: Windows) -> FloatArray:
    """Return the features of each frame, shape (frames, features)."""
    return np.concatenate([family.compute(windows) for family in FAMILIES], axis=1)
