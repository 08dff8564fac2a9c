"""The nodes of an inventory, for explanations. It loads Ansible: only what names nodes needs it."""

from __future__ import annotations

from pathlib import Path

from fleet.clearml_api import connect
from fleet.errors import FleetError
from fleet.explain.nodes import Nodes
from fleet.images import digests
from fleet.inventory import Inventory, Paths, read_declared
from fleet.plan import Rest, rest_of
from fleet.queues import live_workers
from fleet.spec import Spec

_NOT_BUILT = "(not built)"
_NO_REGISTRY = "REGISTRY"
_NOT_ASKED = "whether agents are drained is not known"


def nodes_of(paths: Paths, spec_file: Path | None, *, offline: bool = True) -> tuple[Spec, Nodes]:
    """Read an inventory and the contract that it is under.

    Parameters
    ----------
    paths, spec_file
        As for :func:`~fleet.inventory.read_declared`, whose errors these are, too.
    offline : bool
        Whether to leave the inventory's server alone; else it is asked which agents take no
        tasks, and a note says where it could not be.
    """
    spec, found = read_declared(paths, spec_file)
    built = digests.by_name(found.digests_file or digests.PATH)
    resting, notes = ({}, ()) if offline else _resting(found)
    return spec, Nodes(
        where=found.path,
        nodes=tuple(found.nodes),
        registry=found.registry or _NO_REGISTRY,
        digests=dict.fromkeys(spec.images, _NOT_BUILT) | built,
        notes=found.notes + notes,
        resting=resting,
    )


def _resting(inventory: Inventory) -> tuple[dict[str, Rest], tuple[str, ...]]:
    """What the inventory's server says of agents that take no tasks, and what hindered it."""
    config = inventory.config_file
    if config is None or not config.expanduser().is_file():
        return {}, ()
    try:
        workers = live_workers(connect(config))
    except FleetError as error:
        return {}, (f"{_NOT_ASKED}: {error.what}",)
    rests = ((worker.id, rest_of(worker.tags)) for worker in workers)
    return {worker: rest for worker, rest in rests if rest}, ()
