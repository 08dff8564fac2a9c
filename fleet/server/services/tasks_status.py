"""tasks: changes of status."""

from __future__ import annotations

from typing import Any

from fleet.server import lifecycle
from fleet.server.errors import invalid_field
from fleet.server.lifecycle import COMPLETED, CREATED, FAILED, STATUSES, STOPPED, get_task
from fleet.server.registry import Call, endpoint
from fleet.server.services.queues import add_queue, default_queue, queue_named
from fleet.server.services.removal import file_urls

_ARCHIVED = "archived"


@endpoint("tasks.enqueue", task=str)
def enqueue(call: Call, data: dict[str, Any]) -> dict[str, Any]:
    """Put a task into a queue, by id or by name; a name that is new makes a queue."""
    task = get_task(call.store, data["task"])
    queue = target_queue(call, data)
    fields = lifecycle.enqueue(call.store, task, queue, *_why(data))
    answer = {"queued": 1, "updated": 1, "fields": fields}
    if data.get("verify_watched_queue"):
        answer["queue_watched"] = call.store.workers.watches(queue)
    return answer


@endpoint("tasks.dequeue", task=str)
def dequeue(call: Call, data: dict[str, Any]) -> dict[str, Any]:
    """Take a task out of its queue; it becomes a draft, or what `new_status` says."""
    task = get_task(call.store, data["task"])
    status = data.get("new_status") or data.get("enqueue_status") or CREATED
    if status not in STATUSES:
        raise invalid_field("new_status", f"not a status: {status}")
    dequeued, fields = lifecycle.dequeue(call.store, task, status, *_why(data))
    if data.get("remove_from_all_queues"):
        call.store.entries.remove(task["id"])
    # A worker asks for its task to be out of any queue and takes one update as the leave to run.
    updated = int(bool(fields) or task["status"] == data.get("new_status"))
    return {"dequeued": dequeued, "updated": updated, "fields": fields}


@endpoint("tasks.started", task=str)
def started(call: Call, data: dict[str, Any]) -> dict[str, Any]:
    """The task runs."""
    task = get_task(call.store, data["task"])
    before = task["status"]
    fields = lifecycle.start(call.store, task, *_why(data), force=bool(data.get("force")))
    return {"updated": 1, "started": int(before != task["status"]), "fields": fields}


@endpoint("tasks.stop", task=str)
def stop(call: Call, data: dict[str, Any]) -> dict[str, Any]:
    """Ask a task to stop."""
    task = get_task(call.store, data["task"])
    fields = lifecycle.stop(call.store, task, *_why(data), force=bool(data.get("force")))
    return {"updated": 1, "fields": fields}


@endpoint("tasks.stopped", task=str)
def stopped(call: Call, data: dict[str, Any]) -> dict[str, Any]:
    """The task was stopped."""
    return _finish(call, data, STOPPED)


@endpoint("tasks.failed", task=str)
def failed(call: Call, data: dict[str, Any]) -> dict[str, Any]:
    """The task failed."""
    return _finish(call, data, FAILED)


@endpoint("tasks.completed", task=str)
def completed(call: Call, data: dict[str, Any]) -> dict[str, Any]:
    """The task is done; it is published too when asked for."""
    answer = _finish(call, data, COMPLETED)
    answer["published"] = 0
    if data.get("publish"):
        task = get_task(call.store, data["task"])
        lifecycle.publish(call.store, task, *_why(data), force=bool(data.get("force")))
        answer["published"] = 1
    return answer


@endpoint("tasks.close", task=str)
def close(call: Call, data: dict[str, Any]) -> dict[str, Any]:
    """Close a task."""
    return _finish(call, data, lifecycle.CLOSED)


@endpoint("tasks.publish", task=str)
def publish(call: Call, data: dict[str, Any]) -> dict[str, Any]:
    """Freeze a task, and its output models."""
    task = get_task(call.store, data["task"])
    fields = lifecycle.publish(
        call.store,
        task,
        *_why(data),
        force=bool(data.get("force")),
        models=data.get("publish_model") is not False,
    )
    return {"updated": 1, "fields": fields}


@endpoint("tasks.reset", task=str)
def reset(call: Call, data: dict[str, Any]) -> dict[str, Any]:
    """Make a task a draft again."""
    task = get_task(call.store, data["task"])
    urls = file_urls(call.store, task) if data.get("return_file_urls") else None
    answer = lifecycle.reset(call.store, task, bool(data.get("force")), bool(data.get("clear_all")))
    return {"updated": 1, "urls": urls, **answer}


@endpoint("tasks.archive", tasks=list)
def archive(call: Call, data: dict[str, Any]) -> dict[str, Any]:
    """Put tasks away; one that waits leaves its queue."""
    for key in data["tasks"]:
        set_archived(call, key, True)
    return {"archived": len(data["tasks"])}


@endpoint("tasks.unarchive", tasks=list)
def unarchive(call: Call, data: dict[str, Any]) -> dict[str, Any]:
    """Bring tasks back."""
    for key in data["tasks"]:
        set_archived(call, key, False)
    return {"unarchived": len(data["tasks"])}


def set_archived(call: Call, key: str, archived: bool) -> None:
    """Put a task away, or bring it back."""
    task = get_task(call.store, key)
    if archived:
        lifecycle.dequeue(call.store, task, CREATED, "Archived", "")
    tags = [tag for tag in task.get("system_tags", ()) if tag != _ARCHIVED]
    call.store.tasks.update(task, {"system_tags": [*tags, _ARCHIVED] if archived else tags})


def target_queue(call: Call, data: dict[str, Any]) -> str:
    """The id of the queue that a request names; `default` when it names none."""
    if data.get("queue"):
        return data["queue"]
    if data.get("queue_name"):
        return queue_named(call.store, data["queue_name"]) or add_queue(
            call, data["queue_name"], {}
        )
    return default_queue(call.store)


def _finish(call: Call, data: dict[str, Any], status: str) -> dict[str, Any]:
    task = get_task(call.store, data["task"])
    fields = lifecycle.finish(call.store, task, status, *_why(data), force=bool(data.get("force")))
    return {"updated": 1, "fields": fields}


def _why(data: dict[str, Any]) -> tuple[str, str]:
    return data.get("status_reason") or "", data.get("status_message") or ""
