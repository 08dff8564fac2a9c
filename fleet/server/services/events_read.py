"""events: reading logs and scalars."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

from fleet.server.errors import invalid_field
from fleet.server.lifecycle import get_task
from fleet.server.metric_events import SCALAR, TYPES
from fleet.server.query import decode_scroll, encode_scroll
from fleet.server.registry import Call, endpoint
from fleet.server.services.events_common import owner_of, title_of, variants_of
from fleet.server.services.sampling import AXES, sampled

_BATCH = 500
_SAMPLES = 6000


@endpoint("events.get_task_log", task=str)
def get_task_log(call: Call, data: dict[str, Any]) -> dict[str, Any]:
    """Lines of a task's log, the latest ones unless `navigate_earlier` is false."""
    task = get_task(call.store, data["task"])["id"]
    earlier = data.get("navigate_earlier") is not False
    after = None
    if data.get("from_timestamp") is not None:
        bound = int(data["from_timestamp"])
        after = (bound, 0) if earlier else (bound, 2**62)
    events = call.store.logs.page(task, limit=_batch(data), latest_first=earlier, after=after)
    order = data.get("order") or ("desc" if earlier else "asc")
    if (order == "asc") == earlier:
        events.reverse()
    for event in events:
        del event["seq"]
    return {"events": events, "returned": len(events), "total": call.store.logs.count(task)}


@endpoint("events.get_task_events", task=str)
def get_task_events(call: Call, data: dict[str, Any]) -> dict[str, Any]:
    """Events of a task, of one type or log lines, page by page."""
    owner, kind = owner_of(call, data, data["task"]), data.get("event_type")
    descending = data.get("order") == "desc"
    if kind == "log":
        position = decode_scroll(data.get("scroll_id"), [])
        after = (position[0], position[1]) if len(position) == 2 else None
        events = call.store.logs.page(
            owner, limit=_batch(data), latest_first=descending, after=after
        )
        if events:
            position = [events[-1]["timestamp"], events[-1]["seq"]]
        for event in events:
            del event["seq"]
        total = call.store.logs.count(owner)
    else:
        kinds = [kind] if kind else list(TYPES)
        if kind not in (None, *TYPES):
            raise invalid_field("event_type", f"not an event type: {kind}")
        position = decode_scroll(data.get("scroll_id"))
        events = _page(call, owner, kinds, position, _batch(data), descending)
        position += len(events)
        total = sum(call.store.metrics.count([owner], name) for name in kinds)
    return {
        "events": events,
        "returned": len(events),
        "total": total,
        "scroll_id": encode_scroll(position),
    }


@endpoint("events.scalar_metrics_iter_histogram", task=str)
def scalar_metrics_iter_histogram(call: Call, data: dict[str, Any]) -> dict[str, Any]:
    """The scalars of a task by metric and variant, thinned to `samples` points each."""
    owner, key = owner_of(call, data, data["task"]), _axis(data)
    wanted = variants_of(data.get("metrics"))
    result: dict[str, dict[str, Any]] = defaultdict(dict)
    for metric, variant in call.store.metrics.variants(owner, SCALAR):
        if wanted and not any(metric == m and (not v or variant in v) for m, v in wanted):
            continue
        points = call.store.metrics.series(owner, metric, variant)
        result[metric][variant] = {"name": variant, **sampled(points, key, _samples(data))}
    return dict(result)


@endpoint("events.multi_task_scalar_metrics_iter_histogram", tasks=list)
def multi_task_histogram(call: Call, data: dict[str, Any]) -> dict[str, Any]:
    """The scalars of tasks by metric, variant and task."""
    key = _axis(data)
    result: dict[str, Any] = {}
    for task in data["tasks"]:
        owner, title = owner_of(call, data, task), title_of(call, data, task)
        for metric, variant in call.store.metrics.variants(owner, SCALAR):
            points = call.store.metrics.series(owner, metric, variant)
            entry = {"name": title, **sampled(points, key, _samples(data))}
            result.setdefault(metric, {}).setdefault(variant, {})[task] = entry
    return {"metrics": result}


@endpoint("events.scalar_metrics_iter_raw", task=str, metric=dict)
def scalar_metrics_iter_raw(call: Call, data: dict[str, Any]) -> dict[str, Any]:
    """The points of one metric as they were reported, page by page."""
    owner, key = owner_of(call, data, data["task"]), _axis(data)
    wanted = variants_of([data["metric"]])
    offset, limit = decode_scroll(data.get("scroll_id")), data.get("batch_size") or 10000
    events = call.store.metrics.page([owner], SCALAR, limit=limit, offset=offset, variants=wanted)
    result: dict[str, Any] = {}
    for event in events:
        axis = AXES[key]((event["iter"], event["timestamp"]))
        series = result.setdefault(event["variant"], {key: [], "y": []})
        series[key].append(axis)
        series["y"].append(event.get("value"))
    total = call.store.metrics.count([owner], SCALAR, wanted) if data.get("count_total") else None
    return {
        "variants": result,
        "returned": len(events),
        "total": total,
        "scroll_id": encode_scroll(offset + len(events)),
    }


@endpoint("events.get_scalar_metric_data", task=str, metric=str)
def get_scalar_metric_data(call: Call, data: dict[str, Any]) -> dict[str, Any]:
    """The events of one metric, page by page."""
    owner, wanted = owner_of(call, data, data["task"]), [(data["metric"], ())]
    offset = decode_scroll(data.get("scroll_id"))
    events = call.store.metrics.page(
        [owner], SCALAR, limit=_batch(data), offset=offset, variants=wanted
    )
    return {
        "events": events,
        "returned": len(events),
        "total": call.store.metrics.count([owner], SCALAR, wanted),
        "scroll_id": encode_scroll(offset + len(events)),
    }


@endpoint("events.get_task_single_value_metrics", tasks=list)
def get_task_single_value_metrics(call: Call, data: dict[str, Any]) -> dict[str, Any]:
    """The values of tasks that belong to no iteration."""
    found = []
    for task in data["tasks"]:
        owner = owner_of(call, data, task)
        values = [
            {"metric": metric, "variant": variant, "timestamp": timestamp, "value": value}
            for metric, variant in call.store.metrics.variants(owner, SCALAR, single=True)
            for _, timestamp, value in call.store.metrics.series(
                owner, metric, variant, single=True
            )
        ]
        if values:
            found.append({"task": task, "task_name": title_of(call, data, task), "values": values})
    return {"tasks": found}


@endpoint("events.get_scalar_metrics_and_variants", task=str)
def get_scalar_metrics_andvariants_of(call: Call, data: dict[str, Any]) -> dict[str, Any]:
    """The names of a task's scalars."""
    result: dict[str, list[str]] = defaultdict(list)
    for metric, variant in call.store.metrics.variants(owner_of(call, data, data["task"]), SCALAR):
        result[metric].append(variant)
    return {"metrics": dict(result)}


@endpoint("events.get_task_metrics", tasks=list)
def get_task_metrics(call: Call, data: dict[str, Any]) -> dict[str, Any]:
    """The names of the metrics that tasks reported, of one type or all."""
    kinds = [data["event_type"]] if data.get("event_type") else TYPES
    found = []
    for task in data["tasks"]:
        owner = owner_of(call, data, task)
        names = sorted(
            {metric for kind in kinds for metric, _ in call.store.metrics.variants(owner, kind)}
        )
        found.append({"task": task, "metrics": names})
    return {"metrics": found}


@endpoint("events.get_task_latest_scalar_values", task=str)
def get_task_latest_scalar_values(call: Call, data: dict[str, Any]) -> dict[str, Any]:
    """The last value of each of a task's scalars."""
    task = get_task(call.store, data["task"])
    metrics: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for metric, variant in call.store.metrics.variants(task["id"], SCALAR):
        values = [point[2] for point in call.store.metrics.series(task["id"], metric, variant)]
        last = values[-100:]
        metrics[metric].append(
            {"name": variant, "last_value": values[-1], "last_100_value": sum(last) / len(last)}
        )
    return {
        "metrics": [{"name": name, "variants": items} for name, items in metrics.items()],
        "last_iteration": task.get("last_iteration", 0),
        "name": task["name"],
        "status": task["status"],
    }


def _batch(data: dict[str, Any]) -> int:
    return min(data.get("batch_size") or _BATCH, 10_000)


def _samples(data: dict[str, Any]) -> int:
    return _SAMPLES if data.get("samples") is None else data["samples"]


def _axis(data: dict[str, Any]) -> str:
    key = data.get("key") or "iter"
    if key not in AXES:
        raise invalid_field("key", f"not one of {', '.join(AXES)}")
    return key


def _page(
    call: Call, owner: str, kinds: list[str], offset: int, limit: int, descending: bool
) -> list[dict[str, Any]]:
    if len(kinds) == 1:
        return call.store.metrics.page(
            [owner], kinds[0], limit=limit, offset=offset, descending=descending
        )
    events = [
        event
        for kind in kinds
        for event in call.store.metrics.page(
            [owner], kind, limit=offset + limit, descending=descending
        )
    ]
    events.sort(key=lambda event: event["timestamp"], reverse=descending)
    return events[offset : offset + limit]
