"""Ends in time: one for what waits for a server as long as it takes, others for whoever asks.

A process has one timer that signals it. It belongs to this module alone: whoever set it elsewhere
would take the others' ends away. The ends are times of a clock that only goes on.
"""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from time import monotonic
from types import FrameType
from typing import Any, NoReturn

# A timer of zero seconds would be none at all.
_LEAST_SECONDS = 0.001


class TimeUp(BaseException):
    """Not an `Exception`, which the HTTP client would take for a reason to try again."""


class Alarm:
    """The process' timer, for any number of ends; of the main thread alone."""

    def __init__(self) -> None:
        self._ends: dict[object, tuple[float, Callable[[], Any]]] = {}

    def set(self, seconds: float, call: Callable[[], Any]) -> object:
        """Call something after so many seconds, wherever the main thread is then.

        Returns
        -------
        object
            What `clear` wants.
        """
        mark = object()
        self._ends[mark] = monotonic() + seconds, call
        signal.signal(signal.SIGALRM, self._ring)
        self._arm()
        return mark

    def clear(self, mark: object) -> None:
        """Call it no more; nothing where that is over already."""
        self._ends.pop(mark, None)
        self._arm()

    def _arm(self) -> None:
        first = min((end for end, _call in self._ends.values()), default=None)
        left = 0 if first is None else max(first - monotonic(), _LEAST_SECONDS)
        signal.setitimer(signal.ITIMER_REAL, left)

    def _ring(self, _number: int, _frame: FrameType | None) -> None:
        now = monotonic()
        due = [mark for mark, (end, _call) in self._ends.items() if end <= now]
        first = min(due, key=lambda mark: self._ends[mark][0], default=None)
        call = self._ends.pop(first)[1] if first is not None else None
        self._arm()  # first, since what is called may raise
        if call is not None:
            call()


#: The one of this process.
ALARM = Alarm()


@contextmanager
def time_limit(seconds: float) -> Iterator[None]:
    """Raise `TimeUp` after so many seconds, at once where there are none; in the main thread."""

    def stop() -> NoReturn:
        raise TimeUp(f"no answer within {seconds:g} s")

    if seconds <= 0:
        raise TimeUp("no time is left")
    mark = ALARM.set(seconds, stop)
    try:
        yield
    finally:
        ALARM.clear(mark)
