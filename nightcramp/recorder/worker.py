"""Who does the work that must never hold up the recording: a thread, or at once in virtual time."""

from __future__ import annotations

import logging
import queue
import threading
from concurrent.futures import Future
from typing import TYPE_CHECKING, Protocol, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")

log = logging.getLogger(__name__)


class Worker(Protocol):
    """Does what it is given, one after the other; what fails is logged and ends nothing."""

    def submit(self, work: Callable[[], object]) -> None:
        """Take work; never waits."""
        ...

    @property
    def backlog(self) -> int:
        """How many pieces of work wait."""
        ...

    def close(self, timeout_s: float) -> bool:
        """Return whether all was done within so many real seconds."""
        ...


class ThreadWorker:
    """Works on a thread of its own; the queue has no limit.

    Parameters
    ----------
    name : str
        Of the thread.
    """

    def __init__(self, name: str) -> None:
        self._queue: queue.SimpleQueue[Callable[[], object] | None] = queue.SimpleQueue()
        # A daemon: whoever hangs on it must not keep the program from ending.
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._thread.start()

    @property
    def backlog(self) -> int:
        """How many pieces of work wait."""
        return self._queue.qsize()

    def submit(self, work: Callable[[], object]) -> None:
        """Take work; never waits."""
        self._queue.put(work)

    def close(self, timeout_s: float) -> bool:
        """Return whether all was done within so many real seconds."""
        self._queue.put(None)
        self._thread.join(timeout_s)
        return not self._thread.is_alive()

    def _run(self) -> None:
        while (work := self._queue.get()) is not None:
            _do(work)


class InlineWorker:
    """Works at once: for nights in virtual time, which does not wait for threads."""

    backlog = 0

    def submit(self, work: Callable[[], object]) -> None:
        """Do the work."""
        _do(work)

    def close(self, timeout_s: float) -> bool:  # noqa: ARG002
        """Return True: nothing waits."""
        return True


def ask(worker: Worker, question: Callable[[], T]) -> Future[T]:
    """Return the answer to a question that the worker looks at in its turn."""
    answer: Future[T] = Future()

    def work() -> None:
        if answer.set_running_or_notify_cancel():
            try:
                answer.set_result(question())
            except Exception as error:
                log.exception("a question was not answered")
                answer.set_exception(error)

    worker.submit(work)
    return answer


def _do(work: Callable[[], object]) -> None:
    try:
        work()
    except Exception:
        log.exception("work beside the recording failed; the recording goes on")
