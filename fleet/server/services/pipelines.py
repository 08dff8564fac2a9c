"""pipelines: starting one from a controller task."""

from __future__ import annotations

from typing import Any

from fleet.server import lifecycle
from fleet.server.errors import invalid_field
from fleet.server.lifecycle import get_task
from fleet.server.registry import Call, endpoint
from fleet.server.services.tasks import clone


@endpoint("pipelines.start_pipeline", task=str)
def start_pipeline(call: Call, data: dict[str, Any]) -> dict[str, Any]:
    """Clone a pipeline's controller with other arguments, and enqueue the clone."""
    source = get_task(call.store, data["task"])
    hyperparams = {name: dict(section) for name, section in source.get("hyperparams", {}).items()}
    arguments = hyperparams.setdefault("Args", {})
    for item in data.get("args") or []:
        if not isinstance(item.get("name"), str):
            raise invalid_field("args", "an item has no name")
        known = arguments.get(item["name"], {"section": "Args", "name": item["name"]})
        arguments[item["name"]] = {**known, "value": item.get("value")}
    request = {
        "task": source["id"],
        "new_task_hyperparams": hyperparams,
        "new_task_system_tags": source.get("system_tags", []),
    }
    pipeline = clone(call, request)["id"]
    if data.get("queue"):
        lifecycle.enqueue(call.store, get_task(call.store, pipeline), data["queue"], "", "")
    return {"pipeline": pipeline, "enqueued": bool(data.get("queue"))}
