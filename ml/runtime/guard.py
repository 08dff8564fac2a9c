"""The checks at the start of a task, for clones that were made and enqueued by hand.

A user may edit all of a draft, its routing too. The rules are therefore those of the published
template and not the clone's own: for what a person started those of the stable version, for a
step of a run those of the version that the run began with.

The guard is part of the step code: it refuses a task that has another commit or diff as long as
that code still calls it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ml.runtime import conventions as names
from ml.runtime.differences import Difference, Template, compare
from ml.runtime.errors import UserError
from ml.runtime.origin import controller_of
from ml.runtime.packages import check_packages
from ml.runtime.phase import Phase
from ml.runtime.policy import check_access, check_entry
from ml.runtime.record import TaskRecord
from ml.runtime.routing import Routing, parse_routing

if TYPE_CHECKING:
    from ml.runtime.server import Server


@dataclass(frozen=True)
class Permit:
    """A task may run.

    Parameters
    ----------
    packages : tuple of str
        What is to be added to the image's packages, each pinned.
    differences : tuple of Difference
        What it bears a mark for.
    """

    packages: tuple[str, ...] = ()
    differences: tuple[Difference, ...] = ()


def check_start(
    task: TaskRecord,
    phase: Phase,
    run_id: str,
    accelerator: str,
    phases: Iterable[Phase],
    server: Server,
) -> Permit:
    """Check whether a task may run, where it is, as it is.

    Parameters
    ----------
    task : TaskRecord
    phase : Phase
        What it runs.
    run_id : str
    accelerator : str
        What it wants of its queue: ``cpu`` or ``gpu``.
    phases : iterable of Phase
        All there are.
    server : Server

    Raises
    ------
    UserError
        It may not run: who started it (class ``permission``), where it runs (``queue``), that it
        is not as its template (``override``), or its packages (``dependency``).
    """
    queue = server.queue_name(task.queue_id)
    versions = server.versions(phase.name)
    compared = [
        (version, compare(task.script, task.container, task.routing, queue, version))
        for version in versions
    ]
    # the first of the nearest: stable ones come first
    source, differences = min(compared, key=lambda pair: len(pair[1]), default=(None, []))
    controller = controller_of(task, run_id, server)
    rules = _rules(task, source if controller else _stable(versions) or source)
    if rules is None:
        return Permit()
    place = f"task {task.id}"
    if controller:
        check_access(rules.policy, names.phase_of(controller.tags), controller.user, place)
    else:
        check_entry(rules.policy, phase, phases, place)
        check_access(rules.policy, phase.name, task.user, place)
    check_queue(rules, phase.name, queue, task.id, accelerator)
    packages = (source.routing if source else rules).packages.get(phase.name, [])
    if packages:
        check_packages(phase, rules.policy.environment, place)
    if differences and rules.policy.differences == "refuse":
        raise _refused(differences, phase, place)
    return Permit(tuple(packages), tuple(differences))


def check_queue(
    routing: Routing, phase: str, queue: str, task: str, accelerator: str = "cpu"
) -> None:
    """Refuse to run on a queue that is not one of the phase's.

    Parameters
    ----------
    routing : Routing
        The rules.
    phase, queue : str
        What runs, and where; a task that was never enqueued has no queue.
    task : str
        The task's id, for the message.
    accelerator : str
        What it wants of its queue.
    """
    allowed = routing.allowed_queues(phase, accelerator)
    if not queue or queue in allowed:
        return
    raise UserError(
        f"the phase {phase} does not run on the queue {queue!r}",
        where=f"task {task}, queues.yml, policy queue_choice: {routing.queue_choice}",
        mend=f"enqueue it on {' or '.join(allowed)}" if allowed else "map it in queues.yml",
        failure_class="queue",
    )


def _stable(versions: Sequence[Template]) -> Template | None:
    return next((version for version in versions if version.channel == names.STABLE), None)


def _rules(task: TaskRecord, version: Template | None) -> Routing | None:
    """A published version's; where none is published, the task's own, if it carries any."""
    if version:
        return version.routing
    text = task.configuration.get(names.ROUTING_OBJECT)
    return parse_routing(text, task.id) if text else None


def _refused(differences: Sequence[Difference], phase: Phase, place: str) -> UserError:
    lines = "".join(f"\n       - {difference}" for difference in differences)
    parts = ", ".join(difference.part for difference in differences)
    return UserError(
        f"the task is not as its template {phase.name}: {parts}",
        where=f"{place}, queues.yml, policy differences: refuse",
        mend=f"clone the template again and edit its fields alone, or mend each:{lines}",
        failure_class="override",
    )
