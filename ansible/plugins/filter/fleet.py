"""Ansible's way into the plan. These filters call the package `fleet` and compute nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

from ansible.errors import AnsibleFilterError

from fleet.errors import FleetError
from fleet.images import digests as built
from fleet.object_stores import credentials_by_group
from fleet.plan import as_data, node_from_variables, plan_node
from fleet.spec import Spec, load

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
            _spec(spec_file), node, registry=registry, digests=built.by_name(Path(digests))
        )
    except FleetError as error:
        raise AnsibleFilterError(str(error)) from error
    return as_data(plan)


def fleet_object_stores(
    spec_file: str, groups: Sequence[str], variables: Mapping[str, Any]
) -> dict[str, list[dict[str, Any]]]:
    """Give the SDK's entries for the buckets of a host's node groups; they hold secrets."""
    try:
        return credentials_by_group(_spec(spec_file), groups, variables)
    except FleetError as error:
        raise AnsibleFilterError(str(error)) from error


def fleet_mounts(spec_file: str, groups: Sequence[str]) -> list[dict[str, str]]:
    """Give the folders that the tasks of a host's node groups see: `group` and `source`."""
    try:
        known = _spec(spec_file).node_groups
    except FleetError as error:
        raise AnsibleFilterError(str(error)) from error
    return [
        {"group": group, "source": mount.source}
        for group in groups
        if group in known
        for mount in known[group].data.mounts
    ]


def fleet_queues(spec_file: str) -> dict[str, list[str]]:
    """Give the `names` of the declared queues, and the names and patterns of `unmanaged` ones."""
    try:
        spec = _spec(spec_file)
    except FleetError as error:
        raise AnsibleFilterError(str(error)) from error
    return {"names": list(spec.queues), "unmanaged": list(spec.unmanaged.queues)}


def _spec(path: str) -> Spec:
    return _load(path, Path(path).stat().st_mtime_ns if Path(path).is_file() else 0)


@lru_cache(maxsize=1)
def _load(path: str, _changed: int) -> Spec:
    # Once for all hosts and tasks of a run.
    return load(path)


class FilterModule:
    """The filters of this file."""

    def filters(self) -> dict[str, Any]:
        """Name → function."""
        return {
            "fleet_plan": fleet_plan,
            "fleet_object_stores": fleet_object_stores,
            "fleet_mounts": fleet_mounts,
            "fleet_queues": fleet_queues,
        }
