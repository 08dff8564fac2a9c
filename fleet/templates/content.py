"""What a template holds, and how it differs from the published one."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from fleet.plan import image_reference, pinned_routing
from fleet.spec import Spec
from fleet.templates.source import StepCode
from ml.catalog import Phase
from ml.runtime.conventions import ROUTING_OBJECT, STABLE
from ml.runtime.packages import check_packages
from ml.runtime.parameters import fields

# what makes a template what it is; tags and comment do not change what a clone does
_COMPARED = ("name", "type", "script", "container", "hyperparams", "configuration")


@dataclass(frozen=True)
class Part:
    """One part in which a published template is not what it would be if published now.

    Attributes
    ----------
    name : str
        Its path, such as `script.version_num` or `configuration.routing.queues.training`.
    published, wanted : object
        Its value on the server, and the one that publishing would write; None for none.
    """

    name: str
    published: Any
    wanted: Any


def template_content(
    spec: Spec, phase: Phase, code: StepCode, *, registry: str, digests: Mapping[str, str]
) -> dict[str, Any]:
    """The task that publishing a phase's template writes, as `tasks.create` takes it.

    It has no tags: those that make a draft a template hold its own id.

    Parameters
    ----------
    spec : Spec
        The contract: it says where steps go.
    phase : Phase
        The phase that the template is for.
    code : StepCode
        The commit that agents will clone.
    registry : str
        Registry that nodes pull from.
    digests : mapping of str to str
        Image name → digest of what was built.

    Raises
    ------
    FleetError, UserError
        An image has no digest; the phase declares packages that the policy does not allow, or
        that are not pinned.
    """
    check_packages(phase, spec.policy.environment)
    queue = spec.queues_of_phase(phase.name)[0]
    image = spec.group_of_queue(queue).image
    route = pinned_routing(spec, channel=STABLE, registry=registry, digests=digests)
    return {
        "name": phase.name,
        "type": phase.task_type,
        "comment": phase.help,
        "system_tags": [],
        "script": {
            "repository": code.repository,
            "branch": code.branch,
            "version_num": code.commit,
            "working_dir": ".",
            "entry_point": f"-m ml {phase.name}",
            "binary": "python3",
            "diff": "",
            "requirements": {"pip": "\n".join(phase.packages)} if phase.packages else {},
        },
        "container": {
            "image": image_reference(spec, image, registry=registry, digests=digests),
            "arguments": "",
            "setup_shell_script": "",
        },
        "hyperparams": _hyperparams(phase),
        "configuration": {
            ROUTING_OBJECT: {
                "name": ROUTING_OBJECT,
                "type": "json",
                "value": json.dumps(route.model_dump(), indent=1, sort_keys=True),
                "description": "Where steps go: from queues.yml, by fleet template publish",
            }
        },
    }


def differing_parts(published: Mapping[str, Any], wanted: Mapping[str, Any]) -> list[Part]:
    """The parts in which a published template is not what publishing would write.

    Parameters
    ----------
    published : mapping
        A template as :func:`~fleet.templates.find_templates` gives it; the server may hold more
        keys than were sent.
    wanted : mapping
        What :func:`template_content` gives for it.

    Returns
    -------
    list of Part
        Empty where both are equal.
    """
    found = [part for key in _COMPARED for part in _parts(key, published.get(key), wanted[key])]
    return found + list(_dropped_fields(published["hyperparams"], wanted["hyperparams"]))


def _dropped_fields(
    published: Mapping[str, Mapping[str, Any]], wanted: Mapping[str, Mapping[str, Any]]
) -> Iterator[Part]:
    for section, held in sorted(published.items()):
        for name in sorted(set(held) - set(wanted.get(section, {}))):
            yield Part(f"hyperparams.{section}.{name}", held[name].get("value"), None)


def _hyperparams(phase: Phase) -> dict[str, dict[str, Any]]:
    sections: dict[str, dict[str, Any]] = {}
    for field in fields(phase.parameters):
        sections.setdefault(field.section, {})[field.name] = {
            "section": field.section,
            "name": field.name,
            "value": field.default,
            "type": field.type,
            "description": field.help,
        }
    return sections


def _parts(name: str, published: Any, wanted: Any) -> Iterator[Part]:
    if isinstance(wanted, Mapping) and wanted:
        held = published if isinstance(published, Mapping) else {}
        for key, value in wanted.items():
            yield from _parts(f"{name}.{key}", held.get(key), value)
    elif name == f"configuration.{ROUTING_OBJECT}.value":
        yield from _routing_parts(published, wanted)
    elif published != wanted and (published or wanted):
        yield Part(name, published, wanted)


def _routing_parts(published: Any, wanted: str) -> Iterator[Part]:
    """By its own keys, so that the one queue that moved is named and not the whole text."""
    try:
        held = json.loads(published or "")
    except ValueError:
        held = None
    name = f"configuration.{ROUTING_OBJECT}"
    if not isinstance(held, Mapping):
        yield Part(name, published, json.loads(wanted))
        return
    yield from _changes(name, held, json.loads(wanted))


def _changes(name: str, published: Any, wanted: Any) -> Iterator[Part]:
    """What either side alone has counts too."""
    if isinstance(published, Mapping) and isinstance(wanted, Mapping):
        for key in sorted({*published, *wanted}):
            yield from _changes(f"{name}.{key}", published.get(key), wanted.get(key))
    elif published != wanted:
        yield Part(name, published, wanted)
