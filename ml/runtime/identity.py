"""Which run a task belongs to: the one it was started for, one it joins, or a new one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from ml.runtime import conventions as names
from ml.runtime.origin import objects_of_steps
from ml.runtime.phase import Phase

if TYPE_CHECKING:
    from clearml import Task

    from ml.runtime.server import Server

_RUN_ID_FIELD = "Input/run_id"
# where the SDK's pipeline controller keeps its plan
_PLAN_OBJECT = "Pipeline"


def settle(task: Task, phase: Phase, given: Mapping[str, str], server: Server) -> str:
    """The task's run id; what a clone or a reset task bears of an earlier run's end is removed.

    A step that was cloned by hand joins the run of the one it was made from. A controller begins
    a run: where its run has steps already (it is a clone of one that ran, or was reset), it gets a
    new id, and plans anew; only one that ClearML lets go on after it was stopped keeps both.

    Parameters
    ----------
    task : Task
        The current task.
    phase : Phase
    given : mapping
        The task's parameters, user properties among them as ``properties/NAME``.
    server : Server
    """
    run_id = (
        given.get(f"properties/{names.PROPERTY_RUN_ID}")
        or names.run_id_of(task.get_tags())
        or given.get(_RUN_ID_FIELD)
    )
    stale = [name for name in names.RESULT_PROPERTIES if f"properties/{name}" in given]
    if stale:
        server.delete_properties(task.id, stale)
    is_new = phase.is_controller and not server.record(task.id).has_begun
    if is_new:
        runtime = dict(task.data.runtime or {})
        if runtime.pop(names.RUNTIME_BEGUN, None):
            # kept by a server that keeps it where a task is reset: the SDK would go on
            server.edit_task(task.id, runtime=runtime)
        # the SDK would follow the plan of the task that this one was cloned from, and what names
        # its steps would name those of another, or what somebody wrote there
        found = task.data.configuration or {}
        server.delete_configuration(task.id, _PLAN_OBJECT, *objects_of_steps(found))
    if stale or is_new:
        task.reload()
    if run_id and not (is_new and _has_begun(run_id, task.id, phase, server)):
        return run_id
    return names.new_run_id()


def _has_begun(run_id: str, own_id: str, phase: Phase, server: Server) -> bool:
    # drafts do nothing yet; of two controllers that wait, the first to start keeps the run
    return any(
        one.reference != own_id
        and one.status != "created"
        and not (one.phase == phase.name and one.status == "queued")
        for one in server.outcomes(run_id)
    )
