"""Tasks that are handed to an agent in its container, without a queue.

A task is a file in a folder: `TASK.asked`, which the agent renames to `TASK.taken` when it
begins, and which it answers by `TASK.done`.
"""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

from fleet_agent.state import write_json

POLL_SECONDS = 0.2


class Handed:
    """The agent's side.

    Parameters
    ----------
    folder : Path
        Where the files are; made when missing. What an agent before left there is removed.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        for file in folder.iterdir():
            file.unlink()

    def take(self) -> str | None:
        """The id of the next task, which the agent runs now; None when there is none."""
        for asked in sorted(self._folder.glob("*.asked")):
            try:
                asked.rename(asked.with_suffix(".taken"))
            except FileNotFoundError:  # whoever asked does not wait any more
                continue
            return asked.stem
        return None

    def is_taken(self, task: str) -> bool:
        """Whether somebody waits for the end of this task."""
        return (self._folder / f"{task}.taken").exists()

    def done(self, task: str, status: str, message: str) -> None:
        """Say how a task ended."""
        answer = {"task": task, "status": status, "message": message}
        write_json(self._folder / f"{task}.done", answer)
        (self._folder / f"{task}.taken").unlink(missing_ok=True)


def hand(folder: Path, task: str, wait: float) -> dict[str, Any] | None:
    """Have the agent run a task, and wait for its end.

    Parameters
    ----------
    folder : Path
        The agent's.
    task : str
        The id of a task that is a draft.
    wait : float
        Seconds within which the agent must begin.

    Returns
    -------
    dict or None
        `task`, `status` and `message` of its end; None when the agent did not begin in time, and
        then it never will.
    """
    asked, taken, done = (folder / f"{task}.{state}" for state in ("asked", "taken", "done"))
    done.unlink(missing_ok=True)
    end = time.monotonic() + wait
    while not done.exists():
        is_late = time.monotonic() > end
        if is_late and asked.exists():
            try:
                asked.unlink()
            except FileNotFoundError:  # the agent was faster after all
                continue
            return None
        # In this order, in which the agent goes from one to the next. None is there before it has
        # begun, and after it has begun anew: then nobody knows of the task.
        if not (asked.exists() or taken.exists() or done.exists()):
            if is_late:
                return None
            if folder.is_dir():
                asked.touch()
        time.sleep(POLL_SECONDS)
    return json.loads(done.read_text())
