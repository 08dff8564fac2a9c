"""An inventory together with the contract that it is under: all that is declared of a fleet."""

from __future__ import annotations

from collections.abc import Container
from pathlib import Path

from fleet.inventory.model import Inventory, Paths
from fleet.inventory.reading import NamedContract, checked, read
from fleet.spec import SPEC_FILE, Spec, load


def read_declared(paths: Paths, spec_file: Path | None = None) -> tuple[Spec, Inventory]:
    """The contract that an inventory names, and the nodes that are in its groups.

    Parameters
    ----------
    paths : path or sequence of paths
        The inventory: files and folders.
    spec_file : path, optional
        The contract; by default `fleet_queues_file` of the inventory, then this checkout's.

    Raises
    ------
    FleetError, FleetErrors
        All that is wrong with either of them.
    """
    loaded: list[Spec] = []

    def groups_of(named: NamedContract) -> Container[str]:
        loaded.append(load(spec_file or named() or SPEC_FILE))
        return loaded[0].node_groups

    inventory = checked(read(paths, groups_of))
    return loaded[0], inventory
