"""The noise floor of a channel: what its EMG amplitude is when the muscle rests."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from sensing.types import FloatArray

HISTORY_EPOCHS = 30
"""Epochs of ten seconds the floor is taken from: five minutes."""

EPOCH_QUANTILE = 0.5
"""Quantile within an epoch: a low one would lie the lower, the fewer samples a bin holds ..."""

BUSY_RATIO = 2.0
"""... but where it is this multiple of the low one, rest fills less than half of the epoch."""

QUANTILE = 0.2
"""Low quantile within an epoch and over epochs: rest need only fill a fifth of the time."""

FREEZE_RATIO = 3.0
"""Epochs above this multiple of the floor are activity and do not move it ..."""

DROP_RATIO = 0.5
"""Epochs below this multiple of a settled floor are a lost electrode and do not move it either."""

RELEARN_EPOCHS = 60
"""Either way, what lasts ten minutes, longer than any cramp, is the new rest."""

_KNOWN_SHARE = 0.3


class NoiseFloor:
    """Running noise floor of one channel, frozen while the muscle works or the electrode is off.

    Parameters
    ----------
    least : float
        Smallest floor that makes sense, from the recorder's resolution.
    """

    def __init__(self, least: float) -> None:
        self._least = least
        self._rest: deque[float] = deque(maxlen=HISTORY_EPOCHS)
        self._strange: deque[float] = deque(maxlen=RELEARN_EPOCHS)
        self.value = float("nan")

    def add_epoch(self, rms: FloatArray) -> None:
        """Take the amplitudes of ten seconds, shape (bins,), NaN where missing."""
        known = rms[~np.isnan(rms)]
        if len(known) < _KNOWN_SHARE * len(rms):
            return
        level = _level_of(known)
        if self._is_strange(level):
            self._strange.append(level)
            if len(self._strange) < RELEARN_EPOCHS:
                return
            self._rest.clear()
            self._rest.extend(self._strange)
        else:
            self._rest.append(level)
        self._strange.clear()
        self.value = max(_quantile(np.sort(self._rest), QUANTILE), self._least)

    def _is_strange(self, level: float) -> bool:
        settled = len(self._rest) == HISTORY_EPOCHS
        dropped = settled and level < DROP_RATIO * self.value
        return bool(self._rest) and (dropped or level > FREEZE_RATIO * self.value)


def _level_of(rms: FloatArray) -> float:
    """Return the amplitude of rest in an epoch, if rest fills a fifth of it."""
    ordered = np.sort(rms)
    usual, low = _quantile(ordered, EPOCH_QUANTILE), _quantile(ordered, QUANTILE)
    return usual if usual < BUSY_RATIO * low else low


def _quantile(ordered: npt.NDArray[np.floating], quantile: float) -> float:
    """Return a quantile of sorted values by nearest rank; np.quantile costs twenty times more."""
    return float(ordered[int(quantile * (len(ordered) - 1))])
