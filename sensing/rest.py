"""How much rest went before, and how much activity: a night cramp comes out of sleep.

Who is busy with the leg holds it as well, and steady holds look like steady cramps. Where too
little rest was seen, or the leg was at work just now, a cramp cannot be told from them: such time
is not analysable.
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

BUSY_WINDOW_S = 30.0
"""How long before an onset is looked at for activity."""


class RestWatch:
    """Counts rest and activity, half second by half second, over a whole recording.

    Parameters
    ----------
    bin_s : float
        Length of a bin in seconds.
    """

    def __init__(self, bin_s: float) -> None:
        self._hop_s = HOP_BINS * bin_s
        self._rest_window = round(REST_WINDOW_S / self._hop_s)
        self._busy_window = round(BUSY_WINDOW_S / self._hop_s)
        self._rest = [0]
        self._busy = [0]

    def push(self, output: FrontEndOutput) -> None:
        """Take completed bins, whole half seconds of them but at the end of the recording."""
        resting, active = _resting_and_active(output.level)
        self._rest += (self._rest[-1] + np.cumsum(resting)).tolist()
        self._busy += (self._busy[-1] + np.cumsum(active)).tolist()

    def rest_before(self, bin_number: int) -> float:
        """Return for how many seconds the leg was seen at rest in the minutes before a bin."""
        return self._lately(self._rest, bin_number, self._rest_window)

    def busy_before(self, bin_number: int) -> float:
        """Return for how many seconds the leg was seen at work in the half minute before a bin."""
        return self._lately(self._busy, bin_number, self._busy_window)

    def unsettled(self, least_rest_s: float, most_busy_s: float, seconds: int) -> BoolArray:
        """Return in which seconds of the recording too little rest or too much work went before.

        Parameters
        ----------
        least_rest_s, most_busy_s : float
        seconds : int
            Length of the recording.
        """
        bins = [int(second / self._hop_s) * HOP_BINS for second in range(seconds)]
        return np.array(
            [
                self.rest_before(number) < least_rest_s or self.busy_before(number) > most_busy_s
                for number in bins
            ],
            dtype=np.bool_,
        )

    def _lately(self, sums: list[int], bin_number: int, window: int) -> float:
        hop = min(bin_number // HOP_BINS, len(sums) - 1)
        return (sums[hop] - sums[max(0, hop - window)]) * self._hop_s


def _resting_and_active(level: FloatArray) -> tuple[BoolArray, BoolArray]:
    """Return the half seconds in which no channel was active and one was known; one was active."""
    by_hop = level[:, : level.shape[1] // HOP_BINS * HOP_BINS].reshape(len(level), -1, HOP_BINS)
    active = ((by_hop > ACTIVE_LEVEL).sum(axis=2) > HOP_BINS // 2).any(axis=0)
    known = ((~np.isnan(by_hop)).sum(axis=2) > HOP_BINS // 2).any(axis=0)
    return np.asarray(known & ~active), np.asarray(active)
