"""organization: tags in use anywhere."""

from __future__ import annotations

from typing import Any

from fleet.server.registry import Call, endpoint


@endpoint("organization.get_tags")
def get_tags(call: Call, data: dict[str, Any]) -> dict[str, Any]:
    """The tags of tasks, models, queues and projects; system tags too when asked for."""
    store = call.store
    collections = (store.tasks, store.models, store.queues, store.projects)
    kinds = ["tags", "system_tags"] if data.get("include_system") else ["tags"]
    return {
        kind: sorted({tag for collection in collections for tag in collection.labels(kind)})
        for kind in kinds
    }
