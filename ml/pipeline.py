"""The plan of a pipeline run: which steps, after which, with what parameters."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field

from ml import model_catalog
from ml.phases import inference_summary, training_summary
from ml.phases.pipeline import Parameters
from ml.runtime import conventions as names
from ml.runtime.parameters import json_object


@dataclass(frozen=True)
class Reference:
    """A value that an earlier step gives.

    Parameters
    ----------
    step : str
        The earlier step's name.
    property : str
        One of its user properties; empty for its task id.
    """

    step: str
    property: str = ""


@dataclass(frozen=True)
class PlannedStep:
    """One step of a pipeline.

    Parameters
    ----------
    name : str
        Unique in the pipeline.
    phase : str
    parents : tuple of str
        The steps that must have ended before.
    parameters : dict
        ``Section/field`` → text, or a reference to an earlier step.
    accelerator : str
        What its queue must offer: ``cpu`` or ``gpu``.
    detail : str or None
        What tells it from other steps of its phase.
    may_fail : bool
        Whether what follows runs even when this step failed.
    """

    name: str
    phase: str
    parents: tuple[str, ...] = ()
    parameters: dict[str, str | Reference] = field(default_factory=dict)
    accelerator: str = "cpu"
    detail: str | None = None
    may_fail: bool = False


def plan(parameters: Parameters, run: str) -> list[PlannedStep]:
    """The steps of a run, each after its parents.

    Parameters
    ----------
    parameters : Parameters
        Of the pipeline.
    run : str
        What the summaries look for: the run id, or on a laptop the run's folder.
    """
    steps = []
    dataset: str | Reference = parameters.Data.dataset_id
    if not dataset:
        steps.append(_registration(parameters))
        dataset = Reference(steps[-1].name, names.PROPERTY_DATASET_ID)
    steps.append(_preprocessing(parameters, dataset, tuple(step.name for step in steps)))
    trainings = _trainings(parameters, steps[-1].name)
    summary = PlannedStep(
        name=training_summary.NAME,
        phase=training_summary.NAME,
        parents=tuple(step.name for step in trainings),
        parameters={"Input/run_id": run, "Choice/metric": parameters.Training.metric},
    )
    inferences = _inferences(parameters, run)
    steps += [*trainings, summary, *inferences]
    steps.append(
        PlannedStep(
            name=inference_summary.NAME,
            phase=inference_summary.NAME,
            parents=tuple(step.name for step in inferences),
            parameters={"Input/run_id": run},
        )
    )
    return steps


def resolved(step: PlannedStep, look_up: Callable[[Reference], str]) -> dict[str, str]:
    """A step's parameters with each reference replaced by what `look_up` gives for it."""
    return {
        path: look_up(value) if isinstance(value, Reference) else value
        for path, value in step.parameters.items()
    }


def _registration(parameters: Parameters) -> PlannedStep:
    data = parameters.Data
    return PlannedStep(
        name="data-registration",
        phase="data-registration",
        parameters={
            "Data/source": data.source,
            "Data/target": data.target,
            "Data/name": data.name,
            "Data/kind": data.kind,
        },
    )


def _preprocessing(
    parameters: Parameters, dataset: str | Reference, parents: tuple[str, ...]
) -> PlannedStep:
    split = parameters.Split
    return PlannedStep(
        name="preprocessing",
        phase="preprocessing",
        parents=parents,
        parameters={
            "Input/dataset_id": dataset,
            "Split/test_share": str(split.test_share),
            "Split/validation_share": str(split.validation_share),
            "Split/seed": str(split.seed),
        },
    )


def _trainings(parameters: Parameters, preprocessing: str) -> list[PlannedStep]:
    training = parameters.Training
    own = json_object(training.parameters)
    return [
        PlannedStep(
            name=names.step_name("training", model),
            phase="training",
            parents=(preprocessing,),
            parameters={
                "Input/preprocessing_task": Reference(preprocessing),
                "Model/name": model,
                "Model/parameters": json.dumps(own.get(model, {})),
                "Model/metric": training.metric,
                "Model/seed": str(training.seed),
            },
            accelerator=model_catalog.MODELS[model].accelerator,
            detail=model,
            may_fail=True,
        )
        for model in training.model_names
    ]


def _inferences(parameters: Parameters, run: str) -> list[PlannedStep]:
    wanted = [("inference-batch", "Input/data", parameters.Inference.data)]
    if json_object(parameters.Inference.record):
        wanted.append(("inference-single", "Input/record", parameters.Inference.record))
    return [
        PlannedStep(
            name=phase,
            phase=phase,
            parents=(training_summary.NAME,),
            parameters={"Input/run_id": run, field_path: value},
            may_fail=True,
        )
        for phase, field_path, value in wanted
    ]
