"""One agent at a time for a slot: a lock on the node, and a mark of whoever waits for it.

The old and the new agent of a slot share a folder. The lock is the kernel's, so that it is free
the moment its holder is gone, however it went.
"""

from __future__ import annotations

import fcntl
from collections.abc import Callable
from pathlib import Path
from typing import IO


class Slot:
    """The lock of a slot.

    Parameters
    ----------
    folder : Path or None
        The same for all agents of the slot; made when missing. None: no agent but this one ever
        serves the slot, and nothing is locked.
    """

    def __init__(self, folder: Path | None) -> None:
        self._folder = folder
        self._lock: IO[str] | None = None
        self.is_given_up = False

    def take(self, stand_by: Callable[[], None]) -> None:
        """Wait until the slot is free, and take it.

        Parameters
        ----------
        stand_by : callable
            Called once when the slot is not free, before the wait.
        """
        if self._folder is None or self._lock is not None:
            return
        self._folder.mkdir(parents=True, exist_ok=True)
        lock = (self._folder / "slot.lock").open("a")
        if not _try(lock, fcntl.LOCK_EX):
            with (self._folder / "standing-by.lock").open("a") as mark:
                fcntl.flock(mark, fcntl.LOCK_SH)
                stand_by()
                fcntl.flock(lock, fcntl.LOCK_EX)
        self._lock = lock

    def give_up(self) -> None:
        """Let the next agent have the slot."""
        if self._lock is not None:
            self._lock.close()
            self._lock = None
            self.is_given_up = True

    @property
    def has_successor(self) -> bool:
        """Whether another agent stands by for the slot."""
        if self._folder is None or not self._folder.is_dir():  # somebody removed it
            return False
        with (self._folder / "standing-by.lock").open("a") as mark:
            return not _try(mark, fcntl.LOCK_EX)


def _try(file: IO[str], kind: int) -> bool:
    try:
        fcntl.flock(file, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
