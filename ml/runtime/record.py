"""A task as the server has it, as far as the guard looks at it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ml.runtime import conventions as names
from ml.runtime.errors import UserError
from ml.runtime.policy import User
from ml.runtime.routing import Routing, parse_routing

FIELDS = (
    "id",
    "name",
    "type",
    "status",
    "status_reason",
    "started",
    "tags",
    "parent",
    "user.name",
    "script",
    "container",
    "execution.queue",
    "execution.artifacts",
    "hyperparams.properties",
    "runtime",
    f"configuration.{names.ROUTING_OBJECT}",
    f"configuration.{names.STEPS_OBJECT}",
)


@dataclass(frozen=True)
class TaskRecord:
    """A task as the server has it.

    Parameters
    ----------
    id, name, type, status, parent, status_reason, started : str
        As in ClearML; `parent` and `started` are empty where there is none.
    tags : tuple of str
    user : User
        Who made it.
    queue_id : str
        Where it was sent; empty where it was not.
    script, container : mapping
    configuration : mapping
        Configuration object → its text.
    put_back : str
        What its agent last noted when it put the task back, the task's id in it; empty for one
        that never was. A clone bears its source's.
    runtime : mapping
        What the SDK keeps of a run; a clone has none of it, a task that was reset may have.
    previews : mapping
        Artifact that the run made → the text by which it is shown.
    """

    id: str
    name: str
    type: str
    status: str
    parent: str
    tags: tuple[str, ...]
    user: User
    queue_id: str = ""
    script: Mapping[str, Any] = field(default_factory=dict)
    container: Mapping[str, Any] = field(default_factory=dict)
    configuration: Mapping[str, str] = field(default_factory=dict)
    status_reason: str = ""
    started: str = ""
    put_back: str = ""
    runtime: Mapping[str, Any] = field(default_factory=dict)
    previews: Mapping[str, str] = field(default_factory=dict)

    @property
    def has_begun(self) -> bool:
        """Whether it is a controller that has a plan of its own, with which it goes on.

        One that a person resets has none any more, whatever the server keeps of plan and runtime.
        """
        mark = self.previews.get(names.ARTIFACT_BEGUN, "")
        return names.RUNTIME_BEGUN in self.runtime and mark.startswith(f"task {self.id} ")

    @property
    def routing(self) -> Routing | None:
        """The routing that it carries; None where it has none that can be read."""
        try:
            return parse_routing(self.configuration.get(names.ROUTING_OBJECT, ""), self.id)
        except UserError:
            return None


def read_record(task: Mapping[str, Any]) -> TaskRecord:
    """A task from an answer of `tasks.get_all_ex` for :data:`FIELDS`."""
    user = _reference(task.get("user"))
    objects = task.get("configuration") or {}
    properties = (task.get("hyperparams") or {}).get("properties") or {}
    put_back = properties.get(names.PROPERTY_PUT_BACK) or {}
    execution = task.get("execution") or {}
    return TaskRecord(
        id=task["id"],
        name=task.get("name") or "",
        type=task.get("type") or "",
        status=task.get("status") or "",
        parent=_reference(task.get("parent")).id,
        tags=tuple(task.get("tags") or ()),
        user=user,
        queue_id=_reference(execution.get("queue")).id,
        script=task.get("script") or {},
        container=task.get("container") or {},
        configuration={name: str(item.get("value") or "") for name, item in objects.items()},
        status_reason=task.get("status_reason") or "",
        started=task.get("started") or "",
        put_back=str(put_back.get("description") or ""),
        runtime=task.get("runtime") or {},
        previews={
            item["key"]: str((item.get("type_data") or {}).get("preview") or "")
            for item in execution.get("artifacts") or ()
            if item.get("mode") != "input"
        },
    )


def _reference(value: Any) -> User:
    """An id, or an object with id and name, as the server gives either."""
    if isinstance(value, Mapping):
        return User(str(value.get("id") or ""), str(value.get("name") or ""))
    return User(str(value or ""), "")
