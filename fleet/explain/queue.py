"""`fleet explain queue`: who serves a queue, what comes to it, and who may start work there."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from fleet.explain.answer import Answer, Table, counted, listed
from fleet.explain.groups import agents_in_words, data_in_words, limits_in_words
from fleet.explain.names import check_known
from fleet.explain.nodes import Nodes, plans_of_group, resting_in_words
from fleet.explain.policy import choice_in_words, who_as_facts, who_in_words
from fleet.explain.routes import routes_of_phase
from fleet.plan import NodePlan, Slot
from fleet.spec import Spec
from ml.catalog import PHASES


def explain_queue(spec: Spec, name: str, nodes: Nodes | None = None) -> Answer:
    """Explain a queue.

    Parameters
    ----------
    spec : Spec
        The contract.
    name : str
        The queue's.
    nodes : Nodes, optional
        An inventory's; without them, none is named.

    Raises
    ------
    FleetError
        No such queue, or the nodes that serve it have not the devices that they should.
    """
    check_known("queue", name, spec.queues, where="queues.yml")
    queue = spec.queues[name]
    group = spec.group_of_queue(name)
    plans: list[NodePlan] = []
    slots: list[tuple[NodePlan, Slot]] | None = None
    if nodes:
        plans = plans_of_group(spec, nodes, queue.node_group)
        slots = [(plan, slot) for plan in plans for slot in plan.slots if name in slot.queues]
    sentences = [
        _served(spec, name, slots),
        _order(spec, name),
        *_unknown(plans, queue.node_group),
        *_resting(slots, nodes),
        *(work_in_words(spec, name, phase) for phase in queue.phases),
        choice_in_words(spec),
    ]
    if queue.description:
        sentences.insert(0, f"{name}: {queue.description}.")
    limits, data = limits_in_words(group.limits), data_in_words(group.data)
    if limits != "-":
        sentences.append(f"A task may use {limits}.")
    if data != "-":
        sentences.append(f"Its tasks can read {data}.")
    if group.task_user:
        sentences.append(f"Its tasks run as user and group {group.task_user}, not as root.")
    sentences.append(
        f"Ask {queue.owner} about it." if queue.owner else "queues.yml names no owner of it."
    )
    tables = [_work(spec, name)]
    if slots is not None:
        tables.append(_slots(slots, name))
    return Answer(f"queue {name}", tuple(sentences), tuple(tables), _facts(spec, name, slots))


def work_in_words(spec: Spec, queue: str, phase: str) -> str:
    """What of a phase comes to a queue, as a sentence."""
    if PHASES[phase].is_controller:
        return "The pipeline's controller runs here, and starts the steps on their own queues."
    here = [route for route in routes_of_phase(spec, phase) if route.queue == queue]
    if not here:
        taken = listed(list(dict.fromkeys(r.queue for r in routes_of_phase(spec, phase))))
        elsewhere = f"the pipeline sends {phase} to {taken}"
        if spec.policy.queue_choice == "fixed":
            return f"Nothing of {phase} comes here: {elsewhere}, and nobody may choose otherwise."
        return f"{phase} may run here where somebody chooses so; {elsewhere}."
    if any(route.details for route in here):
        models = [model for route in here for model in route.details]
        return f"The pipeline sends {phase} of {listed(models)} here."
    return f"The pipeline sends {phase} here."


def _served(spec: Spec, name: str, slots: Sequence[tuple[NodePlan, Slot]] | None) -> str:
    group_name = spec.queues[name].node_group
    group = spec.node_groups[group_name]
    image = f"tasks run in the image {group.image}"
    if slots is None:
        return (
            f"Each node of the group {group_name} serves it with {agents_in_words(group)}; {image}."
        )
    if not slots:
        return f"No node of this inventory serves it: a task there would wait; {image}."
    nodes = list(dict.fromkeys(plan.node for plan, _ in slots))
    return (
        f"The group {group_name} serves it with {counted(len(slots), 'agent')} on "
        f"{counted(len(nodes), 'node')}; {image}."
    )


def _resting(slots: Sequence[tuple[NodePlan, Slot]] | None, nodes: Nodes | None) -> list[str]:
    if not slots or nodes is None:
        return []
    workers = [slot.worker_id for _, slot in slots]
    told = resting_in_words(nodes, workers)
    if told and all(one in nodes.resting and not nodes.resting[one].replaced for one in workers):
        told.append("Until then the queue has no live agent: a task there would wait.")
    return told


def _order(spec: Spec, name: str) -> str:
    order = spec.queues_of_group(spec.queues[name].node_group)
    before, after = order[: order.index(name)], order[order.index(name) + 1 :]
    if not before and not after:
        return "Its agents serve no other queue."
    if not before:
        return f"Its agents serve it first, and {listed(after)} when it is empty."
    sentence = f"Its agents take from it when {listed(before)} {_are(before)} empty"
    return f"{sentence}, and from {listed(after)} after it." if after else f"{sentence}."


def _are(names: Sequence[str]) -> str:
    return "is" if len(names) == 1 else "are"


def _unknown(plans: Sequence[NodePlan], group: str) -> list[str]:
    nodes = [plan.node for plan in plans if group in plan.unknown_gpus]
    if not nodes:
        return []
    return [
        f"How many GPUs {listed(nodes)} {'has' if len(nodes) == 1 else 'have'} is not known before "
        f"site.yml has asked, so agents there are not counted."
    ]


def _work(spec: Spec, name: str) -> Table:
    rows = []
    for phase in spec.queues[name].phases:
        routes = [route for route in routes_of_phase(spec, phase) if route.queue == name]
        models = [model for route in routes for model in route.details]
        comes = "its controller" if PHASES[phase].is_controller else "yes" if routes else "no"
        rows.append(
            (
                phase,
                f"{comes}: {', '.join(models)}" if models else comes,
                who_in_words(spec, phase).removesuffix("."),
            )
        )
    return Table(("phase", "sent here by the pipeline", "who may start it"), tuple(rows))


def _slots(slots: Sequence[tuple[NodePlan, Slot]], queue: str) -> Table:
    rows = tuple(
        (
            plan.node,
            slot.worker_id,
            f"{slot.queues.index(queue) + 1} of {len(slot.queues)}",
            ", ".join(slot.devices) or "-",
            slot.image_name,
            limits_in_words(slot.limits),
        )
        for plan, slot in slots
    )
    return Table(("node", "agent", "turn of the queue", "GPUs", "image", "limits of a task"), rows)


def _facts(spec: Spec, name: str, slots: Sequence[tuple[NodePlan, Slot]] | None) -> dict[str, Any]:
    queue, group = spec.queues[name], spec.group_of_queue(name)
    order = spec.queues_of_group(queue.node_group)
    return {
        "queue": name,
        "description": queue.description,
        "owner": queue.owner or None,
        "node_group": queue.node_group,
        "image": group.image,
        "accelerator": group.accelerator,
        "services": group.services,
        "slots_per_node": group.slots,
        "priority": queue.priority,
        "served_before": order[: order.index(name)],
        "served_after": order[order.index(name) + 1 :],
        "phases": {
            phase: {
                "from_pipeline": PHASES[phase].is_controller
                or any(route.queue == name for route in routes_of_phase(spec, phase)),
                "models": [
                    model
                    for route in routes_of_phase(spec, phase)
                    if route.queue == name
                    for model in route.details
                ],
                **who_as_facts(spec, phase),
            }
            for phase in queue.phases
        },
        "queue_choice": spec.policy.queue_choice,
        "limits": group.limits.model_dump(exclude_none=True),
        "data": group.data.model_dump(exclude_none=True),
        "agents": None
        if slots is None
        else [
            {
                "node": plan.node,
                "worker_id": slot.worker_id,
                "devices": list(slot.devices),
                "image": slot.image,
            }
            for plan, slot in slots
        ],
    }
