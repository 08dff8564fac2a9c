"""Ansible's way into the plan: `fleet_plan`. It calls the package `fleet` and computes nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ansible.errors import AnsibleFilterError

from fleet.errors import FleetError
from fleet.images import digests as built
from fleet.plan import as_data, node_from_variables, plan_node
from fleet.spec import load

DOCUMENTATION = r"""
name: fleet_plan
short_description: The slots of a node
description: What C(queues.yml) makes of one host of the inventory, as C(fleet plan) shows it.
positional: _input, host, variables, groups, registry, digests
options:
  _input: {description: Path of queues.yml., type: path, required: true}
  host: {description: Name of the host in the inventory., type: str, required: true}
  variables: {description: The host's variables., type: dict, required: true}
  groups: {description: The host's groups., type: list, elements: str, required: true}
  registry: {description: Registry that the host pulls from., type: str, required: true}
  digests: {description: Path of the digests of the images that were built., type: path,
            required: true}
"""

RETURN = r"""
_value:
  description: The plan of the host, as C(fleet plan --json) gives it.
  type: dict
"""


def fleet_plan(
    spec_file: str,
    host: str,
    variables: Mapping[str, Any],
    groups: Sequence[str],
    registry: str,
    digests: str,
) -> dict[str, Any]:
    """Give the plan of one host as plain data."""
    try:
        node = node_from_variables(host, groups, variables)
        plan = plan_node(
            load(spec_file), node, registry=registry, digests=built.by_name(Path(digests))
        )
    except FleetError as error:
        raise AnsibleFilterError(str(error)) from error
    return as_data(plan)


class FilterModule:
    """The filters of this file."""

    def filters(self) -> dict[str, Any]:
        """Name → function."""
        return {"fleet_plan": fleet_plan}
