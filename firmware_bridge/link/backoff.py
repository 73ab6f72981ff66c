"""How long to rest between attempts."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import random

FIRST_S = 0.25
LONGEST_S = 12.0


class Backoff:
    """Exponential back-off with full jitter (Brooker, AWS Architecture Blog, 2015).

    Jitter keeps two sensors that were lost together from being sought in step for ever.

    Parameters
    ----------
    rng : random.Random
    """

    def __init__(self, rng: random.Random) -> None:
        self._rng = rng
        self._bound_s = FIRST_S

    def reset(self) -> None:
        """Start anew: the link was good."""
        self._bound_s = FIRST_S

    def following(self) -> float:
        """Seconds to rest before the next attempt."""
        bound_s = self._bound_s
        self._bound_s = min(2 * bound_s, LONGEST_S)
        return self._rng.uniform(0.0, bound_s)
