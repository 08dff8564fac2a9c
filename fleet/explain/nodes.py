"""The nodes of an inventory and their plans, for explanations that name machines."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from fleet.explain.answer import listed
from fleet.plan import Node, NodePlan, Planner, Rest, back_to_work
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
    resting : mapping of str to Rest
        Worker id → why it takes no tasks, as far as the server was asked.
    """

    where: str
    nodes: tuple[Node, ...]
    registry: str
    digests: dict[str, str]
    notes: tuple[str, ...] = ()
    resting: Mapping[str, Rest] = field(default_factory=dict)


def resting_in_words(nodes: Nodes, workers: Sequence[str]) -> list[str]:
    """Which of the agents take no tasks, and why: one sentence for each reason, then the way back.

    Parameters
    ----------
    nodes : Nodes
        With what the server said.
    workers : sequence of str
        Ids of the agents that are explained.
    """
    told: dict[str, list[str]] = {}
    for worker in workers:
        if worker in nodes.resting:
            told.setdefault(str(nodes.resting[worker]), []).append(worker)
    sentences = [
        f"{listed(names)} {'takes' if len(names) == 1 else 'take'} no tasks for now: {why}."
        for why, names in told.items()
    ]
    at_rest = [one for one in workers if one in nodes.resting and not nodes.resting[one].replaced]
    if at_rest:
        sentences.append(f"`{back_to_work(at_rest)}` lets them work again.")
    return sentences


def plans_of_group(spec: Spec, nodes: Nodes, group: str) -> list[NodePlan]:
    """The plans of the nodes that are in a group."""
    planner = Planner(spec, registry=nodes.registry, digests=nodes.digests)
    return [planner.plan(node) for node in nodes.nodes if group in node.groups]
