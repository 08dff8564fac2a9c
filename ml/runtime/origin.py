"""Who started a task: a person, or the controller of a run that is in progress."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ml.runtime import conventions as names
from ml.runtime.record import TaskRecord

if TYPE_CHECKING:
    from ml.runtime.server import Server

_NOTE_PREFIX = "started-"
_WAITING = ("created", "queued")


class StepList:
    """The steps that a controller has made, kept on its own task.

    That a task names a controller as its parent proves nothing: a clone inherits its parent. What
    proves it is that the controller names the task. Steps are made in several threads.

    Parameters
    ----------
    server : Server
    controller : str
        The controller's task id.
    known : dict
        What it named before it was stopped: id → step name.
    """

    def __init__(self, server: Server, controller: str, known: dict[str, str]) -> None:
        self._server = server
        self._controller = controller
        self._steps = dict(known)
        self._lock = threading.Lock()

    @property
    def known(self) -> dict[str, str]:
        """The steps that are named: id → step name, in the order in which they were made."""
        with self._lock:
            return dict(self._steps)

    def save(self) -> None:
        """Write the list, empty as it may be: that there is one tells which version made it."""
        with self._lock:
            self._server.set_configuration(self._controller, names.STEPS_OBJECT, self._steps)

    def add(self, task_id: str, step: str) -> None:
        """Name a step, before it is enqueued."""
        with self._lock:
            self._steps[task_id] = step
            self._server.set_configuration(self._controller, names.STEPS_OBJECT, self._steps)


@dataclass(frozen=True)
class Origin:
    """Who started a task.

    Parameters
    ----------
    controller : TaskRecord or None
        The controller that did; None where a person did, whatever the task says.
    why : str
        Why it was not the controller that is the task's parent, as a sentence without a full
        stop; empty where it has no such parent.
    mend : str
        What to do about that.
    """

    controller: TaskRecord | None = None
    why: str = ""
    mend: str = ""


def origin_of(task: TaskRecord, run_id: str, server: Server) -> Origin:
    """Find out who started a task.

    A controller did, if it is the task's parent, of the same run, in progress (or back in its
    queue, from where it goes on), names the task among its steps, and the task has not started
    before: the controller starts a step once (it retries nothing, and one that goes on takes up
    the steps that it has made), so that a second start is a person's, who may have reset the step
    and edited it. A step that an agent puts back has not started: the agent removes the note.
    """
    note = _note(task.id)
    parent = server.record(task.parent, note) if task.parent else None
    if parent is None or parent.type != "controller":
        return Origin()
    pipeline = f"its pipeline {parent.id}"
    if parent.status != "in_progress" and not _goes_on(parent):
        if parent.status in _WAITING:
            return Origin(why=f"{pipeline} has not started", mend="start the pipeline")
        return Origin(why=f"{pipeline} has ended", mend="start the pipeline again")
    if names.STEPS_OBJECT not in parent.configuration:
        return Origin(why=f"{pipeline} is of an older version", mend="clone the current pipeline")
    if names.run_id_of(parent.tags) != run_id or task.id not in named_steps(parent):
        return Origin(why=f"the task is not one of the steps of {pipeline}")
    if note in parent.configuration:
        return Origin(
            why=f"{pipeline} has started this step before", mend="start the pipeline anew"
        )
    return Origin(parent)


def _goes_on(controller: TaskRecord) -> bool:
    """Whether a controller that is not in progress began before, and waits to go on.

    One that its agent puts back is stopped first, then queued. Who resets or clones it, or takes
    it out of its queue, ends that.
    """
    if not controller.started or not controller.has_begun:
        return False
    is_put_back = controller.status_reason == names.REASON_PUT_BACK
    return controller.status == "queued" or (controller.status == "stopped" and is_put_back)


def note_start(task_id: str, controller: str, server: Server) -> None:
    """Note on its controller that a step has started; an object of its own, since steps and the
    controller write at the same time."""
    server.set_configuration(controller, _note(task_id), {"started": True})


def objects_of_steps(configuration: Iterable[str]) -> list[str]:
    """The configuration objects by which a controller knows its steps: no clone may keep them."""
    notes = [name for name in configuration if name.startswith(_NOTE_PREFIX)]
    return [names.STEPS_OBJECT, *notes]


def _note(task_id: str) -> str:
    return _NOTE_PREFIX + task_id


def named_steps(controller: TaskRecord) -> dict[str, str]:
    """The steps that a controller's task names: id → step name."""
    try:
        steps = json.loads(controller.configuration.get(names.STEPS_OBJECT) or "{}")
    except json.JSONDecodeError:
        return {}
    return steps if isinstance(steps, dict) else {}
