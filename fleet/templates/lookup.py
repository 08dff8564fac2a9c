"""Find templates on the server by phase and channel; their ids are never written down."""

from __future__ import annotations

import difflib
from collections.abc import Collection
from typing import Any

from fleet.clearml_api import Api
from fleet.errors import FleetError
from ml.catalog import PHASES, Phase
from ml.runtime.conventions import (
    STABLE,
    TEMPLATE_PROJECT,
    TEMPLATE_TAG,
    channel_tag,
    is_template,
    phase_of,
    phase_tag,
)

_FIELDS = [
    "id",
    "name",
    "tags",
    "system_tags",
    "project",
    "type",
    "script",
    "container",
    "hyperparams",
    "configuration",
    "status",
    "created",
]


def find_templates(api: Api, phase: str, channel: str = STABLE) -> list[dict[str, Any]]:
    """The templates of a phase in a channel, the newest first."""
    return [task for task in find_held(api, channel, phase) if is_template(task)]


def find_all_templates(api: Api, channel: str = STABLE) -> dict[str, dict[str, Any]]:
    """Phase → its newest template in a channel, for all phases by one query."""
    found: dict[str, dict[str, Any]] = {}
    for task in find_held(api, channel):
        if is_template(task):
            found.setdefault(phase_of(task["tags"]), task)
    return found


def find_held(api: Api, channel: str = STABLE, phase: str | None = None) -> list[dict[str, Any]]:
    """What bears a template's tags and lies where templates lie, the newest first.

    Clones that people made are among them, what was published before there were marks, and
    templates that were enqueued or archived: only what passes
    :func:`~ml.runtime.conventions.is_template` is a template.
    """
    project = template_project(api)
    if project is None:
        return []
    tags = [TEMPLATE_TAG, channel_tag(channel), *([phase_tag(phase)] if phase else ())]
    return api.tasks(
        project=[project],
        tags=["__$all", *tags],
        order_by=["-created"],
        only_fields=_FIELDS,
        search_hidden=True,
    )


def template_project(api: Api) -> str | None:
    """Id of the project that templates lie in; None where nothing was ever published."""
    found = api.call("projects.get_all", name=f"^{TEMPLATE_PROJECT}$", search_hidden=True)
    return next((project["id"] for project in found["projects"]), None)


def find_template(api: Api, phase: str, channel: str = STABLE) -> dict[str, Any]:
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
