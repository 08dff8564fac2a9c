"""An inventory together with the contract that it is under: all that is declared of a fleet."""

from __future__ import annotations

from pathlib import Path

from fleet.inventory.model import Inventory
from fleet.inventory.reading import read_inventory
from fleet.spec import SPEC_FILE, Spec, load


def read_declared(path: Path, spec_file: Path | None = None) -> tuple[Spec, Inventory]:
    """The contract that an inventory names, and the nodes that are in its groups.

    Parameters
    ----------
    path : path
        The inventory.
    spec_file : path, optional
        The contract; by default `fleet_queues_file` of the inventory, then this checkout's.

    Raises
    ------
    FleetError, FleetErrors
        All that is wrong with either of them.
    """
    spec = load(spec_file or SPEC_FILE)
    inventory = read_inventory(path, groups=spec.node_groups)
    named = inventory.spec_file
    if spec_file or named is None or named.resolve() == SPEC_FILE.resolve():
        return spec, inventory
    spec = load(named)
    return spec, read_inventory(path, groups=spec.node_groups)
