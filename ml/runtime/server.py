"""What the runtime asks the ClearML server, by the SDK's own client."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from clearml.backend_api.session.client import APIClient

from ml.runtime import conventions as names
from ml.runtime.step import Outcome

_PAGE = 500
_FIELDS = (
    "id",
    "name",
    "tags",
    "status",
    "status_message",
    "hyperparams",
    "started",
    "completed",
    "last_worker",
    "execution.queue",
)


class Server:
    """The few requests that the runtime makes itself."""

    def __init__(self) -> None:
        self._client = APIClient()
        self._queue_names: dict[str, str] = {}

    def edit_task(self, task_id: str, **changes: Any) -> None:
        """Change a task's name, tags, project or container."""
        self._client.tasks.edit(task=task_id, force=True, **changes)

    def queue_name(self, queue_id: str | None) -> str:
        """The name of a queue; empty where there is none."""
        if not queue_id:
            return ""
        if queue_id not in self._queue_names:
            queues = self._client.queues.get_all(only_fields=["id", "name"])
            self._queue_names = {queue.id: queue.name for queue in queues}
        return self._queue_names.get(queue_id, "")

    def polled_queues(self) -> set[str]:
        """The names of the queues that a live agent polls."""
        workers = self._client.workers.get_all(last_seen=120)
        return {
            _field(queue, "name")
            for worker in workers
            for queue in (_field(worker, "queues") or [])
            if _field(queue, "name")
        }

    def templates(self, channel: str) -> dict[str, str]:
        """Phase → id of its newest template in a channel."""
        found: dict[str, str] = {}
        for task in self._tasks(
            tags=[names.TEMPLATE_TAG], status=["created"], order_by=["-last_update"]
        ):
            # a clone that a user made of a template bears its tags, but another name
            tags = set(task.tags or [])
            if tags.issuperset(names.template_tags(task.name, channel)):
                found.setdefault(task.name, task.id)
        return found

    def outcomes(self, run_id: str) -> list[Outcome]:
        """The steps of a run, in the order they started."""
        found = []
        for task in self._tasks(tags=[names.run_tag(run_id)], order_by=["started"]):
            phase = names.phase_of(task.tags or [])
            if phase:
                found.append(self._outcome(task, phase))
        return found

    def _tasks(self, **criteria: Any) -> Iterable[Any]:
        page = 0
        while True:
            tasks = self._client.tasks.get_all(
                only_fields=list(_FIELDS), page=page, page_size=_PAGE, **criteria
            )
            yield from tasks
            if len(tasks) < _PAGE:
                return
            page += 1

    def _outcome(self, task: Any, phase: str) -> Outcome:
        return Outcome(
            reference=task.id,
            name=task.name,
            phase=phase,
            status=str(getattr(task.status, "value", task.status)),
            properties=user_properties(_field(task, "hyperparams")),
            message=str(_field(task, "status_message") or ""),
            seconds=_seconds(_field(task, "started"), _field(task, "completed")),
            queue=self.queue_name(_field(_field(task, "execution"), "queue")),
            worker=str(_field(task, "last_worker") or ""),
        )


def user_properties(hyperparams: Any) -> dict[str, str]:
    """The user properties in a task's hyper-parameters."""
    section = _field(hyperparams, "properties") or {}
    return {name: str(_field(item, "value")) for name, item in _items(section)}


def _items(section: Any) -> Iterable[tuple[str, Any]]:
    return section.items() if isinstance(section, Mapping) else vars(section).items()


def _field(holder: Any, name: str) -> Any:
    if isinstance(holder, Mapping):
        return holder.get(name)
    return getattr(holder, name, None)


def _seconds(started: datetime | None, completed: datetime | None) -> float | None:
    if not isinstance(started, datetime) or not isinstance(completed, datetime):
        return None
    return (completed - started).total_seconds()
