"""The types of request fields: the API gives a name the same type wherever it is used."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from fleet.server.errors import invalid_field

_LARGEST = 2**53  # beyond it a JSON number is not exact


def is_text(value: Any) -> bool:
    """Whether a value is text."""
    return isinstance(value, str)


def is_whole(value: Any) -> bool:
    """Whether a value is a whole number of at least 0."""
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= _LARGEST


def is_number(value: Any) -> bool:
    """Whether a value is a number that is not endless."""
    return (
        isinstance(value, int | float)
        and not isinstance(value, bool)
        and -_LARGEST <= value <= _LARGEST
    )


def is_object(value: Any) -> bool:
    """Whether a value is a JSON object."""
    return isinstance(value, dict)


def list_of(check: Callable[[Any], bool]) -> Callable[[Any], bool]:
    """A check that a value is a list of values that pass another check."""
    return lambda value: isinstance(value, list) and all(check(item) for item in value)


def object_of(check: Callable[[Any], bool]) -> Callable[[Any], bool]:
    """A check that a value is an object whose values pass another check."""
    return lambda value: isinstance(value, dict) and all(check(item) for item in value.values())


def with_texts(*names: str) -> Callable[[Any], bool]:
    """A check that a value is an object in which those names have texts."""
    return lambda value: isinstance(value, dict) and all(is_text(value.get(n)) for n in names)


def _maybe(check: Callable[[Any], bool]) -> Callable[[Any], bool]:
    return lambda value: value is None or check(value)


_MODELS = list_of(with_texts("name", "model"))
_HYPERPARAMS = object_of(object_of(is_object))
_CONFIGURATION = object_of(is_object)
_CONTAINER = object_of(_maybe(is_text))

_KINDS: tuple[tuple[str, Callable[[Any], bool], tuple[str, ...]], ...] = (
    (
        "a text",
        is_text,
        (
            "comment",
            "description",
            "destination_project",
            "model",
            "parent",
            "project",
            "queue",
            "task",
            "user",
            "event_type",
            "framework",
            "key",
            "level",
            "new_location",
            "new_project_name",
            "new_status",
            "new_task_comment",
            "new_task_name",
            "new_task_parent",
            "new_task_project",
            "order",
            "output_dest",
            "override_model_id",
            "project_name",
            "queue_name",
            "replace_hyperparams",
            "scroll_id",
            "search_text",
            "status_message",
            "status_reason",
            "token",
            "uri",
            "worker",
            "worker_pattern",
        ),
    ),
    (
        "a list of texts",
        list_of(is_text),
        (
            "ids",
            "keys",
            "names",
            "new_task_system_tags",
            "new_task_tags",
            "only_fields",
            "order_by",
            "projects",
            "queues",
            "tasks",
            "worker_ids",
        ),
    ),
    (
        "a whole number",
        is_whole,
        (
            "batch_size",
            "count",
            "iters",
            "max_task_entries",
            "page",
            "page_size",
            "samples",
            "size",
        ),
    ),
    ("a number", is_number, ("from_timestamp", "last_seen", "threshold_sec", "timeout")),
    ("an object", is_object, ("design", "execution_overrides", "input", "runtime", "ui_cache")),
    ("a list of objects", list_of(is_object), ("args", "metrics")),
    ("a list of models", _MODELS, ("new_task_input_models",)),
    ("hyper-parameters by section and name", _HYPERPARAMS, ("new_task_hyperparams",)),
    ("configurations by name", _CONFIGURATION, ("new_task_configuration",)),
    ("an object of texts", _CONTAINER, ("container", "new_task_container")),
)
_CHECKS = {name: (kind, check) for kind, check, names in _KINDS for name in names}
# What these name in a filter may be a list.
_FILTERED = {
    "comment",
    "container",
    "description",
    "framework",
    "key",
    "model",
    "parent",
    "project",
    "queue",
    "runtime",
    "task",
    "uri",
    "user",
}

_TASK_PARTS: dict[str, tuple[str, Callable[[Any], bool]]] = {
    "comment": ("a text", is_text),
    "configuration": ("configurations by name", _CONFIGURATION),
    "container": ("an object of texts", _CONTAINER),
    "execution": (
        "an object whose artifacts have a key and a type",
        lambda value: (
            is_object(value) and list_of(with_texts("key", "type"))(value.get("artifacts") or [])
        ),
    ),
    "hyperparams": ("hyper-parameters by section and name", _HYPERPARAMS),
    "input": ("an object", is_object),
    "models": ("lists of models, `input` and `output`", object_of(_MODELS)),
    "runtime": ("an object", is_object),
    "script": (
        "an object whose requirements are an object",
        lambda value: is_object(value) and is_object(value.get("requirements") or {}),
    ),
}


def check_request(endpoint: str, data: Mapping[str, Any]) -> None:
    """Refuse a request in which a known field has the wrong type.

    Parameters
    ----------
    endpoint : str
        `service.action`; what filters in a `get_all` is checked where the query is made.
    data : mapping
        The request.
    """
    lists = ".get_all" in endpoint
    for name, value in data.items():
        known = _CHECKS.get(name)
        if known is None or value is None or (lists and name in _FILTERED):
            continue
        kind, check = known
        if not check(value):
            raise invalid_field(name, f"not {kind}")


def check_task_part(name: str, value: Any) -> None:
    """Refuse a part of a task, such as its script, that has the wrong shape."""
    kind, check = _TASK_PARTS[name]
    if not check(value):
        raise invalid_field(name, f"not {kind}")
