"""A night from the first scan to the sealed journals, with the signals that end and mark it."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import sys
from functools import partial
from typing import TYPE_CHECKING

from nightcramp.live import EpisodeFinder, NoFinder
from nightcramp.recorder.keys import Keys, listen_to_keys
from nightcramp.recorder.messages import Message
from nightcramp.recorder.night import Means, NightRecorder
from nightcramp.sensors import radio_at

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from firmware_bridge import HostClock
    from models import Classifier
    from nightcramp.live import Finder
    from nightcramp.recorder.messages import Screen
    from nightcramp.recorder.plan import NightPlan


async def record_night(
    plan: NightPlan,
    clock: HostClock,
    screen: Screen,
    classifier: Classifier | None,
    *,
    radio: str | None,
    check: bool,
) -> NightPlan:
    """Record a night; returns it with all its sensors, their journals sealed.

    SIGINT ends it as its time does, SIGTERM at once; SIGUSR1 is the participant's mark.

    Parameters
    ----------
    plan : NightPlan
    clock : HostClock
    screen : Screen
    classifier : Classifier or None
        None to look for no episodes while it is recorded.
    radio : str or None
        Address of an emulated sensor.
    check : bool
        Whether to begin with the set-up check.
    """
    night = NightRecorder(plan, Means(clock, screen, partial(_finder, classifier)))

    def say(text: str) -> None:
        screen.tell(Message("night", clock.wall_ns(), text))

    async with radio_at(radio, clock) as stack:
        with _signals(night), listen_to_keys(Keys(night, say), sys.stdin):
            await night.run(stack, check=check)
    return night.plan


def _finder(classifier: Classifier | None, with_companion: bool) -> Finder:
    if classifier is None:
        return NoFinder()
    return EpisodeFinder(classifier, with_companion=with_companion)


@contextlib.contextmanager
def _signals(night: NightRecorder) -> Iterator[None]:
    loop = asyncio.get_running_loop()
    meanings: dict[signal.Signals, Callable[[], None]] = {
        signal.SIGINT: partial(night.end, "interrupted"),
        # The computer may be shutting down: there is no time to fetch anything.
        signal.SIGTERM: partial(night.end, "terminated", at_once=True),
        signal.SIGUSR1: night.mark,
    }
    for number, meaning in meanings.items():
        loop.add_signal_handler(number, meaning)
    try:
        yield
    finally:
        for number in meanings:
            loop.remove_signal_handler(number)
