"""Tasks that were taken from a queue and that nobody ever wrote down or started.

Their agent died in the moment between the server's answer and its own record. The server calls
them queued, and no queue holds them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from time import monotonic
from typing import Any

# Longer than an agent that is well takes from the server's answer to the task's start.
SECONDS = 120
_PAGE = 500
_FIELDS = ["id", "execution.queue", "status_changed"]

Call = Callable[..., dict[str, Any]]


class Orphans:
    """Looks for them twice: what is in the same state both times has nobody.

    Parameters
    ----------
    call : callable
        `call(endpoint, **data)`: a request, and its answer's data.
    """

    def __init__(self, call: Call) -> None:
        self._call = call
        self._suspects: dict[str, Mapping[str, Any]] | None = None
        self._next = 0.0
        self._is_done = False

    def look(self, queues: Sequence[str]) -> list[tuple[str, str]]:
        """Take a look where it is time for one.

        Parameters
        ----------
        queues : sequence of str
            The ids of the agent's queues.

        Returns
        -------
        list of (str, str)
            The ids of the orphans and of the queues that they are from.
        """
        if self._is_done or monotonic() < self._next:
            return []
        self._next = monotonic() + SECONDS
        found = self._in_no_queue(queues)
        before, self._suspects = self._suspects, found
        self._is_done = before is not None or not found
        return [
            (task, found[task]["execution"]["queue"])
            for task, state in (before or {}).items()
            if found.get(task) == state
        ]

    def _in_no_queue(self, queues: Sequence[str]) -> dict[str, Mapping[str, Any]]:
        """The tasks that are queued in one of the queues, and that it does not hold."""
        queued = [task for task in self._queued() if _queue_of(task) in queues]
        if not queued:
            return {}
        answer = self._call("queues.get_all", id=list(queues), only_fields=["id", "entries"])
        held = {entry["task"] for each in answer["queues"] for entry in each.get("entries") or ()}
        return {task["id"]: task for task in queued if task["id"] not in held}

    def _queued(self) -> list[Mapping[str, Any]]:
        found: list[Mapping[str, Any]] = []
        wanted = {"status": ["queued"], "only_fields": _FIELDS, "search_hidden": True}
        while True:
            page = len(found) // _PAGE
            answer = self._call("tasks.get_all", **wanted, page=page, page_size=_PAGE)
            found += answer["tasks"]
            if len(answer["tasks"]) < _PAGE:
                return found


def _queue_of(task: Mapping[str, Any]) -> str | None:
    return (task.get("execution") or {}).get("queue")
