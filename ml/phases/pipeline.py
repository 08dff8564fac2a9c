"""pipeline: the controller that connects the phases."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING, Any, Literal

from pydantic import BaseModel, Field, field_validator, model_validator

from ml import model_catalog
from ml.phases import (
    data_editing,
    inference_batch,
    inference_single,
    inference_summary,
    training_summary,
)
from ml.phases._folds import FOLDS_HELP, FoldsText
from ml.phases.preprocessing import SplitFields
from ml.runtime import conventions as names
from ml.runtime.errors import UserError
from ml.runtime.metric_names import AUTO, Metric
from ml.runtime.parameters import JsonText, Section, json_object
from ml.runtime.phase import Phase

if TYPE_CHECKING:
    from ml.runtime.step import Outcome, Step

ALL_MODELS = "all"
OPTIMIZE = "inference-optimize"
# trees of each kind, lines, clouds and smooth curves: on few rows any of them may be best
_USUAL = (
    "ridge",
    "discriminant",
    "svm",
    "blend",
    "random_forest",
    "lightgbm",
    "xgboost",
    "catboost",
    "mlp",
)
DEFAULT_MODELS = tuple(name for name in _USUAL if name in model_catalog.MODELS)
# what names several models at once
_GROUPS = {ALL_MODELS: tuple(model_catalog.MODELS), AUTO: DEFAULT_MODELS}


class DataFields(Section):
    """What to learn from."""

    source: str = Field(
        "builtin:diabetes",
        description="CSV or Parquet, one file or several with commas between: paths, addresses, "
        "folders, patterns such as /data/2026-*.csv, dataset:ID, or builtin:NAME for a bundled set",
    )
    target: str = Field("", description="column to predict; may stay empty for a bundled set")
    name: str = Field("", description="name of the data set; empty takes the source's")
    kind: Literal["auto", "regression", "classification"] = Field(
        "auto", description="kind of problem; auto decides by the target's values"
    )
    types: JsonText = Field(
        "{}", description='types that differ from what is inferred, such as {"zip": "category"}'
    )
    encoding: str = Field("utf-8", min_length=1, description="how CSV files are encoded")
    dataset_id: str = Field(
        "", description="id of a data set that is registered already, instead of a source"
    )
    edits: data_editing.StepsText = Field(
        "[]",
        description='JSON list of steps that edit the data first, such as [{"do": "drop", '
        '"columns": ["notes"]}]; see data-editing',
    )

    @property
    def edit_steps(self) -> list[Any]:
        """The steps that edit the data; none where it is taken as it is."""
        return data_editing.listed_steps(self.edits)

    @field_validator("edits")
    @classmethod
    def _are_steps(cls, edits: str) -> str:
        # what the columns are is known later; what a step is, before anything is registered
        if given := data_editing.listed_steps(edits):
            from ml.tabular.data.edit_steps import parse_steps

            try:
                parse_steps(given, "Data/edits")
            except UserError as error:
                place = error.where.removeprefix("Data/edits, ")
                raise ValueError(f"{place}: {error.what}; {error.mend}") from None
        return edits


class TrainingFields(Section):
    """Which models to train."""

    models: str = Field(
        AUTO,
        description=f"models, with commas between: {', '.join(model_catalog.MODELS)}; or all; or "
        f"auto: {', '.join(DEFAULT_MODELS)}; all and auto leave out what is not made for the data",
    )
    parameters: JsonText = Field(
        "{}", description='parameters of single models as JSON, such as {"ridge": {"alpha": 2}}'
    )
    metric: Metric = Field(AUTO, description="metric that the best model is chosen by")
    seed: int = Field(0, ge=0, le=2**31 - 1, description="seed of the models")
    folds: FoldsText = Field(AUTO, description=FOLDS_HELP)
    threads: int = Field(
        1, ge=1, le=256, description="threads to fit each model with; more are faster"
    )
    refit: bool = Field(
        True, description="fit again on training and validation rows before the test score"
    )
    tuning_trials: int = Field(
        0, ge=0, le=10_000, description="how many parameters to try for each model; 0 tries none"
    )
    tuning_seconds: float = Field(
        0.0, ge=0, le=1e6, description="of each model: no trial begins after so long; 0: no limit"
    )

    @property
    def model_names(self) -> list[str]:
        """The models that are named, each once."""
        return _named(self.models)

    def is_tried(self, model: str) -> bool:
        """Whether a model is asked for by name: on data that it is not made for it fails."""
        return _group(_listed(self.models)) is None or model in self.own

    @property
    def own(self) -> dict[str, Any]:
        """Model → its parameters."""
        return json_object(self.parameters)

    @field_validator("models")
    @classmethod
    def _are_known(cls, models: str) -> str:
        given = _named(models)
        if not given:
            raise ValueError("Training/models names no model")
        for name in given:
            model_catalog.find(name)
        return models

    @model_validator(mode="after")
    def _parameters_name_models(self) -> TrainingFields:
        # a model's own parameters are checked by its training step: a wrong one costs that model,
        # not the run
        for name, own in self.own.items():
            if name not in self.model_names:
                close = difflib.get_close_matches(name, self.model_names, n=1)
                hint = f"; did you mean {close[0]!r}?" if close else ""
                raise ValueError(f"Training/parameters names {name!r}, which is not trained{hint}")
            if not isinstance(own, dict):
                raise ValueError(f"Training/parameters of {name!r} is not a JSON object")
        return self


def _named(models: str) -> list[str]:
    given = _listed(models)
    return list(_group(given) or given)


def _listed(models: str) -> list[str]:
    return list(dict.fromkeys(name.strip() for name in models.split(",") if name.strip()))


def _group(given: list[str]) -> tuple[str, ...] | None:
    """The models of a group that stands alone; None where models are named one by one."""
    return _GROUPS.get(given[0]) if len(given) == 1 else None


class InferenceFields(Section):
    """What to predict with the best model."""

    data: str = Field(
        "test",
        min_length=1,
        description="CSV or Parquet (address or path), dataset:ID, or test for the held-out rows",
    )
    record: JsonText = Field("", description="one record as JSON to predict too; may stay empty")
    optimize: JsonText = Field(
        "",
        description='fields of inference-optimize as JSON, such as {"Goal/direction": "maximize"}, '
        "to look for inputs too; may stay empty",
    )


class Parameters(BaseModel):
    """Of the pipeline."""

    Data: DataFields = DataFields()
    Split: SplitFields = SplitFields()
    Training: TrainingFields = TrainingFields()
    Inference: InferenceFields = InferenceFields()


PHASE = Phase(
    name="pipeline",
    task_type="controller",
    help="From a data file to the best model and its predictions.",
    parameters=Parameters,
    entry="ml.phases.pipeline:run",
    order=0,
)


def run(step: Step, parameters: Parameters) -> None:
    """Run the planned steps; done when the training-summary is there."""
    from ml.pipeline import plan

    outcomes = step.run_plan(plan(parameters, step.run_reference))
    _conclude(step, {outcome.phase: outcome for outcome in outcomes}, outcomes)
    _tell_failed_predictions(step, parameters.Inference, outcomes)


def _tell_failed_predictions(step: Step, asked: InferenceFields, outcomes: list[Outcome]) -> None:
    """Name the cause where all predictions that were asked for failed; the models stay."""
    phases = set()
    if asked.data != inference_batch.TEST_PART:
        phases.add(inference_batch.PHASE.name)
    if json_object(asked.record):
        phases.add(inference_single.PHASE.name)
    if json_object(asked.optimize):
        phases.add(OPTIMIZE)
    inferences = [outcome for outcome in outcomes if outcome.phase in phases]
    if not inferences or any(outcome.is_finished for outcome in inferences):
        return
    failure_class, failure = training_summary.reason(inferences[0])
    failure = f"{inferences[0].phase} failed: {failure}"
    step.properties(
        **{names.PROPERTY_FAILURE_CLASS: failure_class, names.PROPERTY_FAILURE: failure}
    )
    step.log(f"error: nothing that was asked for was predicted; {failure}")


def _conclude(step: Step, last: dict[str, Outcome], outcomes: list[Outcome]) -> None:
    summary = last.get(training_summary.NAME)
    failed = [outcome for outcome in outcomes if not outcome.is_finished]
    if summary:
        step.properties(**{names.PROPERTY_TRAINING_SUMMARY: summary.reference})
    if summary is None or not summary.is_finished:
        # the step furthest along names the cause: the summary gathers its models' reasons
        cause = summary or (failed[-1] if failed else None)
        raise _not_summarised(step, cause)
    handed_on = (
        names.PROPERTY_DATASET,
        names.PROPERTY_TARGET,
        names.PROPERTY_BEST_MODEL,
        names.PROPERTY_METRIC,
        names.PROPERTY_SCORE,
        names.PROPERTY_FAILED_MODELS,
    )
    step.properties(
        **{name: summary.properties[name] for name in handed_on if name in summary.properties}
    )
    predicted = last.get(inference_summary.NAME)
    if predicted:
        step.properties(**{names.PROPERTY_INFERENCE_SUMMARY: predicted.reference})
    for outcome in failed:
        step.log(f"failed: {outcome.name}: {training_summary.reason(outcome)[1]}")


def _not_summarised(step: Step, cause: Outcome | None) -> UserError:
    if cause is None:
        return UserError(
            "the run ended before any step did",
            where=f"run {step.run_id}",
            mend="read the controller's log, and start a new run",
            failure_class="infrastructure",
        )
    failure_class, failure = training_summary.reason(cause)
    return UserError(
        f"{cause.phase} failed: {failure}",
        where=f"task {cause.reference} of run {step.run_id}",
        mend="mend what it names, and start a new run",
        failure_class=failure_class,
    )
