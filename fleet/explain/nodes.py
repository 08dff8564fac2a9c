"""The nodes of an inventory and their plans, for explanations that name machines."""

from __future__ import annotations

from dataclasses import dataclass

from fleet.plan import Node, NodePlan, Planner
from fleet.spec import Spec


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
    notes : tuple of str
        What could not be read of the inventory: people need it beside what is made of the rest.
    """

    where: str
    nodes: tuple[Node, ...]
    registry: str
    digests: dict[str, str]
    notes: tuple[str, ...] = ()


def plans_of_group(spec: Spec, nodes: Nodes, group: str) -> list[NodePlan]:
    """The plans of the nodes that are in a group."""
    planner = Planner(spec, registry=nodes.registry, digests=nodes.digests)
    return [planner.plan(node) for node in nodes.nodes if group in node.groups]
