"""Publish templates: one draft task for each phase, from committed code and built images."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from fleet.clearml_api import Api
from fleet.plan import image_reference, pinned_routing
from fleet.spec import Spec
from fleet.templates.lookup import find_templates
from fleet.templates.source import StepCode
from ml.catalog import PHASES, Phase
from ml.runtime.conventions import ROUTING_OBJECT, STABLE, TEMPLATE_PROJECT, template_tags
from ml.runtime.parameters import fields


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
        wanted = _content(spec, PHASES[name], code, registry=registry, digests=digests)
        current = find_templates(api, name, STABLE)
        if current and _same(current[0], wanted):
            results.append(Published(name, current[0]["id"], "kept"))
        else:
            task_id = api.call("tasks.create", project=project, **wanted)["id"]
            _retire(api, name, current)
            results.append(Published(name, task_id, "published"))
        echo(f"{results[-1].outcome:9} {name:18} {results[-1].task_id}")
    return results


def _content(
    spec: Spec, phase: Phase, code: StepCode, *, registry: str, digests: Mapping[str, str]
) -> dict[str, Any]:
    queue = spec.queues_of_phase(phase.name)[0]
    image = spec.group_of_queue(queue).image
    hyperparams: dict[str, dict[str, Any]] = {}
    for field in fields(phase.parameters):
        hyperparams.setdefault(field.section, {})[field.name] = {
            "section": field.section,
            "name": field.name,
            "value": field.default,
            "type": field.type,
            "description": field.help,
        }
    route = pinned_routing(spec, channel=STABLE, registry=registry, digests=digests)
    return {
        "name": phase.name,
        "type": phase.task_type,
        "comment": phase.help,
        "tags": template_tags(phase.name, STABLE),
        "system_tags": [],
        "script": {
            "repository": code.repository,
            "branch": code.branch,
            "version_num": code.commit,
            "working_dir": ".",
            "entry_point": f"-m ml {phase.name}",
            "binary": "python3",
            "diff": "",
            "requirements": {},
        },
        "container": {
            "image": image_reference(spec, image, registry=registry, digests=digests),
            "arguments": "",
            "setup_shell_script": "",
        },
        "hyperparams": hyperparams,
        "configuration": {
            ROUTING_OBJECT: {
                "name": ROUTING_OBJECT,
                "type": "json",
                "value": json.dumps(route.model_dump(), indent=1, sort_keys=True),
                "description": "Where steps go: from queues.yml, by fleet template publish",
            }
        },
    }


def _same(current: Mapping[str, Any], wanted: Mapping[str, Any]) -> bool:
    """Whether all that is wanted is what the server has; it may hold more keys than were sent."""
    return all(
        _covers(current.get(key), wanted[key])
        for key in ("name", "type", "script", "container", "hyperparams", "configuration")
    ) and set(current["hyperparams"]) == set(wanted["hyperparams"])


def _covers(current: Any, wanted: Any) -> bool:
    if isinstance(wanted, Mapping):
        return all(_covers((current or {}).get(key), value) for key, value in wanted.items())
    return current == wanted or (not wanted and not current)


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
