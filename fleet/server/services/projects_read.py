"""projects: what their tasks and models bear: tags, parameters, metrics, parents."""

from __future__ import annotations

from typing import Any

from fleet.server.conditions import Condition, in_list
from fleet.server.metric_events import SCALAR, name_hash
from fleet.server.registry import Call, endpoint
from fleet.server.services.projects import with_children
from fleet.server.store import Store


@endpoint("projects.get_task_tags")
def get_task_tags(call: Call, data: dict[str, Any]) -> dict[str, Any]:
    """The tags of the tasks of projects."""
    return _tags(call.store, "tasks", data)


@endpoint("projects.get_model_tags")
def get_model_tags(call: Call, data: dict[str, Any]) -> dict[str, Any]:
    """The tags of the models of projects."""
    return _tags(call.store, "models", data)


@endpoint("projects.get_project_tags")
def get_project_tags(call: Call, data: dict[str, Any]) -> dict[str, Any]:
    """The tags of projects."""
    answer = {"tags": call.store.projects.labels("tags")}
    if data.get("include_system"):
        answer["system_tags"] = call.store.projects.labels("system_tags")
    return answer


@endpoint("projects.get_unique_metric_variants")
def get_unique_metric_variants(call: Call, data: dict[str, Any]) -> dict[str, Any]:
    """The names of the scalars of a project's tasks."""
    held = _held(call.store, "tasks", data.get("project") and [data["project"]])
    rows = call.store.database.all(
        "SELECT DISTINCT metric, variant FROM events JOIN tasks ON tasks.id = events.task"
        f" WHERE events.type = ? AND {held.sql} ORDER BY metric, variant",
        (SCALAR, *held.parameters),
    )
    return {
        "metrics": [
            {
                "metric": metric,
                "variant": variant,
                "metric_hash": name_hash(metric),
                "variant_hash": name_hash(variant),
            }
            for metric, variant in rows
        ]
    }


@endpoint("projects.get_hyper_parameters", project=str)
def get_hyper_parameters(call: Call, data: dict[str, Any]) -> dict[str, Any]:
    """The names of the hyper-parameters of a project's tasks."""
    held = _held(call.store, "tasks", [data["project"]])
    rows = call.store.database.all(
        "SELECT DISTINCT section.key, item.key FROM tasks,"
        " json_each(tasks.doc, '$.hyperparams') AS section, json_each(section.value) AS item"
        f" WHERE {held.sql} ORDER BY section.key, item.key",
        held.parameters,
    )
    page, size = data.get("page") or 0, data.get("page_size") or 500
    shown = rows[page * size : (page + 1) * size]
    return {
        "parameters": [{"section": section, "name": name} for section, name in shown],
        "remaining": max(0, len(rows) - (page + 1) * size),
        "total": len(rows),
    }


@endpoint("projects.get_task_parents")
def get_task_parents(call: Call, data: dict[str, Any]) -> dict[str, Any]:
    """The tasks that are parents of projects' tasks."""
    held = _held(call.store, "tasks", data.get("projects"))
    rows = call.store.database.all(
        f"SELECT DISTINCT parent FROM tasks WHERE parent IS NOT NULL AND {held.sql}",
        held.parameters,
    )
    found = [call.store.tasks.get(row[0]) for row in rows]
    parents = [
        {"id": task["id"], "name": task["name"], "project": {"id": task.get("project")}}
        for task in found
        if task
    ]
    return {"parents": sorted(parents, key=lambda parent: parent["name"])}


def _held(store: Store, table: str, projects: list[str] | None) -> Condition:
    if not projects:
        return Condition("1")
    return in_list(f"{table}.project", with_children(store, projects))


def _tags(store: Store, table: str, data: dict[str, Any]) -> dict[str, Any]:
    held = _held(store, table, data.get("projects"))
    kinds = ["tags", "system_tags"] if data.get("include_system") else ["tags"]
    return {
        kind: [
            row[0]
            for row in store.database.all(
                f"SELECT DISTINCT tag FROM labels JOIN {table} ON {table}.id = labels.id"
                f" WHERE collection = ? AND kind = ? AND {held.sql} ORDER BY tag",
                (table, kind, *held.parameters),
            )
        ]
        for kind in kinds
    }
