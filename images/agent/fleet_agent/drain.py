"""SIGTERM means drain: take nothing more, finish what is in hand, leave.

The signal's handler decides by one flag. With nothing in hand it ends the agent where it
stands, even in the middle of a request to a server that does not answer. With something in hand
it only notes the wish, and the agent leaves at its next `release`.
"""

from __future__ import annotations

import signal
from types import FrameType


class Drained(BaseException):
    """The agent has been asked to leave and has nothing in hand.

    Not an `Exception`: the agent's loop catches those, logs them and goes on.
    """


class Drain:
    """Whether the agent may take tasks, and whether it holds one."""

    def __init__(self) -> None:
        self._asked = False
        self._in_hand = False

    @property
    def asked(self) -> bool:
        """Whether the agent has been asked to leave."""
        return self._asked

    def install(self) -> None:
        """Make SIGTERM ask for a drain; to be called from the main thread."""
        signal.signal(signal.SIGTERM, self._on_signal)

    def hold(self) -> bool:
        """Begin a stretch that no signal may cut: from before a task is popped until it is over.

        Returns
        -------
        bool
            False when nothing may be taken any more.
        """
        self._in_hand = True  # first, so that no signal finds the gap between look and leap
        return not self._asked

    def release(self) -> None:
        """End the stretch that `hold` began.

        Raises
        ------
        Drained
            A drain was asked for.
        """
        self._in_hand = False
        if self._asked:
            raise Drained

    def _on_signal(self, _number: int, _frame: FrameType | None) -> None:
        self._asked = True
        if not self._in_hand:
            raise Drained
        print("Drain: no more tasks are taken; what runs is finished first", flush=True)
