"""Rules that an inventory keeps as a whole, under a contract."""

from __future__ import annotations

from collections import Counter

from fleet.inventory.faults import Faults
from fleet.inventory.reading import Reading
from fleet.plan import Node, NodePlan
from fleet.plan.findings import Finding
from fleet.services import serves
from fleet.spec import Place, Problem, Spec
from fleet.spec.wording import nearest

_NEAR = 0.85
_UNGROUPED = frozenset(("all", "ungrouped"))


class FleetRules:
    """Looks at the inventory, and counts its nodes.

    Parameters
    ----------
    spec : Spec
        The contract.
    reading : Reading
        The inventory.
    """

    def __init__(self, spec: Spec, reading: Reading) -> None:
        self._spec = spec
        self._reading = reading
        self._hosts: Counter[str] = Counter()
        self._disabled: Counter[str] = Counter()
        self._serving: Counter[str] = Counter()
        self._unknown: list[str] = []
        self._all_disabled = bool(reading.inventory.nodes)

    def see(self, node: Node, plan: NodePlan | None) -> None:
        """Count a node; without a plan where there is a fault in it that is told elsewhere."""
        mine = [group for group in node.groups if group in self._spec.node_groups]
        self._hosts.update(mine)
        if node.disabled:
            self._disabled.update(mine)
            return
        self._all_disabled = False
        if plan is None:
            self._serving.update(mine)
            return
        self._serving.update({slot.group for slot in plan.slots})
        self._serving.update(plan.unknown_gpus)
        if plan.unknown_gpus and node.name not in self._reading.unclear:
            self._unknown.append(node.name)

    def problems(self) -> list[Problem]:
        """Faults of the whole."""
        here = Place(self._reading.source.shown)
        problems = self._groups()
        problems += self._others()
        if not self._reading.inventory.nodes:
            problems.append(
                Problem(
                    "no-nodes",
                    "no host is in any node group of queues.yml",
                    place=here,
                    mend="put hosts into groups that are named as the node groups are: "
                    + ", ".join(self._spec.node_groups),
                )
            )
            return problems
        if self._all_disabled:
            problems.append(
                Problem(
                    "all-disabled",
                    "every node is disabled: no task would run",
                    place=here,
                    mend="take fleet_disabled away from one",
                )
            )
            return problems
        return problems + [
            self._idle(group, here)
            for group in self._spec.node_groups
            if not self._serving[group] and self._spec.queues_of_group(group)
        ]

    def notes(self) -> list[str]:
        """What is no fault and worth knowing."""
        if not self._unknown:
            return []
        first, more = self._unknown[0], len(self._unknown) - 1
        others = f" and {more:,} more host{'s' if more > 1 else ''}" if more else ""
        return [
            f"the inventory does not say how many GPUs {first}{others} "
            f"{'have' if more else 'has'}: site.yml asks the driver"
        ]

    def _idle(self, group: str, here: Place) -> Problem:
        queues = self._spec.queues_of_group(group)
        if not self._hosts[group]:
            reason, mend = "no host is in it", f"put a host into {group} in the inventory"
        elif self._hosts[group] == self._disabled[group]:
            reason, mend = "all its hosts are disabled", "take fleet_disabled away from one"
        else:
            reason, mend = "none of its hosts has a slot for it", "give one a slot"
        plural = "s have" if len(queues) > 1 else " has"
        return Problem(
            "queue-without-node",
            f"the queue{plural} no node: {', '.join(queues)} (node group {group}: {reason})",
            place=here,
            mend=f"{mend}, or give the queue{'s' if len(queues) > 1 else ''} another node group",
        )

    def _groups(self) -> list[Problem]:
        """Inventory groups that are nearly named as a node group, and are not."""
        problems = []
        source = self._reading.source
        for name in source.group_names:
            if name in self._spec.node_groups:
                continue
            near = nearest(name, self._spec.node_groups, likeness=_NEAR)
            if near is None:
                continue
            strangers = source.hosts_of(name) & self._reading.others.keys()
            if strangers or not source.hosts_of(name):
                problems.append(
                    Problem(
                        "unknown-group",
                        f"the inventory's group '{name}' is no node group of queues.yml",
                        place=source.place_of_group(name),
                        mend=f"did you mean '{near}'? Other groups are free to be there, but "
                        "each host is in a node group, too",
                    )
                )
                for host in strangers:
                    self._reading.others.pop(host)
        return problems

    def _others(self) -> list[Problem]:
        """Hosts that are in no node group and give no service: site.yml fails on these."""
        faults = Faults(self._reading.source)
        known = ", ".join(self._spec.node_groups)
        for host, groups in self._reading.others.items():
            if serves(groups):
                continue
            mine = [group for group in groups if group not in _UNGROUPED]
            what = f"is in no node group, only in {', '.join(mine)}" if mine else "is in no group"
            mend = f"put it into one of {known}, or into an inventory of its own"
            faults.add(host, Finding("host-without-node-group", "", None, what, mend))
        return faults.problems()
