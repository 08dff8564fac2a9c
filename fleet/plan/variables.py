"""A node as its inventory variables describe it, and all that is wrong with them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from fleet.errors import raise_all
from fleet.plan.findings import Finding
from fleet.plan.mig import mig_layout
from fleet.plan.model import Node
from fleet.plan.overrides import overrides
from fleet.plan.values import count, flag_or_reason, mapping
from fleet.spec import Place
from fleet.spec.wording import nearest

#: Variables that describe a node.
NODE_VARIABLES = ("fleet_gpus", "fleet_mig", "fleet_slots", "fleet_overrides", "fleet_disabled")
#: What `site.yml` found out of a node's GPUs; what is declared goes first.
FOUND = "fleet_found"

_PREFIX = "fleet_"
_OTHERS = (
    FOUND,
    "fleet_digests_file",
    "fleet_force",
    "fleet_machines_command",
    "fleet_max_fail_percentage",
    "fleet_production",
    "fleet_prune",
    "fleet_queues_file",
    "fleet_registry",
    "fleet_serial",
    "fleet_services_state",
    "fleet_wait_for_tasks",
    "fleet_yes",
)
# What begins so belongs to the local fleet and to the server.
_FAMILIES = ("fleet_local", "fleet_server")
_NEAR = 0.75


def node_from_variables(name: str, groups: Sequence[str], variables: Mapping[str, Any]) -> Node:
    """A node as its variables describe it.

    Parameters
    ----------
    name : str
        Name of the host in the inventory.
    groups : sequence of str
        The inventory groups that it is in.
    variables : mapping
        Its variables, those of its groups among them; values as YAML gives them, or text as INI
        does. `fleet_found` counts where `fleet_gpus` does not say the same.

    Raises
    ------
    FleetError, FleetErrors
        All that is wrong with them.
    """
    node, findings = parse_node(name, groups, variables)
    place = Place(f"inventory, host {name}")
    raise_all([finding.problem(name, place) for finding in findings])
    return node


def parse_node(
    name: str, groups: Sequence[str], variables: Mapping[str, Any]
) -> tuple[Node, list[Finding]]:
    """A node, and what is wrong with its variables: what could not be read is left out of it.

    Parameters are those of :func:`node_from_variables`.
    """
    findings: list[Finding] = []
    gpus = count("fleet_gpus", variables.get("fleet_gpus"), findings)
    mig_value = variables.get("fleet_mig")
    if variables.get("fleet_gpus") is None and variables.get(FOUND) is not None:
        found = mapping(FOUND, variables[FOUND], findings)
        gpus = count(FOUND, found.get("gpus"), findings, within=f"{FOUND}.gpus")
        if mig_value is None:
            mig = mig_layout(FOUND, found.get("mig"), gpus, findings)
        else:
            mig = mig_layout("fleet_mig", mig_value, gpus, findings)
    else:
        mig = mig_layout("fleet_mig", mig_value, gpus, findings)
    registry = variables.get("fleet_registry")
    node = Node(
        name=name,
        groups=tuple(groups),
        gpus=gpus,
        mig=mig,
        slots=count("fleet_slots", variables.get("fleet_slots"), findings),
        overrides=overrides("fleet_overrides", variables.get("fleet_overrides"), findings),
        disabled=flag_or_reason("fleet_disabled", variables.get("fleet_disabled"), findings),
        registry=registry if isinstance(registry, str) else "",
    )
    findings += misspelt(variables)
    return node, findings


def misspelt(variables: Mapping[str, Any]) -> list[Finding]:
    """Variables whose names are nearly those that are known here."""
    findings = []
    for key in variables:
        if not key.startswith(_PREFIX) or key in _KNOWN or key.startswith(_FAMILIES):
            continue
        ending = key.removeprefix(_PREFIX)
        near = nearest(ending, _ENDINGS, likeness=_NEAR)
        if near:
            findings.append(
                Finding(
                    "unknown-variable",
                    key,
                    None,
                    f"there is no variable {key}",
                    f"write {_PREFIX}{near}, or give a variable of your own another name",
                )
            )
    return findings


_KNOWN = frozenset((*NODE_VARIABLES, *_OTHERS))
_ENDINGS = sorted(name.removeprefix(_PREFIX) for name in _KNOWN)
