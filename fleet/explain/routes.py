"""Why a step goes to a queue: what the pipeline plans, and what the contract routes."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

from fleet.plan import routing
from fleet.spec import Spec
from ml.model_catalog import MODELS
from ml.phases.pipeline import Parameters
from ml.pipeline import PlannedStep, plan
from ml.runtime.parameters import parse


@dataclass(frozen=True)
class Route:
    """Steps of one phase that the pipeline sends to one queue.

    Attributes
    ----------
    phase, queue : str
        What goes where.
    accelerator : str
        What the steps ask for: `cpu` or `gpu`.
    details : tuple of str
        What tells them from other steps of the phase: names of models; empty where the phase has
        one step.
    """

    phase: str
    queue: str
    accelerator: str
    details: tuple[str, ...] = ()


def pipeline_routes(spec: Spec) -> list[Route]:
    """Where the pipeline sends its steps, for a run that uses all there is."""
    route = routing(spec)
    found: dict[tuple[str, str, str], list[str]] = {}
    for step in _all_steps():
        key = (step.phase, route.queue_for(step.phase, step.accelerator), step.accelerator)
        found.setdefault(key, []).extend([step.detail] if step.detail else [])
    return [Route(*key, tuple(details)) for key, details in found.items()]


def routes_of_phase(spec: Spec, phase: str) -> list[Route]:
    """The pipeline's routes of one phase; none for the pipeline itself."""
    return [route for route in pipeline_routes(spec) if route.phase == phase]


@cache
def _all_steps() -> tuple[PlannedStep, ...]:
    """The steps of a run that trains every model and makes every kind of prediction."""
    values = {
        "Data/source": "address",
        "Data/target": "column",
        "Training/models": ",".join(MODELS),
        "Inference/record": '{"column": 1}',
    }
    return tuple(plan(parse(Parameters, values), run="run"))
