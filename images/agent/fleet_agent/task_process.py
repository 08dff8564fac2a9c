"""The process of a task, as the agent's own loop watches it."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from typing import Any


class WatchedCommand:
    """A command of the agent's whose process says each time that it is looked at.

    Parameters
    ----------
    command : Executable
        The agent's own.
    tick : callable
        Called at each look.
    started : callable
        Called with the `Popen` once it is there.
    """

    def __init__(
        self,
        command: Any,
        tick: Callable[[], Any],
        started: Callable[[subprocess.Popen], Any] = lambda process: None,
    ) -> None:
        self._command = command
        self._tick = tick
        self._started = started

    def call_subprocess(self, start: Callable[..., subprocess.Popen], **options: Any) -> Any:
        """Start the process, as the agent's own command does."""
        process = self._command.call_subprocess(start, **options)
        self._started(process)
        return WatchedProcess(process, self._tick)


class WatchedProcess:
    """As much of a `Popen` as the agent's loop uses."""

    def __init__(self, process: subprocess.Popen, tick: Callable[[], Any]) -> None:
        self._process = process
        self._tick = tick

    @property
    def pid(self) -> int:
        """The id of the process."""
        return self._process.pid

    def poll(self) -> int | None:
        """The exit status; None while the process runs."""
        self._tick()
        return self._process.poll()
