"""A step that is about to be ended for want of memory says so first: the kernel says nothing."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable

from ml.runtime import memory
from ml.runtime.failures import Failure
from ml.runtime.memory import Bound, gigabytes

# of its bound: beyond it the kernel may end the process at any moment
FULL = 0.97
_SECONDS = 0.25
# memory fills at gigabytes a second: where little is left, it is looked at more often
_NEAR = 0.8
_SECONDS_NEAR = 0.02
_EXIT_STATUS = 1


class MemoryWatch:
    """Looks at the memory while a step runs, in a thread of its own; a context manager.

    The process is ended where a bound is full and most of what fills it is the process's own, for
    what others hold is not its fault.

    Parameters
    ----------
    give_up : callable
        Called with the failure, to write it where people look, before the process is ended.
    limit : int, optional
        Bytes that the process may hold, instead of what the system says.
    end : callable
        Ends the process with an exit status, at once.
    """

    def __init__(
        self,
        give_up: Callable[[Failure], None],
        limit: int | None = None,
        end: Callable[[int], object] = os._exit,
    ) -> None:
        self._give_up = give_up
        self._limit = limit
        self._end = end
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="memory-watch", daemon=True)

    def __enter__(self) -> MemoryWatch:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def _watch(self) -> None:
        seconds = _SECONDS
        while not self._over.wait(seconds):
            fullest = max(self._bounds(), key=_share, default=None)
            if fullest is None:
                return
            if _share(fullest) >= FULL and memory.held() >= fullest.used / 2:
                self._say_and_end(fullest)
                return
            seconds = _SECONDS_NEAR if _share(fullest) >= _NEAR else _SECONDS

    def _bounds(self) -> list[Bound]:
        if self._limit is None:
            return memory.bounds()
        return [Bound(self._limit, memory.held())]

    def _say_and_end(self, full: Bound) -> None:
        summary = (
            f"out of memory: {gigabytes(full.used)} of {gigabytes(full.limit)} are used; "
            "take fewer rows or columns, or a queue whose nodes have more memory"
        )
        try:
            print(f"error: {summary}", flush=True)
            self._give_up(Failure("resource", summary, summary))
        finally:
            self._end(_EXIT_STATUS)


def _share(bound: Bound) -> float:
    return bound.used / bound.limit if bound.limit else 1.0
