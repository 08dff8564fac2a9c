"""Contract + node + digests → the node's slots. Pure: no file, no connection."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from fleet.errors import FleetError
from fleet.plan.devices import Devices
from fleet.plan.model import Node, NodePlan, Override, Slot
from fleet.spec import Limits, Mount, NodeGroup, ObjectStore, Place, Problem, Spec
from fleet.spec.models import AGENT_IMAGE, PER_MIG

_AS_THE_GROUP = Override()


class Planner:
    """Makes the plans of nodes, one at a time: ten thousand need not be held at once.

    Parameters
    ----------
    spec : Spec
        The contract.
    registry : str
        `host[:port]` that nodes pull from which have none of their own.
    digests : mapping of str to str
        Image name → `sha256:…`, of what was built; a digest in the contract goes first.
    """

    def __init__(self, spec: Spec, *, registry: str, digests: Mapping[str, str]) -> None:
        self._spec, self._registry, self._digests = spec, registry, digests
        self._queues = {name: tuple(spec.queues_of_group(name)) for name in spec.node_groups}
        # Registry → references of the images there, and the node groups with these.
        self._known: dict[str, tuple[_References, list[_Group]]] = {}

    def plan(self, node: Node) -> NodePlan:
        """The slots of a node; results and errors are those of :func:`plan_node`."""
        registry = node.registry or self._registry
        if registry not in self._known:
            images = _References(self._spec, registry, self._digests)
            self._known[registry] = (images, self._groups(images))
        images, groups = self._known[registry]
        return _plan(groups, images[AGENT_IMAGE], node)

    def _groups(self, images: _References) -> list[_Group]:
        return [
            _Group(
                name,
                entry,
                self._queues[name],
                images,
                tuple(entry.data.mounts),
                tuple(entry.data.object_stores),
            )
            for name, entry in self._spec.node_groups.items()
        ]


def plan_fleet(
    spec: Spec, nodes: Iterable[Node], *, registry: str, digests: Mapping[str, str]
) -> Iterator[NodePlan]:
    """The plans of many nodes, one after the other.

    Parameters and errors are those of :func:`plan_node`.
    """
    return map(Planner(spec, registry=registry, digests=digests).plan, nodes)


def plan_node(spec: Spec, node: Node, *, registry: str, digests: Mapping[str, str]) -> NodePlan:
    """The slots of a node.

    Parameters
    ----------
    spec : Spec
        The contract.
    node : Node
        The machine.
    registry : str
        `host[:port]` that the node pulls from, if it has none of its own.
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
    return Planner(spec, registry=registry, digests=digests).plan(node)


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
    mounts: tuple[Mount, ...]
    object_stores: tuple[ObjectStore, ...]


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
        if group.entry.accelerator == "gpu" and node.gpus is None and _count(node, group) != 0:
            # The numbers of the slots that follow depend on it, too.
            unknown = tuple(later.name for later in mine[position:])
            return NodePlan(node.name, agent, tuple(slots), unknown_gpus=unknown)
        owned = _owned(devices, node, group)
        if owned:
            limits = _limits(node, group)
            slots += [
                _slot(node, group, limits, index, devices_of_slot)
                for index, devices_of_slot in enumerate(owned, start=len(slots))
            ]
    return NodePlan(node.name, agent, tuple(slots), gpus=node.gpus or 0, mig=node.mig)


def _owned(devices: Devices, node: Node, group: _Group) -> list[tuple[str, ...]]:
    """The devices of each slot that a group has on a node."""
    count = _count(node, group)
    if group.entry.services and count is not None and count > 1:
        raise Problem(
            "services-slots",
            f"the services group '{group.name}' would have {count} slots",
            place=Place(f"inventory, host {node.name}"),
            mend="one services agent runs many tasks at a time: write the number of slots of "
            "another group of the node in fleet_overrides, not as fleet_slots",
        )
    if group.entry.accelerator != "gpu":
        return [()] * (count or 0)
    if group.entry.slots == PER_MIG:
        return devices.take_instances(count)
    limit = node.overrides.get(group.name, _AS_THE_GROUP).gpus
    if count is None:
        return devices.take_each(limit)
    return devices.take_shared(count, limit)


def _count(node: Node, group: _Group) -> int | None:
    """How many slots a group has on a node; None where that depends on the node's GPUs."""
    override = node.overrides.get(group.name, _AS_THE_GROUP).slots
    count = override if override is not None else node.slots
    if count is None and isinstance(group.entry.slots, int):
        count = group.entry.slots
    return count


def _limits(node: Node, group: _Group) -> Limits:
    """The group's limits, with those that the node has otherwise."""
    own = node.overrides.get(group.name, _AS_THE_GROUP).limits
    if own is None:
        return group.entry.limits
    return group.entry.limits.model_copy(
        update={name: getattr(own, name) for name in own.model_fields_set}
    )


def _slot(node: Node, group: _Group, limits: Limits, index: int, owned: tuple[str, ...]) -> Slot:
    name = f"{node.name}-{index}"
    return Slot(
        name=name,
        worker_id=f"{node.name}:{index}",
        group=group.name,
        queues=group.queues,
        image_name=group.entry.image,
        image=group.images[group.entry.image],
        devices=owned,
        services=group.entry.services,
        limits=limits,
        mounts=group.mounts,
        object_stores=group.object_stores,
        task_user=group.entry.task_user or "",
        labels={"fleet.node": node.name, "fleet.slot": name, "fleet.group": group.name},
    )
