"""The nodes of an inventory and their plans, for explanations that name machines."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from fleet.images import digests
from fleet.inventory import read_inventory
from fleet.plan import Node, NodePlan, plan_node
from fleet.spec import Spec

_NOT_BUILT = "(not built)"
_NO_REGISTRY = "REGISTRY"


@dataclass(frozen=True)
class Nodes:
    """What planning the nodes of an inventory takes.

    Attributes
    ----------
    where : str
        The inventory.
    nodes : tuple of Node
        Those that are in a node group.
    registry : str
        A word in its place where the inventory does not say.
    digests : dict of str to str
        Image → digest; words in its place for what is not built yet, whose plan is worth seeing.
    """

    where: str
    nodes: tuple[Node, ...]
    registry: str
    digests: dict[str, str]


def nodes_of(spec: Spec, inventory: Path) -> Nodes:
    """Read an inventory.

    Raises
    ------
    FleetError
        It cannot be read, or no host is in a node group.
    """
    found = read_inventory(inventory, groups=spec.node_groups)
    built = digests.by_name(found.digests_file or digests.PATH)
    return Nodes(
        where=str(inventory),
        nodes=tuple(found.nodes),
        registry=found.registry or _NO_REGISTRY,
        digests=dict.fromkeys(spec.images, _NOT_BUILT) | built,
    )


def plans_of_group(spec: Spec, nodes: Nodes, group: str) -> list[NodePlan]:
    """The plans of the nodes that are in a group."""
    return [
        plan_node(spec, node, registry=nodes.registry, digests=nodes.digests)
        for node in nodes.nodes
        if group in node.groups
    ]
