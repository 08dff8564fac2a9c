"""One task of the server with what explains it: its step, its rule, its routing, its failure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from fleet.clearml_api import Api
from fleet.explain.sending import Sent, explain_sending
from fleet.explain.waiting import Backlog, why_it_waits
from fleet.runs import Step, read_steps
from fleet.spec import Spec
from ml.catalog import PHASES
from ml.runtime import conventions
from ml.runtime.failures import CLASSES
from ml.runtime.origin import named_steps
from ml.runtime.record import read_record

QUEUED = "queued"
_FAILURE_CLASS = f"properties/{conventions.PROPERTY_FAILURE_CLASS}"
_FAILURE = f"properties/{conventions.PROPERTY_FAILURE}"
_DIFFERENCES = f"properties/{conventions.PROPERTY_DIFFERENCES}"
_ENVIRONMENT = f"properties/{conventions.PROPERTY_ENVIRONMENT}"
_FIELDS = [
    "id",
    "parent",
    "status",
    "tags",
    "system_tags",
    "status_reason",
    "status_message",
    "hyperparams",
    f"configuration.{conventions.ROUTING_OBJECT}",
    f"configuration.{conventions.STEPS_OBJECT}",
]


@dataclass(frozen=True)
class Work:
    """A task, explained.

    Attributes
    ----------
    step : Step
        The task as it is shown elsewhere.
    sent : Sent
        Why it is on its queue.
    waits : tuple of str
        Why it waits, a sentence each; empty where it does not.
    failure_class, failure : str
        What kind of failure, and which; empty where it did not fail.
    before_code : bool
        Whether it failed before its code said anything: its image or its commit could not be had,
        for example. What is known is then the agent's word.
    differences : str
        What the task has otherwise than its template, as its mark says; empty where it has none.
    is_template : bool
        Whether it is a template, which is only ever cloned. A clone that was made by hand bears
        most of a template's tags and is none.
    pipeline : str or None
        Id of the controller that started it.
    waiting : dict
        `waits` as facts.
    """

    step: Step
    sent: Sent
    waits: tuple[str, ...] = ()
    failure_class: str = ""
    failure: str = ""
    before_code: bool = False
    differences: str = ""
    is_template: bool = False
    pipeline: str | None = None
    waiting: dict[str, Any] = field(default_factory=dict)

    def facts(self) -> dict[str, Any]:
        """Plain data."""
        return {
            **asdict(self.step),
            "rule": self.sent.rule,
            "queue_today": self.sent.today,
            "changed": list(self.sent.changed),
            "failure_class": self.failure_class or None,
            "failure": self.failure or None,
            "failed_before_code": self.before_code,
            "differences": self.differences or None,
            "template": self.is_template,
            "pipeline": self.pipeline,
            "waits": list(self.waits),
            "waiting": self.waiting or None,
        }


def explain_steps(api: Api, spec: Spec, steps: Iterable[Step], backlog: Backlog) -> list[Work]:
    """Explain tasks, in the order given.

    Parameters
    ----------
    api : Api
        The server.
    spec : Spec
        The contract of today.
    steps : iterable of Step
        At least one.
    backlog : Backlog
        What waits, and who could take it.
    """
    steps = list(steps)
    tasks = _documents(api, [step.task_id for step in steps])
    parents = {task["parent"] for task in tasks.values() if task.get("parent")} - set(tasks)
    known = tasks | (_documents(api, sorted(parents)) if parents else {})
    return [_work(spec, step, known, backlog) for step in steps if step.task_id in known]


def read_step(api: Api, task_id: str) -> Step | None:
    """A task as a step; None where there is no such task."""
    return next(iter(read_steps(api, [task_id])), None)


def _documents(api: Api, task_ids: list[str]) -> dict[str, dict[str, Any]]:
    found = api.tasks(id=task_ids, only_fields=_FIELDS, search_hidden=True)
    return {task["id"]: task for task in found}


def _work(spec: Spec, step: Step, known: Mapping[str, dict[str, Any]], backlog: Backlog) -> Work:
    task = known[step.task_id]
    parent = known.get(task.get("parent") or "")
    # A clone inherits its parent: a controller started it only if it names it among its steps.
    controller = read_record(parent) if parent else None
    if controller and step.task_id not in named_steps(controller):
        controller = None
    carried = (controller or read_record(task)).routing
    values = _values(task)
    sent = explain_sending(spec, step, carried, values, by_pipeline=controller is not None)
    waits, waiting = why_it_waits(spec, step, backlog) if step.status == QUEUED else ([], {})
    kind, failure, before_code = _failure(step, task, values)
    return Work(
        step,
        sent,
        tuple(waits),
        failure_class=kind,
        failure=failure,
        before_code=before_code,
        differences=values.get(_DIFFERENCES, ""),
        is_template=conventions.is_template(task),
        pipeline=controller.id if controller else None,
        waiting=waiting,
    )


def _failure(
    step: Step, task: Mapping[str, Any], values: Mapping[str, str]
) -> tuple[str, str, bool]:
    """Class and text of a failure, and whether it was before the code said anything."""
    if step.status != "failed":
        return "", step.failure or "", False
    reason, message = task.get("status_reason") or "", task.get("status_message") or ""
    # The step code gives its class as the reason, where it refuses to begin.
    kind = values.get(_FAILURE_CLASS) or (reason if reason in CLASSES else "")
    if kind:
        return kind, values.get(_FAILURE) or message, False
    # Its first acts are to take a template's tags off, and to record what it computes with.
    untouched = conventions.TEMPLATE_TAG in (task.get("tags") or ())
    silent = step.phase in PHASES and _ENVIRONMENT not in values
    # The agent's reason says what went wrong, its message no more than who changed the status.
    failure = values.get(_FAILURE) or ", ".join(dict.fromkeys(filter(None, (reason, message))))
    return "", failure, untouched or silent


def _values(task: Mapping[str, Any]) -> dict[str, str]:
    """`Section/field` → text."""
    return {
        f"{section}/{name}": item.get("value") or ""
        for section, found in (task.get("hyperparams") or {}).items()
        for name, item in found.items()
    }
