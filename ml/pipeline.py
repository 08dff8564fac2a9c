"""The plan of a pipeline run: which steps, after which, with what parameters."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

from ml import model_catalog
from ml.catalog import PHASES
from ml.phases import data_editing, inference_summary, training_summary
from ml.phases.pipeline import OPTIMIZE, Parameters
from ml.phases.training import LEAVE_OUT
from ml.runtime import conventions as names
from ml.runtime.errors import UserError
from ml.runtime.parameters import fields, flatten, json_object, parse, to_text


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

    Raises
    ------
    UserError
        `Inference/optimize` holds what inference-optimize does not take.
    """
    steps = []
    dataset: str | Reference = parameters.Data.dataset_id
    if not dataset:
        steps.append(_registration(parameters))
        dataset = Reference(steps[-1].name, names.PROPERTY_DATASET_ID)
    if parameters.Data.edit_steps:
        steps.append(_editing(parameters, dataset, tuple(step.name for step in steps)))
        dataset = Reference(steps[-1].name, names.PROPERTY_DATASET_ID)
    parents = tuple(step.name for step in steps[-1:])
    steps.append(_preprocessing(parameters, dataset, parents))
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
    return [_without_unknown(step) for step in steps]


def resolved(step: PlannedStep, look_up: Callable[[Reference], str]) -> dict[str, str]:
    """A step's parameters with each reference replaced by what `look_up` gives for it."""
    return {
        path: look_up(value) if isinstance(value, Reference) else value
        for path, value in step.parameters.items()
    }


def _without_unknown(step: PlannedStep) -> PlannedStep:
    known = {field.path for field in fields(PHASES[step.phase].parameters)}
    own = {path: value for path, value in step.parameters.items() if path in known}
    return replace(step, parameters=own)


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
            "Data/types": data.types,
            "Data/encoding": data.encoding,
        },
    )


def _editing(
    parameters: Parameters, dataset: str | Reference, parents: tuple[str, ...]
) -> PlannedStep:
    return PlannedStep(
        name=data_editing.NAME,
        phase=data_editing.NAME,
        parents=parents,
        parameters={"Input/dataset_id": dataset, "Edit/steps": parameters.Data.edits},
    )


def _preprocessing(
    parameters: Parameters, dataset: str | Reference, parents: tuple[str, ...]
) -> PlannedStep:
    split = {path: text for path, text in flatten(parameters).items() if path.startswith("Split/")}
    return PlannedStep(
        name="preprocessing",
        phase="preprocessing",
        parents=parents,
        parameters={"Input/dataset_id": dataset, **split},
    )


def _trainings(parameters: Parameters, preprocessing: str) -> list[PlannedStep]:
    training = parameters.Training
    own = training.own
    alike = {
        "Model/metric": training.metric,
        "Model/seed": training.seed,
        "Model/folds": training.folds,
        "Model/refit": training.refit,
        "Model/threads": training.threads,
        "Tuning/trials": training.tuning_trials,
        "Tuning/seconds": training.tuning_seconds,
    }
    return [
        PlannedStep(
            name=names.step_name("training", model),
            phase="training",
            parents=(preprocessing,),
            parameters={
                "Input/preprocessing_task": Reference(preprocessing),
                "Model/name": model,
                "Model/parameters": json.dumps(own.get(model, {})),
                "Model/unsuited": "fail" if training.is_tried(model) else LEAVE_OUT,
                **{path: to_text(value) for path, value in alike.items()},
            },
            accelerator=model_catalog.MODELS[model].accelerator,
            detail=model,
            may_fail=True,
        )
        for model in training.model_names
    ]


def _inferences(parameters: Parameters, run: str) -> list[PlannedStep]:
    asked = parameters.Inference
    wanted = [("inference-batch", {"Input/data": asked.data})]
    if json_object(asked.record):
        wanted.append(("inference-single", {"Input/record": asked.record}))
    if given := json_object(asked.optimize):
        wanted.append((OPTIMIZE, _checked_optimize(given)))
    return [
        PlannedStep(
            name=phase,
            phase=phase,
            parents=(training_summary.NAME,),
            parameters={"Input/run_id": run, **values},
            may_fail=True,
        )
        for phase, values in wanted
    ]


def _checked_optimize(given: dict[str, Any]) -> dict[str, str]:
    """The fields of inference-optimize as texts: told now, and not when the models are there."""
    texts = {path: to_text(value) for path, value in given.items()}
    try:
        parse(PHASES[OPTIMIZE].parameters, texts)
    except UserError as error:
        raise UserError(
            error.what,
            where=f"Inference/optimize: {error.where}",
            mend=f"give fields of {OPTIMIZE}: python -m ml {OPTIMIZE} --help lists them",
        ) from None
    return texts
