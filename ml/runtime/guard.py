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
from ml.runtime.origin import Origin, origin_of
from ml.runtime.packages import check_recorded
from ml.runtime.phase import Phase
from ml.runtime.policy import check_access, check_entry
from ml.runtime.record import TaskRecord
from ml.runtime.routing import Routing

if TYPE_CHECKING:
    from ml.runtime.server import Server


@dataclass(frozen=True)
class Permit:
    """A task may run.

    Parameters
    ----------
    routing : Routing
        The published one that it was judged by; a controller sends its steps by it.
    packages : tuple of str
        What is to be added to the image's packages, each pinned.
    differences : tuple of Difference
        What it bears a mark for.
    controller : str
        Id of the controller that started it; empty where a person did.
    """

    routing: Routing
    packages: tuple[str, ...] = ()
    differences: tuple[Difference, ...] = ()
    controller: str = ""


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
    place = f"task {task.id}"
    queue = server.queue_name(task.queue_id)
    versions = server.versions(phase.name)
    # what a person may have written to a task is never its rule: without a published one, none is
    stable = _stable(versions, phase, place)
    compared = [
        (version, compare(task.script, task.container, task.routing, queue, version))
        for version in versions
    ]
    # the first of the nearest: stable ones come first; the image says only where it ran
    source, differences = min(compared, key=lambda pair: (len(_edits(pair[1])), len(pair[1])))
    origin = origin_of(task, run_id, server)
    controller = origin.controller
    rules = (source if controller else stable).routing
    if controller:
        check_access(rules.policy, names.phase_of(controller.tags), controller.user, place)
    else:
        try:
            check_entry(rules.policy, phase, phases, place)
            check_access(rules.policy, phase.name, task.user, place)
        except UserError as error:
            raise _not_a_step(error, origin) from None
    check_queue(rules, phase.name, queue, task.id, accelerator)
    packages = source.routing.packages.get(phase.name, [])
    check_recorded(phase, packages, rules.policy.environment, place)
    edits = _edits(differences)
    if edits and rules.policy.differences == "refuse":
        raise _refused(edits, phase, place)
    started_by = controller.id if controller else ""
    return Permit(rules, tuple(packages), tuple(differences), started_by)


def refuse_template(task: TaskRecord, phase: Phase) -> None:
    """Refuse to run a template itself, before anything of it is changed.

    Raises
    ------
    UserError
        Of the class ``override``.
    """
    if names.bears_own_mark(task.id, task.tags):
        raise UserError(
            f"the task is the template {phase.name} itself, which is only ever cloned",
            where=f"task {task.id}",
            mend="run `fleet template publish`, since this one is no draft any more; then clone "
            "the template and enqueue the clone",
        )


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


def _stable(versions: Sequence[Template], phase: Phase, place: str) -> Template:
    found = next((version for version in versions if version.channel == names.STABLE), None)
    if found is None:
        raise UserError(
            f"the template {phase.name} is not published, so nothing says whether it may run",
            where=f"{place}, project {names.TEMPLATE_PROJECT}, channel {names.STABLE}",
            mend="have somebody who may publish run `fleet template publish`, then clone the new "
            "template",
        )
    return found


def _not_a_step(error: UserError, origin: Origin) -> UserError:
    """What is refused to a person, for a task that looks like a step of a pipeline."""
    if not origin.why:
        return error
    return UserError(
        f"{origin.why}, so that the task counts as started by hand: {error.what}",
        where=error.where,
        mend=f"{origin.mend}, or {error.mend}" if origin.mend else error.mend,
        failure_class=error.failure_class,
    )


def _edits(differences: Iterable[Difference]) -> list[Difference]:
    return [difference for difference in differences if difference.by_a_person]


def _refused(differences: Sequence[Difference], phase: Phase, place: str) -> UserError:
    lines = "".join(f"\n       - {difference}" for difference in differences)
    parts = ", ".join(difference.part for difference in differences)
    return UserError(
        f"the task is not as its template {phase.name}: {parts}",
        where=f"{place}, queues.yml, policy differences: refuse",
        mend=f"clone the template again and edit its fields alone, or mend each:{lines}",
        failure_class="override",
    )
