"""Which fields of a document an answer holds."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any


def top_fields(only_fields: Iterable[str]) -> list[str]:
    """The top-level fields that a projection reads."""
    return [name.split(".", 1)[0] for name in only_fields]


def project(document: dict[str, Any], only_fields: Iterable[str]) -> dict[str, Any]:
    """The named fields of a document; dots lead into it. The id is always there."""
    result = {"id": document["id"]} if "id" in document else {}
    for name in only_fields:
        _copy(document, result, name.split("."))
    return result


def _copy(source: dict, target: dict, parts: list[str]) -> None:
    # A key may hold dots itself, such as a parameter's name: the shortest match comes first.
    for length in range(1, len(parts) + 1):
        key, rest = ".".join(parts[:length]), parts[length:]
        if key not in source:
            continue
        value = source[key]
        if not rest:
            target[key] = value
        elif isinstance(value, dict):
            _copy(value, target.setdefault(key, {}), rest)
        elif isinstance(value, list):
            items = target.setdefault(key, [{} for _ in value])
            for item, part in zip(value, items, strict=True):
                if isinstance(item, dict):
                    _copy(item, part, rest)
        return
