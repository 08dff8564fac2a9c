"""`fleet explain node`: the agents of a machine, and why it has these."""

from __future__ import annotations

from typing import Any

from fleet.explain.answer import Answer, Table, counted, listed
from fleet.explain.groups import agents_in_words, data_in_words, limits_in_words
from fleet.explain.names import check_known
from fleet.explain.nodes import Nodes, resting_in_words
from fleet.plan import Node, NodePlan, Override, as_data, plan_node
from fleet.spec import Spec


def explain_node(spec: Spec, name: str, nodes: Nodes) -> Answer:
    """Explain a node of an inventory.

    Parameters
    ----------
    spec : Spec
        The contract.
    name : str
        The node's.
    nodes : Nodes
        The inventory's, with registry and digests.

    Raises
    ------
    FleetError
        No such node in a node group, or its groups want more devices than it has.
    """
    by_name = {node.name: node for node in nodes.nodes}
    check_known("node", name, by_name, where=nodes.where)
    node = by_name[name]
    plan = plan_node(spec, node, registry=nodes.registry, digests=nodes.digests)
    groups = [group for group in spec.node_groups if group in node.groups]
    overrides = _overrides(node, groups)
    sentences = [_in_use(spec, plan, groups), *_devices(node, plan), *overrides]
    for group in groups:
        data = data_in_words(spec.node_groups[group].data)
        if data != "-":
            sentences.append(f"Tasks of {group} can read {data}.")
    workers = [slot.worker_id for slot in plan.slots]
    sentences += resting_in_words(nodes, workers)
    facts: dict[str, Any] = {
        **as_data(plan),
        "groups": groups,
        "overrides": overrides,
        "resting": {
            worker: nodes.resting[worker].as_data() for worker in workers if worker in nodes.resting
        },
    }
    return Answer(f"node {name}", tuple(sentences), (_table(plan),), facts)


def _in_use(spec: Spec, plan: NodePlan, groups: list[str]) -> str:
    inside = f"{plan.node} is in {'the group' if len(groups) == 1 else 'the groups'} "
    inside += listed(groups)
    if plan.disabled:
        return f"{inside}, and has no agent for now: it is disabled ({plan.disabled})."
    if not plan.slots and not plan.unknown_gpus:
        return f"{inside}, and has no agent: its groups and its variables give it no slot."
    said = "; ".join(
        f"{group} gives a node {agents_in_words(spec.node_groups[group])}" for group in groups
    )
    if plan.unknown_gpus and not plan.slots:
        return f"{inside}: {said}."
    return f"{inside}, and has {counted(len(plan.slots), 'agent')}: {said}."


def _devices(node: Node, plan: NodePlan) -> list[str]:
    if plan.disabled:
        return []
    if plan.unknown_gpus:
        return [
            f"How many GPUs it has is not known: neither fleet_gpus says it, nor has site.yml "
            f"asked its driver yet; until then the slots of {listed(plan.unknown_gpus)} are not "
            "known either."
        ]
    if not node.gpus:
        gpu_slots = [slot for slot in plan.slots if node.gpus == 0]
        return ["It has no GPU."] if gpu_slots else []
    sentences = [f"It has {counted(node.gpus, 'GPU')}."]
    sentences += [
        f"GPU {gpu} is divided by MIG into {listed(profiles)}."
        for gpu, profiles in sorted(node.mig.items())
        if profiles
    ]
    owned = {device.partition(":")[0] for slot in plan.slots for device in slot.devices}
    idle = [str(gpu) for gpu in range(node.gpus) if str(gpu) not in owned]
    if idle:
        noun = "GPU" if len(idle) == 1 else "GPUs"
        sentences.append(f"No agent owns {noun} {listed(idle)}.")
    return sentences


def _overrides(node: Node, groups: list[str]) -> list[str]:
    sentences = []
    if node.slots is not None:
        sentences.append(f"Its inventory overrides the number of slots: fleet_slots {node.slots}.")
    for group in groups:
        said = _said(node.overrides.get(group, Override()))
        if said:
            sentences.append(f"Its inventory overrides what {group} says: {listed(said)}.")
    return sentences


def _said(override: Override) -> list[str]:
    said = []
    if override.slots is not None:
        said.append(counted(override.slots, "slot"))
    if override.gpus is not None:
        said.append(counted(override.gpus, "GPU"))
    if override.limits is not None:
        said.append(f"limits {limits_in_words(override.limits)}")
    return said


def _table(plan: NodePlan) -> Table:
    rows = tuple(
        (
            slot.worker_id,
            slot.group,
            ", ".join(slot.queues),
            ", ".join(slot.devices) or "-",
            slot.image_name,
            slot.image.partition("@")[2][:19] or "-",
            limits_in_words(slot.limits),
        )
        for slot in plan.slots
    )
    headings = (
        "agent",
        "group",
        "queues, in order",
        "GPUs",
        "image",
        "digest",
        "limits of a task",
    )
    return Table(headings, rows)
