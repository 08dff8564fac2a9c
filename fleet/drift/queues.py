"""Queues: declared against live."""

from __future__ import annotations

from collections.abc import Iterator

from fleet.drift.model import Difference, Live
from fleet.spec import Spec
from fleet.strays import find_strays


def compare_queues(spec: Spec, live: Live) -> Iterator[Difference]:
    """Declared queues that are not there, then those that are there and not declared.

    ClearML's own `default`, which every server has, is no difference.
    """
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
    workers = ((item.id, item.queues) for item in live.workers.values() if not item.lost)
    for stray in find_strays(live.queues, workers, spec.queues, spec.unmanaged.queues):
        yield Difference(
            "unknown",
            "queue",
            stray.queue.name,
            why=f"not declared; {stray.use}",
            mend="declare it in queues.yml, or name it there under unmanaged.queues; "
            "site.yml -e fleet_prune=true removes it once it is empty and nobody polls it",
        )
