"""The life of a task: which change of status is allowed from where, and what it changes.

The functions work on a task's document and give nothing to the network; `force` lifts the rules
but for what is published where that is said.
"""

from __future__ import annotations

import time
from typing import Any

from fleet.server import timestamps
from fleet.server.documents import Document
from fleet.server.errors import invalid_queue, invalid_status, invalid_task, task_already_queued
from fleet.server.store import Store

CREATED, QUEUED, RUNNING = "created", "queued", "in_progress"
STOPPED, FAILED, COMPLETED, PUBLISHED, CLOSED = (
    "stopped",
    "failed",
    "completed",
    "published",
    "closed",
)
STATUSES = {
    CREATED,
    QUEUED,
    RUNNING,
    STOPPED,
    FAILED,
    COMPLETED,
    PUBLISHED,
    CLOSED,
    "publishing",
    "unknown",
}
DEVELOPMENT = "development"
STOPPING = "stopping"  # the status message by which a worker knows that it is to stop a task

# From which statuses a change is allowed without force.
ALLOWED_FROM = {
    QUEUED: {CREATED, QUEUED, STOPPED, FAILED, CLOSED},
    RUNNING: {CREATED, QUEUED, RUNNING, STOPPED, FAILED, COMPLETED, CLOSED},
    STOPPED: {QUEUED, RUNNING, STOPPED, FAILED},
    FAILED: {CREATED, QUEUED, RUNNING, STOPPED, FAILED},
    COMPLETED: {QUEUED, RUNNING, STOPPED, COMPLETED},
    CLOSED: {RUNNING, STOPPED, COMPLETED, FAILED, CLOSED},
    PUBLISHED: {STOPPED, COMPLETED, CLOSED, FAILED},
    CREATED: STATUSES - {PUBLISHED},
}


def get_task(store: Store, task: str) -> Document:
    """The document of a task; ApiError when there is none."""
    document = store.tasks.get(task)
    if document is None:
        raise invalid_task(id=task)
    return document


def change_status(
    store: Store,
    task: Document,
    status: str,
    *,
    reason: str = "",
    message: str = "",
    force: bool = False,
    **changes: Any,
) -> dict[str, Any]:
    """Give a task another status.

    Parameters
    ----------
    store : Store
        Where the task is.
    task : dict
        Its document; it is changed.
    status : str
        The new status.
    reason, message : str
        What `status_reason` and `status_message` will say.
    force : bool
        Whether the rules are lifted.
    **changes
        Other top-level fields to set; None removes one.

    Returns
    -------
    dict
        The fields that changed, as answers give them.
    """
    if not force and task["status"] not in ALLOWED_FROM[status]:
        raise invalid_status(id=task["id"], current_status=task["status"], new_status=status)
    now = timestamps.now()
    fields = {
        "status": status,
        "status_reason": reason,
        "status_message": message,
        "status_changed": now,
        "last_update": now,
        "last_change": now,
    }
    store.tasks.update(task, fields | changes)
    touch_project(store, task, now)
    return fields | {key: value for key, value in changes.items() if value is not None}


def touch_project(store: Store, task: Document, now: str) -> None:
    """Note that something happened in the task's project."""
    project = store.projects.get(task.get("project"))
    if project:
        store.projects.update(project, {"last_update": now})


def enqueue(store: Store, task: Document, queue: str, reason: str, message: str) -> dict[str, Any]:
    """Put a task at the end of a queue; one that waits elsewhere moves."""
    if not store.queues.exists(queue):
        raise invalid_queue(id=queue)
    if store.entries.queue_of(task["id"]) == queue:
        raise task_already_queued(task=task["id"])
    # What a worker runs is no longer a run on somebody's own machine.
    tags = [tag for tag in task.get("system_tags", ()) if tag != DEVELOPMENT]
    execution = {**task.get("execution", {}), "queue": queue}
    fields = change_status(
        store, task, QUEUED, reason=reason, message=message, execution=execution, system_tags=tags
    )
    store.entries.append(queue, task["id"])
    return fields | {"execution.queue": queue}


def dequeue(
    store: Store, task: Document, status: str, reason: str, message: str
) -> tuple[int, dict[str, Any]]:
    """Take a task out of its queue and give it a status if it was still queued.

    Returns
    -------
    tuple of int and dict
        Whether it waited in a queue, and the fields that changed.
    """
    removed = store.entries.remove(task["id"])
    if task["status"] != QUEUED:
        return int(removed), {}
    return int(removed), change_status(
        store, task, status, reason=reason, message=message, force=True
    )


def start(store: Store, task: Document, reason: str, message: str, force: bool) -> dict[str, Any]:
    """Note that a task runs. The start time is that of the first such note of a run."""
    # What is published stays so: a worker that pulled a stale entry must not reopen it.
    if task["status"] == PUBLISHED:
        raise invalid_status(id=task["id"], current_status=PUBLISHED, new_status=RUNNING)
    changes: dict[str, Any] = {}
    if task["status"] != RUNNING or "started" not in task:
        changes = {"started": timestamps.now(), "completed": None}
    elif task.get("status_message") == STOPPING:
        # A worker says several times that it starts; a request to stop in between must last.
        message = STOPPING
    store.entries.remove(task["id"])
    return change_status(
        store, task, RUNNING, reason=reason, message=message, force=force, **changes
    )


def finish(
    store: Store, task: Document, status: str, reason: str, message: str, force: bool
) -> dict[str, Any]:
    """Note the end of a task: `stopped`, `failed` or `completed`."""
    if status == COMPLETED and task["status"] == PUBLISHED:
        raise invalid_status(id=task["id"], current_status=PUBLISHED, new_status=status)
    now = timestamps.now()
    changes: dict[str, Any] = {}
    if task["status"] != status or "completed" not in task:
        changes["completed"] = now
    if task["status"] == RUNNING and "started" in task:
        changes["active_duration"] = int(
            timestamps.to_epoch(now) - timestamps.to_epoch(task["started"])
        )
    store.entries.remove(task["id"])
    return change_status(
        store, task, status, reason=reason, message=message, force=force, **changes
    )


def stop(store: Store, task: Document, reason: str, message: str, force: bool) -> dict[str, Any]:
    """Ask a task to stop.

    A task that a live worker runs is only told so, by its status message, and its worker ends
    it; any other stops at once.
    """
    if not force and task["status"] == RUNNING and _has_live_worker(store, task):
        now = timestamps.now()
        fields = {"status_message": STOPPING, "status_reason": reason, "last_change": now}
        store.tasks.update(task, fields)
        return fields
    if not force and task["status"] not in (QUEUED, RUNNING):
        raise invalid_status(id=task["id"], current_status=task["status"], new_status=STOPPED)
    return finish(store, task, STOPPED, reason, message, force)


def _has_live_worker(store: Store, task: Document) -> bool:
    if DEVELOPMENT in task.get("system_tags", ()) or not task.get("last_worker"):
        return False
    age = time.time() - timestamps.to_epoch(task["last_update"])
    return age < store.settings.limits.worker_timeout


def reset(store: Store, task: Document, force: bool, clear_all: bool) -> dict[str, Any]:
    """Make a task a draft again: what its run brought about is removed.

    Returns
    -------
    dict
        `fields`, `dequeued`, `events` and `deleted_models` for the answer.
    """
    if not force and task["status"] == PUBLISHED:
        raise invalid_status(id=task["id"], current_status=PUBLISHED, new_status=CREATED)
    dequeued = store.entries.remove(task["id"])
    events = remove_events(store, task["id"])
    deleted = remove_output_models(store, task)
    execution = {key: value for key, value in task.get("execution", {}).items() if key != "queue"}
    execution["artifacts"] = [
        item for item in execution.get("artifacts", ()) if item.get("mode") == "input"
    ]
    changes: dict[str, Any] = {
        "started": None,
        "completed": None,
        "published": None,
        "active_duration": None,
        "last_iteration": 0,
        "last_metrics": {},
        "last_worker": None,
        "last_worker_report": None,
        "execution": execution,
        "output": {
            key: value for key, value in task.get("output", {}).items() if key == "destination"
        },
        "models": {"input": task.get("models", {}).get("input", []), "output": []},
    }
    if clear_all:
        changes |= {"script": {}, "execution": {"artifacts": execution["artifacts"]}}
    fields = change_status(store, task, CREATED, force=True, **changes)
    return {
        "fields": fields,
        "dequeued": {"removed": int(dequeued)},
        "events": {"deleted": events},
        "deleted_models": deleted,
    }


def publish(
    store: Store, task: Document, reason: str, message: str, force: bool, models: bool = True
) -> dict[str, Any]:
    """Freeze a task, and its output models with it."""
    if models:
        for item in task.get("models", {}).get("output", ()):
            model = store.models.get(item["model"])
            if model:
                store.models.update(model, {"ready": True, "last_update": timestamps.now()})
    return change_status(
        store,
        task,
        PUBLISHED,
        reason=reason,
        message=message,
        force=force,
        published=timestamps.now(),
    )


def remove_events(store: Store, task: str) -> int:
    """Remove what a task reported; how many events there were."""
    return store.logs.remove(task) + store.metrics.remove(task)


def remove_output_models(store: Store, task: Document) -> int:
    """Remove the models that a task made and no other task uses, unless published; how many."""
    mine = store.database.all("SELECT id FROM models WHERE task = ?", (task["id"],))
    removed = 0
    for (model,) in mine:
        document = store.models.get(model)
        if document.get("ready") or used_elsewhere(store, model, task["id"]):
            continue
        store.metrics.remove(model)
        store.models.delete(model)
        removed += 1
    return removed


def used_elsewhere(store: Store, model: str, task: str | None) -> bool:
    """Whether a task other than `task` refers to a model as its input."""
    row = store.database.one(
        "SELECT 1 FROM tasks, json_each(tasks.doc, '$.models.input') AS item"
        " WHERE tasks.id IS NOT ? AND json_extract(item.value, '$.model') = ? LIMIT 1",
        (task, model),
    )
    return row is not None
