"""The JSON Schema of queues.yml, for editors and for messages.

`python -m fleet.spec.schema` writes it to :data:`SCHEMA_FILE`.
"""

from __future__ import annotations

import functools
import json
from pathlib import Path
from typing import Any

from pydantic.json_schema import GenerateJsonSchema

from fleet.spec.models import Spec
from ml.catalog import PHASES

SCHEMA_FILE = Path(__file__).with_name("queues.schema.json")


@functools.cache
def schema() -> dict[str, Any]:
    """The schema, made from the model and the phases that there are. Not to be changed."""
    made = Spec.model_json_schema(schema_generator=_Generator)
    definitions = made["$defs"]
    phases = definitions["Queue"]["properties"]["phases"]
    phases["items"] = {"enum": list(PHASES), "type": "string"}
    definitions["Access"]["properties"]["may_run"]["propertyNames"] = {"enum": list(PHASES)}
    return {"$schema": GenerateJsonSchema.schema_dialect, **made, "title": "queues.yml"}


def node_at(keys: tuple[str | int, ...]) -> dict[str, Any] | None:
    """The part of the schema that says what may stand at a path of the file."""
    node: dict[str, Any] | None = schema()
    for key in keys:
        node = resolve(node) if node else None
        if node is None:
            return None
        if isinstance(key, int):
            node = node.get("items")
        elif key in node.get("properties", {}):
            node = node["properties"][key]
        else:
            below = node.get("additionalProperties")
            node = below if isinstance(below, dict) else None
    return node


def resolve(node: dict[str, Any]) -> dict[str, Any]:
    """A node with the definition that it refers to, keeping its own description."""
    if "$ref" not in node:
        return node
    return {**schema()["$defs"][node["$ref"].rpartition("/")[2]], **node}


def text() -> str:
    """The schema as the committed file holds it."""
    return json.dumps(schema(), indent=2, ensure_ascii=False) + "\n"


class _Generator(GenerateJsonSchema):
    """Without a title for each field, which only repeats its name; names are checked as keys."""

    def field_title_should_be_set(self, schema: Any) -> bool:
        return False

    def dict_schema(self, schema: Any) -> dict[str, Any]:
        made = super().dict_schema(schema)
        for pattern, below in made.pop("patternProperties", {}).items():
            made["propertyNames"] = {"pattern": pattern, **made.get("propertyNames", {})}
            made["additionalProperties"] = below
        return made


if __name__ == "__main__":
    SCHEMA_FILE.write_text(text(), encoding="utf-8")
