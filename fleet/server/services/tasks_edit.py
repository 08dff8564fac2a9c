"""tasks: changing what a draft is made of, and what a run adds to a task."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from fleet.server import timestamps
from fleet.server.documents import Document
from fleet.server.errors import invalid_field, invalid_model, invalid_status
from fleet.server.lifecycle import CREATED, get_task
from fleet.server.registry import Call, endpoint
from fleet.server.services.tasks import task_fields

_PROPERTIES = "properties"  # the section of user properties, which may change at any time


@endpoint("tasks.edit", task=str)
def edit(call: Call, data: dict[str, Any]) -> dict[str, Any]:
    """Change a draft; any other task with force."""
    task = _editable(call, data)
    fields = task_fields(call, data)
    if "execution" in fields:
        fields["execution"] = {**task.get("execution", {}), **fields["execution"]}
    if "models" in fields:
        fields["models"] = {**task.get("models", {}), **fields["models"]}
    if "output" in fields:
        fields["output"] = {**task.get("output", {}), **fields["output"]}
    if "script" in fields and "requirements" in task.get("script", {}):
        # Clients describe the code first and find its requirements later.
        fields["script"] = {"requirements": task["script"]["requirements"], **fields["script"]}
    return _saved(call, task, fields)


@endpoint("tasks.update", task=str)
def update(call: Call, data: dict[str, Any]) -> dict[str, Any]:
    """Change a task's name, tags, comment or project, whatever its status."""
    task = get_task(call.store, data["task"])
    names = ("name", "tags", "system_tags", "comment", "project")
    return _saved(call, task, task_fields(call, {name: data.get(name) for name in names}))


@endpoint("tasks.set_requirements", task=str, requirements=dict)
def set_requirements(call: Call, data: dict[str, Any]) -> dict[str, Any]:
    """Note the packages that a task needs."""
    task = get_task(call.store, data["task"])
    script = {**task.get("script", {}), "requirements": data["requirements"]}
    return _saved(call, task, {"script": script})


@endpoint("tasks.get_hyper_params", tasks=list)
def get_hyper_params(call: Call, data: dict[str, Any]) -> dict[str, Any]:
    """The hyper-parameters of tasks as lists."""
    params = []
    for key in data["tasks"]:
        task = get_task(call.store, key)
        items = [
            item
            for _, section in sorted(task.get("hyperparams", {}).items())
            for _, item in sorted(section.items())
        ]
        params.append({"task": key, "hyperparams": items})
    return {"params": params}


@endpoint("tasks.edit_hyper_params", task=str, hyperparams=list)
def edit_hyper_params(call: Call, data: dict[str, Any]) -> dict[str, Any]:
    """Add or change hyper-parameters; user properties at any time, others as `edit` allows."""
    items = _items(data["hyperparams"], "hyperparams", ("section", "name"))
    task = _editable(call, data, free=all(item["section"] == _PROPERTIES for item in items))
    replace = data.get("replace_hyperparams") or "none"
    if replace not in ("none", "section", "all"):
        raise invalid_field("replace_hyperparams", "not one of none, section, all")
    touched = {item["section"] for item in items}
    sections = {
        name: {} if replace == "section" and name in touched else dict(section)
        for name, section in ({} if replace == "all" else task.get("hyperparams", {})).items()
    }
    for item in items:
        section = sections.setdefault(item["section"], {})
        section[item["name"]] = {**section.get(item["name"], {}), **item}
    _saved(call, task, {"hyperparams": sections})
    return {"updated": 1}


@endpoint("tasks.delete_hyper_params", task=str, hyperparams=list)
def delete_hyper_params(call: Call, data: dict[str, Any]) -> dict[str, Any]:
    """Remove hyper-parameters; without a name the whole section."""
    keys = _items(data["hyperparams"], "hyperparams", ("section",))
    task = _editable(call, data, free=all(key["section"] == _PROPERTIES for key in keys))
    sections = {name: dict(section) for name, section in task.get("hyperparams", {}).items()}
    for key in keys:
        if not key.get("name"):
            sections.pop(key["section"], None)
        else:
            sections.get(key["section"], {}).pop(key["name"], None)
    kept = {name: section for name, section in sections.items() if section}
    _saved(call, task, {"hyperparams": kept})
    return {"deleted": 1}


@endpoint("tasks.get_configurations", tasks=list)
def get_configurations(call: Call, data: dict[str, Any]) -> dict[str, Any]:
    """The configuration objects of tasks as lists, all or those named."""
    names = data.get("names")
    found = []
    for key in data["tasks"]:
        configuration = get_task(call.store, key).get("configuration", {})
        found.append(
            {
                "task": key,
                "configuration": [
                    item
                    for name, item in sorted(configuration.items())
                    if not names or name in names
                ],
            }
        )
    return {"configurations": found}


@endpoint("tasks.get_configuration_names", tasks=list)
def get_configuration_names(call: Call, data: dict[str, Any]) -> dict[str, Any]:
    """The names of the configuration objects of tasks, by task."""
    skip = data.get("skip_empty") is not False
    found = {}
    for key in data["tasks"]:
        configuration = get_task(call.store, key).get("configuration", {})
        names = [
            name for name, item in sorted(configuration.items()) if not skip or item.get("value")
        ]
        found[key] = {"task": key, "names": names}
    return {"configurations": found}


@endpoint("tasks.edit_configuration", task=str, configuration=list)
def edit_configuration(call: Call, data: dict[str, Any]) -> dict[str, Any]:
    """Add or change configuration objects."""
    items = _items(data["configuration"], "configuration", ("name",))
    task = _editable(call, data)
    current = {} if data.get("replace_configuration") else task.get("configuration", {})
    _saved(call, task, {"configuration": {**current, **{item["name"]: item for item in items}}})
    return {"updated": 1}


@endpoint("tasks.delete_configuration", task=str, configuration=list)
def delete_configuration(call: Call, data: dict[str, Any]) -> dict[str, Any]:
    """Remove configuration objects."""
    task = _editable(call, data)
    kept = {
        name: item
        for name, item in task.get("configuration", {}).items()
        if name not in data["configuration"]
    }
    _saved(call, task, {"configuration": kept})
    return {"deleted": 1}


@endpoint("tasks.add_or_update_artifacts", task=str, artifacts=list)
def add_or_update_artifacts(call: Call, data: dict[str, Any]) -> dict[str, Any]:
    """Add artifacts; one of the same key and mode is replaced."""
    items = _items(data["artifacts"], "artifacts", ("key", "type"))
    task = _editable(call, data)
    artifacts = {_artifact_key(item): item for item in task["execution"].get("artifacts", ())}
    artifacts |= {_artifact_key(item): {"mode": "output", **item} for item in items}
    _saved(call, task, {"execution": {**task["execution"], "artifacts": list(artifacts.values())}})
    return {"updated": 1}


@endpoint("tasks.delete_artifacts", task=str, artifacts=list)
def delete_artifacts(call: Call, data: dict[str, Any]) -> dict[str, Any]:
    """Remove artifacts by key and mode."""
    gone = {_artifact_key(item) for item in _items(data["artifacts"], "artifacts", ("key",))}
    task = _editable(call, data)
    kept = [
        item for item in task["execution"].get("artifacts", ()) if _artifact_key(item) not in gone
    ]
    _saved(call, task, {"execution": {**task["execution"], "artifacts": kept}})
    return {"deleted": 1}


@endpoint("tasks.add_or_update_model", task=str, name=str, model=str, type=str)
def add_or_update_model(call: Call, data: dict[str, Any]) -> dict[str, Any]:
    """Name a model as an input or output of a task."""
    task = get_task(call.store, data["task"])
    if not call.store.models.exists(data["model"]):
        raise invalid_model(id=data["model"])
    side = data["type"]
    if side not in ("input", "output"):
        raise invalid_field("type", "not one of input, output")
    entry = {"name": data["name"], "model": data["model"], "updated": timestamps.now()}
    kept = [item for item in task["models"].get(side, ()) if item["name"] != data["name"]]
    changes: dict[str, Any] = {"models": {**task["models"], side: [*kept, entry]}}
    if isinstance(data.get("iteration"), int):
        changes["last_iteration"] = max(data["iteration"], task.get("last_iteration", 0))
    _saved(call, task, changes)
    return {"updated": 1}


@endpoint("tasks.delete_models", task=str, models=list)
def delete_models(call: Call, data: dict[str, Any]) -> dict[str, Any]:
    """Remove models from the inputs or outputs of a task; the models stay."""
    task = get_task(call.store, data["task"])
    gone = {
        (item["type"], item["name"]) for item in _items(data["models"], "models", ("name", "type"))
    }
    models = {
        side: [item for item in items if (side, item["name"]) not in gone]
        for side, items in task["models"].items()
    }
    _saved(call, task, {"models": models})
    return {"updated": 1}


def _editable(call: Call, data: dict[str, Any], free: bool = False) -> Document:
    task = get_task(call.store, data["task"])
    if task["status"] != CREATED and not data.get("force") and not free:
        raise invalid_status(id=task["id"], expected=CREATED, current_status=task["status"])
    return task


def _saved(call: Call, task: Document, fields: dict[str, Any]) -> dict[str, Any]:
    now = timestamps.now()
    call.store.tasks.update(
        task,
        {**fields, "last_update": now, "last_change": now, "last_changed_by": call.identity.user},
    )
    return {"updated": 1, "fields": fields}


def _items(values: list, field: str, required: Iterable[str]) -> list[dict[str, Any]]:
    for value in values:
        if not isinstance(value, dict) or any(
            not isinstance(value.get(key), str) for key in required
        ):
            raise invalid_field(field, f"an item needs {', '.join(required)}")
    return values


def _artifact_key(item: dict[str, Any]) -> tuple[str, str]:
    return item["key"], item.get("mode") or "output"
