"""models: what tasks made and use."""

from __future__ import annotations

from typing import Any

from fleet.server import lifecycle, timestamps
from fleet.server.documents import Document, new_id
from fleet.server.errors import invalid_data, invalid_field, invalid_model, model_in_use
from fleet.server.lifecycle import get_task, used_elsewhere
from fleet.server.query import from_request
from fleet.server.registry import Call, endpoint
from fleet.server.services.common import (
    bulk,
    check_name,
    check_tags,
    merge_metadata,
)
from fleet.server.services.listing import get_all_expanded, get_all_of_projects
from fleet.server.services.projects import ensure_project, get_project
from fleet.server.store import Store

_PLAIN = ("comment", "design", "framework", "labels", "uri", "ready", "ui_cache")
_ARCHIVED = "archived"


def get_model(store: Store, model: Any) -> Document:
    """The document of a model; ApiError when there is none."""
    document = store.models.get(model) if isinstance(model, str) else None
    if document is None:
        raise invalid_model(id=model)
    return document


@endpoint("models.create", name=str, uri=str)
def create(call: Call, data: dict[str, Any]) -> dict[str, Any]:
    """Add a model."""
    now = timestamps.now()
    model: Document = {
        "id": new_id(),
        "company": call.identity.company,
        "user": call.identity.user,
        "created": now,
        "last_update": now,
        "last_change": now,
        "tags": [],
        "system_tags": [],
        "ready": False,
        "labels": {},
        "design": {},
        "metadata": {},
        **_fields(call, data),
    }
    call.store.models.insert(model)
    return {"id": model["id"], "created": True}


@endpoint("models.edit", model=str)
def edit(call: Call, data: dict[str, Any]) -> dict[str, Any]:
    """Change a model."""
    return _changed(call, get_model(call.store, data["model"]), _fields(call, data))


@endpoint("models.update", model=str)
def update(call: Call, data: dict[str, Any]) -> dict[str, Any]:
    """Change a model."""
    return edit(call, data)


@endpoint("models.get_by_id", model=str)
def get_by_id(call: Call, data: dict[str, Any]) -> dict[str, Any]:
    """One model."""
    return {"model": get_model(call.store, data["model"])}


@endpoint("models.get_by_task_id", task=str)
def get_by_task_id(call: Call, data: dict[str, Any]) -> dict[str, Any]:
    """The last output model of a task."""
    outputs = get_task(call.store, data["task"])["models"].get("output", [])
    if not outputs:
        raise invalid_model(task=data["task"])
    return {"model": get_model(call.store, outputs[-1]["model"])}


@endpoint("models.get_all")
def get_all(call: Call, data: dict[str, Any]) -> dict[str, Any]:
    """Models that pass the filters."""
    models, more = get_all_of_projects(call, call.store.models, data)
    return {"models": models, **more}


@endpoint("models.get_all_ex")
def get_all_ex(call: Call, data: dict[str, Any]) -> dict[str, Any]:
    """Models that pass the filters, with their references by name."""
    models, more = get_all_expanded(call, call.store.models, data)
    return {"models": models, **more}


@endpoint("models.update_for_task", task=str)
def update_for_task(call: Call, data: dict[str, Any]) -> dict[str, Any]:
    """Make or change the output model of a task, from an address or another model."""
    store = call.store
    task = get_task(store, data["task"])
    if bool(data.get("uri")) == bool(data.get("override_model_id")):
        raise invalid_field("uri", "exactly one of uri and override_model_id is needed")
    if data.get("override_model_id"):
        model = get_model(store, data["override_model_id"])
        answer: dict[str, Any] = {"id": model["id"], "created": False, "updated": 1}
    else:
        outputs = task["models"].get("output", [])
        model = store.models.get(outputs[-1]["model"]) if outputs else None
        if model:
            answer = {
                "id": model["id"],
                "created": False,
                **_changed(call, model, _fields(call, {**data, "task": None, "project": None})),
            }
        else:
            name = data.get("name") or task["name"]
            answer = create(call, {**data, "name": name, "project": task.get("project")})
            model = get_model(store, answer["id"])
    name = data.get("name") or model["name"]
    entry = {"name": name, "model": model["id"], "updated": timestamps.now()}
    kept = [item for item in task["models"].get("output", ()) if item["model"] != model["id"]]
    now = timestamps.now()
    store.tasks.update(
        task,
        {
            "models": {**task["models"], "output": [*kept, entry]},
            "last_update": now,
            "last_change": now,
        },
    )
    return answer


@endpoint("models.set_ready", model=str)
def set_ready(call: Call, data: dict[str, Any]) -> dict[str, Any]:
    """Publish a model, and its task too unless told otherwise."""
    model = get_model(call.store, data["model"])
    answer = _changed(call, model, {"ready": True})
    task = call.store.tasks.get(model.get("task"))
    published = task and task["status"] == lifecycle.PUBLISHED
    if task and not published and data.get("publish_task") is not False:
        fields = lifecycle.publish(
            call.store, task, "", "", force=bool(data.get("force_publish_task")), models=False
        )
        answer["published_task"] = {"id": task["id"], "data": {"updated": 1, "fields": fields}}
    return answer


@endpoint("models.publish_many", ids=list)
def publish_many(call: Call, data: dict[str, Any]) -> dict[str, Any]:
    """Publish models."""
    request = {
        "publish_task": data.get("publish_tasks"),
        "force_publish_task": data.get("force_publish_task"),
    }
    return bulk(call, data["ids"], lambda key: set_ready(call, {**request, "model": key}))


@endpoint("models.delete", model=str)
def delete(call: Call, data: dict[str, Any]) -> dict[str, Any]:
    """Delete a model; one that other tasks use or a published task made only with force."""
    store = call.store
    model = get_model(store, data["model"])
    task = store.tasks.get(model.get("task"))
    if not data.get("force"):
        if used_elsewhere(store, model["id"], None):
            raise model_in_use(id=model["id"])
        if task and task["status"] == lifecycle.PUBLISHED:
            raise model_in_use(id=model["id"], task=task["id"])
    if task:
        kept = [item for item in task["models"].get("output", ()) if item["model"] != model["id"]]
        store.tasks.update(task, {"models": {**task["models"], "output": kept}})
    store.metrics.remove(model["id"])
    store.models.delete(model["id"])
    return {"deleted": True, "url": model.get("uri")}


@endpoint("models.delete_many", ids=list)
def delete_many(call: Call, data: dict[str, Any]) -> dict[str, Any]:
    """Delete models."""
    return bulk(call, data["ids"], lambda key: delete(call, {**data, "model": key}))


@endpoint("models.archive_many", ids=list)
def archive_many(call: Call, data: dict[str, Any]) -> dict[str, Any]:
    """Put models away."""
    return bulk(call, data["ids"], lambda key: _archive(call, key, True))


@endpoint("models.unarchive_many", ids=list)
def unarchive_many(call: Call, data: dict[str, Any]) -> dict[str, Any]:
    """Bring models back."""
    return bulk(call, data["ids"], lambda key: _archive(call, key, False))


@endpoint("models.move", ids=list)
def move(call: Call, data: dict[str, Any]) -> dict[str, Any]:
    """Bring models into another project."""
    project = data.get("project")
    if data.get("project_name"):
        project = ensure_project(call, data["project_name"])
    elif project is not None:
        get_project(call.store, project)
    for key in data["ids"]:
        _changed(call, get_model(call.store, key), {"project": project})
    return {"project_id": project}


@endpoint("models.get_frameworks")
def get_frameworks(call: Call, data: dict[str, Any]) -> dict[str, Any]:
    """The frameworks in use."""
    query = from_request("models", {"project": data.get("projects")})
    return {"frameworks": call.store.models.distinct("framework", query)}


@endpoint("models.add_or_update_metadata", model=str, metadata=list)
def add_or_update_metadata(call: Call, data: dict[str, Any]) -> dict[str, Any]:
    """Set metadata items of a model."""
    model = get_model(call.store, data["model"])
    metadata = merge_metadata(
        model.get("metadata", {}), data["metadata"], bool(data.get("replace_metadata"))
    )
    _changed(call, model, {"metadata": metadata})
    return {"updated": 1}


@endpoint("models.delete_metadata", model=str, keys=list)
def delete_metadata(call: Call, data: dict[str, Any]) -> dict[str, Any]:
    """Remove metadata items of a model."""
    model = get_model(call.store, data["model"])
    kept = {key: item for key, item in model.get("metadata", {}).items() if key not in data["keys"]}
    _changed(call, model, {"metadata": kept})
    return {"updated": 1}


def _fields(call: Call, data: dict[str, Any]) -> dict[str, Any]:
    fields: dict[str, Any] = check_tags(data)
    if data.get("name") is not None:
        fields["name"] = check_name(data["name"], "model name")
    if data.get("project"):
        fields["project"] = get_project(call.store, data["project"])["id"]
    if data.get("task"):
        fields["task"] = get_task(call.store, data["task"])["id"]
    if data.get("parent"):
        fields["parent"] = get_model(call.store, data["parent"])["id"]
    fields |= {key: data[key] for key in _PLAIN if data.get(key) is not None}
    if data.get("metadata") is not None:
        if not isinstance(data["metadata"], list):
            raise invalid_data("Not a list", field="metadata")
        fields["metadata"] = merge_metadata({}, data["metadata"], replace=True)
    return fields


def _changed(call: Call, model: Document, fields: dict[str, Any]) -> dict[str, Any]:
    now = timestamps.now()
    call.store.models.update(model, {**fields, "last_update": now, "last_change": now})
    return {"updated": 1, "fields": fields}


def _archive(call: Call, key: str, archived: bool) -> dict[str, Any]:
    model = get_model(call.store, key)
    tags = [tag for tag in model.get("system_tags", ()) if tag != _ARCHIVED]
    _changed(call, model, {"system_tags": [*tags, _ARCHIVED] if archived else tags})
    return {"archived" if archived else "unarchived": True}
