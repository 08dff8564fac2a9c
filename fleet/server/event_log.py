"""The console lines of tasks."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from fleet.server.database import Database

_FIELDS = ("timestamp", "level", "worker", "msg", "task")


class EventLog:
    """Lines in the order of their times; lines of one time in the order they came."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, lines: Iterable[dict[str, Any]]) -> None:
        """Add log events: `task`, `timestamp` in ms, `level`, `worker`, `msg`."""
        self._database.many(
            "INSERT INTO logs (timestamp, level, worker, msg, task) VALUES (?, ?, ?, ?, ?)",
            [tuple(line.get(name) for name in _FIELDS) for line in lines],
        )

    def page(
        self,
        task: str,
        *,
        limit: int,
        latest_first: bool = False,
        after: tuple[int, int] | None = None,
    ) -> list[dict[str, Any]]:
        """Lines of a task.

        Parameters
        ----------
        task : str
            Its id.
        limit : int
            How many at most.
        latest_first : bool
            The direction.
        after : tuple of (timestamp, seq), optional
            Where to go on: the position of the last line that was seen.
        """
        order, operator = ("DESC", "<") if latest_first else ("ASC", ">")
        condition, parameters = "", (task,)
        if after is not None:
            condition, parameters = f" AND (timestamp, seq) {operator} (?, ?)", (task, *after)
        rows = self._database.all(
            f"SELECT seq, timestamp, level, worker, msg FROM logs WHERE task = ?{condition}"
            f" ORDER BY timestamp {order}, seq {order} LIMIT ?",
            (*parameters, limit),
        )
        return [
            {
                "seq": seq,
                "timestamp": timestamp,
                "type": "log",
                "task": task,
                "level": level,
                "worker": worker,
                "msg": msg,
            }
            for seq, timestamp, level, worker, msg in rows
        ]

    def count(self, task: str) -> int:
        """The number of lines of a task."""
        return self._database.one("SELECT COUNT(*) FROM logs WHERE task = ?", (task,))[0]

    def remove(self, task: str, before: int | None = None) -> int:
        """Remove the lines of a task, those older than `before` (ms) only; how many."""
        if before is None:
            return self._database.execute("DELETE FROM logs WHERE task = ?", (task,)).rowcount
        return self._database.execute(
            "DELETE FROM logs WHERE task = ? AND timestamp < ?", (task, before)
        ).rowcount
