"""tasks: making, reading, cloning and deleting them."""

from __future__ import annotations

from typing import Any

from fleet.server import timestamps
from fleet.server.documents import Document, new_id
from fleet.server.errors import invalid_data, invalid_status
from fleet.server.lifecycle import CREATED, PUBLISHED, RUNNING, get_task
from fleet.server.query import from_request
from fleet.server.registry import Call, endpoint
from fleet.server.services.common import check_name, check_tags
from fleet.server.services.listing import get_all_expanded, get_all_of_projects
from fleet.server.services.projects import ensure_project, get_project
from fleet.server.services.removal import remove_task
from fleet.server.shapes import check_task_part

TYPES = [
    "dataset_import",
    "annotation",
    "annotation_manual",
    "training",
    "testing",
    "inference",
    "data_processing",
    "application",
    "monitor",
    "controller",
    "optimizer",
    "service",
    "qc",
    "custom",
    "import",
]
# What a task is made of when it is created or edited; other fields belong to the server.
PARTS = (
    "comment",
    "configuration",
    "container",
    "execution",
    "hyperparams",
    "input",
    "models",
    "script",
    "runtime",
)


@endpoint("tasks.create", name=str, type=str)
def create(call: Call, data: dict[str, Any]) -> dict[str, Any]:
    """Add a draft."""
    task = new_task(call, task_fields(call, data))
    return {"id": task["id"]}


@endpoint("tasks.validate", name=str, type=str)
def validate(call: Call, data: dict[str, Any]) -> dict[str, Any]:
    """Whether a task could be made so."""
    task_fields(call, data)
    return {}


@endpoint("tasks.get_by_id", task=str)
def get_by_id(call: Call, data: dict[str, Any]) -> dict[str, Any]:
    """One task."""
    return {"task": get_task(call.store, data["task"])}


@endpoint("tasks.get_by_id_ex", id=(str, list))
def get_by_id_ex(call: Call, data: dict[str, Any]) -> dict[str, Any]:
    """Tasks with their references by name."""
    return get_all_ex(call, {**data, "search_hidden": True})


@endpoint("tasks.get_all")
def get_all(call: Call, data: dict[str, Any]) -> dict[str, Any]:
    """Tasks that pass the filters."""
    tasks, more = get_all_of_projects(call, call.store.tasks, data)
    return {"tasks": tasks, **more}


@endpoint("tasks.get_all_ex")
def get_all_ex(call: Call, data: dict[str, Any]) -> dict[str, Any]:
    """Tasks that pass the filters, with their references by name."""
    tasks, more = get_all_expanded(call, call.store.tasks, data)
    return {"tasks": tasks, **more}


@endpoint("tasks.get_types")
def get_types(call: Call, data: dict[str, Any]) -> dict[str, Any]:
    """The task types in use."""
    filters = {"project": data.get("projects"), "search_hidden": True}
    return {"types": call.store.tasks.distinct("type", from_request("tasks", filters))}


@endpoint("tasks.clone", task=str)
def clone(call: Call, data: dict[str, Any]) -> dict[str, Any]:
    """A draft like another task: its code, parameters and inputs, without what its run made."""
    source = get_task(call.store, data["task"])
    answer: dict[str, Any] = {}
    project = data.get("new_task_project")
    if not project and data.get("new_project_name"):
        project = ensure_project(call, data["new_project_name"])
        answer["new_project"] = {"id": project, "name": data["new_project_name"]}
    execution = {key: value for key, value in source.get("execution", {}).items() if key != "queue"}
    execution["artifacts"] = [
        item for item in execution.get("artifacts", ()) if item.get("mode") == "input"
    ]
    execution |= data.get("execution_overrides") or {}
    models = data.get("new_task_input_models")
    if models is None:
        models = source.get("models", {}).get("input", [])
    request = {
        "name": data.get("new_task_name") or source["name"],
        "type": source["type"],
        "project": project or source.get("project"),
        "parent": data.get("new_task_parent") or source.get("parent"),
        "tags": _or(data.get("new_task_tags"), source.get("tags", [])),
        "system_tags": data.get("new_task_system_tags") or [],
        "comment": _or(data.get("new_task_comment"), source.get("comment")),
        "script": source.get("script"),
        "input": source.get("input"),
        "execution": execution,
        "hyperparams": _or(data.get("new_task_hyperparams"), source.get("hyperparams")),
        "configuration": _or(data.get("new_task_configuration"), source.get("configuration")),
        "container": _or(data.get("new_task_container"), source.get("container")),
        "models": {"input": models, "output": []},
        "output_dest": source.get("output", {}).get("destination"),
    }
    # The project of an existing task may be gone; that does not keep anybody from cloning it.
    if not call.store.projects.exists(request["project"]) and not project:
        request["project"] = None
    task = new_task(call, task_fields(call, request))
    return {"id": task["id"], **answer}


@endpoint("tasks.delete", task=str)
def delete(call: Call, data: dict[str, Any]) -> dict[str, Any]:
    """Delete a task with its events; one that runs or is published only with force."""
    task = get_task(call.store, data["task"])
    if task["status"] in (RUNNING, PUBLISHED) and not data.get("force"):
        raise invalid_status(id=task["id"], current_status=task["status"])
    answer = remove_task(call.store, task, models=data.get("delete_output_models") is not False)
    if not data.get("return_file_urls"):
        answer["urls"] = None
    return answer


@endpoint("tasks.move", ids=list)
def move(call: Call, data: dict[str, Any]) -> dict[str, Any]:
    """Bring tasks into another project."""
    project = data.get("project")
    if data.get("project_name"):
        project = ensure_project(call, data["project_name"])
    elif project is not None:
        get_project(call.store, project)
    for key in data["ids"]:
        task = get_task(call.store, key)
        call.store.tasks.update(task, {"project": project, "last_change": timestamps.now()})
    return {"project_id": project}


@endpoint("tasks.ping", task=str)
def ping(call: Call, data: dict[str, Any]) -> dict[str, Any]:
    """The task is alive."""
    task = get_task(call.store, data["task"])
    call.store.tasks.update(task, {"last_update": timestamps.now()})
    return {}


def task_fields(call: Call, data: dict[str, Any]) -> dict[str, Any]:
    """The fields of a task that a request to make or edit it gives, checked."""
    fields: dict[str, Any] = check_tags(data)
    if data.get("name") is not None:
        fields["name"] = check_name(data["name"], "task name")
    if data.get("type") is not None:
        if data["type"] not in TYPES:
            raise invalid_data(f"Value must be one of {TYPES}", field="type", value=data["type"])
        fields["type"] = data["type"]
    if data.get("project"):
        fields["project"] = get_project(call.store, data["project"])["id"]
    if data.get("parent"):
        fields["parent"] = get_task(call.store, data["parent"])["id"]
    for part in PARTS:
        if data.get(part) is not None:
            check_task_part(part, data[part])
            fields[part] = data[part]
    if data.get("output_dest") is not None:
        fields["output"] = {"destination": data["output_dest"]}
    return fields


def new_task(call: Call, fields: dict[str, Any]) -> Document:
    """Store a new draft."""
    now = timestamps.now()
    task: Document = {
        "id": new_id(),
        "name": "",
        "type": "training",
        "user": call.identity.user,
        "company": call.identity.company,
        "status": CREATED,
        "status_reason": "",
        "status_message": "",
        "status_changed": now,
        "created": now,
        "last_update": now,
        "last_change": now,
        "last_changed_by": call.identity.user,
        "comment": "",
        "tags": [],
        "system_tags": [],
        "script": {},
        "hyperparams": {},
        "configuration": {},
        "container": {},
        "runtime": {},
        "output": {},
        "last_iteration": 0,
        "last_metrics": {},
        **fields,
    }
    task["execution"] = {**task.get("execution", {})}
    task["execution"]["artifacts"] = task["execution"].get("artifacts") or []
    task["models"] = {"input": [], "output": [], **task.get("models", {})}
    call.store.tasks.insert(task)
    return task


def _or(value: Any, other: Any) -> Any:
    return other if value is None else value
