"""Says to the container's health check that the agent polls, at the price of one `utime` a poll."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


class Health:
    """Two marks in a folder: `polled`, touched at each answered poll; `busy`, while a task runs.

    Parameters
    ----------
    folder : Path
        Made when missing; the health check in the Dockerfile looks there.
    """

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._polled = folder / "polled"
        self._busy = folder / "busy"
        self._busy.unlink(missing_ok=True)
        self._polled.unlink(missing_ok=True)

    def polled(self) -> None:
        """The server has answered a poll."""
        self._polled.touch()

    @contextmanager
    def busy(self) -> Iterator[None]:
        """A task runs: the agent is well though it does not poll."""
        self._busy.touch()
        try:
            yield
        finally:
            self._busy.unlink(missing_ok=True)
            self._polled.touch()
