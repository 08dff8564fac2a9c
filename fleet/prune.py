"""Queues that the server has and queues.yml does not: told, and removed where that is asked for."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass

from fleet.clearml_api import Api, ApiError
from fleet.drift.patterns import matcher
from fleet.queues import is_default, live_workers

_GONE = (400, 701)
_NOT_EMPTY = (400, 702)
_SHOWN = 3


@dataclass(frozen=True)
class Stray:
    """A queue that is not declared.

    Attributes
    ----------
    name : str
        Its name.
    removed : bool
        Whether it was removed; in a dry run, whether it would be.
    reason : str
        Why it is still there.
    """

    name: str
    removed: bool
    reason: str = ""


def prune_queues(
    api: Api,
    declared: Collection[str],
    *,
    unmanaged: Iterable[str] = (),
    remove: bool = False,
    dry_run: bool = False,
) -> list[Stray]:
    """Find the queues that are not declared, and remove those that nobody would miss.

    One goes if it is empty and no live agent polls it; ClearML's own `default` never does. The server is asked without `force`, so
    that it refuses to remove a queue that has got a task since.

    Parameters
    ----------
    api : Api
        The server.
    declared : collection of str
        Names of the queues that stay.
    unmanaged : iterable of str
        Names and patterns of queues that are none of the fleet's: they are not even told.
    remove : bool
        Whether to remove, or to tell only.
    dry_run : bool
        Whether to say only what removing would do.

    Returns
    -------
    list of Stray
        By name. One that somebody else removes in the meantime is not among them.

    Raises
    ------
    FleetError
        The server does not answer, or refuses for another reason.
    """
    foreign = matcher(unmanaged)
    strays = [
        queue
        for queue in sorted(api.queues(), key=lambda queue: queue["name"])
        if queue["name"] not in declared and not foreign(queue["name"]) and not is_default(queue)
    ]
    pollers = _pollers(api) if strays else {}
    found = []
    for queue in strays:
        name = queue["name"]
        reason = _in_use(len(queue.get("entries") or ()), pollers.get(name, []))
        if reason or not remove:
            found.append(Stray(name, removed=False, reason=reason or "empty, nobody polls it"))
        elif dry_run:
            found.append(Stray(name, removed=True))
        elif stray := _remove(api, queue["id"], name):
            found.append(stray)
    return found


def _remove(api: Api, queue: str, name: str) -> Stray | None:
    try:
        api.call("queues.delete", queue=queue)
    except ApiError as error:
        if (error.code, error.subcode) == _GONE:
            return None
        if (error.code, error.subcode) == _NOT_EMPTY:
            return Stray(name, removed=False, reason="it has just got a task")
        raise
    return Stray(name, removed=True)


def _pollers(api: Api) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for worker in live_workers(api):
        for queue in worker.queues:
            found.setdefault(queue, []).append(worker.id)
    return found


def _in_use(waiting: int, workers: list[str]) -> str:
    reasons = []
    if waiting:
        reasons.append(f"{waiting} task{'s wait' if waiting > 1 else ' waits'} in it")
    if workers:
        more = f" and {len(workers) - _SHOWN} more" if len(workers) > _SHOWN else ""
        reasons.append(f"polled by {', '.join(workers[:_SHOWN])}{more}")
    return ", ".join(reasons)
