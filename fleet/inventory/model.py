"""What is read of an inventory, and what an inspection of it tells."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from fleet.plan import Node
from fleet.spec import Problem

#: One file or folder, or several that count as one inventory, as for Ansible.
Paths = Path | Sequence[Path]
#: Rule of what Ansible itself cannot read.
UNREADABLE = "inventory-unreadable"


def shown(path: Path | str) -> str:
    """A file's name as people see it: from the current folder on where it is below that."""
    relative = os.path.relpath(path)
    return str(path) if relative.startswith(os.pardir) else relative


def named(paths: Sequence[Path]) -> str:
    """The names of an inventory's files and folders, for messages."""
    return " and ".join(map(str, paths))


def several(paths: Paths) -> tuple[Path, ...]:
    """One path or several, as several."""
    return (paths,) if isinstance(paths, Path) else tuple(map(Path, paths))


class NotKnown(Exception):
    """A value of an inventory that cannot be worked out, with Ansible's reason.

    Parameters
    ----------
    reason : str
        What Ansible says.
    excused : bool
        Whether it is no fault: the inventory itself says by `undef(hint=…)` why there is no value
        yet, or it is encrypted.
    """

    def __init__(self, reason: str, *, excused: bool = False) -> None:
        super().__init__(reason)
        self.excused = excused


@dataclass(frozen=True)
class Inventory:
    """The nodes of an inventory, and what it says for the whole fleet.

    Attributes
    ----------
    paths : tuple of Path
        Files and folders that it was read from.
    nodes : tuple of Node
        The hosts that are in a node group, in the inventory's order.
    registry : str or None
        `host[:port]` that nodes pull from; where they differ, that of most. This and the values
        below are None where the inventory does not say, or cannot say yet: that of a local
        fleet knows its registry once the fleet is up.
    digests_file : Path or None
        The digests of what was built.
    config_file : Path or None
        The clearml.conf by which queues are declared.
    spec_file : Path or None
        The contract that it was read under, by :func:`~fleet.inventory.read_declared`.
    unknown : mapping of str to str
        Name of a variable that has one of the values above, as `fleet_registry` → why it is not
        known; without those that are just not set.
    notes : tuple of str
        What could not be read and was not needed, or cannot be known yet; no faults.
    """

    paths: tuple[Path, ...]
    nodes: tuple[Node, ...]
    registry: str | None = None
    digests_file: Path | None = None
    config_file: Path | None = None
    spec_file: Path | None = None
    unknown: Mapping[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    @property
    def path(self) -> str:
        """The names of its files and folders, for messages."""
        return named(self.paths)

    def why_not(self, variable: str) -> str:
        """Why one of the variables of the values above has no value, as the end of a sentence."""
        reason = self.unknown.get(variable)
        return f"cannot be told yet: {reason}" if reason else "is not set"


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
