"""SIGTERM means drain: take nothing more, finish what is in hand, leave.

The first signal asks. With nothing in hand it ends the agent where it stands, even in the middle
of a request to a server that does not answer. With something in hand it only notes the wish, and
the agent leaves at its next `release`.

A second signal, or a deadline after the first, cuts: what is in hand is put back into its queue.
A task is cut only while it runs. While it is being started, and while its end is being reported,
the wish waits for the moment.
"""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from fleet_agent.time_limit import ALARM


class Drained(BaseException):
    """The agent has been asked to leave and has nothing in hand.

    Not an `Exception`: the agent's loop catches those, logs them and goes on.
    """


class PutBack(BaseException):
    """What is in hand shall be put back. Not an `Exception`, for the same reason."""


class Drain:
    """Whether the agent may take tasks, and whether it holds one.

    Parameters
    ----------
    seconds : float
        How long a task may take to its end after the first signal; 0 for as long as it likes.
    """

    def __init__(self, seconds: float = 0) -> None:
        self._seconds = seconds
        self._why = ""
        self._asked = False
        self._signalled = 0.0
        self._in_hand = False
        self._is_cuttable = False
        self._cuttable = False

    @property
    def asked(self) -> bool:
        """Whether the agent has been asked to leave."""
        return self._asked

    def told_within(self, seconds: float) -> bool:
        """Whether the last signal came so many seconds ago at most."""
        return self._asked and time.monotonic() - self._signalled <= seconds

    @property
    def cut(self) -> str:
        """Why what is in hand shall be put back; empty as long as it need not be."""
        return self._why

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

    @contextmanager
    def cuttable(self) -> Iterator[None]:
        """A stretch within `hold` that a second signal does cut.

        Raises
        ------
        PutBack
            Now, or at any point of the stretch.
        """
        self._is_cuttable = self._cuttable = True
        try:
            self.cut_now()
            yield
        finally:
            self._is_cuttable = self._cuttable = False

    @contextmanager
    def uncut(self) -> Iterator[None]:
        """A stretch within `cuttable` in which a wish to cut waits for its end.

        Raises
        ------
        PutBack
            At its end.
        """
        self._cuttable = False
        try:
            yield
        finally:
            self._cuttable = self._is_cuttable
        self.cut_now()

    def cut_now(self) -> None:
        """Cut within `cuttable` what should be cut: somebody caught what the signal raised.

        Raises
        ------
        PutBack
            It should.
        """
        if self._is_cuttable and self._why:
            self._cuttable = False
            raise PutBack

    def _on_signal(self, _number: int, _frame: FrameType | None) -> None:
        self._signalled = time.monotonic()
        if self._asked:
            self._cut("its agent was told a second time to leave")
            return
        self._asked = True
        if not self._in_hand:
            raise Drained
        print("Drain: no more tasks are taken; what runs is finished first", flush=True)
        if self._seconds:
            ALARM.set(self._seconds, self._on_deadline)

    def _on_deadline(self) -> None:
        self._cut(f"it was not over {self._seconds:g} s after its agent was told to leave")

    def _cut(self, why: str) -> None:
        self._why = self._why or why
        if self._cuttable:
            self._cuttable = False  # once: what puts the task back must not be cut itself
            raise PutBack
