"""training: fit one model on prepared data, and score it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from pydantic import BaseModel, Field, field_validator, model_validator

from ml import model_catalog
from ml.phases import _provenance
from ml.phases._folds import FOLDS_HELP, FoldsText
from ml.phases._judging import division, judged, tuning_record
from ml.runtime import conventions as names
from ml.runtime.errors import UserError
from ml.runtime.metric_names import AUTO, Metric
from ml.runtime.parameters import JsonText, Section, json_object, parse_plain
from ml.runtime.phase import Phase

if TYPE_CHECKING:
    from ml.runtime.model import Model
    from ml.runtime.step import Step
    from ml.tabular.learning.fitting import Fit
    from ml.tabular.learning.recipes import Recipe
    from ml.tabular.preparation.splitting import Parts
    from ml.tabular.schema import Schema

ARTIFACT_MODEL = "model"
ARTIFACT_METRICS = "metrics"
LEAVE_OUT = "leave-out"
PREPARED = ("train", "validation", "test")


class InputFields(Section):
    """What to work on."""

    preprocessing_task: str = Field("", description="id of a finished preprocessing task")


class ModelFields(Section):
    """What to fit, and how to judge it."""

    name: str = Field("ridge", description=f"one of {', '.join(model_catalog.MODELS)}")
    parameters: JsonText = Field(
        "{}", description='the model\'s own parameters as JSON, such as {"alpha": 2}'
    )
    metric: Metric = Field(AUTO, description="metric shown as the score, and tuned for")
    seed: int = Field(0, ge=0, le=2**31 - 1, description="seed of the model")
    folds: FoldsText = Field(AUTO, description=FOLDS_HELP)
    threads: int = Field(
        1, ge=1, le=256, description="threads to fit with, on whichever node; more are faster"
    )
    refit: bool = Field(
        True, description="fit again on training and validation rows before the test score"
    )
    unsuited: Literal["fail", "leave-out"] = Field(
        "fail", description="what becomes of the step where the model is not made for such data"
    )

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


class TuningFields(Section):
    """Looking for better parameters than the given ones."""

    trials: int = Field(
        0, ge=0, le=10_000, description="how many parameters to try; 0 takes them as given"
    )
    seconds: float = Field(
        0.0, ge=0, le=1e6, description="no trial begins after so long; 0 sets no limit"
    )


class Parameters(BaseModel):
    """Of training."""

    Input: InputFields = InputFields()
    Model: ModelFields = ModelFields()
    Tuning: TuningFields = TuningFields()


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
    """Fetch the prepared data, tune where asked to, fit, store the model and its scores."""
    from ml.tabular.learning import fitting, metrics, model_file, recipes

    task, chosen = parameters.Input.preprocessing_task, parameters.Model
    parts, schema, preprocessor = prepared(step, task, "Input/preprocessing_task")
    metric = metrics.resolve(chosen.metric, schema, "Model/metric")
    model = model_catalog.MODELS[chosen.name]
    recipe = recipes.Recipe(model, chosen.own(), chosen.seed, chosen.threads)
    if chosen.unsuited == LEAVE_OUT and _is_left_out(step, model, parts, schema):
        return
    divided = division(step, parts, schema, parameters)
    count = 0 if divided is None else divided.count
    _check_suitable(recipe, parts, schema, preprocessor, parameters, count)

    samples = recipes.samples(parts, schema, preprocessor)
    recipe, tuning, crossed = judged(
        step, recipe, samples, parts, schema, metric, parameters, divided
    )
    own = recipe.parameters.model_dump()
    step.configuration("model", {"name": chosen.name, "seed": chosen.seed, **own})
    fit = fitting.fit_samples(recipe, samples, parts, schema, preprocessor, refit=chosen.refit)
    step.computed_on(fit.device, model.gpu_tolerance)

    path = step.work / "model.joblib"
    model_file.save(fit.model, path)
    step.artifact(ARTIFACT_MODEL, path)
    step.register_model(
        names.task_name(chosen.name, step.run_id), ARTIFACT_MODEL, model.framework, schema.classes
    )
    fit.predictions.to_parquet(step.work / "predictions.parquet")
    step.artifact(names.ARTIFACT_PREDICTIONS, step.work / "predictions.parquet")
    record = {
        **_record(recipe, fit, schema),
        "preprocessing_task": task,
        "refit": chosen.refit,
        "cross_validation": crossed,
        "tuning": tuning_record(tuning),
        "predict_rows_per_second": len(parts.test) / max(fit.predict_seconds, 1e-9),
        "size_bytes": path.stat().st_size,
    }
    step.artifact_json(ARTIFACT_METRICS, record)
    _report(step, fit, schema, metric)


def prepared(step: Step, task: str, where: str) -> tuple[Parts, Schema, object]:
    """Parts, schema and preprocessor that a preprocessing step left."""
    import joblib
    import pandas as pd

    from ml.tabular.learning import model_file
    from ml.tabular.preparation.splitting import Parts
    from ml.tabular.schema import Schema

    frames = {part: pd.read_parquet(step.fetch(task, part, where)) for part in PREPARED}
    schema = Schema.model_validate(step.fetch_json(task, "schema", where))
    # an older step did not say what it was made with
    known = _provenance.kept(step, task, where)
    if known:
        mend = "run preprocessing again with the present template"
        model_file.check_made_with(known["made_with"], where, "the preprocessor", mend)
    preprocessor = joblib.load(step.fetch(task, "preprocessor", where))
    return Parts(**frames), schema, preprocessor


def _is_left_out(step: Step, model: Model, parts: Parts, schema: Schema) -> bool:
    from ml.tabular.learning.suitability import unsuited

    rows = len(parts.train) + len(parts.validation)
    refused = unsuited(model, schema, rows, _rarest(parts, schema))
    if refused is None:
        return False
    step.properties(**{names.PROPERTY_LEFT_OUT: refused.what})
    step.log(f"left out: {refused.what}")
    return True


def _check_suitable(
    recipe: Recipe,
    parts: Parts,
    schema: Schema,
    preprocessor: Any,
    parameters: Parameters,
    folds: int,
) -> None:
    from ml.tabular.learning.suitability import check_suitable

    # the matrix, and once more while the validation rows are put below it
    copies = 2.0 if parameters.Model.refit else 1.0
    if parameters.Tuning.trials:
        # each trial takes the same folds, so they are kept
        copies += folds
    elif folds:
        copies += 1.0
    rows = len(parts.train) + len(parts.validation)
    inputs = len(preprocessor.names_)
    check_suitable(recipe, schema, rows, inputs, copies, _rarest(parts, schema))


def _rarest(parts: Parts, schema: Schema) -> int | None:
    """Training rows of the rarest class that has any; None of a number."""
    if not schema.is_classification:
        return None
    return int(parts.train[schema.target].value_counts().loc[lambda counts: counts > 0].min())


def _record(recipe: Recipe, fit: Fit, schema: Schema) -> dict[str, Any]:
    return {
        "model": fit.model.name,
        "kind": schema.kind,
        "dataset": schema.name,
        "target": schema.target,
        "parameters": recipe.parameters.model_dump(),
        "seed": recipe.seed,
        "validation": fit.validation,
        "test": fit.test,
        "validation_intervals": fit.validation_intervals,
        "test_intervals": fit.test_intervals,
        "fit_seconds": fit.fit_seconds,
        "predict_seconds": fit.predict_seconds,
        "threads": recipe.threads,
        "device": fit.device,
        "made_with": dict(fit.model.made_with),
        "interval": fit.model.interval,
    }


def _report(step: Step, fit: Fit, schema: Schema, metric: str) -> None:
    from ml.tabular.summary import class_plots, plots

    for part, scores in (("validation", fit.validation), ("test", fit.test)):
        for name, number in scores.items():
            step.value(f"{part} {name}", number)
    for name, numbers in fit.history.items():
        step.curve("training", name, numbers)
    test_rows = fit.predictions_of("test")
    step.plot("fit quality", plots.fit_quality(test_rows, schema))
    if schema.kind == "binary":
        step.plot("ROC", class_plots.roc({fit.model.name: test_rows}, schema))
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
        f"{fit.model.name}: validation {metric} {_shown(score)}"
        f"{_ends(fit.validation_intervals, metric)}, test {metric} {_shown(test)}"
        f"{_ends(fit.test_intervals, metric)}; fitted in {fit.fit_seconds:.2f} s on {fit.device}"
    )


def _shown(score: float | None) -> str:
    return "none" if score is None else f"{score:.6g}"


def _ends(intervals: dict[str, tuple[float, float]], metric: str) -> str:
    ends = intervals.get(metric)
    return "" if ends is None else f" (95 %: {ends[0]:.4g} to {ends[1]:.4g})"
