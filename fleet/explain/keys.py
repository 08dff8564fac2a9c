"""docs/queues-yml.md: every key of queues.yml, from the model that reads it."""

from __future__ import annotations

import types
from collections.abc import Iterator
from typing import Annotated, Any, Literal, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from fleet.explain.answer import Table
from fleet.explain.markdown import markdown_table
from fleet.spec import Spec

_KINDS = {str: "text", int: "whole number", float: "number", bool: "true or false"}
# `int | None` and `Annotated[…] | None` have different origins.
_UNIONS = (types.UnionType, get_origin(Annotated[int, "any"] | None))


def keys_page() -> str:
    """docs/queues-yml.md: every key of queues.yml with its help."""
    parts = [
        "\n# queues.yml, key by key\n",
        "NAME stands for a name that you choose, `[]` for each item of a list. `fleet validate`",
        "checks the file, and editors that know JSON Schema check it while you type.\n",
    ]
    for title, model in _sections():
        rows = tuple(
            (f"`{key}`", _kind(info.annotation), _default(info), info.description or "")
            for key, info in model.model_fields.items()
        )
        heading = title.rstrip(".") or "The top"
        table = Table(("key", "value", "default", "what it is"), rows)
        parts.append(f"## {heading}\n\n{model.__doc__}\n\n{markdown_table(table)}")
    return "\n".join(parts)


def _sections(
    model: type[BaseModel] = Spec, prefix: str = ""
) -> Iterator[tuple[str, type[BaseModel]]]:
    """Each model with the path that its keys stand at."""
    yield prefix, model
    for key, info in model.model_fields.items():
        inner, path = _model_in(info.annotation, f"{prefix}{key}")
        if inner:
            yield from _sections(inner, f"{path}.")


def _model_in(annotation: Any, path: str) -> tuple[type[BaseModel] | None, str]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation, path
    if get_origin(annotation) is dict:
        return _model_in(get_args(annotation)[1], f"{path}.NAME")
    if get_origin(annotation) is list:
        return _model_in(get_args(annotation)[0], f"{path}[]")
    return None, path


def _kind(annotation: Any) -> str:
    """What is written as a value, in words."""
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        return _kind(arguments[0])
    if origin is Literal:
        return ", ".join(f"`{choice}`" for choice in arguments)
    if origin in _UNIONS:
        kinds = [_kind(one) for one in arguments if one is not types.NoneType]
        return " or ".join(dict.fromkeys(kinds))
    if origin is list:
        return f"list of {_kind(arguments[0]).replace('mapping', 'mappings')}"
    if origin is dict:
        return f"NAME: {_kind(arguments[1])}, …"
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return "mapping (below)"
    return _KINDS[annotation]


def _default(info: FieldInfo) -> str:
    if info.is_required():
        return "must be there"
    value = info.get_default(call_default_factory=True)
    if isinstance(value, bool):
        return f"`{str(value).lower()}`"
    return f"`{value}`" if isinstance(value, str | int) and value != "" else "-"
