"""Queues: declared against live."""

from __future__ import annotations

from collections.abc import Iterator

from fleet.drift.model import Difference, Live, LiveWorker
from fleet.drift.patterns import matcher
from fleet.spec import Spec

_SHOWN = 3


def compare_queues(spec: Spec, live: Live) -> Iterator[Difference]:
    """Declared queues that are not there, then those that are there and not declared."""
    present = {queue.name for queue in live.queues}
    for name, queue in spec.queues.items():
        if name not in present:
            yield Difference(
                "add",
                "queue",
                name,
                why=f"not there; {queue.node_group} would serve it: {', '.join(queue.phases)}",
                mend="run site.yml: it creates the queues of queues.yml",
            )
    unmanaged = matcher(spec.unmanaged.queues)
    strays = [
        queue
        for queue in live.queues
        if queue.name not in spec.queues and not unmanaged(queue.name)
    ]
    pollers = _pollers(live, {queue.name for queue in strays})
    for queue in strays:
        yield Difference(
            "unknown",
            "queue",
            queue.name,
            why=f"not declared; {_waiting(queue.waiting)}, {_polled(pollers[queue.name])}",
            mend="declare it in queues.yml, or name it there under unmanaged.queues; "
            "site.yml -e fleet_prune=true removes it once it is empty and nobody polls it",
        )


def _pollers(live: Live, names: set[str]) -> dict[str, list[LiveWorker]]:
    found: dict[str, list[LiveWorker]] = {name: [] for name in names}
    if names:
        for worker in live.workers.values():
            for queue in worker.queues:
                if queue in found and not worker.lost:
                    found[queue].append(worker)
    return found


def _waiting(count: int) -> str:
    return f"{count} task{'s' if count > 1 else ''} waiting" if count else "empty"


def _polled(workers: list[LiveWorker]) -> str:
    if not workers:
        return "nobody polls it"
    names = ", ".join(worker.id for worker in workers[:_SHOWN])
    more = f" and {len(workers) - _SHOWN} more" if len(workers) > _SHOWN else ""
    return f"polled by {names}{more}"
