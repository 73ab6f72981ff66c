"""Dask as an executor: a cluster that runs already, or one on this computer."""

from __future__ import annotations

import logging
import math
import os
import time
from concurrent.futures import BrokenExecutor, CancelledError, Future
from functools import partial
from importlib.metadata import version
from typing import TYPE_CHECKING, ParamSpec, TypeVar

from nightcramp.batch.workers import Workers
from nightcramp.errors import UsageError

try:
    import dask.config
    from distributed import Client, KilledWorker, LocalCluster
    from distributed.client import ClosedClientError
except ImportError as missing:
    raise UsageError(
        f"Dask is not installed ({missing}). Install it with pip install 'nightcramp[cluster]'"
    ) from missing

if TYPE_CHECKING:
    from collections.abc import Callable

    from distributed.cfexecutor import ClientExecutor

P = ParamSpec("P")
T = TypeVar("T")

log = logging.getLogger(__name__)

LOCAL = "local"

TASKS_A_THREAD = 2
"""One under way and one at hand, so that no worker waits for the network."""

FIRST_ANSWER_S = 10.0
"""Seconds in which a scheduler must answer when the run begins."""

SCHEDULER_WAIT_S = 600.0
"""Seconds that a run waits for a scheduler that was lost: long enough to start it again."""

COUNTED_EVERY_S = 2.0
"""Seconds after which the workers of a cluster are counted again."""

NONE_TOLD_EVERY_S = 60.0
"""Seconds after which a cluster without workers is told of again."""

TRIM = "MALLOC_TRIM_THRESHOLD_"
MMAP = "MALLOC_MMAP_THRESHOLD_"


class DaskWorkers(Workers):
    """Tasks on a Dask cluster, one call each.

    Two habits of Dask are set aside. It calls a function with the same arguments once and hands
    out the old result ("pure"), though the recording may have changed. And its nannies set
    ``MALLOC_TRIM_THRESHOLD_``, at which glibc stops adapting its mmap threshold and each block of a
    recording costs page faults: more than twice the processor time (dask/distributed issue 3898).

    Parameters
    ----------
    scheduler : str
        Address such as ``tcp://10.0.0.1:8786``, or ``"local"``.
    jobs : int
        Processes of a local cluster.
    wait_s : float
        How long to wait for a scheduler that was lost.

    Raises
    ------
    UsageError
        If no scheduler answers.
    """

    def __init__(self, scheduler: str, jobs: int, *, wait_s: float = SCHEDULER_WAIT_S) -> None:
        self._cluster = _local_cluster(jobs) if scheduler == LOCAL else None
        self._address = self._cluster.scheduler_address if self._cluster else scheduler
        self._wait_s = wait_s
        self._under_way: dict[int, Callable[[BaseException], None]] = {}
        self._counted, self._none_told, self._slots = -math.inf, -math.inf, 1
        self._gone = False
        try:
            self._connect(FIRST_ANSWER_S)
        except BrokenExecutor as error:
            raise UsageError(str(error)) from error
        if self._cluster is None:
            _refuse_strangers(self._client)
            _warn_of_trimming(self._client)

    @property
    def is_connected(self) -> bool:
        """Whether the scheduler answers."""
        return bool(self._client.status == "running")

    @property
    def slots(self) -> int:
        """Two tasks for each thread of the workers there are now."""
        if not self.is_connected:
            self._lose_all()
        elif time.monotonic() - self._counted > COUNTED_EVERY_S:
            self._count_slots()
        return self._slots

    def submit(self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        """Give a task to the scheduler.

        Raises
        ------
        BrokenExecutor
            If the scheduler was lost and has not come back in time.
        """
        if not self.is_connected:
            self._reconnect()
        try:
            inner = self._executor.submit(fn, *args, **kwargs)
        except ClosedClientError:  # the scheduler was lost since it was looked for
            self._reconnect()
            inner = self._executor.submit(fn, *args, **kwargs)
        future: Future[T] = Future()
        self._under_way[id(future)] = future.set_exception
        inner.add_done_callback(partial(self._settle, future))
        return future

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """Leave the cluster; one on this computer ends."""
        if self.is_connected:
            self._executor.shutdown(wait and not cancel_futures)
        self._client.close()
        if self._cluster is not None:
            self._cluster.close()

    def _count_slots(self) -> None:
        try:
            threads = sum(self._client.nthreads().values())
        except OSError:  # being lost: the client will say so in a moment
            return
        self._slots = max(1, TASKS_A_THREAD * threads)
        self._counted = time.monotonic()
        if not threads and self._counted - self._none_told > NONE_TOLD_EVERY_S:
            log.warning("%s: no worker has joined the scheduler; waiting", self._address)
            self._none_told = self._counted

    def _settle(self, future: Future[T], inner: Future[T]) -> None:
        """Pass on what became of a task, unless it was given up already."""
        if self._under_way.pop(id(future), None) is None:
            return
        try:
            future.set_result(inner.result())
        except (CancelledError, KilledWorker) as error:
            future.set_exception(BrokenExecutor(str(error)))
        except Exception as error:  # noqa: BLE001  (belongs to whoever waits for the future)
            future.set_exception(error)

    def _lose_all(self) -> None:
        while self._under_way:
            _, give_up = self._under_way.popitem()
            give_up(BrokenExecutor("the scheduler was lost"))

    def _reconnect(self) -> None:
        self._lose_all()
        self._client.close()
        if self._gone:
            raise BrokenExecutor(f"{self._address}: the scheduler was lost and did not come back")
        log.warning("%s: the scheduler was lost; waiting for it", self._address)
        try:
            self._connect(self._wait_s)
        except BrokenExecutor:
            self._gone = True
            raise

    def _connect(self, wait_s: float) -> None:
        try:
            self._client = Client(
                self._cluster or self._address, timeout=wait_s, set_as_default=False
            )
        except (OSError, ValueError) as error:
            raise BrokenExecutor(
                f"{self._address}: no Dask scheduler answered within {wait_s:g} s ({error})"
            ) from error
        self._executor: ClientExecutor = self._client.get_executor(pure=False)


def _local_cluster(jobs: int) -> LocalCluster:
    environ = dict(dask.config.get("distributed.nanny.pre-spawn-environ"))
    environ.pop(TRIM, None)
    settings = {
        "distributed.nanny.pre-spawn-environ": environ,
        "distributed.scheduler.allowed-failures": 0,  # tries are counted by the run
    }
    with dask.config.set(settings):
        return LocalCluster(
            n_workers=jobs,
            threads_per_worker=1,
            memory_limit=None,
            dashboard_address=None,
            # Without a dashboard it still serves HTTP, at a port that may be another cluster's.
            scheduler_kwargs={"dashboard_address": "127.0.0.1:0"},
        )


def _refuse_strangers(client: Client) -> None:
    """Refuse workers that cannot import what they shall run: it would end them one by one."""
    found = client.run(version, "nightcramp", on_error="return")
    strangers = [worker for worker, release in found.items() if not isinstance(release, str)]
    if strangers:
        raise UsageError(
            f"nightcramp is not installed where these Dask workers run: {', '.join(strangers)}. "
            "Install the same release there and start them again"
        )


def _trims() -> bool:
    """Whether this process lives with the nanny's setting."""
    return TRIM in os.environ and MMAP not in os.environ


def _warn_of_trimming(client: Client) -> None:
    slow = sum(client.run(_trims).values())
    if slow:
        log.warning(
            "%d workers have %s set by Dask's nanny, which more than doubles the time of a night: "
            "start them with %s=33554432 in their environment",
            slow,
            TRIM,
            MMAP,
        )
