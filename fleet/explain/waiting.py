"""Why a task waits: who serves its queue, who is busy, what stands before it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from fleet.clearml_api import Api
from fleet.explain.answer import counted, listed
from fleet.plan import back_to_work, order_of_queues
from fleet.queues import Worker, live_workers
from fleet.runs import Step
from fleet.spec import Spec

_NAMED = 5


@dataclass(frozen=True)
class Backlog:
    """What waits on the server, and who could take it.

    Attributes
    ----------
    waiting : dict of str to list of str
        Name of a queue → ids of its tasks, the first to be taken first.
    workers : tuple of Worker
        Those that are alive.
    names : dict of str to str
        Id of a task that waits or runs → its name.
    """

    waiting: dict[str, list[str]]
    workers: tuple[Worker, ...]
    names: dict[str, str]


def read_backlog(api: Api) -> Backlog:
    """Read queues and workers from the server."""
    waiting = {
        queue["name"]: [entry["task"] for entry in queue.get("entries") or ()]
        for queue in api.queues()
    }
    workers = tuple(live_workers(api))
    tasks = [task for entries in waiting.values() for task in entries]
    tasks += [worker.task for worker in workers if worker.task]
    found = api.tasks(id=tasks, only_fields=["id", "name"], search_hidden=True) if tasks else []
    return Backlog(waiting, workers, {task["id"]: task["name"] for task in found})


def why_it_waits(spec: Spec, step: Step, backlog: Backlog) -> tuple[list[str], dict[str, Any]]:
    """Why a task with the status `queued` has not begun: sentences, and the same as facts."""
    queue = next((name for name, tasks in backlog.waiting.items() if step.task_id in tasks), None)
    if queue is None:
        return [
            "Its status is queued but it is in no queue: either an agent has just taken it, or it "
            "was lost on its way. If that is still so in a minute, reset the task and enqueue it."
        ], {"queue": None}
    before = backlog.waiting[queue][: backlog.waiting[queue].index(step.task_id)]
    serving = [worker for worker in backlog.workers if queue in worker.queues]
    resting = [worker for worker in serving if worker.rest]
    agents = [worker for worker in serving if not worker.rest]
    # Agents of a services group run many tasks at a time: one task does not make them busy.
    many = queue in spec.queues and spec.group_of_queue(queue).services
    busy = [] if many else [worker for worker in agents if worker.task]
    idle = [worker for worker in agents if worker not in busy]
    sooner = _sooner(queue, agents, backlog)
    sentences = [
        f"It waits on {queue}, {_place(before, backlog)}.",
        *_agents(queue, busy, idle, resting, backlog),
        *_first(queue, sooner),
    ]
    facts = {
        "queue": queue,
        "before": before,
        "agents_busy": {worker.id: worker.task for worker in busy},
        "agents_idle": [worker.id for worker in idle],
        "agents_resting": {worker.id: str(worker.rest) for worker in resting},
        "served_before": sooner,
    }
    return sentences, facts


def _place(before: list[str], backlog: Backlog) -> str:
    if not before:
        return "as the first"
    return f"and {counted(len(before), 'task')} {_is(before)} before it: {_named(before, backlog)}"


def _agents(
    queue: str, busy: list[Worker], idle: list[Worker], resting: list[Worker], backlog: Backlog
) -> list[str]:
    rests = _resting(resting)
    if not busy and not idle and resting:
        return [f"All agents of {queue} take no tasks for now.", *rests]
    if not busy and not idle:
        return [
            f"No live agent serves {queue}: it would wait for ever. Start the agents (run "
            "`ansible-playbook site.yml`), or move the task to a queue that is served."
        ]
    sentences = []
    if busy:
        works = [
            f"{worker.id} runs {backlog.names.get(worker.task or '', 'a task')} ({worker.task})"
            for worker in busy
        ]
        every = "Its agent is" if len(busy) == 1 else f"Its {len(busy)} agents are"
        some = f"{counted(len(busy), 'agent')} of the queue {_is(busy)}"
        sentences.append(f"{some if idle else every} busy: {'; '.join(works)}.")
    if idle:
        names = listed([worker.id for worker in idle])
        sentences.append(f"{names} {_is(idle)} free, and will take from it at the next poll.")
    return sentences + rests


def _resting(resting: list[Worker]) -> list[str]:
    if not resting:
        return []
    told = "; ".join(f"{worker.id} is {worker.rest}" for worker in resting[:_NAMED])
    more = f"; and {len(resting) - _NAMED} more" if len(resting) > _NAMED else ""
    way_back = back_to_work(worker.id for worker in resting)
    return [f"At rest: {told}{more}; `{way_back}` lets {_them(resting)} work again."]


def _them(things: Sequence[object]) -> str:
    return "it" if len(things) == 1 else "them"


def _sooner(queue: str, agents: Iterable[Worker], backlog: Backlog) -> dict[str, int]:
    """Queues with waiting tasks that all of the queue's agents serve before it."""
    orders = [_order(worker) for worker in agents]
    ahead = [order[: order.index(queue)] for order in orders]
    names = [name for name in dict.fromkeys(sum(ahead, ())) if all(name in one for one in ahead)]
    return {name: len(backlog.waiting[name]) for name in names if backlog.waiting.get(name)}


def _order(worker: Worker) -> tuple[str, ...]:
    """A worker's queues in the order that it polls them in: as its tags say, else the server."""
    said = order_of_queues(worker.tags)
    return said if set(said) == set(worker.queues) else worker.queues


def _first(queue: str, sooner: dict[str, int]) -> list[str]:
    if not sooner:
        return []
    tasks = [f"{counted(number, 'task')} of {name}" for name, number in sooner.items()]
    return [f"Before {queue}, the agents take {listed(tasks)}."]


def _named(tasks: list[str], backlog: Backlog) -> str:
    names = [f"{backlog.names.get(task, 'a task')} ({task})" for task in tasks[:_NAMED]]
    more = len(tasks) - _NAMED
    return "; ".join(names) + (f"; and {more} more" if more > 0 else "")


def _is(things: Iterable[object]) -> str:
    return "is" if len(list(things)) == 1 else "are"
