"""An inventory together with the contract that it is under: all that is declared of a fleet."""

from __future__ import annotations

from collections.abc import Container
from dataclasses import replace
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
    loaded: list[tuple[Spec, Path]] = []

    def groups_of(named: NamedContract) -> Container[str]:
        file = spec_file or named() or SPEC_FILE
        loaded.append((load(file), file))
        return loaded[0][0].node_groups

    inventory = checked(read(paths, groups_of))
    spec, file = loaded[0]
    return spec, replace(inventory, spec_file=file)
