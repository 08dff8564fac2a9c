"""Tasks that a dead node had in hand: put back in their queues, and its workers forgotten.

Nothing is asked of the node itself. A task of a worker that still reports, or that reported itself
lately, is left alone. Times are the server's own: no clock of this machine decides.
"""

from __future__ import annotations

import importlib.util
import re
import sys
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from types import ModuleType
from typing import Any

from fleet.clearml_api import Api, ApiError
from fleet.errors import FleetError
from fleet.paths import REPOSITORY

#: A worker, or a task, that has not reported for so long is lost: three of an agent's reports.
SILENT_SECONDS = 120
PUT_BACK = "put back"
_RUNNING = "in_progress"
# The agent's own way: the control machine does as an agent would that is still there.
_AGENTS_WAY = REPOSITORY / "images" / "agent" / "fleet_agent" / "put_back.py"
_FIELDS = ["id", "name", "last_worker", "last_worker_report", "last_update", "execution.queue"]


@dataclass(frozen=True)
class LostTask:
    """A task of a worker that is away.

    Attributes
    ----------
    id, name, worker : str
        The task, and whose it was.
    queue : str
        The id of the queue that it came from; empty where the server does not say.
    silent : int
        Seconds since it, or its worker, last reported.
    """

    id: str
    name: str
    worker: str
    queue: str
    silent: int


@dataclass
class Recovery:
    """What was done for the tasks and workers of nodes that are away.

    Attributes
    ----------
    done : dict of str to str
        Id of a task → what was done with it: `put back`, `failed`, …; in a dry run, what would be.
    waits : list of LostTask
        Tasks that reported too lately: nothing was done.
    alive : list of str
        Workers of the nodes that still report; nothing of theirs was touched.
    forgotten : list of str
        Workers that the server was told to forget.
    lines : list of str
        The same as sentences.
    """

    done: dict[str, str] = field(default_factory=dict)
    waits: list[LostTask] = field(default_factory=list)
    alive: list[str] = field(default_factory=list)
    forgotten: list[str] = field(default_factory=list)
    lines: list[str] = field(default_factory=list)

    def as_data(self) -> dict[str, Any]:
        """The same as plain data."""
        return asdict(self)


def recover(
    api: Api,
    nodes: Iterable[str],
    *,
    silent_seconds: int = SILENT_SECONDS,
    why: str = "its node is gone",
    dry_run: bool = False,
) -> Recovery:
    """Put back what workers of nodes had in hand that no longer report, and forget these workers.

    Parameters
    ----------
    api : Api
        The server.
    nodes : iterable of str
        Names of the nodes, as their workers' ids begin.
    silent_seconds : int
        Seconds without a report after which a worker, and a task, counts as lost.
    why : str
        What is said on the tasks.
    dry_run : bool
        Whether to look only.

    Raises
    ------
    FleetError
        The server does not answer or refuses.
    """
    ours = re.compile(rf"(?:{'|'.join(map(re.escape, nodes))}):\d+(?::service:.+)?")
    listed = api.call("workers.get_all", last_seen=0)["workers"]
    live = api.call("workers.get_all", last_seen=silent_seconds)["workers"]
    alive = {worker["id"] for worker in live}
    held = {(worker.get("task") or {}).get("id") for worker in live}
    found = Recovery(alive=sorted(filter(ours.fullmatch, alive)))
    way = None if dry_run else _agents_way()
    for task in _tasks(api, ours):
        if task.worker in alive or task.id in held:
            continue
        if task.silent < silent_seconds:
            found.waits.append(task)
            found.lines.append(f"{_named(task)} reported {task.silent} s ago: left alone for now")
            continue
        done = PUT_BACK if way is None else _give_back(api, way, task, why)
        found.done[task.id] = done
        found.lines.append(f"{_named(task)}, of {task.worker}, silent for {task.silent} s: {done}")
    waited_for = {task.worker for task in found.waits}
    for worker in (one["id"] for one in listed):
        if ours.fullmatch(worker) and worker not in alive | waited_for:
            if not dry_run:
                _forget(api, worker)
            found.forgotten.append(worker)
            found.lines.append(f"worker {worker}: forgotten")
    return found


def _tasks(api: Api, ours: re.Pattern[str]) -> list[LostTask]:
    now = api.now()
    running = api.tasks(status=[_RUNNING], only_fields=_FIELDS, search_hidden=True)
    return [
        LostTask(
            id=task["id"],
            name=task.get("name") or "",
            worker=task["last_worker"],
            queue=(task.get("execution") or {}).get("queue") or "",
            silent=_silent(task, now),
        )
        for task in running
        if ours.fullmatch(task.get("last_worker") or "")
    ]


def _silent(task: Mapping[str, Any], now: datetime) -> int:
    said = [task[key] for key in ("last_worker_report", "last_update") if task.get(key)]
    if not said:
        return 0
    last = max(datetime.fromisoformat(str(text)) for text in said)
    last = last if last.tzinfo else last.replace(tzinfo=UTC)
    return max(0, int((now - last).total_seconds()))


def _give_back(api: Api, way: ModuleType, task: LostTask, why: str) -> str:
    def call(endpoint: str, **body: Any) -> dict[str, Any]:
        try:
            return api.call(endpoint, **body)
        except ApiError as error:
            raise way.Refused(error.what) from error

    def log(task_id: str, text: str) -> None:
        event = {"type": "log", "task": task_id, "msg": text, "level": "warning"}
        api.call("events.add", **event, worker=task.worker)

    try:
        return way.put_back(call, log, way.Case(task.id, task.queue, why, task.worker, True))
    except way.Refused as error:
        return f"left, since the server refused: {error}"


def _forget(api: Api, worker: str) -> None:
    try:
        api.call("workers.unregister", worker=worker)
    except ApiError:  # the server has forgotten it by itself
        return


def _named(task: LostTask) -> str:
    return f"task {task.id} ({task.name})"


def _agents_way() -> ModuleType:
    """The module of the agent's image that puts a task back; it is plain Python."""
    spec = importlib.util.spec_from_file_location("fleet_agent_put_back", _AGENTS_WAY)
    if spec is None or spec.loader is None or not _AGENTS_WAY.is_file():
        raise FleetError(
            "how a task is put back is not known",
            where=str(_AGENTS_WAY),
            mend="run this from a whole checkout of the repository",
        )
    module = importlib.util.module_from_spec(spec)
    # Its data classes look for the module by its name.
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module
