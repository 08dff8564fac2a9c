"""Find templates on the server by phase and channel; their ids are never written down."""

from __future__ import annotations

import difflib
import re
from collections.abc import Collection
from typing import Any

from fleet.clearml_api import Api
from fleet.errors import FleetError
from ml.catalog import PHASES, Phase
from ml.runtime.conventions import TEMPLATE_TAG, channel_tag, phase_tag, template_tags

_FIELDS = [
    "id",
    "name",
    "tags",
    "project",
    "type",
    "script",
    "container",
    "hyperparams",
    "configuration",
    "status",
    "created",
]


def find_templates(api: Api, phase: str, channel: str = "stable") -> list[dict[str, Any]]:
    """The templates of a phase in a channel, the newest first."""
    # A clone that somebody made by hand bears the template's tags too, but another name.
    return api.tasks(
        name=f"^{re.escape(phase)}$",
        tags=["__$all", *template_tags(phase, channel)],
        order_by=["-created"],
        only_fields=_FIELDS,
        search_hidden=True,
    )


def find_all_templates(api: Api, channel: str = "stable") -> dict[str, dict[str, Any]]:
    """Phase → its newest template in a channel, for all phases by one query."""
    found = api.tasks(
        name=f"^({'|'.join(map(re.escape, PHASES))})$",
        tags=["__$all", TEMPLATE_TAG, channel_tag(channel)],
        order_by=["created"],
        only_fields=_FIELDS,
        search_hidden=True,
    )
    # The newest comes last, and stays.
    return {task["name"]: task for task in found if phase_tag(task["name"]) in task["tags"]}


def find_template(api: Api, phase: str, channel: str = "stable") -> dict[str, Any]:
    """The template that a clone is made of.

    Raises
    ------
    FleetError
        No such phase, or none published.
    """
    phase_of_template(phase)
    found = find_templates(api, phase, channel)
    if not found:
        raise FleetError(
            f"the template '{phase}' is not published in channel '{channel}'",
            where=api.url,
            mend="publish it: fleet template publish",
        )
    return found[0]


def phase_of_template(name: str, offered: Collection[str] = tuple(PHASES)) -> Phase:
    """The phase that a template is for.

    Parameters
    ----------
    name : str
        The template's.
    offered : collection of str
        Those that are named to somebody who asks for one that does not exist.

    Raises
    ------
    FleetError
        There is none of that name.
    """
    if name not in PHASES:
        nearest = difflib.get_close_matches(name, offered, n=1)
        hint = f"did you mean '{nearest[0]}'? " if nearest else ""
        raise FleetError(
            f"there is no template '{name}'",
            where="command line",
            mend=f"{hint}templates: {', '.join(offered)}",
        )
    return PHASES[name]
