"""What several services do alike: listing, checking names, editing metadata, bulk calls."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from fleet.server.documents import Collection, Document
from fleet.server.errors import ApiError, invalid_data, invalid_field
from fleet.server.projection import project, top_fields
from fleet.server.query import Query, from_request, next_scroll
from fleet.server.registry import Call
from fleet.server.store import Store

REFERENCES = ("project", "user", "parent", "task")  # fields that hold another object's id
_SHORTEST_NAME = 3


def get_all(
    collection: Collection, data: dict[str, Any], query: Query | None = None
) -> tuple[list[Document], dict[str, Any]]:
    """The documents that a `get_all` request asks for.

    Returns
    -------
    tuple of list and dict
        The documents, and what else the answer holds: `scroll_id` when the request scrolls.
    """
    only_fields = data.get("only_fields")
    if only_fields is not None and not _are_names(only_fields):
        raise invalid_field("only_fields", "not a list of field names")
    query = query or from_request(collection.name, data)
    if only_fields:
        documents = collection.find(query, top_fields(only_fields))
        documents = [project(document, only_fields) for document in documents]
    else:
        documents = collection.find(query)
    scroll = next_scroll(data, len(documents))
    return documents, {"scroll_id": scroll} if scroll else {}


def check_name(name: Any, what: str) -> str:
    """A name that can be stored: text of three characters or more, without blanks around it."""
    if not isinstance(name, str):
        raise invalid_field("name", f"{name!r} is not text")
    if len(name.strip()) < _SHORTEST_NAME:
        raise invalid_data("String value is too short", field=what, value=name)
    return name.strip()


def check_tags(data: dict[str, Any]) -> dict[str, list[str]]:
    """The `tags` and `system_tags` of a request, each tag once."""
    result = {}
    for key in ("tags", "system_tags"):
        if data.get(key) is not None:
            if not _are_names(data[key]):
                raise invalid_field(key, "not a list of texts")
            result[key] = list(dict.fromkeys(data[key]))
    return result


def expand(store: Store, documents: list[Document], fields: Iterable[str] | None) -> None:
    """Replace references by objects with id and name, as the `_ex` endpoints answer.

    Parameters
    ----------
    store : Store
        Where the referred objects are.
    documents : list
        They are changed.
    fields : iterable of str or None
        The request's `only_fields`: references that it follows with a dot are replaced; all of
        them when it is None.
    """
    referred = (store.projects, store.users, store.tasks, store.tasks)
    followed = None if fields is None else {name.split(".")[0] for name in fields if "." in name}
    for field, collection in zip(REFERENCES, referred, strict=True):
        if followed is not None and field not in followed:
            continue
        found: dict[str, Document] = {}
        for document in documents:
            key = document.get(field)
            if not isinstance(key, str):
                continue
            if key not in found:
                target = collection.get(key)
                found[key] = {"id": key, **({"name": target["name"]} if target else {})}
            document[field] = found[key]


def merge_metadata(
    current: dict[str, Any], items: list[dict[str, Any]], replace: bool
) -> dict[str, Any]:
    """Metadata by key with items added or updated."""
    result = {} if replace else dict(current)
    for item in items:
        if not isinstance(item, dict) or not item.get("key"):
            raise invalid_field("metadata", "an item has no key")
        result[item["key"]] = {
            name: str(item[name]) for name in ("key", "type", "value") if item.get(name) is not None
        }
    return result


def bulk(
    call: Call, ids: list[str], work: Callable[[str], dict[str, Any] | None]
) -> dict[str, list[dict[str, Any]]]:
    """Do one thing for many ids: `succeeded` and `failed`, as the `_many` endpoints answer.

    One id's failure undoes nothing of the others'.
    """
    succeeded, failed = [], []
    for key in ids:
        call.store.database.execute("SAVEPOINT item")
        try:
            succeeded.append({"id": key, **(work(key) or {})})
        except ApiError as error:
            call.store.database.execute("ROLLBACK TO item")
            failed.append(
                {
                    "id": key,
                    "error": {
                        "codes": [error.code, error.subcode],
                        "msg": error.message,
                        "data": {},
                    },
                }
            )
        call.store.database.execute("RELEASE item")
    return {"succeeded": succeeded, "failed": failed}


def _are_names(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(item, str) for item in value)
