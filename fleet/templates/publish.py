"""Publish templates: one draft task for each phase, from committed code and built images."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from fleet.clearml_api import Api
from fleet.spec import Spec
from fleet.templates.content import differing_parts, template_content
from fleet.templates.lookup import find_templates
from fleet.templates.source import StepCode
from ml.catalog import PHASES
from ml.runtime.conventions import STABLE, TEMPLATE_PROJECT, template_tags


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
    The version that a new one replaces stays on the server, in the channel `retired`.

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
    """
    project = _ensure_project(api)
    results = []
    for name in phases:
        wanted = template_content(spec, PHASES[name], code, registry=registry, digests=digests)
        current = find_templates(api, name, STABLE)
        if current and not differing_parts(current[0], wanted):
            results.append(Published(name, current[0]["id"], "kept"))
        else:
            task_id = api.call("tasks.create", project=project, **wanted)["id"]
            _retire(api, name, current)
            results.append(Published(name, task_id, "published"))
        echo(f"{results[-1].outcome:9} {name:18} {results[-1].task_id}")
    return results


def _retire(api: Api, phase: str, tasks: Iterable[Mapping[str, Any]]) -> None:
    for task in tasks:
        api.call("tasks.edit", task=task["id"], tags=template_tags(phase, "retired"), force=True)


def _ensure_project(api: Api) -> str:
    found = api.call("projects.get_all", name=f"^{TEMPLATE_PROJECT}$", search_hidden=True)
    if found["projects"]:
        return found["projects"][0]["id"]
    return api.call("projects.create", name=TEMPLATE_PROJECT, description="Clone; do not edit")[
        "id"
    ]
