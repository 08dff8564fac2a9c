"""By which rule a task got its queue: the routing that it carries, and that of queues.yml today."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from fleet.plan import routing
from fleet.runs import Step
from fleet.spec import Spec
from ml.catalog import PHASES
from ml.runtime.errors import UserError
from ml.runtime.parameters import parse
from ml.runtime.routing import Routing


@dataclass(frozen=True)
class Sent:
    """Why a task is on its queue.

    Attributes
    ----------
    rule : str
        In a few words.
    today : str or None
        The queue that today's queues.yml gives it by the same rule; None where it gives none.
    changed : tuple of str
        What queues.yml says otherwise than the task's template, a sentence each.
    """

    rule: str
    today: str | None
    changed: tuple[str, ...] = ()


def explain_sending(
    spec: Spec, step: Step, carried: Routing | None, values: Mapping[str, str], *, by_pipeline: bool
) -> Sent:
    """Say by which rule a task was sent to its queue.

    Parameters
    ----------
    spec : Spec
        The contract of today.
    step : Step
        The task.
    carried : Routing or None
        What its pipeline carries or, started alone, the task itself.
    values : mapping of str to str
        `Section/field` → text: what the task is to do.
    by_pipeline : bool
        Whether a pipeline's controller started it.
    """
    if step.phase not in PHASES:
        return Sent("no phase of this fleet: no rule of queues.yml holds for it", None)
    accelerator = _accelerator(step.phase, values)
    today = _queue(routing(spec), step.phase, accelerator)
    if carried is None:
        return Sent("carries no routing: it is no clone of a template", today)
    wanted = _queue(carried, step.phase, accelerator)
    rule = _rule(step, carried, wanted, accelerator, by_pipeline)
    return Sent(rule, today, _changes(spec, step, carried, wanted, today))


def _accelerator(phase: str, values: Mapping[str, str]) -> str:
    """What a step asks for; wrong fields are told by the task itself when it runs."""
    try:
        return PHASES[phase].accelerator(parse(PHASES[phase].parameters, values))
    except UserError:
        return "cpu"


def _queue(route: Routing, phase: str, accelerator: str) -> str | None:
    return route.queue_for(phase, accelerator) if route.queues.get(phase) else None


def _rule(
    step: Step, carried: Routing, wanted: str | None, accelerator: str, by_pipeline: bool
) -> str:
    if step.queue is None:
        return f"not enqueued yet; its queue is {wanted}"
    if step.queue != wanted:
        if step.queue in carried.allowed_queues(step.phase, accelerator):
            return f"chosen by whoever enqueued it, as queue_choice {carried.queue_choice} allows"
        return f"by no rule: {step.phase} may not run there, and its task says so when it starts"
    who = "the pipeline's template: " if by_pipeline else ""
    if len(carried.queues[step.phase]) == 1:
        return f"{who}the queue of {step.phase}"
    return f"{who}the first queue of {step.phase} that offers a {accelerator.upper()}, as it asks"


def _changes(
    spec: Spec, step: Step, carried: Routing, wanted: str | None, today: str | None
) -> tuple[str, ...]:
    now = routing(spec)
    changed = []
    if today != wanted:
        changed.append(f"by its template {step.phase} goes to {wanted}, by queues.yml to {today}")
    then, is_now = carried.queues.get(step.phase, []), now.queues.get(step.phase, [])
    if then != is_now:
        changed.append(
            f"the queues of {step.phase} are {', '.join(then) or 'none'} in its template, and "
            f"{', '.join(is_now) or 'none'} in queues.yml"
        )
    if carried.queue_choice != now.queue_choice:
        changed.append(
            f"queue_choice is {carried.queue_choice} in its template, and {now.queue_choice} in "
            "queues.yml"
        )
    images = [route.queue_images.get(step.queue or "") for route in (carried, now)]
    if None not in images and images[0] != images[1]:
        changed.append(
            f"the image of {step.queue} is {images[0]} in its template, and {images[1]} in "
            "queues.yml"
        )
    return tuple(changed)
