"""Ansible's way into the plan. These filters call the package `fleet` and compute nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
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


@pass_context
def fleet_problems(context: Context, hosts: Sequence[str]) -> list[str]:
    """Give what is wrong with all of these hosts, as can be known without a connection."""
    hostvars = context.resolve("hostvars")
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


@pass_context
def fleet_resting(context: Context, hosts: Sequence[str]) -> list[str]:
    """Give those of these hosts that are disabled, or have no slots."""
    hostvars = context.resolve("hostvars")
    resting = []
    for host in hosts:
        # What is wrong with a plan, `fleet_problems` tells.
        with suppress(AnsibleError):
            plan = hostvars[host]["clearml_agent_plan"]
            if plan["disabled"] or not (plan["slots"] or plan["unknown_gpus"]):
                resting.append(host)
    return resting


@pass_context
def fleet_fingerprints(context: Context, roles: Sequence[str], host: str) -> dict[str, str]:
    """Give the hash of each role's code and variables for one host."""
    variables = context.resolve("hostvars")[host]
    return role_fingerprints(roles, lambda name: variables.get(name))


@pass_context
def fleet_hosts(context: Context, kind: str) -> list[str]:
    """Give the hosts of a play that is only for some of them; a play for none costs nothing.

    Kinds: `production`, what the inventory says is; `nodes` and `resting`, as the module
    `fleet_inventory` told them apart; `differing`, what `node_state` found so, those
    that are new first; `found_anew`, whose GPUs are not as the inventory says or as they were
    found before; `changed`, where agents were started.
    """
    # They are not there for a play that is only listed, nor for the first one.
    hostvars = context.get_all().get("hostvars", {})
    chosen = [host for host in hostvars if _KINDS[kind](host, hostvars[host])]
    return sorted(chosen, key=lambda host: not _state(hostvars[host]).get("new"))


@pass_context
def fleet_batches(context: Context, share: str) -> list[Any]:
    """Give the batches of hosts that differ: new nodes all at once, then by the share."""
    hostvars = context.get_all().get("hostvars", {})
    new = sum(bool(_state(hostvars[host]).get("new")) for host in hostvars)
    return [*([new] if new else []), share]


def _state(variables: Mapping[str, Any]) -> Mapping[str, Any]:
    return variables.get("site_state") or {}


def _found_anew(host: str, variables: Mapping[str, Any]) -> bool:
    found = (variables.get("ansible_facts") or {}).get("fleet_found")
    if found is None:
        return False
    place = variables["inventory_dir"]
    known = read_found(place, host) if place else found
    return known != found or variables["preflight_mig"] != found["mig"]


def _changed(_: str, variables: Mapping[str, Any]) -> bool:
    # A host that this run has not looked at need not even have a plan.
    if "site_state" not in variables and "clearml_agent__project" not in variables:
        return False
    return bool(variables.get("clearml_agent_changed_slots"))


def _resting(variables: Mapping[str, Any]) -> Sequence[str] | None:
    """The hosts that rest; None for a host that this run is not for."""
    return (variables.get("site_inventory") or {}).get("resting")


def _is_node(host: str, variables: Mapping[str, Any]) -> bool:
    resting = _resting(variables)
    return resting is not None and host not in resting


_KINDS: dict[str, Callable[[str, Mapping[str, Any]], bool]] = {
    "production": lambda _, variables: bool(variables.get("fleet_production")),
    "nodes": _is_node,
    "resting": lambda host, variables: host in (_resting(variables) or ()),
    "differing": lambda _, variables: bool(_state(variables).get("differs")),
    "found_anew": _found_anew,
    "changed": _changed,
}


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
            "fleet_resting": fleet_resting,
            "fleet_fingerprints": fleet_fingerprints,
            "fleet_hosts": fleet_hosts,
            "fleet_batches": fleet_batches,
        }
