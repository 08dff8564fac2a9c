"""tasks: the same change for many tasks; each succeeds or fails by itself."""

from __future__ import annotations

from typing import Any

from fleet.server.registry import Call, endpoint
from fleet.server.services import tasks, tasks_status
from fleet.server.services.common import bulk


def _each(call: Call, data: dict[str, Any], action) -> dict[str, Any]:
    return bulk(call, data["ids"], lambda key: action(call, {**data, "task": key}))


@endpoint("tasks.enqueue_many", ids=list)
def enqueue_many(call: Call, data: dict[str, Any]) -> dict[str, Any]:
    """Put tasks into a queue."""
    queue = tasks_status.target_queue(call, data)
    answer = _each(call, {**data, "queue": queue}, tasks_status.enqueue)
    if data.get("verify_watched_queue"):
        answer["queue_watched"] = call.store.workers.watches(queue)
    return answer


@endpoint("tasks.dequeue_many", ids=list)
def dequeue_many(call: Call, data: dict[str, Any]) -> dict[str, Any]:
    """Take tasks out of their queues."""
    return _each(call, data, tasks_status.dequeue)


@endpoint("tasks.stop_many", ids=list)
def stop_many(call: Call, data: dict[str, Any]) -> dict[str, Any]:
    """Ask tasks to stop."""
    return _each(call, data, tasks_status.stop)


@endpoint("tasks.reset_many", ids=list)
def reset_many(call: Call, data: dict[str, Any]) -> dict[str, Any]:
    """Make tasks drafts again."""
    return _each(call, data, tasks_status.reset)


@endpoint("tasks.publish_many", ids=list)
def publish_many(call: Call, data: dict[str, Any]) -> dict[str, Any]:
    """Freeze tasks."""
    return _each(call, data, tasks_status.publish)


@endpoint("tasks.delete_many", ids=list)
def delete_many(call: Call, data: dict[str, Any]) -> dict[str, Any]:
    """Delete tasks."""
    return _each(call, data, tasks.delete)


@endpoint("tasks.archive_many", ids=list)
def archive_many(call: Call, data: dict[str, Any]) -> dict[str, Any]:
    """Put tasks away."""
    return bulk(call, data["ids"], lambda key: _archive(call, key, True))


@endpoint("tasks.unarchive_many", ids=list)
def unarchive_many(call: Call, data: dict[str, Any]) -> dict[str, Any]:
    """Bring tasks back."""
    return bulk(call, data["ids"], lambda key: _archive(call, key, False))


def _archive(call: Call, key: str, archived: bool) -> dict[str, Any]:
    tasks_status.set_archived(call, key, archived)
    return {"archived" if archived else "unarchived": True}
