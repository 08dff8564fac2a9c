"""A node as its inventory variables describe it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from fleet.errors import FleetError
from fleet.plan.model import Node


def node_from_variables(name: str, groups: Sequence[str], variables: Mapping[str, Any]) -> Node:
    """A node as `fleet_gpus` and `fleet_slots` describe it.

    Raises
    ------
    FleetError
        One of them is not a number of zero or more.
    """
    return Node(
        name=name,
        groups=tuple(groups),
        gpus=_count(name, variables, "fleet_gpus"),
        slots=_count(name, variables, "fleet_slots"),
    )


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
