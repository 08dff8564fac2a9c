"""Contract + node + digests → the node's slots. Pure: no file, no connection."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from fleet.errors import FleetError
from fleet.plan.devices import Devices
from fleet.plan.model import Node, NodePlan, Override, Slot
from fleet.spec import NodeGroup, Spec
from fleet.spec.models import PER_GPU, PER_MIG

_AS_THE_GROUP = Override()


def plan_fleet(
    spec: Spec, nodes: Iterable[Node], *, registry: str, digests: Mapping[str, str]
) -> Iterator[NodePlan]:
    """The plans of many nodes, one after the other: ten thousand need not be held at once.

    Parameters and errors are those of :func:`plan_node`.
    """
    groups = _prepare(spec, registry=registry, digests=digests)
    agent = image_reference(spec, "agent", registry=registry, digests=digests)
    for node in nodes:
        yield _plan(groups, agent, node)


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
        Slots in the order of the contract's groups. No device belongs to two of them.

    Raises
    ------
    FleetError
        An image has no digest, or the node's groups want more devices than it has.
    """
    return next(plan_fleet(spec, [node], registry=registry, digests=digests))


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


@dataclass(frozen=True)
class _Group:
    """A node group with all that is the same on each of its nodes."""

    name: str
    entry: NodeGroup
    queues: tuple[str, ...]
    images: Mapping[str, str]


def _prepare(spec: Spec, *, registry: str, digests: Mapping[str, str]) -> list[_Group]:
    images = _References(spec, registry, digests)
    return [
        _Group(name, entry, tuple(spec.queues_of_group(name)), images)
        for name, entry in spec.node_groups.items()
    ]


class _References(dict[str, str]):
    """Image name → reference, made when it is asked for: an image that no node wants needs none."""

    def __init__(self, spec: Spec, registry: str, digests: Mapping[str, str]) -> None:
        super().__init__()
        self._spec, self._registry, self._digests = spec, registry, digests

    def __missing__(self, name: str) -> str:
        self[name] = image_reference(
            self._spec, name, registry=self._registry, digests=self._digests
        )
        return self[name]


def _plan(groups: Iterable[_Group], agent: str, node: Node) -> NodePlan:
    mine = [group for group in groups if group.name in node.groups]
    if node.disabled:
        return NodePlan(node.name, agent, (), disabled=node.disabled)
    devices = Devices(node)
    slots: list[Slot] = []
    for position, group in enumerate(mine):
        if group.entry.accelerator == "gpu" and node.gpus is None:
            # The numbers of the slots that follow depend on it, too.
            unknown = tuple(later.name for later in mine[position:])
            return NodePlan(node.name, agent, tuple(slots), unknown_gpus=unknown)
        for owned in _owned(devices, node, group):
            slots.append(_slot(node, group, len(slots), owned))
    return NodePlan(node.name, agent, tuple(slots), gpus=node.gpus or 0, mig=node.mig)


def _owned(devices: Devices, node: Node, group: _Group) -> list[tuple[str, ...]]:
    """The devices of each slot that a group has on a node."""
    override = node.overrides.get(group.name, _AS_THE_GROUP)
    count = override.slots if override.slots is not None else node.slots
    if count is None and isinstance(group.entry.slots, int):
        count = group.entry.slots
    if group.entry.accelerator != "gpu":
        return [()] * (count or 0)
    if group.entry.slots == PER_MIG:
        return devices.take_instances(count)
    if group.entry.slots == PER_GPU and count is None:
        return devices.take_each(override.gpus)
    return devices.take_shared(count or 0, override.gpus)


def _slot(node: Node, group: _Group, index: int, owned: tuple[str, ...]) -> Slot:
    override = node.overrides.get(group.name, _AS_THE_GROUP)
    image = override.image or group.entry.image
    name = f"{node.name}-{index}"
    return Slot(
        name=name,
        worker_id=f"{node.name}:{index}",
        group=group.name,
        queues=group.queues,
        image_name=image,
        image=group.images[image],
        devices=owned,
        services=group.entry.services,
        limits=override.limits or group.entry.limits,
        mounts=tuple(group.entry.data.mounts),
        object_stores=tuple(group.entry.data.object_stores),
        labels={"fleet.node": node.name, "fleet.slot": name, "fleet.group": group.name},
    )
