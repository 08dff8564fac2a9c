"""What the hosts of a play said of their agents, gathered for the module fleet_status."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from jinja2 import pass_context
from jinja2.runtime import Context

DOCUMENTATION = r"""
name: fleet_said
short_description: What the hosts of a play said of their agents
description: Of hosts that C(agent_state) asked; why, of those that did not answer.
positional: _input
options:
  _input: {description: Names of the hosts., type: list, elements: str, required: true}
"""

RETURN = r"""
_value:
  description: Host to its C(plan), C(slots), C(wish) and C(error), as the module takes them.
  type: dict
"""


@pass_context
def fleet_said(context: Context, hosts: Sequence[str]) -> dict[str, dict[str, Any]]:
    """Give what each host said, beside its plan."""
    hostvars = context.resolve("hostvars")
    return {host: _said(hostvars[host]) for host in hosts}


def _said(variables: Mapping[str, Any]) -> dict[str, Any]:
    state = variables.get("clearml_agent_state") or {}
    unreachable = "it cannot be reached" if state.get("unreachable") else ""
    return {
        "plan": variables["clearml_agent_plan"],
        "slots": state.get("slots") or [],
        "wish": state.get("wish"),
        "error": unreachable or variables.get("status_error", ""),
    }


class FilterModule:
    """The filter of this file."""

    def filters(self) -> dict[str, Any]:
        """Name → function."""
        return {"fleet_said": fleet_said}
