"""What decides how a role leaves a node: its code and its variables, as one hash.

A node keeps the hashes that it was provisioned with. Where they are the same and nothing on the
node was touched since, the role would change nothing.
"""

from __future__ import annotations

import functools
import hashlib
import json
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import yaml

from fleet.paths import REPOSITORY

ROLES = REPOSITORY / "roles"
# Modules of several roles, and what modules share; a role's own are in its folder.
_PLUGINS = REPOSITORY / "ansible" / "plugins"
_SHARED = (_PLUGINS / "modules", _PLUGINS / "module_utils")
_NOT_CODE = ("molecule", "__pycache__", "README.md")
# How a run goes about it; a node is left the same with any value.
_OF_A_RUN = frozenset(
    f"clearml_agent_{name}"
    for name in (
        *("wait_for_tasks", "put_back", "keep_caches"),
        *("drain_reason", "drain_by", "drain_limit", "drain_look"),
    )
)


def role_fingerprints(
    roles: Iterable[str], read: Callable[[str], Any], *, folder: Path = ROLES
) -> dict[str, str]:
    """The hash of each role for one node.

    Parameters
    ----------
    roles : iterable of str
        Names of the roles; one that is not there has none.
    read : callable
        Gives the value of a variable of the node; None where it is not set, so that the role's own
        default holds.
    folder : Path
        Where the roles are.
    """
    return {
        role: _hash(_code(folder / role), {name: read(name) for name in _options(folder / role)})
        for role in roles
        if (folder / role).is_dir()
    }


def _hash(code: str, variables: dict[str, Any]) -> str:
    text = json.dumps([code, variables], sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()


@functools.cache
def _options(role: Path) -> tuple[str, ...]:
    """The variables that a role reads."""
    file = role / "meta" / "argument_specs.yml"
    if not file.is_file():
        return ()
    options = yaml.safe_load(file.read_text())["argument_specs"]["main"]["options"]
    return tuple(name for name in options if name not in _OF_A_RUN)


@functools.cache
def _code(role: Path) -> str:
    """One hash of all that a role consists of."""
    known = hashlib.sha256()
    for folder in (role, *_SHARED):
        for file in sorted(folder.rglob("*")):
            inside = file.relative_to(folder)
            if file.is_file() and not any(part in _NOT_CODE for part in inside.parts):
                known.update(f"{inside}\0".encode() + hashlib.sha256(file.read_bytes()).digest())
    return known.hexdigest()
