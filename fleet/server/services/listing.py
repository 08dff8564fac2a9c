"""Listing what belongs to projects, tasks and models alike."""

from __future__ import annotations

from typing import Any

from fleet.server.documents import Collection, Document
from fleet.server.registry import Call
from fleet.server.services.common import REFERENCES, expand, get_all
from fleet.server.services.projects import with_children

Listed = tuple[list[Document], dict[str, Any]]


def get_all_of_projects(call: Call, collection: Collection, data: dict[str, Any]) -> Listed:
    """The documents that a `get_all` request asks for; `include_subprojects` counts.

    Returns
    -------
    tuple of list and dict
        As `common.get_all` gives them.
    """
    if data.get("project") and data.get("include_subprojects"):
        projects = data["project"] if isinstance(data["project"], list) else [data["project"]]
        data = {**data, "project": with_children(call.store, projects)}
    return get_all(collection, data)


def get_all_expanded(call: Call, collection: Collection, data: dict[str, Any]) -> Listed:
    """The documents that a `get_all_ex` request asks for, with their references by name."""
    only_fields = data.get("only_fields")
    if only_fields is not None:
        # The whole reference is needed to find what `project.name` asks for.
        heads = [name.split(".")[0] for name in only_fields]
        wanted = [
            head if head in REFERENCES else name
            for head, name in zip(heads, only_fields, strict=True)
        ]
        data = {**data, "only_fields": wanted}
    documents, more = get_all_of_projects(call, collection, data)
    expand(call.store, documents, only_fields)
    return documents, more
