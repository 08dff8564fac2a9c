"""Values of inventory variables: as YAML gives them, or as the text that INI files hold."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import yaml

from fleet.plan.findings import Finding

#: More GPUs, or more slots of a group, no machine has.
MOST = 512
BAD_VALUE = "bad-value"

_YES = frozenset(("true", "yes", "on", "1"))
_NO = frozenset(("false", "no", "off", "0", ""))
_DISABLED = "disabled in the inventory"
_SHOWN = 60


def count(variable: str, value: Any, findings: list[Finding], *, within: str = "") -> int | None:
    """A number from 0 to :data:`MOST`; None where there is none, or it is wrong.

    Parameters
    ----------
    variable : str
        The variable that the value is of, or is part of.
    value : object
        What the inventory says.
    findings : list of Finding
        Gets what is wrong.
    within : str
        The part of the variable, as `fleet_overrides.gpu_nodes.slots`; by default all of it.
    """
    if value is None:
        return None
    number = value
    if isinstance(value, str) and value.strip().isdecimal() and len(value) < 10:
        number = int(value)
    if isinstance(number, bool) or not isinstance(number, int) or not 0 <= number <= MOST:
        name = within or variable
        findings.append(
            Finding(
                BAD_VALUE,
                variable,
                value,
                f"{name} is {described(value)}, not a number from 0 to {MOST}",
                f"write `{name.rpartition('.')[2]}: 0` or a positive whole number",
            )
        )
        return None
    return int(number)


def flag_or_reason(variable: str, value: Any, findings: list[Finding]) -> str:
    """The reason why something is so; empty where it is not so.

    `true` is a reason, too: that the inventory says so.
    """
    if value is None or value is False:
        return ""
    if value is True:
        return _DISABLED
    if isinstance(value, int) and value in (0, 1):
        return _DISABLED if value else ""
    if not isinstance(value, str):
        findings.append(
            Finding(
                BAD_VALUE,
                variable,
                value,
                f"{variable} is {described(value)}, neither true, false nor a reason",
                f"write `{variable}: true`, or the reason as text",
            )
        )
        return ""
    text = plain(value).strip()
    if text.lower() in _YES:
        return _DISABLED
    return "" if text.lower() in _NO else text


def mapping(
    variable: str, value: Any, findings: list[Finding], *, within: str = "", example: str = ""
) -> Mapping[Any, Any]:
    """A mapping, or INI's text of one; empty where there is none, or it is wrong."""
    if value is None:
        return {}
    read = value
    if isinstance(value, str):
        try:
            read = yaml.safe_load(plain(value))
        except (yaml.YAMLError, ValueError, RecursionError):
            read = None
    if isinstance(read, Mapping):
        return read
    name = within or variable
    findings.append(
        Finding(
            BAD_VALUE,
            variable,
            value,
            f"{name} is {described(value)}, not a mapping",
            f"write it as a mapping{f', such as `{example}`' if example else ''}",
        )
    )
    return {}


def plain(value: str) -> str:
    """The same text without what Ansible hangs on it."""
    return "".join(value)


def described(value: Any) -> str:
    """A wrong value in a message: short, and never a secret."""
    if isinstance(value, str):
        text = repr(plain(value))
    elif value is None or isinstance(value, (bool, int, float)):
        text = repr(value)
    elif isinstance(value, Mapping):
        text = "a mapping"
    elif isinstance(value, Sequence):
        text = "a list"
    else:
        text = f"of the kind {type(value).__name__}"
    return text if len(text) <= _SHOWN else f"{text[: _SHOWN - 4]} …'"
