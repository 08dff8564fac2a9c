"""What an agent has in hand, written down on the node, so that its next agent finds it.

Each run of a task is a file in a folder that old and new agents of a slot share, with a lock that
its agent holds. A record whose lock is free is of an agent that is gone, or of a run that is over
and left a container behind. A mark beside a record asks the agent that has the run to end it.
"""

from __future__ import annotations

import fcntl
import json
import os
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

from fleet_agent.state import write_json

_KEPT = (
    "task",
    "queue",
    "since",
    "container",
    "forwarded",
    "wished",
    "put_back",
    "is_lost",
    "is_counted",
    "is_withdrawn",
    "is_over",
)


@dataclass
class InHand:
    """A task that an agent has.

    Parameters
    ----------
    task : str
        Its id.
    queue : str
        The id of the queue that it came from; empty for one that was handed over on the node.
    since : str
        When it was taken, for a person to read.
    container : str
        The name of its container; empty before there is one.
    forwarded : int
        How many bytes of what it printed the server has for certain.
    wished : str
        Why it shall be put back, where nothing has been done for it yet.
    put_back : str
        Why it is being put back; empty while it is not.
    is_lost, is_counted, is_withdrawn : bool
        Of a task that is being put back: whether nobody wished it, whether it is counted already,
        and whether it may have left its state for that of a draft already.
    is_over : bool
        The server knows the task's end, or has it back; only the container may be left.
    file : Path or None
        Where this is kept.
    """

    task: str
    queue: str
    since: str = ""
    container: str = ""
    forwarded: int = 0
    wished: str = ""
    put_back: str = ""
    is_lost: bool = False
    is_counted: bool = False
    is_withdrawn: bool = False
    is_over: bool = False
    file: Path | None = field(default=None, repr=False)
    _lock: IO[str] | None = field(default=None, repr=False)

    def write(self, **changes: Any) -> None:
        """Change what is written down.

        Raises
        ------
        OSError
            It cannot be written; it holds for this agent all the same.
        """
        for name, value in changes.items():
            setattr(self, name, value)
        if self.file is not None:
            write_json(self.file, {name: getattr(self, name) for name in _KEPT})

    def note(self, **changes: Any) -> None:
        """Change what is written down, where that can be: the task must not suffer from it."""
        try:
            self.write(**changes)
        except OSError as error:
            print(f"Not written down of task {self.task}: {error}", flush=True)

    @property
    def is_ours(self) -> bool:
        """Whether this agent has it, and no other."""
        return self._lock is not None

    @property
    def is_unwanted(self) -> bool:
        """Whether another agent of the slot has the task now, and asks for the end of this run."""
        return self.file is not None and _mark(self.file).exists()

    def ask_end(self) -> None:
        """Ask the agent that has it to end this run."""
        if self.file is None:
            return
        _mark(self.file).touch()
        if not self.file.exists():  # it is over just now
            _mark(self.file).unlink(missing_ok=True)

    def release(self) -> None:
        """Let another agent have the task; what is written of it stays."""
        if self._lock is not None:
            self._lock.close()
            self._lock = None

    def drop(self) -> None:
        """The task is no longer in hand."""
        if self.file is not None and self._lock is not None:
            for file in (self.file, _mark(self.file), _lock_file(self.file)):
                file.unlink(missing_ok=True)
        self.release()


class Records:
    """The records of a slot.

    Parameters
    ----------
    folder : Path or None
        The slot's; None keeps nothing.
    """

    def __init__(self, folder: Path | None) -> None:
        self._folder = None if folder is None else folder / "in-hand"

    def begin(self, task: str, queue: str, since: str) -> InHand:
        """Write down that a task is in hand now.

        Raises
        ------
        OSError
            It cannot be written.
        """
        if self._folder is None:
            return InHand(task, queue, since)
        self._folder.mkdir(parents=True, exist_ok=True)
        # A name of its own for each run: what an earlier one left may be there still.
        file = self._folder / f"{task}.{uuid.uuid4().hex[:8]}.json"
        found = InHand(task, queue, since, file=file, _lock=_take(file))
        try:
            found.write()
            with file.open() as kept:
                os.fsync(kept.fileno())  # what is popped is in no queue any more
        except OSError:
            found.drop()
            raise
        return found

    def left_behind(self) -> Iterator[InHand]:
        """The tasks of agents that are gone; each is this agent's now."""
        if self._folder is None or not self._folder.is_dir():
            return
        for file in sorted(self._folder.glob("*.json")):
            lock = _take(file)
            found = lock and _read(file, lock)
            if found:
                yield found

    def runs(self, task: str, but: Path | None = None) -> list[InHand]:
        """All runs of a task but one; those that no agent has are this agent's now.

        Parameters
        ----------
        task : str
            Its id.
        but : Path, optional
            The file of the run that is left out.
        """
        if self._folder is None:
            return []
        files = [file for file in sorted(self._folder.glob(f"{task}.*json")) if file != but]
        return [found for file in files if (found := _read(file, _take(file)))]


def _read(file: Path, lock: IO[str] | None) -> InHand | None:
    """What is written down; None where its agent was just done with it."""
    try:
        data = json.loads(file.read_text())
    except FileNotFoundError:
        if lock is not None:
            _mark(file).unlink(missing_ok=True)
            _lock_file(file).unlink(missing_ok=True)
            lock.close()
        return None
    except ValueError:
        data = {}
    found = {name: data[name] for name in _KEPT if name in data}
    task = file.name.partition(".")[0]
    return InHand(**{"task": task, "queue": "", **found}, file=file, _lock=lock)


def _lock_file(file: Path) -> Path:
    return file.with_suffix(".lock")


def _mark(file: Path) -> Path:
    return file.with_suffix(".unwanted")


def _take(file: Path) -> IO[str] | None:
    lock = _lock_file(file).open("a")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        lock.close()
        return None
    return lock
