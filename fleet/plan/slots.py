"""Contract + node + digests → the node's slots. Pure: no file, no connection."""

from __future__ import annotations

from collections.abc import Mapping

from fleet.errors import FleetError
from fleet.plan.model import Node, NodePlan, Slot
from fleet.spec import Spec


def plan_node(spec: Spec, node: Node, *, registry: str, digests: Mapping[str, str]) -> NodePlan:
    """The slots of a node.

    Parameters
    ----------
    spec : Spec
        The contract.
    node : Node
        The machine.
    registry : str
        `host[:port]` that the node pulls from.
    digests : mapping of str to str
        Image name → `sha256:…`, of what was built; a digest in the contract goes first.

    Returns
    -------
    NodePlan
        Slots in the order of the contract's groups. No GPU belongs to two of them.

    Raises
    ------
    FleetError
        An image has no digest, or the node's groups want more GPUs than it has.
    """
    slots: list[Slot] = []
    next_gpu = 0
    for group_name, group in spec.node_groups.items():
        if group_name not in node.groups:
            continue
        queues = tuple(spec.queues_of_group(group_name))
        image = image_reference(spec, group.image, registry=registry, digests=digests)
        wanted = node.gpus if group.slots == "per_gpu" else group.slots
        count = wanted if node.slots is None else node.slots
        owned = _share_gpus(node, count, next_gpu) if group.accelerator == "gpu" else [()] * count
        next_gpu += sum(len(gpus) for gpus in owned)
        for gpus in owned:
            index = len(slots)
            slots.append(
                Slot(
                    name=f"{node.name}-{index}",
                    worker_id=f"{node.name}:{index}",
                    group=group_name,
                    queues=queues,
                    image_name=group.image,
                    image=image,
                    gpus=gpus,
                    services=group.services,
                )
            )
    agent = image_reference(spec, "agent", registry=registry, digests=digests)
    return NodePlan(node.name, agent, tuple(slots))


def image_reference(spec: Spec, name: str, *, registry: str, digests: Mapping[str, str]) -> str:
    """`registry/repository@digest` of an image of the contract.

    Raises
    ------
    FleetError
        Neither the contract nor what was built gives a digest.
    """
    image = spec.images[name]
    digest = image.digest or digests.get(name)
    if digest is None:
        raise FleetError(
            f"the image '{name}' has no digest",
            where="images/digests.yml",
            mend=f"build and push it: fleet images build {name} --push {registry or 'REGISTRY'}",
        )
    return f"{registry}/{image.repository}@{digest}"


def _share_gpus(node: Node, count: int, first: int) -> list[tuple[int, ...]]:
    """Split the GPUs that are left evenly over `count` slots; a node without any shares none."""
    free = list(range(first, node.gpus))
    if not free or count == 0:
        return [()] * count
    if count > len(free):
        raise FleetError(
            f"{count} GPU slots are wanted but {len(free)} GPUs are free",
            where=f"inventory, host {node.name}",
            mend="lower fleet_slots, correct fleet_gpus, or take the node out of a GPU group",
        )
    if len(free) % count:
        raise FleetError(
            f"{len(free)} GPUs cannot be shared evenly by {count} slots",
            where=f"inventory, host {node.name}",
            mend="choose fleet_slots so that none is left over",
        )
    size = len(free) // count
    return [tuple(free[index * size : (index + 1) * size]) for index in range(count)]
