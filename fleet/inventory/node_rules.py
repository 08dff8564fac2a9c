"""Rules that each node of an inventory keeps, under a contract."""

from __future__ import annotations

import re
from collections.abc import Iterable

from fleet.inventory.faults import Faults
from fleet.inventory.reading import Reading
from fleet.plan import Node, NodePlan
from fleet.plan.findings import Finding
from fleet.spec import NodeGroup, Spec
from fleet.spec.models import PER_MIG
from fleet.spec.wording import hint

# What a container may be named, as Docker has it: the agents' containers bear the node's name.
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*")
_OVERRIDES = "fleet_overrides"


class NodeRules:
    """Looks at one node after the other.

    Parameters
    ----------
    spec : Spec
        The contract.
    reading : Reading
        The inventory.
    faults : Faults
        Gets what is wrong.
    """

    def __init__(self, spec: Spec, reading: Reading, faults: Faults) -> None:
        self._spec = spec
        self._twins = reading.twins
        self._faults = faults
        self._lower: dict[str, str] = {}
        # Override → the first node that has it without being in its group, or None once a node
        # that is in it has it: one variable of `all` may speak of several groups.
        self._strange: dict[tuple[object, str], str | None] = {}
        self._place_of = reading.source.place_of

    def see(self, node: Node) -> None:
        """Look at what the inventory says of a node."""
        self._name(node)
        twin = self._twins.get(node.name)
        if twin:
            self._add(
                node,
                "same-machine",
                f"is reached just as {twin} is: two nodes cannot be one machine",
                "keep one of the two names, or correct ansible_host",
            )
        for group, override in node.overrides.items():
            entry = self._spec.node_groups.get(group)
            if entry is None:
                self._override(
                    node,
                    group,
                    f"speaks of '{group}', which is no node group",
                    _near(group, self._spec.node_groups),
                )
                continue
            self._member(node, group)
            if override.gpus is not None and _has_no_whole_gpus(entry):
                self._override(
                    node,
                    group,
                    f"gives whole GPUs to '{group}', whose slots own none",
                    "remove `gpus`; `slots` says how many slots the group has",
                )

    def see_plan(self, node: Node, plan: NodePlan) -> None:
        """Look at what the plan makes of it."""
        if plan.disabled:
            return
        lacking = [name for name in node.groups if self._lacks_gpus(node, name)]
        for group in lacking:
            self._faults.add(
                node.name,
                Finding(
                    "gpu-queue-without-gpus",
                    "fleet_gpus",
                    None,
                    f"has no GPUs (fleet_gpus is 0), and '{group}' is for work on GPUs",
                    "correct fleet_gpus, take the node out of the group, or say by fleet_slots how "
                    "many slots shall run on its CPU",
                ),
            )
        if not plan.slots and not plan.unknown_gpus and not lacking:
            self._add(
                node,
                "node-without-slots",
                "has no slot",
                "correct fleet_slots; a node that shall rest has `fleet_disabled: true`",
            )

    def finish(self) -> None:
        """Tell what is only known once all nodes were seen."""
        for (_, group), name in self._strange.items():
            if name is not None:
                self._faults.add(
                    name,
                    Finding(
                        "unknown-override",
                        _OVERRIDES,
                        None,
                        f"{_OVERRIDES} speaks of '{group}', in which the node is not",
                        f"put the node into {group}, or take it out of {_OVERRIDES}",
                    ),
                )

    def _name(self, node: Node) -> None:
        if not _NAME.fullmatch(node.name):
            self._add(
                node,
                "host-name",
                "cannot be the name of a worker and of containers",
                "use letters, digits, '.', '_' and '-'; an address goes into ansible_host",
            )
        first = self._lower.setdefault(node.name.lower(), node.name)
        if first != node.name:
            self._add(
                node,
                "host-name",
                f"is written as {first} is but for upper and lower case",
                "keep one of them, or give it another name",
            )

    def _member(self, node: Node, group: str) -> None:
        key = (self._place_of(node.name, _OVERRIDES), group)
        if group in node.groups:
            self._strange[key] = None
        else:
            self._strange.setdefault(key, node.name)

    def _lacks_gpus(self, node: Node, group: str) -> bool:
        entry = self._spec.node_groups.get(group)
        if entry is None or entry.accelerator != "gpu" or node.gpus != 0:
            return False
        override = node.overrides.get(group)
        return node.slots is None and (override is None or override.slots is None)

    def _override(self, node: Node, group: str, what: str, mend: str) -> None:
        finding = Finding("unknown-override", _OVERRIDES, None, f"{_OVERRIDES} {what}", mend)
        self._faults.add(node.name, finding)

    def _add(self, node: Node, rule: str, what: str, mend: str) -> None:
        self._faults.add(node.name, Finding(rule, "", None, what, mend))


def _has_no_whole_gpus(entry: NodeGroup) -> bool:
    return entry.accelerator != "gpu" or entry.slots == PER_MIG


def _near(name: str, known: Iterable[str]) -> str:
    known = list(known)
    return f"{hint(name, known)}there are: {', '.join(known)}"
