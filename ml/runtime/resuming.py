"""A pipeline controller that was cut in the middle of its steps goes on with them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from clearml import PipelineController, Task
from clearml.automation.job import RunningJob

from ml.runtime import conventions as names
from ml.runtime.polling import FrugalController
from ml.runtime.record import TaskRecord

# the last time that it was put back, as far as the controller has seen
_SEEN = "_put_back_seen"
_OVER = (Task.TaskStatusEnum.failed, Task.TaskStatusEnum.stopped)


def was_put_back(task: Task, own: TaskRecord) -> bool:
    """Whether its agent put a controller back since it last asked; else a person let it go on.

    Parameters
    ----------
    task : Task
        The controller's own.
    own : TaskRecord
        The same.
    """
    is_own = own.put_back.startswith(f"task {own.id}: ")  # a clone bears its source's
    if not is_own or own.put_back == own.runtime.get(_SEEN):
        return False
    task._set_runtime_properties({_SEEN: own.put_back})
    return True


class ResumingController(FrugalController):
    """ClearML's pipeline controller, which also takes up the steps that it did not see end.

    The SDK goes on with the plan that it keeps on the task, but makes anew each step that had not
    ended when the plan was last written.

    Parameters
    ----------
    known : mapping
        The steps that it made before: id → name; of one name, the last counts.
    is_put_back : bool
        Whether a step that failed or was stopped stays so; otherwise it is made anew, as the SDK
        has it for a controller that a person lets go on.
    **given
        As :class:`~ml.runtime.polling.FrugalController` takes it.
    """

    def __init__(self, *, known: Mapping[str, str], is_put_back: bool, **given: Any) -> None:
        super().__init__(**given)
        self._made = {name: task_id for task_id, name in known.items()}
        self._is_put_back = is_put_back

    def _prepare_pipeline(self, *given: Any, **named: Any) -> None:
        super()._prepare_pipeline(*given, **named)
        if not self._made:
            return
        nodes = list(self._nodes.values())
        for node in nodes:
            self._take_up(node)
        # the SDK looks for what comes next when a step ends; what was not made yet may be due
        for node in filter(self._is_due, nodes):
            self._launch_node(node)
        self.update_execution_plot()

    def _take_up(self, node: PipelineController.Node) -> None:
        task = _find(self._made.get(node.name))
        if task is None:
            return
        status = task.status
        if not node.executed and status in _OVER and not self._is_put_back:
            return
        node.job = RunningJob(task)
        node.job_type = str(task.task_type)
        if node.executed:
            return
        # what ended meanwhile too: the SDK then does with it as with any that ends
        self._running_nodes.append(node.name)
        # an agent that puts a step back makes a draft of it for a moment, and enqueues it itself
        is_agents = f"properties/{names.PROPERTY_PUT_BACK}" in task.get_parameters()
        if status == Task.TaskStatusEnum.created and not is_agents:
            self._experiment_created_cb(self, node, {})
            node.job.launch(queue_name=node.queue)

    def _is_due(self, node: PipelineController.Node) -> bool:
        if node.job or node.executed or node.skip_job:
            return False
        return all(self._nodes[parent].executed for parent in node.parents)


def _find(task_id: str | None) -> Task | None:
    """A task; None where it was deleted."""
    try:
        return Task.get_task(task_id=task_id) if task_id else None
    except ValueError:
        return None
