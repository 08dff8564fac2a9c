"""The machines of a local fleet that is up follow its inventory: the others are not touched."""

from __future__ import annotations

import ipaddress
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from fleet.command import find, use_system_path
from fleet.errors import FleetError
from fleet.local import addresses, engine, network, nodes
from fleet.local.inventory import node_names
from fleet.local.layout import Layout, write_private
from fleet.local.lock import locked
from fleet.spec import load


@dataclass
class Machines:
    """What was done to a fleet's machines, a line each, and those that nobody wants any more."""

    changed: list[str] = field(default_factory=list)
    superfluous: list[str] = field(default_factory=list)


def have_machines(
    layout: Layout, inventory: Path | None, spec_file: Path, *, prune: bool = False
) -> Machines:
    """Have the nodes of an inventory run in a fleet that is up.

    Parameters
    ----------
    layout : Layout
        The fleet.
    inventory : Path, optional
        By default the one that the fleet was brought up with.
    spec_file : Path
        The contract: hosts of its node groups become nodes.
    prune : bool
        Whether nodes that are not in the inventory are removed, with the tasks that they run.

    Raises
    ------
    FleetError
        The fleet is not up, something else changes it now, or a node does not boot.
    """
    network.reach_directly(None)
    use_system_path()
    record = _record(layout)
    wanted = node_names(inventory or Path(record["inventory"]), load(spec_file).node_groups)
    running = _running(layout, wanted)
    found = Machines(superfluous=[node for node in nodes.existing(layout) if node not in wanted])
    whole = set(running) == set(wanted) <= record["nodes"].keys()
    if whole and not (prune and found.superfluous):
        return found
    with locked(layout.lock, f"the local fleet {layout.name!r}"):
        # Another command may have changed it before the lock was ours.
        record = _record(layout)
        if prune:
            gone, found.superfluous = nodes.remove_others(layout, wanted), []
            found.changed += [f"{node} removed" for node in gone]
        kept = [*wanted, *found.superfluous]
        known = record["nodes"] | network.given(layout, kept)
        subnet = ipaddress.IPv4Network(record["subnet"])
        chosen = addresses.node_addresses(subnet, kept, known)
        ours = {node: chosen[node] for node in wanted}
        alone = _running(layout, wanted)
        images = dict.fromkeys(ours, record["node_image"])
        done = nodes.bring_up(layout, images, ours, alone=alone)
        found.changed += [f"{node} {what}" for node, what in done.items() if what != nodes.KEPT]
        text = json.dumps({**record, "nodes": ours}, indent=2) + "\n"
        write_private(layout.record, text)
    return found


def _record(layout: Layout) -> dict[str, Any]:
    record = layout.read_record()
    if record is None or "node_image" not in record:
        raise _not_up(layout, f"there is no {layout.record}" if record is None else "it is older")
    if find("docker") is None or engine.info() is None:
        raise _not_up(layout, "no Docker Engine answers")
    if not engine.inspect("network", [layout.network]):
        raise _not_up(layout, f"there is no network {layout.network}")
    return record


def _running(layout: Layout, wanted: list[str]) -> list[str]:
    names = {layout.container(node): node for node in wanted}
    there = engine.inspect("container", list(names))
    return [names[one["Name"].lstrip("/")] for one in there if one["State"]["Running"]]


def _not_up(layout: Layout, why: str) -> FleetError:
    return FleetError(
        f"the local fleet {layout.name!r} is not up: {why}",
        where=str(layout.state),
        mend="bring it up: make up (or fleet local up --no-run)",
    )
