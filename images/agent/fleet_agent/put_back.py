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
_CREATED, _QUEUED, _RUNNING, _STOPPED = "created", "queued", "in_progress", "stopped"
_FIELDS = [
    "status",
    "status_message",
    "status_reason",
    "type",
    "parent",
    "last_worker",
    "execution.queue",
    "hyperparams.properties",
]

Call = Callable[..., dict[str, Any]]
Log = Callable[[str, str], Any]
Note = Callable[..., Any]


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
    is_counted, is_withdrawn : bool
        What of it may be done already: it is counted; it is a draft.
    """

    task: str
    queue: str
    why: str
    worker: str
    is_lost: bool = False
    is_resumed: bool = False
    is_counted: bool = False
    is_withdrawn: bool = False


def put_back(call: Call, log: Log, case: Case, note: Note = lambda **_: None) -> str:
    """Put a task back.

    Parameters
    ----------
    call : callable
        `call(endpoint, **data)`: a request, and its answer's data; it raises `Refused`.
    log : callable
        `log(task, text)`: a line of the task's log.
    case : Case
        Which, and why.
    note : callable
        `note(is_counted=True)`, `note(is_withdrawn=True)`: how far it got, for one that goes on
        with it.

    Returns
    -------
    str
        What was done; `left` where the task is no longer its worker's.
    """
    found = _read(call, case.task)
    if not _is_ours(call, found, case):
        return "left"
    if found.get("status_message") == _STOPPING:
        call("tasks.stopped", task=case.task, status_reason="stopped on request", force=True)
        return "stopped, as was asked for"
    lost, wished = _counts(found, case.task)
    why = f"{case.worker}: {case.why}"
    if not case.is_counted:
        if case.is_lost and lost >= MOST_LOST:
            text = f"lost again, after it was put back {lost} times: {why}"
            _fail(call, log, case.task, text)
            return "failed"
        lost, wished = (lost + 1, wished) if case.is_lost else (lost, wished + 1)
        _count(call, case.task, lost, wished, why)
        note(is_counted=True)
    note(is_withdrawn=True)  # first: afterwards the task is as any draft is
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
        # Where an answer was lost, it may be done.
        if _read(call, case.task).get("status") != _QUEUED:
            _fail(call, log, case.task, f"could not be put back into its queue ({refused}): {why}")
            return "failed"
    with contextlib.suppress(Refused):  # somebody took it from there already
        call("queues.move_task_to_front", queue=case.queue, task=case.task)
    return "put back"


def is_worker(found: Mapping[str, Any], worker: str) -> bool:
    """Whether a task that runs is a worker's, or of an agent in a container of its.

    Parameters
    ----------
    found : mapping
        The task's `last_worker`; one that nobody reported is whose it was before.
    worker : str
        The worker's id.
    """
    last = found.get("last_worker") or worker
    return last == worker or last.startswith(f"{worker}:")


def _is_ours(call: Call, found: Mapping[str, Any], case: Case) -> bool:
    """Whether the task is still as its worker left it; anything else is somebody's wish."""
    status, by_us = found.get("status"), found.get("status_reason") == REASON
    if status == _RUNNING:
        return not case.is_resumed or is_worker(found, case.worker)
    if status == _QUEUED:  # taken, and not started
        return not case.is_withdrawn and _is_nowhere(call, found, case)
    if status == _CREATED:
        return case.is_resumed and (case.is_withdrawn or by_us)
    return case.is_resumed and status == _STOPPED and by_us


def _is_nowhere(call: Call, found: Mapping[str, Any], case: Case) -> bool:
    """Whether a queued task was taken from its queue, and nobody enqueued it anew."""
    queue = (found.get("execution") or {}).get("queue") or case.queue
    if queue != case.queue:
        return False
    answer = call("queues.get_all", id=[queue], only_fields=["id", "entries"])
    entries = [entry for each in answer["queues"] for entry in each.get("entries") or ()]
    return all(entry["task"] != case.task for entry in entries)


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
    if found.get("status") == _QUEUED:  # it did not run: what is there is of a run before
        try:
            call("tasks.dequeue", **told)
        except Refused:  # a server that finds it in no queue
            call("tasks.stopped", force=True, **told)
        return
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
