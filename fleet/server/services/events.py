"""events: taking in what tasks report, and removing it."""

from __future__ import annotations

import math
import time
from collections import defaultdict
from typing import Any

from fleet.server import timestamps
from fleet.server.documents import Document
from fleet.server.errors import ApiError, invalid_status, invalid_task
from fleet.server.lifecycle import PUBLISHED, get_task, remove_events
from fleet.server.metric_events import SCALAR, SINGLE_VALUE, TYPES, name_hash
from fleet.server.registry import Call, endpoint
from fleet.server.services.models import get_model

_LOG = "log"
_NO_EVENTS_ADDED = 130


@endpoint("events.add")
def add(call: Call, data: dict[str, Any]) -> dict[str, Any]:
    """Add one event."""
    answer = _add(call, [data])
    return {"added": answer["added"], "errors": answer["errors"]}


@endpoint("events.add_batch")
def add_batch(call: Call, data: dict[str, Any]) -> dict[str, Any]:
    """Add events: one JSON object per line of the body, or a list of them in `events`."""
    return _add(call, call.batch if call.batch is not None else data.get("events") or [])


@endpoint("events.delete_for_task", task=str)
def delete_for_task(call: Call, data: dict[str, Any]) -> dict[str, Any]:
    """Remove all events of a task; those of a published one only with `allow_locked`."""
    task = _unlocked(get_task(call.store, data["task"]), data)
    remove_events(call.store, task["id"])
    changes = {"last_iteration": 0, "last_metrics": {}, "last_update": timestamps.now()}
    call.store.tasks.update(task, changes)
    return {"deleted": True}


@endpoint("events.delete_for_model", model=str)
def delete_for_model(call: Call, data: dict[str, Any]) -> dict[str, Any]:
    """Remove all events of a model."""
    call.store.metrics.remove(get_model(call.store, data["model"])["id"])
    return {"deleted": True}


@endpoint("events.clear_task_log", task=str)
def clear_task_log(call: Call, data: dict[str, Any]) -> dict[str, Any]:
    """Remove the log of a task, all of it or what is older than `threshold_sec`."""
    task = _unlocked(get_task(call.store, data["task"]), data)
    threshold = data.get("threshold_sec")
    before = int((time.time() - threshold) * 1000) if threshold else None
    return {"deleted": call.store.logs.remove(task["id"], before)}


@endpoint("events.clear_scroll", scroll_id=str)
def clear_scroll(call: Call, data: dict[str, Any]) -> dict[str, Any]:
    """Scrolls are not kept, so that there is nothing to clear."""
    return {}


def _add(call: Call, events: list[Any]) -> dict[str, Any]:
    owners: dict[str, Document | None] = {}
    errors: dict[str, int] = defaultdict(int)
    logs, metrics = [], []
    now = int(time.time() * 1000)
    for event in events:
        problem = _problem(call, event, owners)
        if problem:
            errors[problem] += 1
            continue
        event.setdefault("timestamp", now)
        if not isinstance(event["timestamp"], int):
            event["timestamp"] = int(event["timestamp"])
        (logs if event["type"] == _LOG else metrics).append(_stored(event))
    if not logs and not metrics and errors:
        first = next(iter(errors))
        if first.startswith("Invalid task id"):
            raise invalid_task()
        raise ApiError(400, _NO_EVENTS_ADDED, f"Events not added: {first}")
    call.store.logs.add(logs)
    call.store.metrics.add(metrics)
    _update_owners(call, owners, logs, metrics)
    return {
        "added": len(logs) + len(metrics),
        "errors": sum(errors.values()),
        "errors_info": dict(errors),
    }


def _problem(call: Call, event: Any, owners: dict[str, Document | None]) -> str | None:
    if not isinstance(event, dict) or not isinstance(event.get("task"), str):
        return "Event has no task"
    kind = event.get("type")
    if kind != _LOG and kind not in TYPES:
        return f"Invalid event type {kind}"
    if kind == _LOG:
        if event.get("msg") is None:
            return "Event has no message"
    elif not isinstance(event.get("iter", 0), int) or not _are_texts(event, "metric", "variant"):
        return "Event needs a metric, a variant and a whole iteration"
    # A value that was not finite came as null: the event counts, its curve has a gap there.
    if kind == SCALAR and not _is_value(event.get("value", "")):
        return "Event has no value"
    if "timestamp" in event and not _is_number(event["timestamp"]):
        return "Event has no valid timestamp"
    owner = event["task"]
    if owner not in owners:
        collection = call.store.models if event.get("model_event") else call.store.tasks
        owners[owner] = collection.get(owner)
    document = owners[owner]
    if document is None:
        return f"Invalid task id {owner}"
    if document.get("status") == PUBLISHED and not event.get("allow_locked"):
        return "Task is published"
    return None


def _stored(event: dict[str, Any]) -> dict[str, Any]:
    kept = {
        key: value
        for key, value in event.items()
        if key not in ("allow_locked", "model_event", "method")
    }
    if kept["type"] != _LOG:
        kept["iter"] = kept.get("iter", 0)
        kept["metric"], kept["variant"] = kept.get("metric", ""), kept.get("variant", "")
    else:
        kept["msg"] = str(kept["msg"])
    return kept


def _update_owners(
    call: Call,
    owners: dict[str, Document | None],
    logs: list[dict[str, Any]],
    metrics: list[dict[str, Any]],
) -> None:
    by_task: dict[str, list[dict[str, Any]]] = {event["task"]: [] for event in logs}
    for event in metrics:
        by_task.setdefault(event["task"], []).append(event)
    now = timestamps.now()
    for key, events in by_task.items():
        document = owners[key]
        if "status" not in document:  # a model
            call.store.models.update(document, {"last_update": now})
            continue
        changes: dict[str, Any] = {"last_update": now}
        iterations = [event["iter"] for event in events if event["iter"] != SINGLE_VALUE]
        if iterations:
            changes["last_iteration"] = max(*iterations, document.get("last_iteration", 0))
        scalars = [e for e in events if e["type"] == SCALAR and e["value"] is not None]
        if scalars:
            changes["last_metrics"] = _last_metrics(document.get("last_metrics", {}), scalars)
        call.store.tasks.update(document, changes)


def _last_metrics(current: dict[str, Any], scalars: list[dict[str, Any]]) -> dict[str, Any]:
    """The last, least and greatest value of each scalar, by the hashes of metric and variant."""
    result = dict(current)
    for event in scalars:
        metric, variant = name_hash(event["metric"]), name_hash(event["variant"])
        value, iteration = event["value"], event["iter"]
        variants = result[metric] = dict(result.get(metric, {}))
        entry = dict(
            variants.get(variant)
            or {
                "metric": event["metric"],
                "variant": event["variant"],
                "first_value": value,
                "first_value_iteration": iteration,
                "min_value": value,
                "min_value_iteration": iteration,
                "max_value": value,
                "max_value_iteration": iteration,
                "count": 0,
                "mean_value": 0.0,
            }
        )
        entry["value"], entry["iteration"] = value, iteration
        if value < entry["min_value"]:
            entry["min_value"], entry["min_value_iteration"] = value, iteration
        if value > entry["max_value"]:
            entry["max_value"], entry["max_value_iteration"] = value, iteration
        entry["count"] += 1
        # Divided first, so that no step leaves the range of numbers.
        entry["mean_value"] += value / entry["count"] - entry["mean_value"] / entry["count"]
        variants[variant] = entry
    return result


def _unlocked(task: Document, data: dict[str, Any]) -> Document:
    if task["status"] == PUBLISHED and not data.get("allow_locked"):
        raise invalid_status(id=task["id"], current_status=PUBLISHED)
    return task


def _are_texts(event: dict[str, Any], *names: str) -> bool:
    return all(isinstance(event.get(name, ""), str) for name in names)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _is_value(value: Any) -> bool:
    return value is None or _is_number(value)
