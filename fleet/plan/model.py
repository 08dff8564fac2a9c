"""What the plan is made from, besides the contract, and what it says."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from fleet.errors import FleetError


@dataclass(frozen=True)
class Node:
    """A machine of the inventory.

    Attributes
    ----------
    name : str
        Its name in the inventory.
    groups : sequence of str
        The inventory groups that it is in.
    gpus : int
        Number of its GPUs.
    slots : int or None
        Overrides the number of slots that its group says.
    """

    name: str
    groups: Sequence[str]
    gpus: int = 0
    slots: int | None = None

    @classmethod
    def from_variables(cls, name: str, groups: Sequence[str], variables: Mapping[str, Any]) -> Node:
        """A node as its inventory variables `fleet_gpus` and `fleet_slots` describe it.

        Raises
        ------
        FleetError
            One of them is not a number of zero or more.
        """
        return cls(
            name=name,
            groups=tuple(groups),
            gpus=_count(name, variables, "fleet_gpus") or 0,
            slots=_count(name, variables, "fleet_slots"),
        )


@dataclass(frozen=True)
class Slot:
    """One agent on one node.

    Attributes
    ----------
    name : str
        Name of its service in the node's Compose project.
    worker_id : str
        Name of its worker in ClearML.
    group : str
        The node group that it belongs to.
    queues : tuple of str
        The queues it takes from, in order.
    image_name, image : str
        The task image: its name in queues.yml, and its reference by digest.
    gpus : tuple of int
        Indices of the GPUs that it owns alone.
    services : bool
        Whether it runs many tasks at a time.
    """

    name: str
    worker_id: str
    group: str
    queues: tuple[str, ...]
    image_name: str
    image: str
    gpus: tuple[int, ...] = ()
    services: bool = False


@dataclass(frozen=True)
class NodePlan:
    """The slots of one node, and the image that its agents run from."""

    node: str
    agent_image: str
    slots: tuple[Slot, ...]


def _count(name: str, variables: Mapping[str, Any], key: str) -> int | None:
    value = variables.get(key)
    if value is None:
        return None
    if isinstance(value, str) and value.strip().isdigit():
        value = int(value)  # INI inventories hold text
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise FleetError(
            f"{key} is {value!r}, not a number of zero or more",
            where=f"inventory, host {name}",
            mend=f"write `{key}: 0` or a positive whole number",
        )
    return value
