"""From the filters of a `get_all` request to SQL over a collection."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from fleet.server import timestamps
from fleet.server.conditions import NEVER, Condition, combine, in_list, matches, parse_list
from fleet.server.errors import invalid_field

LABELLED = ("tags", "system_tags")
_COLUMNS = {
    "tasks": {"id", "name", "type", "status", "project", "parent", "created", "last_update"},
    "models": {"id", "name", "project", "task", "uri", "created", "last_update"},
    "projects": {"id", "name", "parent", "last_update"},
    "queues": {"id", "name"},
    "users": {"id", "name"},
}
_DATES = {
    "created",
    "started",
    "completed",
    "published",
    "last_update",
    "last_change",
    "status_changed",
    "last_worker_report",
}
_PATTERNS = {"name", "description", "basename", "comment"}
# Keys of a request that do not name a field of the documents.
_NOT_FIELDS = {
    "id",
    "order_by",
    "page",
    "page_size",
    "size",
    "scroll_id",
    "refresh_scroll",
    "only_fields",
    "search_text",
    "search_hidden",
    "shallow_search",
    "include_subprojects",
    "method",
    "_any_",
    "_all_",
    "allow_public",
    "max_task_entries",
    "include_stats",
    "stats_for_state",
    "check_own_contents",
    "stats_with_children",
    "active_users",
    "include_dataset_stats",
    "children_type",
    "children_tags",
    "children_tags_filter",
    "include_stats_filter",
    "entries_count",
    "projects",
}


@dataclass
class Query:
    """Conditions that all hold, an order and a page."""

    conditions: list[Condition] = field(default_factory=list)
    order: list[str] = field(default_factory=list)
    limit: int | None = None
    offset: int = 0

    def where(self, condition: Condition | None) -> Query:
        """Add a condition; None adds nothing."""
        if condition is not None:
            self.conditions.append(condition)
        return self

    def select(self, table: str, columns: str) -> tuple[str, tuple]:
        """The statement that reads columns of the documents, and its parameters."""
        sql, parameters = self._from(table, columns)
        sql += " ORDER BY " + ", ".join([*self.order, f"{table}.rowid"])
        if self.limit is not None:
            sql += f" LIMIT {self.limit} OFFSET {self.offset}"
        return sql, parameters

    def count(self, table: str) -> tuple[str, tuple]:
        """The statement that counts the documents, and its parameters."""
        return self._from(table, "COUNT(*)")

    def _from(self, table: str, columns: str) -> tuple[str, tuple]:
        whole = combine("AND", self.conditions) if self.conditions else Condition("1")
        return f"SELECT {columns} FROM {table} WHERE {whole.sql}", whole.parameters


def from_request(collection: str, data: Mapping[str, Any]) -> Query:
    """The query that a `get_all` request asks for.

    Parameters
    ----------
    collection : str
        `tasks`, `models`, `projects`, `queues` or `users`.
    data : mapping
        The request. Filters on fields that documents of that kind lack select nothing.
    """
    query = Query()
    if data.get("id"):
        expression = f"{collection}.id"
        query.where(parse_list("id", data["id"], lambda values: in_list(expression, values)))
    for key in LABELLED:
        query.where(parse_list(key, data.get(key), _labelled(collection, key)))
    for key, value in data.items():
        if key not in _NOT_FIELDS and key not in LABELLED and not _empty(value):
            query.where(_field(collection, key, value))
    query.where(_search(collection, data.get("search_text")))
    for key, word in (("_any_", "OR"), ("_all_", "AND")):
        query.where(_multi_field(collection, data.get(key), key, word))
    # What was asked for by its id is never hidden.
    if collection != "models" and not data.get("search_hidden") and not data.get("id"):
        query.where(_labelled(collection, "system_tags")(["hidden"]).negated())
    query.order = [
        _order(collection, name)
        for name in data.get("order_by") or []
        if not name.lstrip("-").startswith("@")
    ]
    query.limit, query.offset = page_of(data)
    return query


def page_of(data: Mapping[str, Any]) -> tuple[int | None, int]:
    """Limit and offset of a request, by page or by scroll."""
    if data.get("scroll_id") or data.get("size"):
        return _number(data, "size", 500), decode_scroll(data.get("scroll_id"))
    if data.get("page") is None and not data.get("page_size"):
        return None, 0
    size = _number(data, "page_size", 500)
    return size, size * _number(data, "page", 0)


def next_scroll(data: Mapping[str, Any], returned: int) -> str | None:
    """The scroll id of the page after this one; None when the request does not scroll."""
    if not (data.get("scroll_id") or data.get("size")):
        return None
    return encode_scroll(decode_scroll(data.get("scroll_id")) + returned)


def encode_scroll(position: Any) -> str:
    """A position as a scroll id: the server keeps nothing for a client that scrolls."""
    return base64.urlsafe_b64encode(json.dumps(position).encode()).decode()


def decode_scroll(scroll_id: str | None, start: Any = 0) -> Any:
    """The position in a scroll id; `start`, which has the type of positions, when there is none."""
    if not scroll_id:
        return start
    try:
        position = json.loads(base64.urlsafe_b64decode(scroll_id.encode()))
    except (binascii.Error, ValueError):
        position = None
    if type(position) is not type(start) or not _exact(position):
        raise invalid_field("scroll_id", "not a scroll id of this server")
    return position


def json_path(name: str) -> str:
    """The JSON path of a dotted field name, safe inside a quoted SQL text."""
    if not isinstance(name, str) or any(mark in name for mark in "'\"\\\0"):
        raise invalid_field("field name", f"not a field: {name!r}")
    return "$" + "".join(f'."{part}"' for part in name.split("."))


def _expression(collection: str, name: str) -> str:
    if name in _COLUMNS[collection]:
        return f"{collection}.{name}"
    return f"json_extract({collection}.doc, '{json_path(name)}')"


def _labelled(collection: str, kind: str):
    def match(tags: list) -> Condition:
        label = in_list("tag", [tag for tag in tags if tag is not None])
        found = Condition(
            f"{collection}.id IN (SELECT id FROM labels WHERE collection = ? AND kind = ?"
            f" AND {label.sql})",
            (collection, kind, *label.parameters),
        )
        if None not in tags:
            return found
        untagged = Condition(
            f"{collection}.id NOT IN (SELECT id FROM labels WHERE collection = ? AND kind = ?)",
            (collection, kind),
        )
        return combine("OR", [found, untagged])

    return match


def _field(collection: str, key: str, value: Any) -> Condition | None:
    expression = _expression(collection, key)
    if key in _PATTERNS and isinstance(value, str):
        return matches(expression, value)
    if key in _DATES:
        return _dates(expression, key, _as_list(value))
    if isinstance(value, bool):
        return Condition(f"COALESCE({expression}, 0) = ?", (int(value),))
    if key.startswith("last_metrics.") and isinstance(value, list) and len(value) == 2:
        return _range(expression, value)
    if isinstance(value, dict):
        raise invalid_field(key, "not a filter")
    return parse_list(key, value, lambda values: in_list(expression, values))


def _dates(expression: str, key: str, constraints: list) -> Condition:
    parts = []
    for constraint in constraints:
        try:
            operator, moment = timestamps.parse_constraint(constraint)
        except (ValueError, OverflowError, OSError):
            raise invalid_field(key, f"not a time: {constraint!r}") from None
        parts.append(Condition(f"{expression} {operator} ?", (moment,)))
    return combine("AND", parts) if parts else NEVER


def _range(expression: str, bounds: list) -> Condition | None:
    parts = [
        Condition(f"{expression} {operator} ?", (bound,))
        for operator, bound in zip((">=", "<="), bounds, strict=True)
        if bound is not None
    ]
    return combine("AND", parts) if parts else None


def _search(collection: str, text: str | None) -> Condition | None:
    if not text:
        return None
    fields = ("id", "name", "comment", "description")
    return combine(
        "OR",
        [
            Condition(
                f"instr(lower(COALESCE({_expression(collection, name)}, '')), ?)",
                (str(text).lower(),),
            )
            for name in fields
        ],
    )


def _multi_field(collection: str, value: Any, key: str, word: str) -> Condition | None:
    if not value:
        return None
    fields = value.get("fields") if isinstance(value, dict) else None
    if not fields or not isinstance(value.get("pattern"), str):
        raise invalid_field(key, "needs fields and a pattern")
    parts = []
    for name in fields:
        if name == "id":
            parts.append(matches(f"{collection}.id", value["pattern"]))
            continue
        match = matches("value", value["pattern"])
        # Of a list each element is looked at, of anything else the value itself.
        parts.append(
            Condition(
                f"EXISTS (SELECT 1 FROM json_each({collection}.doc, '{json_path(name)}')"
                f" WHERE {match.sql})",
                match.parameters,
            )
        )
    return combine(word, parts)


def _order(collection: str, name: str) -> str:
    direction = " DESC" if name.startswith("-") else ""
    return _expression(collection, name.removeprefix("-")) + direction


def _as_list(value: Any) -> list:
    return value if isinstance(value, list) else [value]


def _empty(value: Any) -> bool:
    return value is None or value == [] or value == "" or value == {}


def _exact(position: Any) -> bool:
    if isinstance(position, dict):
        position = list(position.values())
    values = position if isinstance(position, list) else [position]
    return all(isinstance(value, int) and abs(value) < 2**62 for value in values)


def _number(data: Mapping[str, Any], key: str, default: int) -> int:
    return default if data.get(key) is None else data[key]
