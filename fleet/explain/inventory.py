"""The nodes of an inventory, for explanations. It loads Ansible: only what names nodes needs it."""

from __future__ import annotations

from pathlib import Path

from fleet.explain.nodes import Nodes
from fleet.images import digests
from fleet.inventory import Paths, read_declared
from fleet.spec import Spec

_NOT_BUILT = "(not built)"
_NO_REGISTRY = "REGISTRY"


def nodes_of(paths: Paths, spec_file: Path | None) -> tuple[Spec, Nodes]:
    """Read an inventory and the contract that it is under.

    Parameters and errors are those of :func:`~fleet.inventory.read_declared`.
    """
    spec, found = read_declared(paths, spec_file)
    built = digests.by_name(found.digests_file or digests.PATH)
    return spec, Nodes(
        where=found.path,
        nodes=tuple(found.nodes),
        registry=found.registry or _NO_REGISTRY,
        digests=dict.fromkeys(spec.images, _NOT_BUILT) | built,
        notes=found.notes,
    )
