"""Processes that work for this program: spawned by it, and gone when it is."""

from __future__ import annotations

import multiprocessing
import os
import threading
from concurrent.futures import ProcessPoolExecutor
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from multiprocessing.process import BaseProcess

Item = TypeVar("Item")
Result = TypeVar("Result")


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
        yield from pool.map(function, items)


def spawned_pool(processes: int) -> ProcessPoolExecutor:
    """Return a pool of processes, each of which ends with this one, however this one ends.

    Others would wait for their next task for ever once this one was killed, since they hold both
    ends of the pipe it comes through.
    """
    # Spawned, not forked: onnxruntime and BLAS threads do not survive a fork.
    context = multiprocessing.get_context("spawn")
    return ProcessPoolExecutor(processes, mp_context=context, initializer=_end_with_parent)


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        threading.Thread(target=_end_after, args=(parent,), daemon=True).start()


def _end_after(parent: BaseProcess) -> None:
    parent.join()
    # Not sys.exit: nothing is to be handed over to a program that is gone.
    os._exit(1)
