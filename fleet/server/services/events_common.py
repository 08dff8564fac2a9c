"""What the services that read events share: whose events, and which."""

from __future__ import annotations

from typing import Any

from fleet.server.errors import invalid_field
from fleet.server.lifecycle import get_task
from fleet.server.registry import Call
from fleet.server.services.models import get_model
from fleet.server.shapes import is_text, list_of


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
    found = []
    for item in metrics or []:
        metric, variants = item.get("metric"), item.get("variants") or []
        if not (metric is None or is_text(metric)) or not list_of(is_text)(variants):
            raise invalid_field("metrics", "a metric or a variant is not a text")
        found.append((metric, variants))
    return found
