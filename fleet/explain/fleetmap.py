"""`fleet explain map`: which step runs on which queue, group, image and slots; all of it."""

from __future__ import annotations

from fleet.explain.answer import Answer, Table
from fleet.explain.groups import data_in_words, limits_in_words, slots_in_words
from fleet.explain.phase import route_in_words
from fleet.explain.policy import policy_in_words
from fleet.explain.routes import pipeline_routes
from fleet.spec import Spec
from ml.catalog import PHASES


def explain_map(spec: Spec) -> Answer:
    """The whole contract: steps, queues, groups, and the policy in words."""
    routes = pipeline_routes(spec)
    steps = Table(
        ("step", "queue", "sent here by a run", "node group", "image", "slots of a node"),
        tuple(
            (
                phase,
                queue,
                _when(phase, [route_in_words(r) for r in routes if (r.phase, r.queue) == key]),
                spec.queues[queue].node_group,
                spec.group_of_queue(queue).image,
                slots_in_words(spec.group_of_queue(queue)),
            )
            for phase in PHASES
            for queue in spec.queues_of_phase(phase)
            for key in [(phase, queue)]
        ),
    )
    return Answer(
        "the map of the fleet",
        tuple(policy_in_words(spec)),
        (steps, _queues(spec), _groups(spec)),
        {
            "policy": spec.policy.model_dump(),
            "phases": {phase: spec.queues_of_phase(phase) for phase in PHASES},
            "routes": [
                {
                    "phase": route.phase,
                    "queue": route.queue,
                    "accelerator": route.accelerator,
                    "models": list(route.details),
                }
                for route in routes
            ],
            "queues": {
                name: queue.model_dump() | {"image": spec.group_of_queue(name).image}
                for name, queue in spec.queues.items()
            },
            "node_groups": {
                name: group.model_dump(exclude_none=True)
                for name, group in spec.node_groups.items()
            },
        },
    )


def _when(phase: str, routes: list[str]) -> str:
    if PHASES[phase].is_controller:
        return "is the controller"
    return "; ".join(routes) or "no"


def _queues(spec: Spec) -> Table:
    rows = [
        (
            name,
            f"{order} of {len(names)}",
            group,
            ", ".join(spec.queues[name].phases),
            spec.queues[name].owner or "-",
            spec.queues[name].description or "-",
        )
        for group in spec.node_groups
        for names in [spec.queues_of_group(group)]
        for order, name in enumerate(names, start=1)
    ]
    return Table(
        ("queue", "turn in its group", "node group", "phases", "owner", "what for"), tuple(rows)
    )


def _groups(spec: Spec) -> Table:
    rows = [
        (
            name,
            slots_in_words(group),
            group.accelerator.upper(),
            group.image,
            limits_in_words(group.limits),
            data_in_words(group.data),
            group.description or "-",
        )
        for name, group in spec.node_groups.items()
    ]
    headings = (
        "node group",
        "slots of a node",
        "offers",
        "image",
        "limits of a task",
        "data",
        "what for",
    )
    return Table(headings, tuple(rows))
