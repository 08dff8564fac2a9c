"""Queues that the server has and queues.yml does not: told, and removed where that is asked for."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass

from fleet.clearml_api import Api, ApiError
from fleet.queues import live_queues, live_workers
from fleet.strays import find_strays

_GONE = (400, 701)
_NOT_EMPTY = (400, 702)


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

    One goes if it is empty and no live agent polls it; ClearML's own `default` never does. The
    server is asked without `force`, so that it refuses to remove a queue that has got a task since.

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
    queues = sorted(live_queues(api), key=lambda queue: queue.name)
    found = []
    for stray in find_strays(queues, _polled(api), declared, unmanaged):
        name = stray.queue.name
        if stray.in_use or not remove:
            found.append(Stray(name, removed=False, reason=stray.use))
        elif dry_run:
            found.append(Stray(name, removed=True))
        elif left := _remove(api, stray.queue.id, name):
            found.append(left)
    return found


def _polled(api: Api) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Workers and their queues; the server is asked once there is a stray to ask for."""
    for worker in live_workers(api):
        yield worker.id, worker.queues


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
