"""What the other electrodes see: a cramp may sit in one head of the muscle only."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sensing.features.windows import Windows, columns

if TYPE_CHECKING:
    from sensing.types import FloatArray

NAMES = ("others_level_1s", "lead_over_others_5s")


def compute(windows: Windows) -> FloatArray:
    """Return the features named in `NAMES`, shape (frames, features)."""
    others = windows.other_level
    return columns(others.mean(10), windows.level.mean(50) - others.mean(50))
