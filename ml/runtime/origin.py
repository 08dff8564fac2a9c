"""Who started a task: a person, or the controller of a run that is in progress."""

from __future__ import annotations

import json
import threading
from typing import TYPE_CHECKING

from ml.runtime import conventions as names
from ml.runtime.record import TaskRecord

if TYPE_CHECKING:
    from ml.runtime.server import Server


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

    def add(self, task_id: str, step: str) -> None:
        """Name a step, before it is enqueued."""
        with self._lock:
            self._steps[task_id] = step
            self._server.set_configuration(self._controller, names.STEPS_OBJECT, self._steps)


def controller_of(task: TaskRecord, run_id: str, server: Server) -> TaskRecord | None:
    """The controller that started a task; None where a person did, whatever the task says.

    It is the task's parent, the controller of the same run, in progress, and it names the task
    among its steps.
    """
    parent = server.record(task.parent) if task.parent else None
    if (
        parent is not None
        and parent.type == "controller"
        and parent.status == "in_progress"
        and names.run_id_of(parent.tags) == run_id
        and task.id in named_steps(parent)
    ):
        return parent
    return None


def named_steps(controller: TaskRecord) -> dict[str, str]:
    """The steps that a controller's task names: id → step name."""
    try:
        steps = json.loads(controller.configuration.get(names.STEPS_OBJECT) or "{}")
    except json.JSONDecodeError:
        return {}
    return steps if isinstance(steps, dict) else {}
