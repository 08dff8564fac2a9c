"""Publish templates: one draft task for each phase, from committed code and built images."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from fleet.clearml_api import Api
from fleet.errors import FleetError
from fleet.spec import Spec
from fleet.templates.content import differing_parts, template_content
from fleet.templates.lookup import find_held, template_project
from fleet.templates.source import StepCode
from ml.catalog import PHASES
from ml.runtime.conventions import (
    TEMPLATE_PROJECT,
    bears_a_mark,
    bears_own_mark,
    is_template,
    template_mark,
    template_tags,
)


@dataclass(frozen=True)
class Published:
    """What became of one template: `published` anew, or `kept` since nothing changed."""

    phase: str
    task_id: str
    outcome: Literal["published", "kept"]


def publish(
    api: Api,
    spec: Spec,
    code: StepCode,
    *,
    registry: str,
    digests: Mapping[str, str],
    phases: Iterable[str] = tuple(PHASES),
    echo: Callable[[str], None] = lambda line: None,
) -> list[Published]:
    """Publish the templates of the given phases.

    A template that is equal to the published one is kept, so that publishing twice makes nothing.
    The version that a new one replaces stays on the server, in the channel `retired`. A phase
    that cannot be published is told before anything is written.

    Parameters
    ----------
    api : Api
        The server.
    spec : Spec
        The contract: it says where steps go.
    code : StepCode
        The commit that agents will clone.
    registry : str
        Registry that nodes pull from.
    digests : mapping of str to str
        Image name → digest of what was built.
    phases : iterable of str
        By default all.
    echo : callable
        Takes a line for each template.

    Raises
    ------
    FleetError, UserError
        As :func:`~fleet.templates.template_content`; or the server refuses.
    """
    contents = {
        name: template_content(spec, PHASES[name], code, registry=registry, digests=digests)
        for name in phases
    }
    project = (
        template_project(api)
        or api.call("projects.create", name=TEMPLATE_PROJECT, description="Clone; do not edit")[
            "id"
        ]
    )
    held = {name: find_held(api, phase=name) for name in contents}
    current = {name: next(filter(is_template, tasks), None) for name, tasks in held.items()}
    kept = {
        name: task["id"]
        for name, task in current.items()
        if task and not differing_parts(task, contents[name])
    }
    made = _make(api, {name: contents[name] for name in contents if name not in kept}, project)
    results = []
    for name in contents:
        task_id = kept.get(name) or made[name]
        if name in made:
            mark = template_mark(task_id)
            api.call("tasks.edit", task=task_id, tags=[*template_tags(name), mark])
        _retire(api, name, (task for task in held[name] if task["id"] != task_id))
        results.append(Published(name, task_id, "published" if name in made else "kept"))
        echo(f"{results[-1].outcome:9} {name:18} {task_id}")
    return results


def _make(api: Api, contents: Mapping[str, dict[str, Any]], project: str) -> dict[str, str]:
    """Write drafts, which are no templates until they are marked; all of them, or none."""
    made: dict[str, str] = {}
    try:
        for name, content in contents.items():
            made[name] = api.call("tasks.create", project=project, **content)["id"]
    except FleetError:
        for task_id in made.values():
            api.call("tasks.delete", task=task_id)
        raise
    return made


def _retire(api: Api, phase: str, tasks: Iterable[Mapping[str, Any]]) -> None:
    """Take templates out of the stable channel; a clone that somebody made is left alone."""
    for task in tasks:
        tags = template_tags(phase, "retired")
        if bears_own_mark(task["id"], task["tags"]):
            tags.append(template_mark(task["id"]))
        elif task["name"] != phase or task["status"] != "created" or bears_a_mark(task["tags"]):
            # published before there were marks is what has none and the phase's own name
            continue
        api.call("tasks.edit", task=task["id"], tags=tags, force=True)
