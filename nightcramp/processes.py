"""Processes that work for this program: spawned by it, and gone when it is."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from multiprocessing.process import BaseProcess
    from types import FrameType

Item = TypeVar("Item")
Result = TypeVar("Result")

_INTERRUPTED = 130
"""Exit code of a program that Ctrl-C ended."""


def each(
    function: Callable[[Item], Result], items: Sequence[Item], processes: int
) -> Iterator[Result]:
    """Yield the result of a function for each item, in order.

    Parameters
    ----------
    function : callable
        One that can be pickled.
    items : sequence
    processes : int
        With 1 the work is done in this one.
    """
    count = min(processes, len(items))
    if count <= 1:
        yield from map(function, items)
        return
    with spawned_pool(count) as pool:
        yield from pool.map(partial(_work, function), items)


def spawned_pool(processes: int) -> ProcessPoolExecutor:
    """Return a pool of processes, each of which ends with this one, however this one ends.

    Others would wait for their next task for ever once this one was killed, since they hold both
    ends of the pipe it comes through.
    """
    # Spawned, not forked: onnxruntime and BLAS threads do not survive a fork.
    context = multiprocessing.get_context("spawn")
    return ProcessPoolExecutor(processes, mp_context=context, initializer=_prepare)


def _work(function: Callable[[Item], Result], item: Item) -> Result:
    try:
        return function(item)
    except SystemExit:
        # Not to go on with the tasks that wait in the pipe; what was begun is cleared away by now.
        os._exit(_INTERRUPTED)


def _prepare() -> None:
    # Ctrl-C in a terminal reaches every process of the program; the first one tells of it. What
    # runs in the background of a script ignores it, and so must its workers.
    if signal.getsignal(signal.SIGINT) is not signal.SIG_IGN:
        signal.signal(signal.SIGINT, _leave)
    _end_with_parent()


def _leave(_number: int, _frame: FrameType | None) -> None:
    raise SystemExit(_INTERRUPTED)


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        threading.Thread(target=_end_after, args=(parent,), daemon=True).start()


def _end_after(parent: BaseProcess) -> None:
    parent.join()
    # Not sys.exit: nothing is to be handed over to a program that is gone.
    os._exit(1)
