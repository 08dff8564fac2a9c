"""Worker records, forgotten some time after the last report, and properties set for workers."""

from __future__ import annotations

import json
import time
from typing import Any

from fleet.server import timestamps
from fleet.server.database import Database
from fleet.server.documents import dumps


class Workers:
    """The workers that reported lately.

    Parameters
    ----------
    database : Database
        Where the records are: a restarted server still knows who is there.
    timeout : float
        Seconds after its last report until a worker is forgotten, unless it asked for another.
    """

    def __init__(self, database: Database, timeout: float) -> None:
        self._database = database
        self._timeout = timeout

    def report(self, worker: str, changes: dict[str, Any], timeout: float | None = None) -> None:
        """Note a sign of life with what it said. A worker that was unknown is added."""
        now = timestamps.now()
        record = self.get(worker) or {"id": worker, "register_time": now, "queues": []}
        record.update(changes)
        record["last_activity_time"] = record["last_report_time"] = now
        record["timeout"] = timeout or record.get("timeout") or self._timeout
        self._database.execute(
            "INSERT OR REPLACE INTO workers (id, doc, expires) VALUES (?, ?, ?)",
            (worker, dumps(record), time.time() + record["timeout"]),
        )

    def get(self, worker: str) -> dict[str, Any] | None:
        """The record of a worker that is not forgotten."""
        row = self._database.one(
            "SELECT doc FROM workers WHERE id = ? AND expires > ?", (worker, time.time())
        )
        return json.loads(row[0]) if row else None

    def listed(self, last_seen: float | None = None) -> list[dict[str, Any]]:
        """The records by id, those that reported in the last `last_seen` seconds."""
        rows = self._database.all(
            "SELECT doc FROM workers WHERE expires > ? ORDER BY id", (time.time(),)
        )
        records = [json.loads(row[0]) for row in rows]
        if not last_seen:
            return records
        oldest = timestamps.from_epoch(time.time() - last_seen)
        return [record for record in records if record["last_report_time"] >= oldest]

    def remove(self, worker: str) -> bool:
        """Forget a worker; whether it was known."""
        return self._database.execute("DELETE FROM workers WHERE id = ?", (worker,)).rowcount > 0

    def remove_expired(self) -> None:
        """Forget those that did not report in time."""
        self._database.execute("DELETE FROM workers WHERE expires <= ?", (time.time(),))

    def watches(self, queue: str) -> bool:
        """Whether a worker listens on a queue."""
        return any(queue in record.get("queues", ()) for record in self.listed())

    def properties(self, worker: str) -> list[dict[str, Any]]:
        """The properties set for a worker, such as `force`, and the seconds left to each."""
        rows = self._database.all(
            "SELECT key, value, expires FROM worker_properties WHERE worker = ?"
            " AND (expires IS NULL OR expires > ?) ORDER BY key",
            (worker, time.time()),
        )
        return [
            {"key": key, "value": value, "expiry": expires and round(expires - time.time())}
            for key, value, expires in rows
        ]

    def set_property(self, worker: str, key: str, value: str, lifetime: float | None) -> None:
        """Set a property for a worker, for `lifetime` seconds or for good."""
        self._database.execute(
            "INSERT OR REPLACE INTO worker_properties VALUES (?, ?, ?, ?)",
            (worker, key, value, time.time() + lifetime if lifetime else None),
        )
