"""How long a night that is over waits for what its sensors kept while they were out of reach."""

from __future__ import annotations

import math

LONGEST_S = 1800.0
"""Fetching takes about as long as the time that was missed: an indication a connection event."""

STALLED_S = 30.0
"""Without any progress; a command that was not answered is repeated within half of it."""


class Fetching:
    """Says whether it is worth waiting on: while less and less is missing, and not for ever.

    Parameters
    ----------
    now_s : float
        When the night was over, by any clock.
    """

    def __init__(self, now_s: float) -> None:
        self._begun_s = self._progress_s = now_s
        self._least_s = math.inf

    def goes_on(self, awaited_s: float, now_s: float) -> bool:
        """Take how many seconds of samples are still to be had; return whether to wait on."""
        if awaited_s < self._least_s:
            self._least_s, self._progress_s = awaited_s, now_s
        return (
            awaited_s > 0
            and now_s - self._progress_s < STALLED_S
            and now_s - self._begun_s < LONGEST_S
        )
