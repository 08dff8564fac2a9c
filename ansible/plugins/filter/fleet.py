"""Ansible's way into the plan. These filters call the package `fleet` and compute nothing."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

from ansible.errors import AnsibleError, AnsibleFilterError
from jinja2 import pass_context
from jinja2.runtime import Context

from fleet.agents import agent_problems
from fleet.errors import FleetError
from fleet.fingerprint import role_fingerprints
from fleet.found import read_found
from fleet.images import digests as built
from fleet.object_stores import credentials_by_group
from fleet.plan import as_data, node_from_variables, plan_node
from fleet.spec import Spec, load

DOCUMENTATION = r"""
name: fleet_plan
short_description: The slots of a node
description: What C(queues.yml) makes of one host of the inventory, as C(fleet plan) shows it.
positional: _input, host, groups, registry, digests
options:
  _input: {description: Path of queues.yml., type: path, required: true}
  host: {description: Name of the host in the inventory., type: str, required: true}
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


# As the role clearml_agent has them, where an inventory does not say otherwise.
_DIRECTORIES = {"config": "/etc/fleet", "data": "/var/lib/fleet/agent"}


@pass_context
def fleet_plan(
    context: Context, spec_file: str, host: str, groups: Sequence[str], registry: str, digests: str
) -> dict[str, Any]:
    """Give the plan of one host as plain data."""
    try:
        node = node_from_variables(host, groups, _Variables(context))
        plan = plan_node(
            _spec(spec_file), node, registry=registry, digests=built.by_name(Path(digests))
        )
    except FleetError as error:
        raise AnsibleFilterError(str(error)) from error
    return as_data(plan)


@pass_context
def fleet_object_stores(
    context: Context, spec_file: str, groups: Sequence[str]
) -> dict[str, list[dict[str, Any]]]:
    """Give the SDK's entries for the buckets of a host's node groups; they hold secrets."""
    try:
        return credentials_by_group(_spec(spec_file), groups, _Variables(context))
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


def fleet_agent_problems(
    plan: Mapping[str, Any],
    host: str,
    groups: Sequence[str],
    mounts: Sequence[Mapping[str, str]],
    directories: Sequence[str],
) -> list[str]:
    """Give what is wrong with a node's agents, as can be known without a connection."""
    return agent_problems(host, plan, groups, mounts, directories)


def fleet_problems(hosts: Sequence[str], hostvars: Mapping[str, Any]) -> list[str]:
    """Give what is wrong with all of these hosts, as can be known without a connection."""
    problems: list[str] = []
    for host in hosts:
        variables = hostvars[host]
        try:
            directories = [
                variables.get(f"clearml_agent_{name}_directory", default)
                for name, default in _DIRECTORIES.items()
            ]
            problems += agent_problems(
                host,
                variables["clearml_agent_plan"],
                variables["group_names"],
                variables["clearml_agent_mounts"],
                directories,
            )
        except AnsibleError as error:
            problems.append(str(error))
    # What is wrong with the contract is wrong with each host.
    return list(dict.fromkeys(problems))


def fleet_fingerprints(
    roles: Sequence[str], host: str, hostvars: Mapping[str, Any]
) -> dict[str, str]:
    """Give the hash of each role's code and variables for one host."""
    variables = hostvars[host]
    return role_fingerprints(roles, lambda name: variables.get(name))


def fleet_differing(hosts: Sequence[str], hostvars: Mapping[str, Any]) -> list[str]:
    """Give the hosts that `node_state` found to differ; those that are new go first."""
    found = [(host, _variable(host, hostvars, "site_state") or {}) for host in hosts]
    differing = [(host, state) for host, state in found if state.get("differs")]
    return [host for host, _ in sorted(differing, key=lambda one: not one[1].get("new"))]


def fleet_batches(hosts: Sequence[str], hostvars: Mapping[str, Any], share: str) -> list[Any]:
    """Give the batches of :func:`fleet_differing`: new nodes all at once, then by the share."""
    states = (_variable(host, hostvars, "site_state") or {} for host in hosts)
    new = sum(bool(state.get("new")) for state in states)
    return [*([new] if new else []), share]


def fleet_changed(hosts: Sequence[str], hostvars: Mapping[str, Any]) -> list[str]:
    """Give the hosts on which agents were started."""
    return [host for host in hosts if _variable(host, hostvars, "clearml_agent_changed_slots")]


def fleet_found_anew(hosts: Sequence[str], hostvars: Mapping[str, Any]) -> list[str]:
    """Give the hosts whose GPUs are not as the inventory says, or as they were found before."""
    anew = []
    for host in hosts:
        found = (_variable(host, hostvars, "ansible_facts") or {}).get("fleet_found")
        if found is None:
            continue
        variables = hostvars[host]
        known = (
            read_found(variables["inventory_dir"], host) if variables["inventory_dir"] else found
        )
        if known != found or variables["preflight_mig"] != found["mig"]:
            anew.append(host)
    return anew


def fleet_production(hosts: Sequence[str], hostvars: Mapping[str, Any]) -> list[str]:
    """Give the hosts whose inventory says that it is production."""
    return [host for host in hosts if _variable(host, hostvars, "fleet_production")]


class _Variables(Mapping[str, Any]):
    """The variables of the host that is templated; `hostvars` is not there for another's."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._names = frozenset(context.get_all())

    def __getitem__(self, name: str) -> Any:
        if name not in self._names:
            raise KeyError(name)
        return self._context.resolve(name)

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)


def _variable(host: str, hostvars: Mapping[str, Any], name: str) -> Any:
    # A play that is only listed has no variables of hosts.
    return hostvars[host].get(name) if host in hostvars else None


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
            "fleet_agent_problems": fleet_agent_problems,
            "fleet_problems": fleet_problems,
            "fleet_fingerprints": fleet_fingerprints,
            "fleet_differing": fleet_differing,
            "fleet_batches": fleet_batches,
            "fleet_changed": fleet_changed,
            "fleet_found_anew": fleet_found_anew,
            "fleet_production": fleet_production,
        }
