"""Read an inventory: its nodes, and what it says for the whole fleet."""

from __future__ import annotations

import os
from collections.abc import Callable, Container
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fleet.errors import FleetError, raise_all
from fleet.found import read_found
from fleet.inventory.environment import prepare
from fleet.inventory.faults import Faults
from fleet.inventory.model import Inventory, NotKnown, Paths, named, several
from fleet.inventory.quiet import quiet
from fleet.inventory.values import BAD_TEMPLATE, CORRECT, REGISTRY, FleetValues
from fleet.plan import Node
from fleet.plan.findings import Finding
from fleet.plan.variables import FOUND, NODE_VARIABLES, parse_node
from fleet.spec import Problem

if TYPE_CHECKING:
    from fleet.inventory.source import Entry, Source

#: Tells the queues.yml that an inventory names, if it names one.
NamedContract = Callable[[], Path | None]

_GPUS = frozenset(("fleet_gpus", FOUND))


def read_inventory(paths: Paths, groups: Container[str]) -> Inventory:
    """Read the hosts that are in any of the given groups, and the values of the whole fleet.

    Parameters
    ----------
    paths : path or sequence of paths
        File or folder: INI, YAML, a program, or what an inventory plugin reads.
    groups : container of str
        Names of node groups.

    Raises
    ------
    FleetError, FleetErrors
        Ansible cannot read it, variables do not fit, or no host is in any of the groups.
    """
    return checked(read(paths, lambda _: groups))


def checked(reading: Reading) -> Inventory:
    """The inventory, where nothing is wrong with it; errors are those of :func:`read_inventory`."""
    raise_all(reading.problems)
    if not reading.inventory.nodes:
        raise FleetError(
            "no host is in any node group of queues.yml",
            where=reading.inventory.path,
            mend="put hosts into groups that are named as the node groups are",
        )
    return reading.inventory


def read_nodes(paths: Paths, groups: Container[str]) -> list[Node]:
    """The nodes of an inventory; parameters and errors are those of :func:`read_inventory`."""
    return list(read_inventory(paths, groups).nodes)


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
    unclear : set of str
        Nodes of which the inventory says wrongly how many GPUs they have.
    asked : set of str
        Nodes whose GPUs are what the last run of site.yml found.
    """

    inventory: Inventory
    problems: list[Problem]
    source: Source
    missing: list[Problem] = field(default_factory=list)
    others: dict[str, tuple[str, ...]] = field(default_factory=dict)
    twins: dict[str, str] = field(default_factory=dict)
    unclear: set[str] = field(default_factory=set)
    asked: set[str] = field(default_factory=set)


def read(paths: Paths, groups_of: Callable[[NamedContract], Container[str]]) -> Reading:
    """Read an inventory with all that is wrong with it.

    Parameters
    ----------
    paths : path or sequence of paths
        Files and folders.
    groups_of : callable
        Gives the names of the node groups; it may ask which contract the inventory names.

    Raises
    ------
    FleetError
        Ansible cannot read it.
    """
    paths = several(paths)
    _check_paths(paths)
    prepare()
    with quiet():
        # Imported late: Ansible takes its settings when it is imported, and half a second.
        from fleet.inventory.address import address
        from fleet.inventory.said import listening
        from fleet.inventory.source import Source

        source = Source(*paths)
    with quiet(), listening() as said:
        faults = Faults(source)
        reading = Reading(Inventory(paths, ()), source.problems, source)
        machines: dict[tuple[str, ...], str] = {}
        nodes, known = [], FleetValues(source, faults)
        groups = groups_of(known.contract)
        for entry in source:
            if not any(group in groups for group in entry.groups):
                reading.others[entry.name] = entry.groups
                continue
            nodes.append(_node(reading, entry, known.see(entry), faults))
            machine = address(source, entry)
            first = machines.setdefault(machine, entry.name) if machine else entry.name
            if first != entry.name:
                reading.twins[entry.name] = first
        source.hear(said)
        reading.problems += faults.problems()
        reading.missing = known.missing()
        notes = (*source.notes, *known.notes())
        reading.inventory = Inventory(paths, tuple(nodes), **known.values(), notes=notes)
    return reading


def _check_paths(paths: tuple[Path, ...]) -> None:
    try:
        os.getcwd()
    except OSError:
        raise FleetError(
            "the current folder is not there any more",
            where=named(paths),
            mend="change into a folder that is: Ansible looks for one",
        ) from None
    for path in paths:
        if not path.exists():
            raise FleetError(
                "there is no such inventory", where=str(path), mend="give a path that exists"
            )
        if path.is_fifo():
            # Ansible would wait for somebody who writes into it.
            raise FleetError(
                "a pipe is no inventory", where=str(path), mend="give a file, a folder or a program"
            )


def _node(reading: Reading, entry: Entry, registry: str, faults: Faults) -> Node:
    values: dict[str, Any] = {
        name: value
        for name, value in entry.variables.items()
        # YAML has numbers as names, too.
        if isinstance(name, str) and name.startswith("fleet_")
    }
    findings: list[Finding] = []
    for name in NODE_VARIABLES:
        if name not in values:
            continue
        try:
            values[name] = reading.source.value(entry, name)
        except NotKnown as error:
            values[name] = None
            what = f"{name} cannot be worked out: {error}"
            findings.append(Finding(BAD_TEMPLATE, name, None, what, CORRECT))
    values[REGISTRY] = registry
    # In a playbook it is a fact of the run; here it is what the last run found.
    values[FOUND] = None
    if values.get("fleet_gpus") is None:
        values[FOUND] = read_found(entry.own.get("inventory_dir") or "", entry.name)
        if values[FOUND] is not None:
            reading.asked.add(entry.name)
    node, of_values = parse_node(entry.name, entry.groups, values)
    for finding in (*findings, *of_values):
        faults.add(entry.name, finding)
        if finding.variable in _GPUS:
            reading.unclear.add(entry.name)
    return node
