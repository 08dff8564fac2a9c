"""What came of smoke tasks, in words that an operator can act on."""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from fleet.clearml_api import Api
from ml.smoke import RESULTS_OBJECT

_FIELDS = [
    "id",
    "status",
    "status_message",
    "status_reason",
    "configuration",
    "container.image",
    "last_worker",
]
_PASSED = ("completed", "published")
_RUNNING = ("queued", "in_progress")
_LOG_LINES = 8


@dataclass(frozen=True)
class Outcome:
    """What came of one smoke task.

    Attributes
    ----------
    task : str
        Its id.
    status : str
        In ClearML's words.
    passed : bool
        Whether it ended well, with each check made.
    problems : tuple of str
        What is wrong, where, and what to do about it.
    checks : tuple of mapping
        Each check: `name`, `ok`, `found`.
    """

    task: str
    status: str
    passed: bool
    problems: tuple[str, ...] = ()
    checks: tuple[Mapping[str, Any], ...] = ()


@dataclass(frozen=True)
class Handed:
    """What became of handing a task to the agent of a slot, as its node tells.

    Attributes
    ----------
    task : str
        Its id.
    state : str
        `ran`, `waiting` (the slot was not free in time), or `error` (it could not be handed over).
    message : str
        Why.
    image : str
        What the node's Docker Engine started for the task; empty where it started nothing.
    """

    task: str
    state: str
    message: str = ""
    image: str = ""


@dataclass(frozen=True)
class Proof:
    """What is known of the slots now.

    Attributes
    ----------
    passed : tuple of str
        Slots that a task proved.
    waiting : mapping of str to str
        Slot → why it is not proven yet.
    failed : mapping of str to tuple of str
        Slot → what is wrong, where, and what to do about it.
    """

    passed: tuple[str, ...]
    waiting: Mapping[str, str]
    failed: Mapping[str, tuple[str, ...]]


def weigh(
    handed: Mapping[str, Handed], wanted: Mapping[str, str], outcomes: Mapping[str, Outcome]
) -> Proof:
    """Judge the slots of a node.

    Parameters
    ----------
    handed : mapping of str to Handed
        Slot → what its node tells.
    wanted : mapping of str to str
        Slot → reference of the image that it shall run, by digest.
    outcomes : mapping of str to Outcome
        Task → what came of it.
    """
    passed, waiting, failed = [], {}, {}
    for slot, one in handed.items():
        if one.state == "waiting":
            waiting[slot] = one.message
        elif problems := _problems(slot, one, wanted[slot], outcomes[one.task]):
            failed[slot] = problems
        else:
            passed.append(slot)
    return Proof(tuple(passed), waiting, failed)


def read_outcomes(api: Api, task_ids: Iterable[str], *, seconds: float = 0) -> dict[str, Outcome]:
    """Task → what came of it, for all by one request; more for those that did not tell why.

    Parameters
    ----------
    api : Api
        The server.
    task_ids : iterable of str
        The tasks.
    seconds : float
        How long to wait for those that still run: an agent of services has more in hand, and does
        not wait for each to end.
    """
    ids = list(task_ids)
    if not ids:
        return {}
    end = time.monotonic() + seconds
    while True:
        tasks = api.tasks(id=ids, only_fields=_FIELDS, search_hidden=True)
        if time.monotonic() >= end or not any(task["status"] in _RUNNING for task in tasks):
            break
        time.sleep(1)
    found = {task["id"]: task for task in tasks}
    return {task_id: _outcome(api, task_id, found.get(task_id)) for task_id in ids}


def _problems(slot: str, handed: Handed, wanted: str, outcome: Outcome) -> tuple[str, ...]:
    if handed.state == "error":
        return (
            f"the task could not be handed to the agent: {handed.message}"
            f"\n   at: slot {slot}, task {handed.task}"
            "\n  fix: see the agent's log on the node (docker logs), then run smoke.yml",
        )
    if outcome.passed and handed.image.partition("@")[2] != wanted.partition("@")[2]:
        seen = handed.image or "no container at all"
        return (
            f"image: Docker started {seen} for the task, not {wanted}"
            f"\n   at: slot {slot}, task {handed.task}"
            "\n  fix: run site.yml for the node: it replaces an agent that is not as declared",
        )
    return outcome.problems


def _outcome(api: Api, task_id: str, task: Mapping[str, Any] | None) -> Outcome:
    if task is None:
        return Outcome(task_id, "gone", False, ("its task is no longer on the server",))
    checks = _checks(task)
    problems = [f"{check['name']}: {check['found']}" for check in checks if not check["ok"]]
    passed = task["status"] in _PASSED and bool(checks) and not problems
    if not passed and not problems:
        problems = [_unexplained(api, task)]
    return Outcome(task_id, task["status"], passed, tuple(problems), tuple(checks))


def _checks(task: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    held = (task.get("configuration") or {}).get(RESULTS_OBJECT)
    return json.loads(held["value"]) if held else []


def _unexplained(api: Api, task: Mapping[str, Any]) -> str:
    """Of a task that did not come to its checks: what its agent said, and the end of its log."""
    said = task.get("status_message") or task.get("status_reason") or "nothing"
    events = api.call(
        "events.get_task_log", task=task["id"], batch_size=_LOG_LINES, order="desc"
    ).get("events", [])
    lines = [line for event in reversed(events) for line in event.get("msg", "").splitlines()]
    log = "".join(f"\n    {line}" for line in lines[-_LOG_LINES:] if line.strip())
    return (
        f"its task did not come to the checks (status {task['status']}, reason: {said})"
        f"\n   at: task {task['id']}, project fleet/smoke"
        f"\n  fix: read the end of its log for the cause (an image that cannot be pulled, code "
        f"that cannot be cloned, Docker){':' + log if log else ''}"
    )
