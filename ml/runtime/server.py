"""What the runtime asks the ClearML server itself, through the SDK's own session."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from clearml.backend_api import Session

from ml.runtime import conventions as names
from ml.runtime import record as records
from ml.runtime.differences import Template
from ml.runtime.failures import Failure
from ml.runtime.record import TaskRecord
from ml.runtime.step import Outcome

_PAGE = 500
# of a template; a task of a version before the last hundred is compared with these
_VERSIONS = 100
# agents report every 30 seconds; one that has not for so long is not there
_LIVE_SECONDS = 120
# an empty list of projects would be no filter at all
_NO_PROJECT = "none"
_FIELDS = (
    "id",
    "name",
    "tags",
    "system_tags",
    "status",
    "status_message",
    "status_reason",
    "hyperparams.properties",
    "started",
    "completed",
    "last_worker",
    "execution.queue",
    "container.image",
    "script.version_num",
)


@dataclass(frozen=True)
class Progress:
    """How far a task is; times in seconds since 1970, None where it has not come so far."""

    status: str
    message: str
    started: float | None
    completed: float | None


class Server:
    """The few requests that the SDK has no call for.

    Parameters
    ----------
    session : Session
        The SDK's, which holds address and credentials.
    """

    def __init__(self, session: Session) -> None:
        self._session = session
        self._queue_names: dict[str, str] = {}

    def edit_task(self, task_id: str, **changes: Any) -> None:
        """Change a task's name, tags, container or runtime in one go."""
        self._call("tasks.edit", task=task_id, force=True, **changes)

    def delete_properties(self, task_id: str, properties: Sequence[str]) -> None:
        """Remove user properties of a task."""
        keys = [{"section": "properties", "name": name} for name in properties]
        self._call("tasks.delete_hyper_params", task=task_id, hyperparams=keys, force=True)

    def give_up(self, task_id: str, failure: Failure) -> None:
        """Name a task's failure and mark it failed; of the SDK, its session alone takes part."""
        values = {
            names.PROPERTY_FAILURE_CLASS: failure.failure_class,
            names.PROPERTY_FAILURE: failure.summary,
        }
        items = [
            {"section": "properties", "name": name, "value": value, "type": "str"}
            for name, value in values.items()
        ]
        self._call("tasks.edit_hyper_params", task=task_id, hyperparams=items, force=True)
        self._call(
            "tasks.failed",
            task=task_id,
            status_reason=failure.failure_class,
            status_message=failure.summary,
            force=True,
        )

    def delete_configuration(self, task_id: str, *objects: str) -> None:
        """Remove configuration objects of a task."""
        self._call(
            "tasks.delete_configuration", task=task_id, configuration=list(objects), force=True
        )

    def set_configuration(self, task_id: str, name: str, value: Any) -> None:
        """Write one configuration object of a task as JSON; its others stay."""
        item = {"name": name, "type": "json", "value": json.dumps(value, indent=1)}
        self._call("tasks.edit_configuration", task=task_id, configuration=[item], force=True)

    def note_begun(self, task_id: str) -> None:
        """Leave a mark on a controller that it has begun; a reset of the task removes it."""
        mark = {
            "key": names.ARTIFACT_BEGUN,
            "type": "text",
            "mode": "output",
            "timestamp": int(time.time()),
            "type_data": {
                "preview": f"task {task_id} has begun; where it is reset, it begins anew",
                "content_type": "text/plain",
            },
        }
        self._call("tasks.add_or_update_artifacts", task=task_id, artifacts=[mark], force=True)

    def record(self, task_id: str, *objects: str) -> TaskRecord | None:
        """A task, or None where there is none of that id.

        Parameters
        ----------
        task_id : str
        *objects : str
            Configuration objects that are wanted beside those of each record.
        """
        more = [f"configuration.{name}" for name in objects]
        found = self._call(
            "tasks.get_all_ex",
            id=[task_id],
            only_fields=[*records.FIELDS, *more],
            search_hidden=True,
        )["tasks"]
        return records.read_record(found[0]) if found else None

    def queue_name(self, queue_id: str | None) -> str:
        """The name of a queue; empty where there is none."""
        if not queue_id:
            return ""
        if queue_id not in self._queue_names:
            queues = self._call("queues.get_all", only_fields=["id", "name"])["queues"]
            self._queue_names = {queue["id"]: queue["name"] for queue in queues}
        return self._queue_names.get(queue_id, "")

    def polled_queues(self) -> set[str]:
        """The names of the queues that a live agent polls."""
        workers = self._call("workers.get_all", last_seen=_LIVE_SECONDS)["workers"]
        return {queue["name"] for worker in workers for queue in worker.get("queues") or ()}

    def templates(self, channel: str) -> dict[str, str]:
        """Phase → id of its newest template in a channel."""
        found: dict[str, str] = {}
        for task in self._tasks(
            project=self._template_project(),
            tags=["__$all", names.TEMPLATE_TAG, names.channel_tag(channel)],
            status=["created"],
            order_by=["-created"],
        ):
            if names.is_template(task):
                found.setdefault(names.phase_of(task["tags"]), task["id"])
        return found

    def versions(self, phase: str) -> list[Template]:
        """The published versions of a phase's template: stable ones first, then the newest."""
        found = []
        tasks = self._call(
            "tasks.get_all_ex",
            project=self._template_project(),
            tags=["__$all", names.TEMPLATE_TAG, names.phase_tag(phase)],
            status=["created"],
            order_by=["-created"],
            only_fields=[*records.FIELDS, "system_tags"],
            search_hidden=True,
            page=0,
            page_size=_VERSIONS,
        )["tasks"]
        for task in filter(names.is_template, tasks):
            record = records.read_record(task)
            routing = record.routing
            if routing:
                channel = names.channel_of(record.tags)
                found.append(Template(record.id, channel, record.script, record.container, routing))
        return sorted(found, key=lambda version: version.channel != names.STABLE)

    def progress(self, task_ids: Sequence[str]) -> dict[str, Progress]:
        """How far tasks are, in one request: id → status, message and times."""
        tasks = self._call(
            "tasks.get_all",
            id=list(task_ids),
            only_fields=["id", "status", "status_message", "started", "completed"],
            search_hidden=True,
        )["tasks"]
        return {
            task["id"]: Progress(
                task["status"],
                task.get("status_message") or "",
                _moment(task.get("started")),
                _moment(task.get("completed")),
            )
            for task in tasks
        }

    def outcomes(self, run_id: str) -> list[Outcome]:
        """The steps of a run, in the order they started."""
        found = []
        for task in self._tasks(tags=[names.run_tag(run_id)], order_by=["started"]):
            phase = names.phase_of(task.get("tags") or ())
            if phase:
                found.append(self._outcome(task, phase))
        return found

    def _template_project(self) -> list[str]:
        """As a filter of tasks; where the project is not there, one that nothing passes."""
        found = self._call(
            "projects.get_all",
            name=f"^{names.TEMPLATE_PROJECT}$",
            only_fields=["id"],
            search_hidden=True,
        )["projects"]
        return [project["id"] for project in found] or [_NO_PROJECT]

    def _tasks(self, **criteria: Any) -> Iterator[dict[str, Any]]:
        page = 0
        while True:
            tasks = self._call(
                "tasks.get_all",
                only_fields=list(_FIELDS),
                search_hidden=True,
                page=page,
                page_size=_PAGE,
                **criteria,
            )["tasks"]
            yield from tasks
            if len(tasks) < _PAGE:
                return
            page += 1

    def _outcome(self, task: Mapping[str, Any], phase: str) -> Outcome:
        properties = (task.get("hyperparams") or {}).get("properties") or {}
        return Outcome(
            reference=task["id"],
            name=task["name"],
            phase=phase,
            status=task["status"],
            properties={name: str(item.get("value", "")) for name, item in properties.items()},
            message=task.get("status_reason") or task.get("status_message") or "",
            seconds=_seconds(task.get("started"), task.get("completed")),
            queue=self.queue_name((task.get("execution") or {}).get("queue")),
            worker=task.get("last_worker") or "",
            image=(task.get("container") or {}).get("image") or "",
            commit=(task.get("script") or {}).get("version_num") or "",
        )

    def _call(self, endpoint: str, **data: Any) -> dict[str, Any]:
        service, _, action = endpoint.partition(".")
        response = self._session.send_request(service, action, method="post", json=data)
        if not response.ok:
            raise RuntimeError(f"{endpoint} answered {response.status_code}: {response.text[:500]}")
        return response.json()["data"]


def _seconds(started: str | None, completed: str | None) -> float | None:
    if not started or not completed:
        return None
    return (datetime.fromisoformat(completed) - datetime.fromisoformat(started)).total_seconds()


def _moment(timestamp: str | None) -> float | None:
    return datetime.fromisoformat(timestamp).timestamp() if timestamp else None
