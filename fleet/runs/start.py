"""Start work from a template: clone it, set its fields, enqueue it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from fleet.clearml_api import Api
from fleet.errors import FleetError
from fleet.plan import routing
from fleet.queues import check_queues
from fleet.runs.offer import check_user
from fleet.runs.request import Request
from fleet.runs.upload import upload
from fleet.spec import Spec
from fleet.templates import find_template
from ml.pipeline import plan
from ml.runtime import conventions
from ml.runtime.parameters import free_sections
from ml.runtime.routing import parse_routing

SOURCE_FIELD = "Data/source"


@dataclass(frozen=True)
class Started:
    """What was enqueued."""

    run_id: str
    task_id: str
    queue: str


def start(api: Api, spec: Spec, request: Request) -> Started:
    """Clone a template, edit the clone's fields and enqueue it.

    The queues that the work will use are checked first; when something fails, nothing is left
    half made.

    Parameters
    ----------
    api : Api
        The server.
    spec : Spec
        The contract.
    request : Request
        What was asked for and found right.

    Raises
    ------
    FleetError, UserError
        The user may not start the template, it is not published, a queue has no live agent, or
        the server refuses.
    """
    check_user(api, spec, request.template)
    template = find_template(api, request.template)
    _check_fields(template, request)
    check_queues(api, needed_queues(spec, request), declared=spec.queues)

    run_id = conventions.new_run_id()
    values = dict(request.values)
    if request.data_file:
        values[SOURCE_FIELD] = upload(api, request.data_file, run_id)
    task_id = api.call(
        "tasks.clone",
        task=template["id"],
        new_task_name=conventions.task_name(request.template, run_id),
        new_task_tags=conventions.step_tags([], request.template, run_id),
        new_project_name=conventions.RUN_PROJECT,
        new_task_hyperparams=_hyperparams(template, values, run_id),
        new_task_container=_container(template, request.queue),
    )["id"]
    queue_id = next(item["id"] for item in api.queues() if item["name"] == request.queue)
    try:
        api.call("tasks.enqueue", task=task_id, queue=queue_id)
    except FleetError:
        api.call("tasks.delete", task=task_id, force=True)
        raise
    return Started(run_id, task_id, request.queue)


def needed_queues(spec: Spec, request: Request) -> list[str]:
    """The queues that the work will use: its own, and for a pipeline those of its steps."""
    queues = [request.queue]
    if request.template == "pipeline":
        route = routing(spec)
        steps = plan(request.parameters, run="")
        queues += [route.queue_for(step.phase, step.accelerator) for step in steps]
    return list(dict.fromkeys(queues))


def _check_fields(template: Mapping[str, Any], request: Request) -> None:
    """Refuse fields that the code here has and the published template has not."""
    published = {
        f"{section}/{name}" for section, found in template["hyperparams"].items() for name in found
    }
    free = set(free_sections(type(request.parameters))) & set(template["hyperparams"])
    missing = sorted(
        field for field in set(request.values) - published if field.split("/", 1)[0] not in free
    )
    if missing:
        raise FleetError(
            f"the published template '{request.template}' has no field {', '.join(missing)}",
            where=f"task {template['id']}",
            mend="publish the step code of this checkout: fleet template publish",
        )


def _container(template: Mapping[str, Any], queue: str) -> dict[str, Any]:
    """The template's, with the image that it names for the queue."""
    text = template["configuration"][conventions.ROUTING_OBJECT]["value"]
    image = parse_routing(text, template["id"]).image_for(queue)
    return {**template["container"], "image": image or template["container"]["image"]}


def _hyperparams(
    template: Mapping[str, Any], values: Mapping[str, str], run_id: str
) -> dict[str, dict[str, Any]]:
    """The template's fields with the user's values, and the run's id as user property."""
    sections = {name: dict(section) for name, section in template["hyperparams"].items()}
    for field, value in values.items():
        section, name = field.split("/", 1)
        # a free section's fields are the user's own
        declared = sections[section].get(name, {"section": section, "name": name, "type": "str"})
        sections[section][name] = {**declared, "value": value}
    sections["properties"] = {
        conventions.PROPERTY_RUN_ID: {
            "section": "properties",
            "name": conventions.PROPERTY_RUN_ID,
            "value": run_id,
            "type": "str",
        }
    }
    return sections
