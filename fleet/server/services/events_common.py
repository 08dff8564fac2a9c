"""What the services that read events share: whose events, and which."""

from __future__ import annotations

from typing import Any

from fleet.server.lifecycle import get_task
from fleet.server.registry import Call
from fleet.server.services.models import get_model


def owner_of(call: Call, data: dict[str, Any], key: str) -> str:
    """The id of the task, or the model when `model_events` is set; ApiError when there is none."""
    if data.get("model_events"):
        return get_model(call.store, key)["id"]
    return get_task(call.store, key)["id"]


def title_of(call: Call, data: dict[str, Any], key: str) -> str:
    """The name of that task or model."""
    collection = call.store.models if data.get("model_events") else call.store.tasks
    return collection.get(key)["name"]


def variants_of(metrics: list[dict[str, Any]] | None) -> list[tuple[str | None, list[str]]]:
    """A request's metrics as pairs of a metric and its variants."""
    return [(item.get("metric"), item.get("variants") or []) for item in metrics or []]
