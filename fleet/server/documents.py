"""Collections of JSON documents, each a table with the columns that are filtered most."""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterable, Mapping
from typing import Any

from fleet.server.database import Database
from fleet.server.query import LABELLED, Query, json_path

Document = dict[str, Any]


def new_id() -> str:
    """An id as clients know it: 32 hexadecimal digits."""
    return secrets.token_hex(16)


def dumps(value: Any) -> str:
    """A value as compact JSON text."""
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)


class Collection:
    """The documents of one kind.

    Parameters
    ----------
    database : Database
        Where they are.
    name : str
        Their table.
    """

    def __init__(self, database: Database, name: str) -> None:
        self._database = database
        self.name = name

    def get(self, key: str | None) -> Document | None:
        """The document with that id, or None."""
        row = self._database.one(f"SELECT doc FROM {self.name} WHERE id = ?", (key,))
        return json.loads(row[0]) if row else None

    def exists(self, key: str | None) -> bool:
        """Whether there is a document with that id."""
        return self._database.one(f"SELECT 1 FROM {self.name} WHERE id = ?", (key,)) is not None

    def insert(self, document: Document) -> None:
        """Add a document; its `id` is its key."""
        self._database.execute(
            f"INSERT INTO {self.name} (id, doc) VALUES (?, ?)", (document["id"], dumps(document))
        )
        self._label(document, LABELLED)

    def update(self, document: Document, changes: Mapping[str, Any]) -> None:
        """Set top-level fields of a document, here and in the table; None removes a field."""
        document.update(changes)
        for field in [key for key, value in changes.items() if value is None]:
            del document[field]
        self._database.execute(
            f"UPDATE {self.name} SET doc = ? WHERE id = ?", (dumps(document), document["id"])
        )
        self._label(document, [kind for kind in LABELLED if kind in changes])

    def delete(self, key: str) -> None:
        """Remove a document."""
        self._database.execute(f"DELETE FROM {self.name} WHERE id = ?", (key,))
        self._database.execute(
            "DELETE FROM labels WHERE collection = ? AND id = ?", (self.name, key)
        )

    def find(self, query: Query, fields: Iterable[str] | None = None) -> list[Document]:
        """The documents that a query selects, in its order.

        Parameters
        ----------
        query : Query
            Conditions, order and page.
        fields : iterable of str, optional
            Top-level fields to read; all of them when left out. Fields that a document lacks
            are left out of it.
        """
        if fields is None:
            rows = self._database.all(*query.select(self.name, "doc"))
            return [json.loads(row[0]) for row in rows]
        # Two paths at least make json_extract answer with an array.
        names = list(dict.fromkeys(["id", *fields]))
        paths = ", ".join(f"'{json_path(name)}'" for name in [*names, "id"])
        rows = self._database.all(*query.select(self.name, f"json_extract(doc, {paths})"))
        return [
            {
                name: value
                for name, value in zip(names, json.loads(row[0]), strict=False)
                if value is not None
            }
            for row in rows
        ]

    def count(self, query: Query) -> int:
        """The number of documents that a query selects, whatever its page."""
        return self._database.one(*query.count(self.name))[0]

    def distinct(self, path: str, query: Query) -> list[Any]:
        """The distinct values of a field among the documents that a query selects."""
        sql, parameters = query.select(self.name, f"json_extract(doc, '{json_path(path)}') AS v")
        rows = self._database.all(f"SELECT DISTINCT v FROM ({sql}) ORDER BY v", parameters)
        return [row[0] for row in rows if row[0] is not None]

    def labels(self, kind: str) -> list[str]:
        """All tags of one kind (`tags` or `system_tags`) in use."""
        rows = self._database.all(
            "SELECT DISTINCT tag FROM labels WHERE collection = ? AND kind = ? ORDER BY tag",
            (self.name, kind),
        )
        return [row[0] for row in rows]

    def _label(self, document: Document, kinds: Iterable[str]) -> None:
        for kind in kinds:
            self._database.execute(
                "DELETE FROM labels WHERE collection = ? AND id = ? AND kind = ?",
                (self.name, document["id"], kind),
            )
            self._database.many(
                "INSERT OR IGNORE INTO labels (collection, kind, tag, id) VALUES (?, ?, ?, ?)",
                [(self.name, kind, tag, document["id"]) for tag in document.get(kind) or ()],
            )
