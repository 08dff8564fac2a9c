"""What a template holds, and whether a published one holds it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from fleet.plan import image_reference, pinned_routing
from fleet.spec import Spec
from fleet.templates.source import StepCode
from ml.catalog import Phase
from ml.runtime.conventions import ROUTING_OBJECT, STABLE, template_tags
from ml.runtime.parameters import fields


def template_content(
    spec: Spec, phase: Phase, code: StepCode, *, registry: str, digests: Mapping[str, str]
) -> dict[str, Any]:
    """What `fleet template publish` writes of a phase: the body of `tasks.create`, but its project.

    Raises
    ------
    FleetError
        An image that a queue of the contract runs has no digest.
    """
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


def same_content(current: Mapping[str, Any], wanted: Mapping[str, Any]) -> bool:
    """Whether all that is wanted is what the server has; it may hold more keys than were sent."""
    return all(
        _covers(current.get(key), wanted[key])
        for key in ("name", "type", "script", "container", "hyperparams", "configuration")
    ) and set(current["hyperparams"]) == set(wanted["hyperparams"])


def _covers(current: Any, wanted: Any) -> bool:
    if isinstance(wanted, Mapping):
        return all(_covers((current or {}).get(key), value) for key, value in wanted.items())
    return current == wanted or (not wanted and not current)
