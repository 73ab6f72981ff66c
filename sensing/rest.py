"""How much rest went before: a night cramp comes out of sleep.

Who is busy with the leg holds it as well, and steady holds look like steady cramps. Where too
little rest was seen, a cramp cannot be told from them; such time is not analysable.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from sensing.features.windows import ACTIVE_LEVEL
from sensing.frames import HOP_BINS, FrontEndOutput

if TYPE_CHECKING:
    from sensing.types import BoolArray, FloatArray

REST_WINDOW_S = 300.0
"""How long before an onset is looked at for rest."""


class RestWatch:
    """Counts the rest of the last minutes, half second by half second, over a whole recording.

    Parameters
    ----------
    bin_s : float
        Length of a bin in seconds.
    """

    def __init__(self, bin_s: float) -> None:
        self._hop_s = HOP_BINS * bin_s
        self._window = round(REST_WINDOW_S / self._hop_s)
        self._sums = [0]

    def push(self, output: FrontEndOutput) -> None:
        """Take completed bins, whole half seconds of them but at the end of the recording."""
        self._sums += (self._sums[-1] + np.cumsum(_resting(output.level))).tolist()

    def seconds_before(self, bin_number: int) -> float:
        """Return for how long the leg was seen at rest in the minutes before a bin."""
        hop = min(bin_number // HOP_BINS, len(self._sums) - 1)
        return (self._sums[hop] - self._sums[max(0, hop - self._window)]) * self._hop_s

    def unsettled(self, least_s: float, seconds: int) -> BoolArray:
        """Return in which seconds of the recording less rest than `least_s` went before.

        Parameters
        ----------
        least_s : float
        seconds : int
            Length of the recording.
        """
        sums = np.array(self._sums)
        hops = np.minimum((np.arange(seconds) / self._hop_s).astype(np.int64), len(sums) - 1)
        rest = sums[hops] - sums[np.maximum(0, hops - self._window)]
        return np.asarray(rest * self._hop_s < least_s)


def _resting(level: FloatArray) -> BoolArray:
    """Return the half seconds in which no channel was active and one at least was known."""
    by_hop = level[:, : level.shape[1] // HOP_BINS * HOP_BINS].reshape(len(level), -1, HOP_BINS)
    active = (by_hop > ACTIVE_LEVEL).sum(axis=2) > HOP_BINS // 2
    known = (~np.isnan(by_hop)).sum(axis=2) > HOP_BINS // 2
    return np.asarray(known.any(axis=0) & ~active.any(axis=0))
