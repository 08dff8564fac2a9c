"""projects: a tree of names with slashes."""

from __future__ import annotations

from typing import Any

from fleet.server import timestamps
from fleet.server.conditions import Condition, in_list
from fleet.server.documents import Document, new_id
from fleet.server.errors import (
    invalid_data,
    invalid_field,
    invalid_project,
    not_unique,
    project_has_tasks,
)
from fleet.server.query import Query, from_request
from fleet.server.registry import Call, endpoint
from fleet.server.services.common import check_name, check_tags, get_all
from fleet.server.services.removal import remove_task
from fleet.server.store import Store


def get_project(store: Store, project: Any) -> Document:
    """The document of a project; ApiError when there is none."""
    document = store.projects.get(project) if isinstance(project, str) else None
    if document is None:
        raise invalid_project(id=project)
    return document


def ensure_project(call: Call, name: str, **fields: Any) -> str:
    """The id of the project with that name; it and those above it are added when missing."""
    existing = _named(call.store, name)
    if existing:
        return existing
    above, _, basename = name.rpartition("/")
    parent = ensure_project(call, above) if above else None
    now = timestamps.now()
    project = {
        "id": new_id(),
        "name": name,
        "basename": basename,
        "description": "",
        "company": call.identity.company,
        "user": call.identity.user,
        "created": now,
        "last_update": now,
        "tags": [],
        "system_tags": [],
        **fields,
    }
    if parent:
        project["parent"] = parent
    call.store.projects.insert(project)
    return project["id"]


def with_children(store: Store, projects: list[str]) -> list[str]:
    """Ids of projects with those of all projects below them."""
    found = list(projects)
    level = found
    while level:
        condition = in_list("parent", level)
        rows = store.database.all(
            f"SELECT id FROM projects WHERE {condition.sql}", condition.parameters
        )
        level = [row[0] for row in rows]
        found.extend(level)
    return found


@endpoint("projects.create", name=str)
def create(call: Call, data: dict[str, Any]) -> dict[str, Any]:
    """Add a project, and those above it."""
    name = _checked_name(data["name"])
    if _named(call.store, name):
        raise not_unique(name=name)
    fields: dict[str, Any] = check_tags(data)
    for key in ("description", "default_output_destination"):
        if data.get(key) is not None:
            fields[key] = data[key]
    return {"id": ensure_project(call, name, **fields)}


@endpoint("projects.get_by_id", project=str)
def get_by_id(call: Call, data: dict[str, Any]) -> dict[str, Any]:
    """One project."""
    return {"project": get_project(call.store, data["project"])}


@endpoint("projects.get_all")
def get_all_projects(call: Call, data: dict[str, Any]) -> dict[str, Any]:
    """Projects; only those at the top for a shallow search without parents."""
    query = from_request("projects", data)
    if data.get("shallow_search") and not data.get("parent") and not data.get("id"):
        query.where(Condition("projects.parent IS NULL"))
    projects, more = get_all(call.store.projects, data, query)
    if data.get("include_stats") or data.get("check_own_contents"):
        for project in projects:
            project["own_tasks"] = _count(call.store, "tasks", [project["id"]])
            project["own_models"] = _count(call.store, "models", [project["id"]])
    if data.get("include_stats"):
        for project in projects:
            _add_stats(call.store, project)
    return {"projects": projects, **more}


@endpoint("projects.get_all_ex")
def get_all_ex(call: Call, data: dict[str, Any]) -> dict[str, Any]:
    """Projects, with figures when `include_stats` is set."""
    return get_all_projects(call, data)


@endpoint("projects.update", project=str)
def update(call: Call, data: dict[str, Any]) -> dict[str, Any]:
    """Change a project; those below follow its name."""
    project = get_project(call.store, data["project"])
    fields: dict[str, Any] = check_tags(data)
    for key in ("description", "default_output_destination"):
        if data.get(key) is not None:
            fields[key] = data[key]
    if data.get("name") is not None:
        _rename(call, project, _checked_name(data["name"]))
        fields["name"] = project["name"]
    call.store.projects.update(project, {**fields, "last_update": timestamps.now()})
    return {"updated": 1, "fields": fields}


@endpoint("projects.move", project=str)
def move(call: Call, data: dict[str, Any]) -> dict[str, Any]:
    """Bring a project and those below it under another one, or to the top."""
    project = get_project(call.store, data["project"])
    above = (data.get("new_location") or "").strip("/")
    _rename(call, project, f"{above}/{project['basename']}" if above else project["basename"])
    return {"moved": len(with_children(call.store, [project["id"]]))}


@endpoint("projects.delete", project=str)
def delete(call: Call, data: dict[str, Any]) -> dict[str, Any]:
    """Remove a project and those below it.

    What it holds is refused without force, removed with `delete_contents`, else left without a
    project.
    """
    store = call.store
    projects = with_children(store, [get_project(store, data["project"])["id"]])
    held = in_list("project", projects)
    tasks = [
        row[0]
        for row in store.database.all(f"SELECT id FROM tasks WHERE {held.sql}", held.parameters)
    ]
    if tasks and not data.get("force") and not data.get("delete_contents"):
        raise project_has_tasks(id=data["project"])
    answer = {
        "deleted": len(projects),
        "disassociated_tasks": 0,
        "deleted_tasks": 0,
        "deleted_models": 0,
    }
    for key in tasks:
        task = store.tasks.get(key)
        if data.get("delete_contents"):
            answer["deleted_models"] += remove_task(store, task)["deleted_models"]
            answer["deleted_tasks"] += 1
        else:
            store.tasks.update(task, {"project": None})
            answer["disassociated_tasks"] += 1
    models = store.database.all(f"SELECT id FROM models WHERE {held.sql}", held.parameters)
    for (key,) in models:
        if data.get("delete_contents"):
            store.models.delete(key)
            answer["deleted_models"] += 1
        else:
            store.models.update(store.models.get(key), {"project": None})
    for key in projects:
        store.projects.delete(key)
    return answer


@endpoint("projects.validate_delete", project=str)
def validate_delete(call: Call, data: dict[str, Any]) -> dict[str, Any]:
    """What a project holds."""
    projects = with_children(call.store, [get_project(call.store, data["project"])["id"]])
    answer = {}
    for table in ("tasks", "models"):
        answer[table] = _count(call.store, table, projects)
        answer[f"non_archived_{table}"] = _count(call.store, table, projects, archived=False)
    return answer


def _named(store: Store, name: str) -> str | None:
    row = store.database.one("SELECT id FROM projects WHERE name = ?", (name,))
    return row[0] if row else None


def _checked_name(name: str) -> str:
    name = check_name(name, "project name")
    if any(not part.strip() for part in name.split("/")):
        raise invalid_data("Project name has an empty part", name=name)
    return name


def _rename(call: Call, project: Document, name: str) -> None:
    store = call.store
    old = project["name"]
    if name == old:
        return
    if name.startswith(f"{old}/"):
        raise invalid_field("name", "a project cannot go below itself")
    if _named(store, name):
        raise not_unique(name=name)
    above, _, basename = name.rpartition("/")
    parent = ensure_project(call, above) if above else None
    for key in with_children(store, [project["id"]])[1:]:
        child = store.projects.get(key)
        store.projects.update(child, {"name": name + child["name"][len(old) :]})
    store.projects.update(project, {"name": name, "basename": basename, "parent": parent})


def _count(store: Store, table: str, projects: list[str], archived: bool = True) -> int:
    held = in_list("project", projects)
    query = Query().where(held)
    if not archived:
        query.where(
            Condition(
                "id NOT IN (SELECT id FROM labels WHERE collection = ? AND kind = 'system_tags'"
                " AND tag = 'archived')",
                (table,),
            )
        )
    return store.database.one(*query.count(table))[0]


def _add_stats(store: Store, project: Document) -> None:
    below = with_children(store, [project["id"]])
    held = in_list("project", below)
    rows = store.database.all(
        f"SELECT status, COUNT(*) FROM tasks WHERE {held.sql} GROUP BY status", held.parameters
    )
    counts = dict(rows)
    project["stats"] = {
        "active": {"total_tasks": sum(counts.values()), "status_count": counts},
        "archived": {"total_tasks": 0, "status_count": {}},
    }
    project["sub_projects"] = [
        {"id": key, "name": store.projects.get(key)["name"]} for key in below[1:]
    ]
