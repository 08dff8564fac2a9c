"""events: reading plots and debug images."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

from fleet.server import timestamps
from fleet.server.errors import invalid_field
from fleet.server.metric_events import IMAGE, PLOT
from fleet.server.query import decode_scroll, encode_scroll
from fleet.server.registry import Call, endpoint
from fleet.server.services.events_common import owner_of, title_of, variants_of


@endpoint("events.get_task_plots", task=str)
def get_task_plots(call: Call, data: dict[str, Any]) -> dict[str, Any]:
    """The plots of a task's last iterations."""
    plots = _latest_plots(call, data, data["task"])
    return {"plots": plots, "returned": len(plots), "total": len(plots), "scroll_id": None}


@endpoint("events.get_multi_task_plots", tasks=list)
def get_multi_task_plots(call: Call, data: dict[str, Any]) -> dict[str, Any]:
    """The plots of the last iterations of tasks, by metric, variant and task."""
    tree: dict[str, Any] = {}
    total = 0
    for key in data["tasks"]:
        plots = _latest_plots(call, data, key)
        name = title_of(call, data, key)
        total += len(plots)
        for plot in plots:
            variants = tree.setdefault(plot["metric"], {}).setdefault(plot["variant"], {})
            entry = variants.setdefault(key, {"name": name})
            entry.setdefault(str(plot["iter"]), {"plots": []})["plots"].append(plot)
    return {"plots": tree, "returned": total, "total": total, "scroll_id": None}


@endpoint("events.debug_images", metrics=list)
def debug_images(call: Call, data: dict[str, Any]) -> dict[str, Any]:
    """Debug images of tasks by iteration, `iters` iterations a page, newest first."""
    return _by_iteration(call, data, IMAGE)


@endpoint("events.plots", metrics=list)
def plots(call: Call, data: dict[str, Any]) -> dict[str, Any]:
    """Plots of tasks by iteration, `iters` iterations a page, newest first."""
    return _by_iteration(call, data, PLOT)


def _latest_plots(call: Call, data: dict[str, Any], key: str) -> list[dict[str, Any]]:
    plots = call.store.metrics.latest(
        owner_of(call, data, key), PLOT, data.get("iters") or 1, variants_of(data.get("metrics"))
    )
    for plot in plots:
        plot["@timestamp"] = timestamps.from_epoch(plot["timestamp"] / 1000)
        plot["plot_len"] = len(plot.get("plot_str", ""))
    return plots


def _by_iteration(call: Call, data: dict[str, Any], kind: str) -> dict[str, Any]:
    asked: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for item in data["metrics"]:
        if not isinstance(item, dict) or not isinstance(item.get("task"), str):
            raise invalid_field("metrics", "an item has no task")
        asked[item["task"]].append(item)
    seen = {} if data.get("refresh") else decode_scroll(data.get("scroll_id"), {})
    answer = []
    for task, items in asked.items():
        wanted = [pair for pair in variants_of(items) if pair != (None, [])]
        iterations = call.store.metrics.iterations(
            owner_of(call, data, task),
            kind,
            wanted,
            limit=data.get("iters") or 1,
            before=seen.get(task),
        )
        if iterations:
            seen[task] = iterations[-1]["iter"]
        answer.append({"task": task, "iterations": iterations})
    return {"metrics": answer, "scroll_id": encode_scroll(seen)}
