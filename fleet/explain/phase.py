"""`fleet explain phase`: which queue a kind of step is sent to, and by whom."""

from __future__ import annotations

from fleet.explain.answer import Answer, Table, listed
from fleet.explain.names import check_known
from fleet.explain.policy import choice_in_words, who_as_facts, who_in_words
from fleet.explain.routes import Route, routes_of_phase
from fleet.plan import routing
from fleet.spec import Spec
from ml.catalog import PHASES


def explain_phase(spec: Spec, name: str) -> Answer:
    """Explain a phase.

    Raises
    ------
    FleetError
        No such phase.
    """
    check_known("phase", name, PHASES, where="ml/phases")
    routes = routes_of_phase(spec, name)
    queues = spec.queues_of_phase(name)
    sentences = [
        f"{name}: {PHASES[name].help}",
        _may_run(spec, queues),
        *_pipeline(name, routes),
        choice_in_words(spec),
        who_in_words(spec, name),
    ]
    return Answer(
        f"phase {name}",
        tuple(sentences),
        (_table(spec, queues, routes, name),),
        {
            "phase": name,
            "queues": queues,
            "queue_choice": spec.policy.queue_choice,
            "allowed_queues": routing(spec).allowed_queues(name),
            "routes": [
                {"queue": route.queue, "accelerator": route.accelerator, "models": route.details}
                for route in routes
            ],
            "images": {queue: spec.group_of_queue(queue).image for queue in queues},
            "entry": spec.policy.entry,
            **who_as_facts(spec, name),
        },
    )


def route_in_words(route: Route) -> str:
    """When the pipeline takes a route: `for models that ask for a GPU: mlp`, or `always`."""
    if route.details:
        asked = route.accelerator.upper()
        return f"for models that ask for a {asked}: {', '.join(route.details)}"
    return "always"


def _may_run(spec: Spec, queues: list[str]) -> str:
    offers = [f"{queue} (offers a {_offered(spec, queue)})" for queue in queues]
    if len(queues) == 1:
        return f"It runs on the queue {offers[0]}."
    return f"It may run on the queues {listed(offers, 'or')}, in this order."


def _pipeline(name: str, routes: list[Route]) -> list[str]:
    if PHASES[name].is_controller:
        return ["It is the controller: it starts the other phases as tasks of their own."]
    if not routes:
        return ["The pipeline has no step of this phase: people start it."]
    if not any(route.details for route in routes):
        return [f"The pipeline sends its step to {routes[0].queue}."]
    sentences = [
        "The pipeline takes the first of them that offers what a model asks for, else the first."
    ]
    for route in routes:
        verb = "asks" if len(route.details) == 1 else "ask"
        goes = "goes" if len(route.details) == 1 else "go"
        sentences.append(
            f"{listed(route.details)} {verb} for a {route.accelerator.upper()} and {goes} to "
            f"{route.queue}."
        )
    return sentences


def _table(spec: Spec, queues: list[str], routes: list[Route], name: str) -> Table:
    rows = []
    for number, queue in enumerate(queues, start=1):
        group = spec.group_of_queue(queue)
        when = [route_in_words(route) for route in routes if route.queue == queue]
        if PHASES[name].is_controller:
            when = ["is the controller"]
        rows.append(
            (
                str(number),
                queue,
                spec.queues[queue].node_group,
                _offered(spec, queue),
                group.image,
                "; ".join(when) or "never",
            )
        )
    return Table(("order", "queue", "node group", "offers", "image", "taken by a run"), tuple(rows))


def _offered(spec: Spec, queue: str) -> str:
    return spec.group_of_queue(queue).accelerator.upper()
