"""The checks at the start of a task, for clones that were made and enqueued by hand."""

from __future__ import annotations

from ml.runtime.errors import UserError
from ml.runtime.routing import Routing


def check_queue(routing: Routing, phase: str, queue: str, task: str) -> None:
    """Refuse to run on a queue that is not one of the phase's.

    Parameters
    ----------
    routing : Routing
        What the task carries.
    phase, queue : str
        What runs, and where.
    task : str
        The task's id, for the message.
    """
    allowed = routing.allowed_queues(phase)
    if not queue or queue in allowed:
        return
    raise UserError(
        f"the phase {phase} does not run on the queue {queue!r}",
        where=f"task {task}",
        mend=f"enqueue it on {' or '.join(allowed)}" if allowed else "map it in queues.yml",
        failure_class="queue",
    )
