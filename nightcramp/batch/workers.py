"""Who does the work: this process, processes of its own, or Dask, all as an `Executor`.

`open_workers` is the one place that makes an executor. All of them heal themselves: a worker that
dies fails the futures it had with `BrokenExecutor`, and the next task finds another one.
"""

from __future__ import annotations

import os
from abc import ABC, abstractmethod
from collections import deque
from concurrent.futures import Executor, Future
from concurrent.futures.process import BrokenProcessPool
from typing import TYPE_CHECKING, ParamSpec, TypeVar

from nightcramp.processes import spawned_pool

if TYPE_CHECKING:
    from collections.abc import Callable

P = ParamSpec("P")
T = TypeVar("T")


class Workers(Executor, ABC):
    """An executor that knows how many tasks keep all of its workers busy."""

    @property
    @abstractmethod
    def slots(self) -> int:
        """Tasks to be under way at once; may change while the work goes on."""


def open_workers(scheduler: str | None, jobs: int) -> Workers:
    """Return the executor of a run; used as a context manager it is shut down at the end.

    Parameters
    ----------
    scheduler : str or None
        Address of a Dask scheduler, ``"local"`` for a Dask cluster on this computer, None for
        processes.
    jobs : int
        Processes; of a cluster that runs already its own workers count.

    Raises
    ------
    UsageError
        If Dask is not installed, or no scheduler answers at the address.
    """
    if scheduler is not None:
        from nightcramp.batch.dask_workers import DaskWorkers

        return DaskWorkers(scheduler, jobs)
    return ThisProcess() if jobs <= 1 else OwnProcesses(jobs)


def default_jobs() -> int:
    """Return the number of processors this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


class ThisProcess(Workers):
    """The work is done when it is submitted; a fault of the program is raised where it happens."""

    @property
    def slots(self) -> int:
        """One: there is one process."""
        return 1

    def submit(self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        """Call the function and return its result as a future that is done."""
        future: Future[T] = Future()
        future.set_result(fn(*args, **kwargs))
        return future


class OwnProcesses(Workers):
    """Processes that share nothing.

    Each is a pool of one: a pool of many ends all of its processes when one of them dies, and
    cannot tell whose task it was. Here a process that dies takes its own task with it and no other.
    """

    def __init__(self, jobs: int) -> None:
        self._free = deque(spawned_pool(1) for _ in range(jobs))
        self._all = set(self._free)

    @property
    def slots(self) -> int:
        """One task for each process."""
        return len(self._all)

    def submit(self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        """Give a task to a free process; there is one while no more than `slots` are under way."""
        pool = self._free.popleft()
        try:
            future = pool.submit(fn, *args, **kwargs)
        except BrokenProcessPool:
            self._all.remove(pool)
            pool = spawned_pool(1)
            self._all.add(pool)
            future = pool.submit(fn, *args, **kwargs)
        future.add_done_callback(lambda _: self._free.append(pool))
        return future

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """End the processes once they have done what they are at."""
        for pool in self._all:
            pool.shutdown(wait, cancel_futures=cancel_futures)
