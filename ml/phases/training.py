"""training: fit one model on prepared data."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import BaseModel, Field, field_validator, model_validator

from ml import model_catalog
from ml.runtime import conventions as names
from ml.runtime.errors import UserError
from ml.runtime.metric_names import AUTO, Metric
from ml.runtime.parameters import JsonText, Section, json_object, parse_plain
from ml.runtime.phase import Phase

if TYPE_CHECKING:
    from ml.runtime.step import Step
    from ml.tabular.fitting import Fit
    from ml.tabular.preparation import Parts
    from ml.tabular.schema import Schema

ARTIFACT_MODEL = "model"
ARTIFACT_METRICS = "metrics"
PREPARED = ("train", "validation", "test")


class InputFields(Section):
    """What to work on."""

    preprocessing_task: str = Field("", description="id of a finished preprocessing task")


class ModelFields(Section):
    """What to fit."""

    name: str = Field("ridge", description=f"one of {', '.join(model_catalog.MODELS)}")
    parameters: JsonText = Field(
        "{}", description='the model\'s own parameters as JSON, such as {"alpha": 2}'
    )
    metric: Metric = Field(AUTO, description="metric shown as the score")
    seed: int = Field(0, ge=0, le=2**31 - 1, description="seed of the model")

    def own(self) -> BaseModel:
        """The model's own parameters, checked against its own types."""
        kind = model_catalog.MODELS[self.name].parameters
        return parse_plain(kind, json_object(self.parameters), "Model/parameters")

    @field_validator("name")
    @classmethod
    def _is_known(cls, name: str) -> str:
        return model_catalog.find(name).name

    @model_validator(mode="after")
    def _parameters_fit(self) -> ModelFields:
        try:
            self.own()
        except UserError as error:
            raise ValueError(f"Model/parameters of {self.name}: {error.what}") from None
        return self


class Parameters(BaseModel):
    """Of training."""

    Input: InputFields = InputFields()
    Model: ModelFields = ModelFields()


PHASE = Phase(
    name="training",
    task_type="training",
    help="Fit one model on prepared data and score it.",
    parameters=Parameters,
    entry="ml.phases.training:run",
    order=30,
    accelerator=lambda parameters: model_catalog.MODELS[parameters.Model.name].accelerator,
)


def run(step: Step, parameters: Parameters) -> None:
    """Fetch the prepared data, fit, store the model and its scores."""
    import joblib

    from ml.tabular import fitting, metrics

    chosen = parameters.Model
    own = chosen.own()
    step.configuration("model", {"name": chosen.name, "seed": chosen.seed, **own.model_dump()})
    task = parameters.Input.preprocessing_task
    parts, schema, preprocessor = prepared(step, task, "Input/preprocessing_task")
    metric = metrics.resolve(chosen.metric, schema, "Model/metric")
    fit = fitting.fit(parts, schema, preprocessor, chosen.name, own, chosen.seed)

    path = step.work / "model.joblib"
    joblib.dump(fit.model, path)
    step.artifact(ARTIFACT_MODEL, path)
    step.register_model(
        names.task_name(chosen.name, step.run_id),
        ARTIFACT_MODEL,
        model_catalog.MODELS[chosen.name].framework,
        schema.classes,
    )
    fit.predictions.to_parquet(step.work / "predictions.parquet")
    step.artifact(names.ARTIFACT_PREDICTIONS, step.work / "predictions.parquet")
    step.artifact_json(ARTIFACT_METRICS, _metrics_record(chosen.name, task, fit, schema))
    _report(step, fit, schema, metric)


def prepared(step: Step, task: str, where: str) -> tuple[Parts, Schema, object]:
    """Parts, schema and preprocessor that a preprocessing step left."""
    import joblib
    import pandas as pd

    from ml.tabular.preparation import Parts
    from ml.tabular.schema import Schema

    frames = {part: pd.read_parquet(step.fetch(task, part, where)) for part in PREPARED}
    schema = Schema.model_validate(step.fetch_json(task, "schema", where))
    preprocessor = joblib.load(step.fetch(task, "preprocessor", where))
    return Parts(**frames), schema, preprocessor


def _metrics_record(model: str, task: str, fit: Fit, schema: Schema) -> dict[str, object]:
    return {
        "model": model,
        "kind": schema.kind,
        "dataset": schema.name,
        "target": schema.target,
        "preprocessing_task": task,
        "validation": fit.validation,
        "test": fit.test,
        "fit_seconds": fit.fit_seconds,
        "predict_seconds": fit.predict_seconds,
    }


def _report(step: Step, fit: Fit, schema: Schema, metric: str) -> None:
    from ml.tabular import plots

    for part, scores in (("validation", fit.validation), ("test", fit.test)):
        for name, number in scores.items():
            step.value(f"{part} {name}", number)
    for name, numbers in fit.history.items():
        step.curve("training", name, numbers)
    step.plot("fit quality", plots.fit_quality(fit.predictions, schema))
    if schema.kind == "binary":
        step.plot("ROC", plots.roc_curve(fit.predictions, schema))
    # a metric may have no value on a part, such as the area under a curve of one class
    score, test = fit.validation.get(metric), fit.test.get(metric)
    step.properties(
        **{
            names.PROPERTY_DATASET: schema.name,
            names.PROPERTY_TARGET: schema.target,
            names.PROPERTY_METRIC: metric,
            names.PROPERTY_SCORE: "none" if score is None else score,
        }
    )
    step.log(
        f"{fit.model.name}: validation {metric} {_shown(score)}, test {metric} {_shown(test)}; "
        f"fitted in {fit.fit_seconds:.2f} s"
    )


def _shown(score: float | None) -> str:
    return "none" if score is None else f"{score:.6g}"
