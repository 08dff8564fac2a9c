"""Deleting a task with what belongs to it."""

from __future__ import annotations

from typing import Any

from fleet.server.documents import Document
from fleet.server.lifecycle import remove_events, remove_output_models
from fleet.server.metric_events import IMAGE
from fleet.server.store import Store


def remove_task(store: Store, task: Document, models: bool = True) -> dict[str, Any]:
    """Delete a task, its events and, unless told otherwise, the models it made that nobody uses.

    Its children lose their parent, its remaining models their task.

    Returns
    -------
    dict
        `deleted`, `updated_children`, `updated_models`, `deleted_models`, `events` and `urls`,
        the addresses of the files that it uploaded.
    """
    store.entries.remove(task["id"])
    urls = file_urls(store, task)
    deleted_models = remove_output_models(store, task) if models else 0
    children = store.database.all("SELECT id FROM tasks WHERE parent = ?", (task["id"],))
    for (child,) in children:
        store.tasks.update(store.tasks.get(child), {"parent": None})
    orphans = store.database.all("SELECT id FROM models WHERE task = ?", (task["id"],))
    for (model,) in orphans:
        store.models.update(store.models.get(model), {"task": None})
    events = remove_events(store, task["id"])
    store.tasks.delete(task["id"])
    return {
        "deleted": True,
        "updated_children": len(children),
        "updated_models": len(orphans),
        "deleted_models": deleted_models,
        "events": {"deleted": events},
        "urls": urls,
    }


def file_urls(store: Store, task: Document) -> dict[str, list[str]]:
    """The addresses of the files that a task uploaded: events', models' and artifacts'."""
    images = store.database.all(
        "SELECT DISTINCT json_extract(body, '$.url') FROM events WHERE task = ? AND type = ?",
        (task["id"], IMAGE),
    )
    models = store.database.all("SELECT uri FROM models WHERE task = ?", (task["id"],))
    artifacts = task.get("execution", {}).get("artifacts", [])
    return {
        "event_urls": [row[0] for row in images if row[0]],
        "model_urls": [row[0] for row in models if row[0]],
        "artifact_urls": [
            item["uri"] for item in artifacts if item.get("uri") and item.get("mode") != "input"
        ],
    }
