"""Queues and workers as the server has them."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from fleet.clearml_api import Api, ApiError
from fleet.errors import FleetError, raise_all
from fleet.plan import Rest, back_to_work, rest_of

# An agent reports every 30 s. The server lists a dead one for ten minutes, so it is asked for
# those it heard of lately: three reports may be missed.
LIVE_SECONDS = 90
_DUPLICATE = (400, 801)
# So many workers are named in a message.
_NAMED = 5
# The name of ClearML's own queue, and the system tag that it bears.
_DEFAULT = "default"


@dataclass(frozen=True, slots=True)
class LiveQueue:
    """A queue of the server.

    Attributes
    ----------
    name : str
        Its name.
    waiting : int
        How many tasks wait in it.
    default : bool
        Whether it is ClearML's own, which every server has.
    id : str
        Its id.
    """

    name: str
    waiting: int = 0
    default: bool = False
    id: str = ""


@dataclass(frozen=True)
class Worker:
    """A live worker: its id, the names of its queues, the id of its task, if any, and its tags."""

    id: str
    queues: tuple[str, ...]
    task: str | None
    tags: tuple[str, ...] = ()

    @property
    def rest(self) -> Rest | None:
        """Why it takes no tasks, though it is alive; None where it does, or its successor will."""
        rest = rest_of(self.tags)
        return None if rest is None or rest.replaced else rest


def ensure_queues(api: Api, names: Iterable[str], *, dry_run: bool = False) -> list[str]:
    """Create the queues that do not exist yet.

    Returns
    -------
    list of str
        What was created; in a dry run, what would be.
    """
    present = {queue["name"] for queue in api.queues()}
    missing = [name for name in dict.fromkeys(names) if name not in present]
    if not dry_run:
        for name in missing:
            try:
                api.call("queues.create", name=name)
            except ApiError as error:
                # Somebody else created it in the meantime: that is what was wanted.
                if (error.code, error.subcode) != _DUPLICATE:
                    raise
    return missing


def live_queues(api: Api) -> list[LiveQueue]:
    """All queues of the server."""
    return [
        LiveQueue(queue["name"], len(queue.get("entries") or ()), is_default(queue), queue["id"])
        for queue in api.queues()
    ]


def is_default(queue: Mapping[str, Any]) -> bool:
    """Whether a queue is ClearML's own `default`, which every server has.

    It belongs to nobody: it is neither drift nor removed. The name alone is enough, as not every
    server marks it; the mark alone is enough too, as a queue can be renamed.

    Parameters
    ----------
    queue : mapping
        As `queues.get_all` gives it.
    """
    return queue["name"] == _DEFAULT or _DEFAULT in (queue.get("system_tags") or ())


def live_workers(api: Api) -> list[Worker]:
    """Workers that the server heard of in the last :data:`LIVE_SECONDS`."""
    answer = api.call("workers.get_all", last_seen=LIVE_SECONDS)
    return [
        Worker(
            id=worker["id"],
            queues=tuple(queue.get("name", "") for queue in worker.get("queues") or ()),
            task=(worker.get("task") or {}).get("id"),
            tags=tuple(worker.get("tags") or ()),
        )
        for worker in answer["workers"]
    ]


def check_queues(api: Api, names: Iterable[str], *, declared: Collection[str]) -> None:
    """See that work on each of the queues would be taken up.

    Raises
    ------
    FleetError, FleetErrors
        For each queue that is not declared, does not exist, or has no live agent. One that is
        drained, or drains, takes nothing and counts as none.
    """
    present = {queue["name"] for queue in api.queues()}
    workers = live_workers(api)
    served = {queue for worker in workers if not worker.rest for queue in worker.queues}
    problems = []
    for name in names:
        if name not in declared:
            problems.append(
                FleetError(
                    f"the queue '{name}' is not declared",
                    where="queues.yml",
                    mend=f"use one of: {', '.join(declared)}; or declare it and run site.yml",
                )
            )
        elif name not in present:
            problems.append(
                FleetError(
                    f"the server has no queue '{name}'",
                    where=api.url,
                    mend="run `ansible-playbook site.yml`: it creates the queues of queues.yml",
                )
            )
        elif name not in served and (resting := [one for one in workers if name in one.queues]):
            problems.append(_all_rest(name, resting, api.url))
        elif name not in served:
            problems.append(
                FleetError(
                    f"the queue '{name}' has no live agent: a task there would wait for ever",
                    where=api.url,
                    mend="start its agents: `ansible-playbook site.yml` (`fleet local status` "
                    "shows the local fleet)",
                )
            )
    raise_all(problems)


def _all_rest(name: str, workers: list[Worker], server: str) -> FleetError:
    told = "; ".join(f"{worker.id} is {worker.rest}" for worker in workers[:_NAMED])
    more = f"; and {len(workers) - _NAMED} more" if len(workers) > _NAMED else ""
    return FleetError(
        f"the queue '{name}' has no live agent: all that serve it take no tasks ({told}{more})",
        where=server,
        mend=f"let them work again: `{back_to_work(worker.id for worker in workers)}`",
    )
