"""A task that its node could not finish goes back to the front of the queue that it came from.

A task is reset first: what a part of a run reported, its scalars, artifacts and models, would be
mixed with what the whole run reports, and the SDK would count its iterations on from the last
one. Its user properties, which are parameters to the server, stay.

A pipeline's controller is not reset: it goes on with the plan that the SDK keeps on the task, and
with the steps that it has made. A reset would have it plan anew, and start everything twice.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

MOST_LOST = 2
PROPERTY = "put_back"
REASON = "put back by its agent"
_COUNTS = r"task (?P<task>\w+): lost (?P<lost>\d+) times, put back on request (?P<wished>\d+) times"
# What a step's controller has of it once it has started: without that, it may start again.
_STARTED_NOTE = "started-{}"
_STOPPING = "stopping"  # what the server writes where somebody asked for the task's end
_FIELDS = ["status", "status_message", "type", "parent", "last_worker", "hyperparams.properties"]

Call = Callable[..., dict[str, Any]]
Log = Callable[[str, str], Any]


class Refused(Exception):
    """The server answered, and did not do it."""


@dataclass(frozen=True)
class Case:
    """A task to be put back.

    Parameters
    ----------
    task : str
        Its id.
    queue : str
        The id of its queue; empty for one that goes back to being a draft.
    why : str
        Why, as a sentence's second half: `because …`.
    worker : str
        Whose task it was.
    is_lost : bool
        Nobody wished it: its container was found dead. That may be the task's own doing, and so
        it is done `MOST_LOST` times for one task.
    is_resumed : bool
        It was begun before, and not finished.
    """

    task: str
    queue: str
    why: str
    worker: str
    is_lost: bool = False
    is_resumed: bool = False


def put_back(call: Call, log: Log, case: Case) -> str:
    """Put a task back.

    Parameters
    ----------
    call : callable
        `call(endpoint, **data)`: a request, and its answer's data; it raises `Refused`.
    log : callable
        `log(task, text)`: a line of the task's log.
    case : Case
        Which, and why.

    Returns
    -------
    str
        What was done; `left` where the task is no longer its worker's.
    """
    found = _read(call, case.task)
    allowed = {"in_progress", "created", "stopped"} if case.is_resumed else {"in_progress"}
    if found.get("status") not in allowed:
        return "left"
    if found.get("status_message") == _STOPPING:
        call("tasks.stopped", task=case.task, status_reason="stopped on request", force=True)
        return "stopped, as was asked for"
    lost, wished = _counts(found, case.task)
    why = f"{case.worker}: {case.why}"
    if case.is_lost and lost >= MOST_LOST:
        text = f"lost again, after it was put back {lost} times: {why}"
        _fail(call, log, case.task, text)
        return "failed"
    if not case.is_resumed:
        lost, wished = (lost + 1, wished) if case.is_lost else (lost, wished + 1)
        _count(call, case.task, lost, wished, why)
    _withdraw(call, found, case.task, why)
    if not case.queue:
        log(case.task, f"a draft again: {why}")
        return "put back"
    text = f"put back to the front of its queue: {why}"
    log(case.task, text)
    told = {"status_reason": REASON, "status_message": text}
    try:
        call("tasks.enqueue", task=case.task, queue=case.queue, **told)
    except Refused as refused:
        _fail(call, log, case.task, f"could not be put back into its queue ({refused}): {why}")
        return "failed"
    with contextlib.suppress(Refused):  # somebody took it from there already
        call("queues.move_task_to_front", queue=case.queue, task=case.task)
    return "put back"


def _read(call: Call, task: str) -> dict[str, Any]:
    answer = call("tasks.get_all", id=[task], only_fields=_FIELDS, search_hidden=True)
    return next(iter(answer["tasks"]), {})


def _counts(found: Mapping[str, Any], task: str) -> tuple[int, int]:
    """How often this task was lost, and how often put back on request; a clone's counts are not."""
    kept = found.get("hyperparams", {}).get("properties", {}).get(PROPERTY, {})
    match = re.fullmatch(_COUNTS, kept.get("description") or "")
    if match is None or match["task"] != task:
        return 0, 0
    return int(match["lost"]), int(match["wished"])


def _count(call: Call, task: str, lost: int, wished: int, why: str) -> None:
    item = {
        "section": "properties",
        "name": PROPERTY,
        "value": f"{lost + wished} times, last by {why}",
        "description": f"task {task}: lost {lost} times, put back on request {wished} times",
        "type": "str",
    }
    call("tasks.edit_hyper_params", task=task, hyperparams=[item], replace_hyperparams="none")


def _withdraw(call: Call, found: Mapping[str, Any], task: str, why: str) -> None:
    """Make a task one that can be enqueued."""
    told = {"task": task, "status_reason": REASON, "status_message": why}
    if found.get("type") == "controller":
        call("tasks.stopped", force=True, **told)
        return
    # Files are left: a server deletes them when it finds the time, and the next run writes files
    # of the same names.
    call("tasks.reset", force=False, clear_all=False, delete_external_artifacts=False, **told)
    if found.get("parent"):
        note = _STARTED_NOTE.format(task)
        with contextlib.suppress(Refused):  # a parent that is gone, or that is no controller
            call(
                "tasks.delete_configuration", task=found["parent"], configuration=[note], force=True
            )


def _fail(call: Call, log: Log, task: str, text: str) -> None:
    log(task, text)
    call("tasks.failed", task=task, force=True, status_reason=REASON, status_message=text)
