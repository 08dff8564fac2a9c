"""What the inference phases share: which model to predict with."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import Field

from ml.phases.training import ARTIFACT_METRICS, ARTIFACT_MODEL
from ml.phases.training_summary import NAME as TRAINING_SUMMARY
from ml.runtime import conventions as names
from ml.runtime.errors import UserError
from ml.runtime.parameters import Section

if TYPE_CHECKING:
    from ml.runtime.step import Step
    from ml.tabular.fitting import FittedModel


class ModelSource(Section):
    """The fields that name the model."""

    run_id: str = Field("", description="predict with the best model of this run")
    training_task: str = Field(
        "", description="id of a finished training task, instead of the run's best"
    )


def training_task(step: Step, source: ModelSource) -> str:
    """The training step whose model to use."""
    if source.training_task:
        return source.training_task
    if not source.run_id:
        raise UserError(
            "no model is named",
            where="Input/run_id, Input/training_task",
            mend="name a run, or a training task",
        )
    summaries = [
        outcome
        for outcome in step.outcomes(source.run_id, "Input/run_id")
        if outcome.phase == TRAINING_SUMMARY and outcome.is_finished
    ]
    if not summaries:
        raise UserError(
            f"the run {source.run_id!r} has no finished training-summary, so no best model",
            where="Input/run_id",
            mend="name a run that finished, or a training task",
        )
    record = step.fetch_json(summaries[-1].reference, names.ARTIFACT_SUMMARY, "Input/run_id")
    return record["best"]["task"]


def load_model(step: Step, task: str) -> FittedModel:
    """The model that a training step left."""
    import joblib

    return joblib.load(step.fetch(task, ARTIFACT_MODEL, "Input/training_task"))


def preprocessing_task(step: Step, task: str) -> str:
    """The preprocessing step that a training step worked on."""
    return step.fetch_json(task, ARTIFACT_METRICS, "Input/training_task")["preprocessing_task"]
