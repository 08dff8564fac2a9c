"""The nodes of an inventory, for explanations. It loads Ansible: only what names nodes needs it."""

from __future__ import annotations

from pathlib import Path

from fleet.explain.nodes import Nodes
from fleet.images import digests
from fleet.inventory import read_inventory
from fleet.spec import Spec

_NOT_BUILT = "(not built)"
_NO_REGISTRY = "REGISTRY"


def nodes_of(spec: Spec, inventory: Path) -> Nodes:
    """Read an inventory.

    Raises
    ------
    FleetError
        It cannot be read, or no host is in a node group.
    """
    found = read_inventory(inventory, groups=spec.node_groups)
    built = digests.by_name(found.digests_file or digests.PATH)
    return Nodes(
        where=str(inventory),
        nodes=tuple(found.nodes),
        registry=found.registry or _NO_REGISTRY,
        digests=dict.fromkeys(spec.images, _NOT_BUILT) | built,
    )
