"""Says to the container's health check that the agent is at work."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


class Health:
    """Marks in a folder, for the health check of the image.

    `polled` holds the seconds since the node's boot at the last answered poll: a clock that jumps
    makes no agent ill. `busy` is there while a task runs, `standing-by` while another agent has
    the slot.

    Parameters
    ----------
    folder : Path
        Made when missing.
    """

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._polled = folder / "polled"
        self._busy = folder / "busy"
        self._standing_by = folder / "standing-by"
        for mark in (self._busy, self._polled, self._standing_by):
            mark.unlink(missing_ok=True)

    def polled(self) -> None:
        """The server has answered a poll."""
        new = self._polled.with_name(".polled.new")
        new.write_text(f"{time.clock_gettime(time.CLOCK_BOOTTIME):.0f}\n")
        new.replace(self._polled)

    @contextmanager
    def busy(self) -> Iterator[None]:
        """A task runs: the agent is well though it does not poll."""
        self._busy.touch()
        try:
            yield
        finally:
            self._busy.unlink(missing_ok=True)
            self.polled()

    def stands_by(self) -> None:
        """The agent waits for its slot: it is well though it does not poll."""
        self._standing_by.touch()

    def at_work(self) -> None:
        """The agent has its slot."""
        self._standing_by.unlink(missing_ok=True)
