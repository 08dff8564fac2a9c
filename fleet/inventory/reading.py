"""Read an inventory: its nodes, and what it says for the whole fleet."""

from __future__ import annotations

from collections.abc import Callable, Container
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fleet.errors import FleetError, raise_all
from fleet.found import read_found
from fleet.inventory.environment import prepare
from fleet.inventory.faults import Faults
from fleet.inventory.model import Inventory, NotKnown
from fleet.inventory.quiet import quiet
from fleet.inventory.values import REGISTRY, FleetValues
from fleet.plan import Node
from fleet.plan.findings import Finding
from fleet.plan.variables import FOUND, NODE_VARIABLES, parse_node
from fleet.spec import Problem

if TYPE_CHECKING:
    from fleet.inventory.source import Entry, Source

#: Tells the queues.yml that an inventory names, if it names one.
NamedContract = Callable[[], Path | None]

# With a node's address, what decides which machine a connection reaches.
_REACHED_BY = (
    "ansible_connection",
    "ansible_port",
    "ansible_ssh_common_args",
    "ansible_ssh_extra_args",
)


def read_inventory(path: Path, groups: Container[str]) -> Inventory:
    """Read the hosts that are in any of the given groups, and the values of the whole fleet.

    Parameters
    ----------
    path : path
        File or folder: INI, YAML, a program, or what an inventory plugin reads.
    groups : container of str
        Names of node groups.

    Raises
    ------
    FleetError, FleetErrors
        Ansible cannot read it, variables do not fit, or no host is in any of the groups.
    """
    return checked(read(path, lambda _: groups))


def checked(reading: Reading) -> Inventory:
    """The inventory, where nothing is wrong with it; errors are those of :func:`read_inventory`."""
    raise_all(reading.problems)
    if not reading.inventory.nodes:
        raise FleetError(
            "no host is in any node group of queues.yml",
            where=str(reading.inventory.path),
            mend="put hosts into groups that are named as the node groups are",
        )
    return reading.inventory


def read_nodes(path: Path, groups: Container[str]) -> list[Node]:
    """The nodes of an inventory; parameters and errors are those of :func:`read_inventory`."""
    return list(read_inventory(path, groups).nodes)


@dataclass
class Reading:
    """An inventory, and what was found on the way.

    Attributes
    ----------
    inventory : Inventory
        Without the nodes' variables that are wrong.
    problems : list of Problem
        What is wrong with it in itself; what the contract makes of it is not looked at here.
    source : Source
        Tells places.
    missing : list of Problem
        Variables that site.yml needs and nodes do not have.
    others : dict
        Host in no node group → the groups that it is in.
    twins : dict
        Node → an earlier one that is reached in just the same way.
    """

    inventory: Inventory
    problems: list[Problem]
    source: Source
    missing: list[Problem] = field(default_factory=list)
    others: dict[str, tuple[str, ...]] = field(default_factory=dict)
    twins: dict[str, str] = field(default_factory=dict)


def read(path: Path, groups_of: Callable[[NamedContract], Container[str]]) -> Reading:
    """Read an inventory with all that is wrong with it.

    Parameters
    ----------
    path : path
        File or folder.
    groups_of : callable
        Gives the names of the node groups; it may ask which contract the inventory names.

    Raises
    ------
    FleetError
        Ansible cannot read it.
    """
    if not Path(path).exists():
        raise FleetError(
            "there is no such inventory", where=str(path), mend="give a path that exists"
        )
    if Path(path).is_fifo():
        # Ansible would wait for somebody who writes into it.
        raise FleetError(
            "a pipe is no inventory", where=str(path), mend="give a file, a folder or a program"
        )
    prepare()
    with quiet():
        # Imported late: Ansible takes its settings when it is imported, and half a second.
        from fleet.inventory.said import listening
        from fleet.inventory.source import Source

        source = Source(Path(path))
    with quiet(), listening() as said:
        faults = Faults(source)
        reading = Reading(Inventory(Path(path), ()), source.problems, source)
        machines: dict[tuple[Any, ...], str] = {}
        nodes, known = [], FleetValues(source, faults)
        groups = groups_of(known.contract)
        for entry in source:
            if not any(group in groups for group in entry.groups):
                reading.others[entry.name] = entry.groups
                continue
            nodes.append(_node(source, entry, known.see(entry), faults))
            first = machines.setdefault(_machine(entry), entry.name)
            if first != entry.name:
                reading.twins[entry.name] = first
        source.hear(said)
        reading.problems += faults.problems()
        reading.missing = known.missing()
        notes = (*source.notes, *known.notes())
        reading.inventory = Inventory(Path(path), tuple(nodes), **known.values(), notes=notes)
    return reading


def _machine(entry: Entry) -> tuple[Any, ...]:
    """How a node is reached, as far as it is plain text."""
    variables = entry.variables
    return (
        variables.get("ansible_host") or entry.name,
        *(str(variables[name]) for name in _REACHED_BY if name in variables),
    )


def _node(source: Source, entry: Entry, registry: str, faults: Faults) -> Node:
    values: dict[str, Any] = {
        name: value for name, value in entry.variables.items() if name.startswith("fleet_")
    }
    for name in NODE_VARIABLES:
        if name not in values:
            continue
        try:
            values[name] = source.value(entry, name)
        except NotKnown as error:
            values[name] = None
            what = f"{name} cannot be worked out: {error}"
            mend = "correct the template, or write the value itself"
            faults.add(entry.name, Finding("bad-template", name, None, what, mend))
    values[REGISTRY] = registry
    # In a playbook it is a fact of the run; here it is what the last run found.
    values[FOUND] = None
    if values.get("fleet_gpus") is None:
        values[FOUND] = read_found(entry.own.get("inventory_dir") or "", entry.name)
    node, findings = parse_node(entry.name, entry.groups, values)
    for finding in findings:
        faults.add(entry.name, finding)
    return node
