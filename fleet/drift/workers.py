"""Workers: the slots of the plan against those that report to the server."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from fleet.drift.commands import PLAIN, Commands
from fleet.drift.model import Difference, FieldChange, Live, LiveWorker
from fleet.patterns import matcher
from fleet.plan import NodePlan, Slot, worker_tags
from fleet.plan.container import AGENT, DEVICES, GROUP, IMAGE, QUEUES, SETTINGS
from fleet.spec import Spec

# A services agent's tasks report as workers of their own: NODE:0:service:TASK.
_TASK_OF_A_SLOT = ":service:"
_IN_WORDS = {
    IMAGE: "image",
    AGENT: "agent image",
    GROUP: "node group",
    DEVICES: "devices",
    QUEUES: "order of queues",
    SETTINGS: "limits, mounts and object stores (hash)",
}
# A slot's name has a dash where the id of its worker has the colon.
_LOGS = (
    "`docker logs $(docker ps -alqf label=fleet.slot=NODE-NUMBER)` on a node says why its agent "
    "NODE:NUMBER is away"
)
_HANDS_OVER = "nothing is left to do: look again when its task is over"
_GPUS = "a node need not be asked for its GPUs where the inventory says its fleet_gpus"
_DRAINS = "an agent that is to go finishes its task first"
_NOT_SAID = "not said"
# As the fleet writes it: `00` and digits of other scripts are another's.
_SLOT_NUMBER = re.compile(r"0|[1-9][0-9]{0,8}", re.ASCII)


def compare_workers(
    spec: Spec, plans: Iterable[NodePlan], live: Live, commands: Commands = PLAIN
) -> Iterator[Difference]:
    """Differences of each node's slots, in the order of the plans, then what is left over.

    Each slot and each worker is looked at once; no plan is kept.
    """
    nodes: dict[str, _Node] = {}
    for plan in plans:
        for slot in plan.slots:
            yield from _compare_slot(plan, slot, live.workers.get(slot.worker_id), commands)
        nodes[plan.node] = _Node(len(plan.slots), plan.disabled, plan.unknown_gpus)
    left = list(_left_over(spec, nodes, live, commands))
    for name, node in nodes.items():
        if node.unknown_gpus:
            yield _not_known_yet(name, node, commands)
    yield from left


@dataclass(slots=True)
class _Node:
    """What is worth remembering of a node's plan."""

    slots: int
    disabled: str
    unknown_gpus: tuple[str, ...]
    more: list[str] = field(default_factory=list)  # its workers beyond the slots that are known


def _compare_slot(
    plan: NodePlan, slot: Slot, worker: LiveWorker | None, commands: Commands
) -> Iterator[Difference]:
    if worker is None or worker.lost:
        heard = worker.last_heard if worker else ""
        why = f"lost: last heard at {heard}" if worker else "the server has not heard of it"
        yield Difference(
            "add",
            "worker",
            slot.worker_id,
            why=f"{why}; {_purpose(slot)}",
            mend=commands.limited(plan.node),
            node=plan.node,
            last_heard=heard,
            hint=_LOGS,
        )
        return
    changes = tuple(_changes(plan, slot, worker))
    if not changes:
        return
    if worker.rest and worker.rest.replaced:
        why = f"it runs as was declared before: {worker.rest}"
        yield Difference("change", "worker", slot.worker_id, why, _HANDS_OVER, changes, plan.node)
        return
    silent = not any(tag.startswith(f"{IMAGE}:") for tag in worker.tags)
    why = "it does not say which image it runs" if silent else "it runs otherwise than declared"
    yield Difference(
        "change", "worker", slot.worker_id, why, commands.limited(plan.node), changes, plan.node
    )


def _purpose(slot: Slot) -> str:
    devices = f", GPU {' '.join(slot.devices)}" if slot.devices else ""
    return f"{slot.group}{devices}, would serve {', '.join(slot.queues)}"


def _changes(plan: NodePlan, slot: Slot, worker: LiveWorker) -> Iterator[FieldChange]:
    wanted = worker_tags(plan, slot)
    # The server says which they are, the worker itself in which order.
    if set(worker.queues) != set(slot.queues):
        yield FieldChange("queues", ", ".join(worker.queues) or "none", ", ".join(slot.queues))
        del wanted[QUEUES]
    said = dict(tag.partition(":")[::2] for tag in worker.tags)
    for kind, new in wanted.items():
        old = said.get(kind, _NOT_SAID)
        if old != new:
            yield FieldChange(_IN_WORDS[kind], old, new)


def _left_over(
    spec: Spec, nodes: dict[str, _Node], live: Live, commands: Commands
) -> Iterator[Difference]:
    """Live workers that no slot of the plan is meant by."""
    unmanaged = matcher(spec.unmanaged.workers)
    for worker in live.workers.values():
        slot = worker.id.partition(_TASK_OF_A_SLOT)[0]
        if slot != worker.id and slot in live.workers:
            continue  # told with its slot
        name, _, index = slot.rpartition(":")
        node = nodes.get(name)
        number = int(index) if _SLOT_NUMBER.fullmatch(index) else None
        if node and number is not None and number < node.slots:
            continue
        # A lost one that nobody wants needs nothing: the server forgets it by itself.
        if worker.lost:
            continue
        # No pattern hides what runs on the fleet's own nodes.
        if node is None:
            if not unmanaged(worker.id):
                yield _not_ours(worker)
        elif number is None:
            yield _no_slot(worker, name)
        elif node.unknown_gpus and not node.disabled:
            node.more.append(worker.id)
        else:
            yield _no_longer_declared(worker, name, node, commands)


def _not_known_yet(name: str, node: _Node, commands: Commands) -> Difference:
    there = f"; {len(node.more)} of its workers report already" if node.more else ""
    groups = ", ".join(node.unknown_gpus)
    return Difference(
        "add",
        "worker",
        f"{name}:*",
        why=f"slots of {groups}, not known before site.yml has asked the node for its GPUs{there}",
        mend=commands.limited(name),
        node=name,
        hint=_GPUS,
    )


def _no_longer_declared(
    worker: LiveWorker, name: str, node: _Node, commands: Commands
) -> Difference:
    if node.disabled:
        why = f"the node is disabled: {node.disabled}"
    else:
        why = f"the node has {node.slots} slot{'' if node.slots == 1 else 's'} now"
    return Difference(
        "remove",
        "worker",
        worker.id,
        why=why,
        mend=commands.limited(name),
        node=name,
        hint=_DRAINS,
    )


def _not_ours(worker: LiveWorker) -> Difference:
    return Difference(
        "unknown",
        "worker",
        worker.id,
        why=f"it is named after no node of the inventory; it polls {_polled(worker)}",
        mend="{name}: stop what runs under the name, add its node to the inventory, or name it "
        "in queues.yml under unmanaged.workers",
    )


def _no_slot(worker: LiveWorker, node: str) -> Difference:
    return Difference(
        "unknown",
        "worker",
        worker.id,
        why=f"it reports from {node} under a name that is no slot's; it polls {_polled(worker)}",
        mend="{name}: stop what runs under the name on the node, or give it one that begins with "
        "no node's: a node of the inventory runs the agents of its slots and no others",
    )


def _polled(worker: LiveWorker) -> str:
    return ", ".join(worker.queues) or "no queue"
