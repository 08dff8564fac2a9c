"""queues: their tasks and their order."""

from __future__ import annotations

from typing import Any

from fleet.server import timestamps
from fleet.server.documents import Document, new_id
from fleet.server.errors import (
    invalid_queue,
    no_default_queue,
    not_unique,
    queue_not_empty,
    task_not_queued,
)
from fleet.server.lifecycle import (
    CREATED,
    QUEUED,
    change_status,
    enqueue,
    get_task,
)
from fleet.server.registry import Call, endpoint
from fleet.server.services.common import check_name, check_tags, get_all, merge_metadata
from fleet.server.store import Store


def get_queue(store: Store, queue: Any) -> Document:
    """The document of a queue; ApiError when there is none."""
    document = store.queues.get(queue) if isinstance(queue, str) else None
    if document is None:
        raise invalid_queue(id=queue)
    return document


def queue_named(store: Store, name: str) -> str | None:
    """The id of the queue with that name."""
    row = store.database.one("SELECT id FROM queues WHERE name = ?", (name,))
    return row[0] if row else None


def add_queue(call: Call, name: str, tags: dict[str, list[str]]) -> str:
    """Add a queue; its id."""
    name = check_name(name, "queue name")
    if queue_named(call.store, name):
        raise not_unique(name=name)
    queue = {
        "id": new_id(),
        "name": name,
        "company": call.identity.company,
        "user": call.identity.user,
        "created": timestamps.now(),
        "last_update": timestamps.now(),
        "tags": [],
        "system_tags": [],
        "metadata": {},
        **tags,
    }
    call.store.queues.insert(queue)
    return queue["id"]


def default_queue(store: Store) -> str:
    """The id of the queue that is meant where none is named."""
    queue = queue_named(store, "default")
    if queue is None:
        raise no_default_queue()
    return queue


@endpoint("queues.create", name=str)
def create(call: Call, data: dict[str, Any]) -> dict[str, Any]:
    """Add a queue; names are unique."""
    return {"id": add_queue(call, data["name"], check_tags(data))}


@endpoint("queues.get_all")
def get_all_queues(call: Call, data: dict[str, Any]) -> dict[str, Any]:
    """Queues with their entries in order."""
    queues, more = get_all(call.store.queues, data)
    only_fields = data.get("only_fields")
    for queue in queues:
        _complete(call.store, queue, only_fields, data.get("max_task_entries"))
    return {"queues": queues, **more}


@endpoint("queues.get_all_ex")
def get_all_ex(call: Call, data: dict[str, Any]) -> dict[str, Any]:
    """Queues with their workers, and the tasks of their entries by name."""
    store = call.store
    answer = get_all_queues(call, {**data, "only_fields": None})
    workers = store.workers.listed()
    for queue in answer["queues"]:
        queue["workers"] = [
            {"name": worker["id"], "ip": worker.get("ip"), "task": worker.get("task")}
            for worker in workers
            if queue["id"] in worker.get("queues", ())
        ]
        for entry in queue["entries"]:
            task = store.tasks.get(entry["task"])
            entry["task"] = {"id": entry["task"], "name": task["name"] if task else None}
    return answer


@endpoint("queues.get_by_id", queue=str)
def get_by_id(call: Call, data: dict[str, Any]) -> dict[str, Any]:
    """One queue with its entries in order."""
    queue = get_queue(call.store, data["queue"])
    _complete(call.store, queue, None, data.get("max_task_entries"))
    return {"queue": queue}


@endpoint("queues.get_default")
def get_default(call: Call, data: dict[str, Any]) -> dict[str, Any]:
    """The queue that is meant where none is named."""
    return {"id": default_queue(call.store), "name": "default"}


@endpoint("queues.update", queue=str)
def update(call: Call, data: dict[str, Any]) -> dict[str, Any]:
    """Change a queue's name or tags."""
    queue = get_queue(call.store, data["queue"])
    fields: dict[str, Any] = check_tags(data)
    if data.get("name") is not None:
        fields["name"] = check_name(data["name"], "queue name")
        if queue_named(call.store, fields["name"]) not in (None, queue["id"]):
            raise not_unique(name=fields["name"])
    call.store.queues.update(queue, {**fields, "last_update": timestamps.now()})
    return {"updated": 1, "fields": fields}


@endpoint("queues.delete", queue=str)
def delete(call: Call, data: dict[str, Any]) -> dict[str, Any]:
    """Remove a queue; with force its tasks become drafts again."""
    store = call.store
    queue = get_queue(store, data["queue"])
    entries = store.entries.listed(queue["id"])
    if entries and not data.get("force"):
        raise queue_not_empty(id=queue["id"])
    for entry in entries:
        store.entries.remove(entry["task"])
        task = store.tasks.get(entry["task"])
        if task and task["status"] == QUEUED:
            reason = f"Queue {queue['name']} was deleted"
            change_status(store, task, CREATED, reason=reason, force=True)
    store.queues.delete(queue["id"])
    return {"deleted": 1}


@endpoint("queues.get_next_task", queue=str)
def get_next_task(call: Call, data: dict[str, Any]) -> dict[str, Any]:
    """Take the first task out of a queue. It stays `queued` until its worker starts it."""
    store = call.store
    if not store.queues.exists(data["queue"]):
        raise invalid_queue(id=data["queue"])
    entry = store.entries.pop(data["queue"])
    # A task that was deleted while it waited is nobody's work.
    while entry and not store.tasks.exists(entry["task"]):
        entry = store.entries.pop(data["queue"])
    if entry is None:
        return {}
    answer: dict[str, Any] = {"entry": entry}
    if data.get("get_task_info"):
        task = get_task(store, entry["task"])
        answer["task_info"] = {"company": task["company"], "user": task["user"]}
    return answer


@endpoint("queues.peek_task", queue=str)
def peek_task(call: Call, data: dict[str, Any]) -> dict[str, Any]:
    """The first task of a queue, which stays there."""
    entries = call.store.entries.listed(get_queue(call.store, data["queue"])["id"], 1)
    return {"task": entries[0]["task"]} if entries else {}


@endpoint("queues.get_num_entries", queue=str)
def get_num_entries(call: Call, data: dict[str, Any]) -> dict[str, Any]:
    """How many tasks wait in a queue."""
    return {"num": call.store.entries.length(get_queue(call.store, data["queue"])["id"])}


@endpoint("queues.add_task", queue=str, task=str)
def add_task(call: Call, data: dict[str, Any]) -> dict[str, Any]:
    """Put a task at the end of a queue."""
    enqueue(call.store, get_task(call.store, data["task"]), data["queue"], "", "")
    return {"added": 1}


@endpoint("queues.remove_task", queue=str, task=str)
def remove_task(call: Call, data: dict[str, Any]) -> dict[str, Any]:
    """Take a task out of a queue; it stays `queued` unless `update_task_status` is set."""
    store = call.store
    queue = get_queue(store, data["queue"])
    if store.entries.queue_of(data["task"]) != queue["id"]:
        raise task_not_queued(queue=queue["id"], task=data["task"])
    store.entries.remove(data["task"])
    if data.get("update_task_status"):
        task = get_task(store, data["task"])
        change_status(store, task, CREATED, reason="Removed from the queue", force=True)
    return {"removed": 1}


@endpoint("queues.move_task_forward", queue=str, task=str)
def move_task_forward(call: Call, data: dict[str, Any]) -> dict[str, Any]:
    """Bring a task some places towards the front."""
    return _move(call, data, by=-_count(data))


@endpoint("queues.move_task_backward", queue=str, task=str)
def move_task_backward(call: Call, data: dict[str, Any]) -> dict[str, Any]:
    """Bring a task some places towards the end."""
    return _move(call, data, by=_count(data))


@endpoint("queues.move_task_to_front", queue=str, task=str)
def move_task_to_front(call: Call, data: dict[str, Any]) -> dict[str, Any]:
    """Bring a task to the front."""
    return _move(call, data, target=0)


@endpoint("queues.move_task_to_back", queue=str, task=str)
def move_task_to_back(call: Call, data: dict[str, Any]) -> dict[str, Any]:
    """Bring a task to the end."""
    return _move(call, data, target=-1)


@endpoint("queues.add_or_update_metadata", queue=str, metadata=list)
def add_or_update_metadata(call: Call, data: dict[str, Any]) -> dict[str, Any]:
    """Set metadata items of a queue."""
    queue = get_queue(call.store, data["queue"])
    metadata = merge_metadata(
        queue.get("metadata", {}), data["metadata"], bool(data.get("replace_metadata"))
    )
    call.store.queues.update(queue, {"metadata": metadata})
    return {"updated": 1}


@endpoint("queues.delete_metadata", queue=str, keys=list)
def delete_metadata(call: Call, data: dict[str, Any]) -> dict[str, Any]:
    """Remove metadata items of a queue."""
    queue = get_queue(call.store, data["queue"])
    kept = {key: item for key, item in queue.get("metadata", {}).items() if key not in data["keys"]}
    call.store.queues.update(queue, {"metadata": kept})
    return {"updated": 1}


def _complete(
    store: Store, queue: Document, only_fields: list[str] | None, max_entries: int | None
) -> None:
    if only_fields is None or any(name.split(".")[0] == "entries" for name in only_fields):
        queue["entries"] = store.entries.listed(queue["id"], max_entries)


def _move(
    call: Call, data: dict[str, Any], target: int | None = None, by: int = 0
) -> dict[str, Any]:
    queue = get_queue(call.store, data["queue"])
    position = call.store.entries.move(queue["id"], data["task"], target, by)
    if position is None:
        raise task_not_queued(queue=queue["id"], task=data["task"])
    return {"position": position}


def _count(data: dict[str, Any]) -> int:
    return data.get("count") or 1
