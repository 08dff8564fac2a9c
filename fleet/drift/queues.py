"""Queues: declared against live."""

from __future__ import annotations

from collections.abc import Iterator

from fleet.drift.commands import PLAIN, Commands
from fleet.drift.model import Difference, Live
from fleet.spec import Spec
from fleet.strays import find_strays


def compare_queues(spec: Spec, live: Live, commands: Commands = PLAIN) -> Iterator[Difference]:
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
                mend=f"{commands.site()}  # creates {{name}}",
            )
    workers = ((item.id, item.queues) for item in live.workers.values() if not item.lost)
    for stray in find_strays(live.queues, workers, spec.queues, spec.unmanaged.queues):
        yield Difference(
            "unknown",
            "queue",
            stray.queue.name,
            why=f"not declared; {stray.use}",
            mend="declare {name} in queues.yml, or name under unmanaged.queues there what is not "
            f"the fleet's; or {commands.site('-e', 'fleet_prune=true')}, which removes what is "
            "empty and polled by nobody",
        )
