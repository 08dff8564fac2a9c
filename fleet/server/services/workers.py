"""workers: who polls the queues, and what they do."""

from __future__ import annotations

import fnmatch
import time
from typing import Any

from fleet.server import timestamps
from fleet.server.auth import COMPANY_ID, COMPANY_NAME
from fleet.server.errors import invalid_field, worker_not_registered
from fleet.server.registry import Call, endpoint
from fleet.server.services.common import check_tags
from fleet.server.services.queues import get_queue
from fleet.server.store import Store

_LAST_SEEN = 3600


@endpoint("workers.register", worker=str)
def register(call: Call, data: dict[str, Any]) -> dict[str, Any]:
    """A worker says which queues it listens on."""
    queues = data.get("queues") or []
    for queue in queues:
        get_queue(call.store, queue)
    changes = {
        "tags": [],
        "system_tags": [],
        **check_tags(data),
        "queues": queues,
        "ip": call.address,
        "user": call.identity.user,
        "task": None,
        "queue": None,
        "register_time": timestamps.now(),
    }
    call.store.workers.report(data["worker"], changes, data.get("timeout"))
    return {}


@endpoint("workers.unregister", worker=str)
def unregister(call: Call, data: dict[str, Any]) -> dict[str, Any]:
    """A worker goes."""
    if not call.store.workers.remove(data["worker"]):
        raise worker_not_registered(worker=data["worker"])
    return {}


@endpoint("workers.status_report", worker=str, timestamp=(int, float))
def status_report(call: Call, data: dict[str, Any]) -> dict[str, Any]:
    """A worker is alive; when it works on a task, so is the task."""
    store = call.store
    changes: dict[str, Any] = {
        "ip": call.address,
        "user": call.identity.user,
        "task": data.get("task"),
        "queue": data.get("queue"),
    }
    for key in ("queues", "machine_stats"):
        if data.get(key) is not None:
            changes[key] = data[key]
    changes |= check_tags(data)
    store.workers.report(data["worker"], changes)
    task = store.tasks.get(data["task"]) if data.get("task") else None
    if task:
        now = timestamps.now()
        store.tasks.update(
            task, {"last_worker": data["worker"], "last_worker_report": now, "last_update": now}
        )
    return {}


@endpoint("workers.get_all")
def get_all(call: Call, data: dict[str, Any]) -> dict[str, Any]:
    """The workers that reported lately, by default in the last hour."""
    store = call.store
    last_seen = data.get("last_seen", _LAST_SEEN)
    asked = check_tags(data)
    pattern = data.get("worker_pattern")
    described = _Described(store)
    return {
        "workers": [
            described.worker(record)
            for record in store.workers.listed(last_seen)
            if _wanted(record.get("tags", []), asked.get("tags"))
            and _wanted(record.get("system_tags", []), asked.get("system_tags"))
            and (not pattern or fnmatch.fnmatchcase(record["id"], pattern))
        ]
    }


@endpoint("workers.get_count")
def get_count(call: Call, data: dict[str, Any]) -> dict[str, Any]:
    """How many workers reported lately."""
    return {"count": len(get_all(call, data)["workers"])}


@endpoint("workers.get_runtime_properties", worker=str)
def get_runtime_properties(call: Call, data: dict[str, Any]) -> dict[str, Any]:
    """The properties set for a worker; `force`: `off` makes it pull nothing."""
    return {"runtime_properties": call.store.workers.properties(data["worker"])}


@endpoint("workers.set_runtime_properties", worker=str, runtime_properties=list)
def set_runtime_properties(call: Call, data: dict[str, Any]) -> dict[str, Any]:
    """Set properties for a worker, each for `expiry` seconds or for good; it need not be there."""
    for item in data["runtime_properties"]:
        if not isinstance(item, dict) or not item.get("key"):
            raise invalid_field("runtime_properties", "an item has no key")
        lifetime = item.get("expiry")
        if lifetime is not None and not isinstance(lifetime, int | float):
            raise invalid_field("runtime_properties", "expiry is not a number of seconds")
        call.store.workers.set_property(
            data["worker"], str(item["key"]), str(item.get("value", "")), lifetime
        )
    return {"added": len(data["runtime_properties"])}


class _Described:
    """Workers as they are listed; the queues and users that many have in common are read once."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._queues: dict[str, dict[str, Any]] = {}
        self._users: dict[str | None, dict[str, Any]] = {}

    def worker(self, record: dict[str, Any]) -> dict[str, Any]:
        """The worker of a record."""
        user = self._user(record.get("user"))
        described = {
            "id": record["id"],
            "key": f"worker_{COMPANY_ID}_{user['id']}_{record['id']}",
            "company": {"id": COMPANY_ID, "name": COMPANY_NAME},
            "user": user,
            "ip": record.get("ip"),
            "tags": record.get("tags", []),
            "system_tags": record.get("system_tags", []),
            "register_time": record["register_time"],
            "last_activity_time": record["last_activity_time"],
            "last_report_time": record["last_report_time"],
            "queues": [self._queue(key) for key in record.get("queues", ())],
        }
        return described | self._work(record)

    def _work(self, record: dict[str, Any]) -> dict[str, Any]:
        """The task in hand, with its project and queue; empty where there is none."""
        store = self._store
        task = store.tasks.get(record["task"]) if record.get("task") else None
        if not task:
            return {}
        started = task.get("started")
        running = (time.time() - timestamps.to_epoch(started)) * 1000 if started else 0
        work = {
            "task": {
                "id": task["id"],
                "name": task["name"],
                "running_time": int(running),
                "last_iteration": task.get("last_iteration", 0),
            }
        }
        project = store.projects.get(task.get("project"))
        if project:
            work["project"] = {"id": project["id"], "name": project["name"]}
        queue = store.queues.get(record.get("queue"))
        if queue:
            work["queue"] = {"id": queue["id"], "name": queue["name"]}
        return work

    def _user(self, key: str | None) -> dict[str, Any]:
        if key not in self._users:
            user = self._store.users.get(key)
            self._users[key] = {"id": key, "name": user["name"] if user else None}
        return self._users[key]

    def _queue(self, key: str) -> dict[str, Any]:
        if key not in self._queues:
            self._queues[key] = _queue(self._store, key)
        return self._queues[key]


def _queue(store: Store, key: str) -> dict[str, Any]:
    queue = store.queues.get(key)
    described: dict[str, Any] = {
        "id": key,
        "name": queue["name"] if queue else None,
        "num_tasks": store.entries.length(key),
    }
    first = store.entries.listed(key, 1)
    if first:
        task = store.tasks.get(first[0]["task"])
        described["next_task"] = {"id": first[0]["task"], "name": task["name"] if task else None}
    return described


def _wanted(tags: list[str], asked: list[str] | None) -> bool:
    asked = asked or []
    excluded = {tag[1:] for tag in asked if tag.startswith("-")}
    included = {tag for tag in asked if not tag.startswith("-")}
    return not excluded & set(tags) and (not included or bool(included & set(tags)))
