"""What a node has otherwise than its groups say: `fleet_overrides`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from fleet.plan.findings import Finding
from fleet.plan.model import Override
from fleet.plan.values import BAD_VALUE, count, described, mapping, plain
from fleet.spec import Limits
from fleet.spec.wording import hint

_KEYS = ("slots", "gpus", "limits")
_EXAMPLE = "fleet_overrides: {gpu_nodes: {slots: 2}}"


def overrides(variable: str, value: Any, findings: list[Finding]) -> dict[str, Override]:
    """Group → what is otherwise on the node.

    Parameters
    ----------
    variable : str
        Name of the variable.
    value : object
        Mapping of group → mapping with any of `slots`, `gpus`, `limits`.
    findings : list of Finding
        Gets what is wrong.
    """
    result = {}
    for group, given in mapping(variable, value, findings, example=_EXAMPLE).items():
        name = f"{variable}.{plain(group) if isinstance(group, str) else group}"
        entry = mapping(variable, given, findings, within=name, example=_EXAMPLE)
        for key in entry:
            if key not in _KEYS:
                findings.append(_unknown(variable, name, key, _KEYS))
        result[plain(str(group))] = Override(
            slots=count(variable, entry.get("slots"), findings, within=f"{name}.slots"),
            gpus=count(variable, entry.get("gpus"), findings, within=f"{name}.gpus"),
            limits=_limits(variable, name, entry.get("limits"), findings),
        )
    return result


def _unknown(variable: str, name: str, key: Any, known: tuple[str, ...]) -> Finding:
    before = hint(key, known)
    if key == "image":
        # Where a task ran would change what it gives: the guard refuses such a task.
        before = "nodes with another image are a node group of their own; "
    return Finding(
        "unknown-key",
        variable,
        key,
        f"{name} has an unknown key {described(key)}",
        f"{before}known here: {', '.join(known)}",
    )


def _limits(variable: str, name: str, value: Any, findings: list[Finding]) -> Limits | None:
    if value is None:
        return None
    within = f"{name}.limits"
    given = mapping(
        variable, value, findings, within=within, example="limits: {cpus: 4, memory: 16GiB}"
    )
    try:
        return Limits.model_validate({_native(key): _native(item) for key, item in given.items()})
    except ValidationError as error:
        for item in error.errors(include_url=False):
            findings.append(_limit(variable, within, given, item))
        return None


def _limit(variable: str, within: str, given: Mapping[Any, Any], item: dict[str, Any]) -> Finding:
    key = item["loc"][0]
    if item["type"] == "extra_forbidden" or key not in Limits.model_fields:
        return _unknown(variable, within, key, tuple(Limits.model_fields))
    # Imported late: most inventories have no wrong limit, and it makes the schema.
    from fleet.spec.shape import expected

    value = _native(given.get(key))
    wanted, mend = expected(("node_groups", "*", "limits", str(key)), value)
    what = f"{within}.{key} is {described(value)}, not {wanted}"
    return Finding(BAD_VALUE, variable, given.get(key), what, mend)


def _native(value: Any) -> Any:
    return plain(value) if isinstance(value, str) else value
