"""When, during a night, somebody could have been told."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt

    from sensing import Event


def decision_s(
    event: Event, score: npt.NDArray[np.floating], *, on: float, shortest_s: float
) -> float | None:
    """Return when an episode was certain to be one, in seconds from the start of the recording.

    That is the end of the first second whose score opens an episode, and not before the activity
    has lasted as long as an episode must. The score of a second needs nothing that comes later.

    Parameters
    ----------
    event : Event
    score : float array, shape (seconds,)
        Largest probability of a cramp in each second.
    on, shortest_s : float
        Of the `SegmentationRules` the episode was found by.

    Returns
    -------
    float or None
        None if no second of the episode reaches the score.
    """
    first = int(event.onset_s)
    within = score[first : int(np.ceil(event.offset_s)) + 1]
    over = np.flatnonzero(within >= on)
    if not len(over):
        return None
    return max(first + int(over[0]) + 1.0, event.onset_s + shortest_s)
