"""What can be known of a node's agents without a connection to it."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping, Sequence
from typing import Any

from fleet.services import serves

# Docker takes a folder and where it is seen as one text, parted by a colon.
_PLAIN = re.compile(r"(/[A-Za-z0-9._@+-]+)+")
_DIRECTORIES = ("clearml_agent_config_directory", "clearml_agent_data_directory")


def agent_problems(
    host: str,
    plan: Mapping[str, Any],
    groups: Sequence[str],
    mounts: Sequence[Mapping[str, str]],
    directories: Sequence[str],
) -> list[str]:
    """What is wrong with a node's agents before anything is done.

    Parameters
    ----------
    host : str
        Name of the node.
    plan : mapping
        Its plan, as :func:`fleet.plan.as_data` gives it.
    groups : sequence of str
        The inventory groups that it is in.
    mounts : sequence of mapping
        Folders of the node that its tasks see: `group` and `source`.
    directories : sequence of str
        Folders of the agents: of their configuration, and of their data.

    Returns
    -------
    list of str
        A line each, with what to do about it.
    """
    problems = []
    idle = not (plan["slots"] or plan["unknown_gpus"] or plan["disabled"])
    if idle and not serves(groups):
        problems.append(
            f"{host} has no slot: none of its groups ({', '.join(groups)}) is a node group of "
            "queues.yml, or those that are give it none. Fix: put it in a node group, let "
            "fleet_slots or fleet_overrides be more than 0, or take it out of the inventory; a "
            "machine that shall rest is told by fleet_disabled."
        )
    problems += [
        f"{json.dumps(folder)} of {host} cannot be a folder of the agents. Fix: let "
        f"{' and '.join(_DIRECTORIES)} be absolute paths of letters, digits, and any of . _ @ + - "
        "alone, without '..' and without a slash at the end."
        for folder in directories
        if not _PLAIN.fullmatch(folder) or os.path.normpath(folder) != folder
    ]
    if problems:
        return problems
    shown = [
        f"{mount['source']} of {mount['group']} shows {folder}"
        for mount in mounts
        for folder in directories
        if _overlap(mount["source"], folder)
    ]
    if shown:
        problems.append(
            f"Tasks on {host} would see credentials of its agents: {'; '.join(shown)}. Fix: mount "
            f"another folder (data.mounts in queues.yml), or set {' or '.join(_DIRECTORIES)} "
            "otherwise."
        )
    return problems


def _overlap(source: str, folder: str) -> bool:
    """Whether one is the other, or lies in it."""
    source = os.path.normpath("/" + source.lstrip("/"))
    return os.path.commonpath([source, folder]) in (source, folder)
