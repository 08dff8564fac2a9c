"""Tasks of a few seconds for the fleet of the end-to-end tests, and what is asked of them."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import Any

ENDED = ("completed", "failed", "stopped")
# An abstract socket can be bound once on a node: a second run of the task at the same time fails.
_CODE = """
import os, socket, time
alone = socket.socket(socket.AF_UNIX)
alone.bind("\\0" + os.environ["CLEARML_TASK_ID"])
print("RUNS", flush=True)
time.sleep({seconds})
print("RAN TO ITS END", flush=True)
"""


def enqueue(fleet, queue: str, seconds: float) -> str:
    """A task that waits some seconds, at the end of a queue; two runs of it at once fail."""
    script = {
        "binary": "python3",
        "repository": "",
        "entry_point": "wait.py",
        "working_dir": ".",
        "diff": _CODE.format(seconds=seconds),
        "requirements": {},
    }
    made = fleet.api("tasks.create", name=f"waits {seconds} s", type="testing", script=script)
    fleet.api("tasks.enqueue", task=made["id"], queue_name=queue)
    return made["id"]


def begin(fleet, queue: str, seconds: float) -> tuple[str, str, str]:
    """Enqueue a task and wait until its code runs: its id, its node, and its agent's slot."""
    task = enqueue(fleet, queue, seconds)
    await_log(fleet, task, "RUNS")
    node, slot = read(fleet, task)["last_worker"].split(":")[:2]
    return task, node, f"{node}-{slot}"


def read(fleet, task: str) -> dict[str, Any]:
    """A task, as the server has it."""
    return fleet.api("tasks.get_by_id", task=task)["task"]


def log(fleet, task: str) -> str:
    """What a task has printed, and what its agent said of it."""
    events = fleet.api("events.get_task_log", task=task, batch_size=500, order="asc")["events"]
    return "\n".join(event["msg"] for event in events)


def await_log(fleet, task: str, text: str, seconds: float = 90) -> None:
    """Wait until a task has printed something."""
    until(lambda: text in log(fleet, task), f"{text!r} of task {task}", seconds)


def await_end(fleet, task: str, seconds: float = 120) -> dict[str, Any]:
    """A task, once it has ended."""
    until(lambda: read(fleet, task)["status"] in ENDED, f"the end of task {task}", seconds)
    return read(fleet, task)


def was_put_back(task: dict[str, Any]) -> bool:
    """Whether a task was put back in its queue once, by what is noted on it."""
    return "put_back" in task.get("hyperparams", {}).get("properties", {})


def rest_of(fleet, worker: str) -> dict[str, str]:
    """Who drained a worker, and why; empty for one at work."""
    # Exit code 2 says that something else differs, such as templates that are not published.
    return json.loads(fleet.cli("plan", "--json").stdout)["resting"].get(worker, {})


def until(holds: Callable[[], Any], what: str, seconds: float) -> None:
    """Wait until something holds, looking often."""
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, f"{what} did not come in {seconds} s"
        time.sleep(0.5)


def agent_of(fleet, slot: str) -> str:
    """The container of a slot's agent."""
    listed = fleet.on_node(
        slot.rpartition("-")[0],
        "docker",
        "ps",
        "--filter",
        f"label=fleet.slot={slot}",
        "--format",
        "'{{.Names}}'",
    )
    return listed.split()[0]
