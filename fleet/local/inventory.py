"""The nodes that a local fleet gets from an inventory."""

from __future__ import annotations

import re
from collections.abc import Container
from pathlib import Path

from fleet.errors import FleetError
from fleet.inventory import read_nodes
from fleet.local.layout import RESERVED
from fleet.paths import REPOSITORY

INVENTORY = REPOSITORY / "inventories" / "local"

_HOST = re.compile(r"[a-z0-9][a-z0-9-]{0,40}")


def node_names(inventory: Path, groups: Container[str]) -> list[str]:
    """Names of the nodes in any of the groups, in the inventory's order.

    Raises
    ------
    FleetError
        The inventory cannot be read, or a node's name cannot be that of a container.
    """
    if not inventory.exists():
        raise FleetError(
            "there is no such inventory",
            where=str(inventory),
            mend=f"give --inventory a path that exists, or leave it out for {INVENTORY}",
        )
    names = [node.name for node in read_nodes(inventory, groups)]
    wrong = [name for name in names if name in RESERVED or not _HOST.fullmatch(name)]
    if wrong:
        raise FleetError(
            f"the local fleet cannot have nodes of these names: {', '.join(wrong)}",
            where=str(inventory),
            mend="use lower-case letters, digits and hyphens; "
            f"{' and '.join(RESERVED)} are taken by its own services",
        )
    return names
