"""What the other electrodes see: a cramp may sit in one head of the muscle only."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sensing.features.envelope import CYCLE_LAGS, half_seconds
from sensing.features.windows import Windows, columns, mean_known, rhythm

if TYPE_CHECKING:
    from sensing.types import FloatArray

NAMES = ("others_level_1s", "lead_over_others_5s", "others_cycle_60s")


def compute(windows: Windows) -> FloatArray:
    """Return the features named in `NAMES`, shape (frames, features)."""
    others = mean_known(windows.other_level[:, -50:])
    return columns(
        mean_known(windows.other_level[:, -10:]),
        mean_known(windows.level[:, -50:]) - others,
        rhythm(half_seconds(windows.other_level), CYCLE_LAGS),
    )
