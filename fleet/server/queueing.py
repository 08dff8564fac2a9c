"""The order of tasks in queues. A task waits in one queue at most.

A task that a worker took is remembered until something is done with it: the worker may be gone
before it starts the task, and then no queue would hold it.
"""

from __future__ import annotations

from fleet.server import timestamps
from fleet.server.database import Database


class QueueEntries:
    """The entries of all queues."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def append(self, queue: str, task: str) -> None:
        """Put a task at the end of a queue; it leaves the queue where it was."""
        self.remove(task)
        self._database.execute(
            "INSERT INTO queue_entries (task, queue, position, added) VALUES (?, ?,"
            " (SELECT COALESCE(MAX(position), 0) + 1 FROM queue_entries WHERE queue = ?), ?)",
            (task, queue, queue, timestamps.now()),
        )

    def pop(self, queue: str) -> dict[str, str] | None:
        """Take the first entry out of a queue for a worker; None when it is empty."""
        row = self._database.one(
            "SELECT task, added FROM queue_entries WHERE queue = ? ORDER BY position LIMIT 1",
            (queue,),
        )
        if row is None:
            return None
        self.remove(row[0])
        self._database.execute(
            "INSERT INTO handed_out (task, queue, at) VALUES (?, ?, ?)",
            (row[0], queue, timestamps.now()),
        )
        return {"task": row[0], "added": row[1]}

    def handed_out(self, before: str) -> list[tuple[str, str]]:
        """The (task, queue) pairs popped before a time with which nothing was done since."""
        return self._database.all(
            "SELECT task, queue FROM handed_out WHERE at < ? ORDER BY at", (before,)
        )

    def remove(self, task: str) -> bool:
        """Take a task out of the queue where it waits; whether it was in one."""
        self._database.execute("DELETE FROM handed_out WHERE task = ?", (task,))
        return (
            self._database.execute("DELETE FROM queue_entries WHERE task = ?", (task,)).rowcount > 0
        )

    def queue_of(self, task: str) -> str | None:
        """The queue where a task waits."""
        row = self._database.one("SELECT queue FROM queue_entries WHERE task = ?", (task,))
        return row[0] if row else None

    def listed(self, queue: str, limit: int | None = None) -> list[dict[str, str]]:
        """The entries of a queue in order, the first `limit` of them."""
        rows = self._database.all(
            "SELECT task, added FROM queue_entries WHERE queue = ? ORDER BY position LIMIT ?",
            (queue, -1 if limit is None else limit),
        )
        return [{"task": task, "added": added} for task, added in rows]

    def length(self, queue: str) -> int:
        """The number of tasks that wait in a queue."""
        return self._database.one("SELECT COUNT(*) FROM queue_entries WHERE queue = ?", (queue,))[0]

    def move(self, queue: str, task: str, target: int | None = None, by: int = 0) -> int | None:
        """Give a task another place in its queue.

        Parameters
        ----------
        queue, task : str
            Their ids.
        target : int, optional
            The new index, counted from the end when negative.
        by : int
            Without a target: how many places towards the end.

        Returns
        -------
        int or None
            The new index; None when the task is not in the queue.
        """
        order = [entry["task"] for entry in self.listed(queue)]
        if task not in order:
            return None
        last = len(order) - 1
        index = order.index(task) + by if target is None else target
        index = last if index == -1 and target is not None else min(max(index, 0), last)
        order.remove(task)
        order.insert(index, task)
        self._database.many(
            "UPDATE queue_entries SET position = ? WHERE task = ?",
            [(position, name) for position, name in enumerate(order, start=1)],
        )
        return index
