"""Blocks of samples on their way to the link, and what becomes of them when it is slow."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, NamedTuple

from firmware_bridge.emulator.sensor import LossCause

if TYPE_CHECKING:
    from collections.abc import Callable

    from firmware_bridge.emulator.devices.converter import Run
    from firmware_bridge.packets import StreamKind


class Block(NamedTuple):
    """Samples that fill one notification, on their way to the link.

    Attributes
    ----------
    characteristic : str
    stream : {"emg", "acc"}
    runs : tuple of Run
    number : int
        The sensor's own number of it.
    companion : int
        True number of the ACC sample that travels with it, or a part of it; -1 for none.
    """

    characteristic: str
    stream: StreamKind
    runs: tuple[Run, ...]
    number: int
    companion: int = -1


class Outbox:
    """Blocks that wait for the link.

    Between two calls of `take` the link had at least the room that the first of them left over:
    so much more than its depth passes through the queue before anything is lost.

    Parameters
    ----------
    depth : int
    lose : function of block, cause and time
        Told of every block that is given up.
    overwrites : bool
        Whether the newest takes the place of the oldest, or is refused, when it is full.
    """

    def __init__(
        self, depth: int, lose: Callable[[Block, LossCause, float], None], *, overwrites: bool
    ) -> None:
        self._depth = depth
        self._lose = lose
        self._overwrites = overwrites
        self._blocks: deque[Block] = deque()
        self._spare = 0

    def push(self, block: Block, now_s: float) -> None:
        """Queue a block, or lose one."""
        if len(self._blocks) < self._depth + self._spare:
            self._blocks.append(block)
            return
        loser = block
        if self._overwrites:
            self._blocks.append(block)
            loser = self._blocks.popleft()
        self._lose(loser, LossCause.QUEUE_FULL, now_s)

    def take(self, room: int) -> list[Block]:
        """At most `room` blocks, oldest first."""
        n = min(room, len(self._blocks))
        self._spare = room - n
        return [self._blocks.popleft() for _ in range(n)]

    def clear(self, cause: LossCause, now_s: float) -> None:
        """Throw everything away."""
        for block in self._blocks:
            self._lose(block, cause, now_s)
        self._blocks.clear()
        self._spare = 0
