"""The SQLite file: its schema, its one connection, and transactions.

All work is done by the thread of the event loop, so one call's changes are never mixed with
another's. Every call ends in `commit` or `rollback`; in WAL mode a committed change survives the
death of the process.
"""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterable, Sequence
from functools import lru_cache
from pathlib import Path

from fleet.errors import FleetError

_PRAGMAS = """
    PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA busy_timeout = 5000;
    PRAGMA cache_size = -32768; PRAGMA temp_store = MEMORY;
"""
# Each entry brings the schema from its index to the next version; released ones never change.
MIGRATIONS = (
    """
    CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
    CREATE TABLE credentials (
        access_key TEXT PRIMARY KEY, secret_hash TEXT NOT NULL, user TEXT NOT NULL,
        label TEXT, created TEXT NOT NULL
    ) WITHOUT ROWID;

    CREATE TABLE users (id TEXT PRIMARY KEY, doc TEXT NOT NULL,
        name TEXT GENERATED ALWAYS AS (json_extract(doc, '$.name')) VIRTUAL);

    CREATE TABLE projects (id TEXT PRIMARY KEY, doc TEXT NOT NULL,
        name TEXT GENERATED ALWAYS AS (json_extract(doc, '$.name')) VIRTUAL,
        parent TEXT GENERATED ALWAYS AS (json_extract(doc, '$.parent')) VIRTUAL,
        last_update TEXT GENERATED ALWAYS AS (json_extract(doc, '$.last_update')) VIRTUAL);
    CREATE UNIQUE INDEX projects_name ON projects (name);
    CREATE INDEX projects_parent ON projects (parent);

    CREATE TABLE tasks (id TEXT PRIMARY KEY, doc TEXT NOT NULL,
        name TEXT GENERATED ALWAYS AS (json_extract(doc, '$.name')) VIRTUAL,
        type TEXT GENERATED ALWAYS AS (json_extract(doc, '$.type')) VIRTUAL,
        status TEXT GENERATED ALWAYS AS (json_extract(doc, '$.status')) VIRTUAL,
        project TEXT GENERATED ALWAYS AS (json_extract(doc, '$.project')) VIRTUAL,
        parent TEXT GENERATED ALWAYS AS (json_extract(doc, '$.parent')) VIRTUAL,
        created TEXT GENERATED ALWAYS AS (json_extract(doc, '$.created')) VIRTUAL,
        last_update TEXT GENERATED ALWAYS AS (json_extract(doc, '$.last_update')) VIRTUAL);
    CREATE INDEX tasks_name ON tasks (name);
    CREATE INDEX tasks_status ON tasks (status, last_update);
    CREATE INDEX tasks_project ON tasks (project, last_update);
    CREATE INDEX tasks_parent ON tasks (parent);
    CREATE INDEX tasks_created ON tasks (created);
    CREATE INDEX tasks_last_update ON tasks (last_update);

    CREATE TABLE models (id TEXT PRIMARY KEY, doc TEXT NOT NULL,
        name TEXT GENERATED ALWAYS AS (json_extract(doc, '$.name')) VIRTUAL,
        project TEXT GENERATED ALWAYS AS (json_extract(doc, '$.project')) VIRTUAL,
        task TEXT GENERATED ALWAYS AS (json_extract(doc, '$.task')) VIRTUAL,
        uri TEXT GENERATED ALWAYS AS (json_extract(doc, '$.uri')) VIRTUAL,
        created TEXT GENERATED ALWAYS AS (json_extract(doc, '$.created')) VIRTUAL,
        last_update TEXT GENERATED ALWAYS AS (json_extract(doc, '$.last_update')) VIRTUAL);
    CREATE INDEX models_name ON models (name);
    CREATE INDEX models_project ON models (project, last_update);
    CREATE INDEX models_task ON models (task);
    CREATE INDEX models_uri ON models (uri);

    CREATE TABLE queues (id TEXT PRIMARY KEY, doc TEXT NOT NULL,
        name TEXT GENERATED ALWAYS AS (json_extract(doc, '$.name')) VIRTUAL);
    CREATE UNIQUE INDEX queues_name ON queues (name);
    CREATE TABLE queue_entries (
        task TEXT PRIMARY KEY, queue TEXT NOT NULL, position INTEGER NOT NULL, added TEXT NOT NULL
    ) WITHOUT ROWID;
    CREATE INDEX queue_entries_order ON queue_entries (queue, position);

    CREATE TABLE labels (
        collection TEXT NOT NULL, kind TEXT NOT NULL, tag TEXT NOT NULL, id TEXT NOT NULL,
        PRIMARY KEY (collection, kind, tag, id)
    ) WITHOUT ROWID;
    CREATE INDEX labels_id ON labels (collection, id);

    CREATE TABLE workers (id TEXT PRIMARY KEY, doc TEXT NOT NULL, expires REAL NOT NULL);
    CREATE TABLE worker_properties (
        worker TEXT NOT NULL, key TEXT NOT NULL, value TEXT NOT NULL, expires REAL,
        PRIMARY KEY (worker, key)
    ) WITHOUT ROWID;

    CREATE TABLE logs (seq INTEGER PRIMARY KEY, task TEXT NOT NULL, timestamp INTEGER NOT NULL,
        level TEXT, worker TEXT, msg TEXT NOT NULL);
    CREATE INDEX logs_order ON logs (task, timestamp, seq);
    CREATE TABLE events (seq INTEGER PRIMARY KEY, task TEXT NOT NULL, type TEXT NOT NULL,
        metric TEXT NOT NULL, variant TEXT NOT NULL, iter INTEGER NOT NULL,
        timestamp INTEGER NOT NULL, value REAL, body TEXT);
    CREATE UNIQUE INDEX events_key ON events (task, type, metric, variant, iter);
    """,
    """
    CREATE TABLE handed_out (task TEXT PRIMARY KEY, queue TEXT NOT NULL, at TEXT NOT NULL)
        WITHOUT ROWID;
    """,
)


class Database:
    """The connection to the file, opened and brought to the newest schema.

    Parameters
    ----------
    path : Path
        The SQLite file; it is made when it is missing.

    Raises
    ------
    FleetError
        The file is not such a database, or a newer one.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._connection = sqlite3.connect(path, cached_statements=512)
        self._connection.create_function("regexp", 2, _regexp, deterministic=True)
        try:
            self._connection.executescript(_PRAGMAS)
            self._migrate()
        except sqlite3.DatabaseError as error:
            self._connection.close()
            raise FleetError(
                f"the server's database cannot be used: {error}",
                where=str(path),
                mend="restore it from a copy, or choose another folder with --data",
            ) from None
        self.execute = self._connection.execute
        self.commit = self._connection.commit
        self.rollback = self._connection.rollback

    def one(self, sql: str, parameters: Sequence = ()) -> tuple | None:
        """The first row, or None."""
        return self.execute(sql, parameters).fetchone()

    def all(self, sql: str, parameters: Sequence = ()) -> list[tuple]:
        """All rows."""
        return self.execute(sql, parameters).fetchall()

    def many(self, sql: str, rows: Iterable[Sequence]) -> None:
        """Run a statement once for each row of parameters."""
        self._connection.executemany(sql, rows)

    def close(self) -> None:
        """Fold the write-ahead log into the file and close it."""
        self._connection.commit()
        self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        self._connection.close()

    def _migrate(self) -> None:
        version = self._connection.execute("PRAGMA user_version").fetchone()[0]
        if version > len(MIGRATIONS):
            self._connection.close()
            raise FleetError(
                "the server's database was written by a newer version",
                where=str(self._path),
                mend="run the version that wrote it, or choose another folder with --data",
            )
        for number, script in enumerate(MIGRATIONS[version:], start=version + 1):
            self._connection.executescript(
                f"BEGIN; {script} PRAGMA user_version = {number}; COMMIT;"
            )


@lru_cache(maxsize=256)
def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern)


def _regexp(pattern: str, value: object) -> bool:
    return value is not None and _compiled(pattern).search(str(value)) is not None
