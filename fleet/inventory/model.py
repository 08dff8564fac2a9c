"""What is read of an inventory, and what an inspection of it tells."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from fleet.plan import Node
from fleet.spec import Problem

#: Rule of what Ansible itself cannot read.
UNREADABLE = "inventory-unreadable"


def shown(path: Path | str) -> str:
    """A file's name as people see it: from the current folder on where it is below that."""
    relative = os.path.relpath(path)
    return str(path) if relative.startswith(os.pardir) else relative


class NotKnown(Exception):
    """A value of an inventory that cannot be worked out, with Ansible's reason."""


@dataclass(frozen=True)
class Inventory:
    """The nodes of an inventory, and what it says for the whole fleet.

    Attributes
    ----------
    path : Path
        File or folder that it was read from.
    nodes : tuple of Node
        The hosts that are in a node group, in the inventory's order.
    registry : str or None
        `host[:port]` that nodes pull from; where they differ, that of most. This and the values
        below are None where the inventory does not say, or cannot say yet: that of a local
        fleet knows its registry once the fleet is up.
    digests_file, spec_file : Path or None
        The digests of what was built, and queues.yml.
    config_file : Path or None
        The clearml.conf by which queues are declared.
    notes : tuple of str
        What could not be read and was not needed, or cannot be known yet; no faults.
    """

    path: Path
    nodes: tuple[Node, ...]
    registry: str | None = None
    digests_file: Path | None = None
    spec_file: Path | None = None
    config_file: Path | None = None
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Inspection:
    """What is wrong with an inventory under a contract.

    Attributes
    ----------
    problems : list of Problem
        Faults, in the order of the inventory.
    notes : list of str
        What is no fault and worth knowing.
    nodes, slots : int
        How many of each the contract and the inventory make, as far as it is known.
    """

    problems: list[Problem]
    notes: list[str]
    nodes: int
    slots: int
