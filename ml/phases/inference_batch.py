"""inference-batch: predict the rows of a file, of a data set, or of the held-out test part."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, Field

from ml.phases import _serving
from ml.phases.data_registration import DATA_FILE
from ml.runtime import conventions as names
from ml.runtime.errors import DataError
from ml.runtime.phase import Phase

if TYPE_CHECKING:
    import pandas as pd

    from ml.runtime.step import Step
    from ml.tabular.fitting import FittedModel
    from ml.tabular.schema import Schema

TEST_PART = "test"
DATASET_PREFIX = "dataset:"


class InputFields(_serving.ModelSource):
    """The model, and the rows to predict."""

    data: str = Field(
        TEST_PART,
        min_length=1,
        description="CSV or Parquet (address or path), dataset:ID, or test for the held-out rows",
    )


class Parameters(BaseModel):
    """Of inference-batch."""

    Input: InputFields = InputFields()


PHASE = Phase(
    name="inference-batch",
    task_type="inference",
    help="Predict a file's rows with the best model of a run.",
    parameters=Parameters,
    entry="ml.phases.inference_batch:run",
    order=60,
    from_run=True,
)


def run(step: Step, parameters: Parameters) -> None:
    """Check the rows against the schema, predict, store the predictions."""
    task = _serving.training_task(step, parameters.Input)
    model = _serving.load_model(step, task)
    frame = _rows(step, parameters.Input.data, task, model.schema)
    if _is_own_data(step, parameters.Input.data, task):
        step.log("no scores: the model was trained on rows of this data set; test has others")
        frame = frame.drop(columns=model.schema.target)
    predictions, scores, unscored = predict(model, frame, parameters.Input.data)
    if unscored:
        step.log(f"no scores: {unscored}")

    _store(step, predictions)
    record = {
        "source": parameters.Input.data,
        "model": model.name,
        "training_task": task,
        "rows": len(predictions),
        "scores": scores,
        "predictions": described(predictions, model.schema),
    }
    step.artifact_json(names.ARTIFACT_SUMMARY, record)
    for name, number in scores.items():
        step.value(name, number)
    step.plot("predictions", figure(predictions, model.schema))
    step.properties(
        **{
            names.PROPERTY_MODEL: model.name,
            names.PROPERTY_ROWS: len(predictions),
            names.PROPERTY_TARGET: model.schema.target,
        }
    )
    step.log(f"{len(predictions)} rows of {parameters.Input.data} predicted with {model.name}")


def predict(
    model: FittedModel, frame: pd.DataFrame, where: str
) -> tuple[pd.DataFrame, dict[str, float], str]:
    """Predictions of a frame and, where all its rows have a target, their scores.

    Parameters
    ----------
    model : FittedModel
    frame : DataFrame
        Shape (rows, columns).
    where : str
        Where the rows came from, for messages.

    Returns
    -------
    predictions : DataFrame
        One row per row of the frame; column ``truth`` first where the target is there.
    scores : dict
        Metric → value; empty where the target is not there.
    unscored : str
        Why a target that is there gives no scores; empty where it does.
    """
    from ml.tabular import fitting

    predictions = model.predict(frame, where)
    target = model.schema.target
    if target not in frame.columns or frame[target].isna().any():
        return predictions, {}, ""
    try:
        scores = fitting.score_rows(predictions, frame, model.schema)
    except DataError as error:
        return predictions, {}, error.what
    return fitting.with_truth(predictions, frame, model.schema), scores, ""


def described(predictions: pd.DataFrame, schema: Schema) -> dict[str, Any]:
    """A few numbers on the predictions: their range, or the rows per class."""
    values = predictions["prediction"]
    if schema.is_classification:
        return {str(label): int(count) for label, count in values.value_counts().items()}
    return {name: float(getattr(values, name)()) for name in ("min", "mean", "max")}


def figure(predictions: pd.DataFrame, schema: Schema):
    """Against the truth where it is known, else how the predictions are spread."""
    from ml.tabular import plots

    if "truth" in predictions.columns:
        return plots.fit_quality(predictions, schema)
    return plots.prediction_distribution(predictions, schema)


def _rows(step: Step, data: str, task: str, schema: Schema) -> pd.DataFrame:
    import pandas as pd

    from ml.tabular import reading, sources

    where = "Input/data"
    if data == TEST_PART:
        prepared = _serving.preprocessing_task(step, task)
        return pd.read_parquet(step.fetch(prepared, TEST_PART, where))
    if data.startswith(sources.PREFIX):
        return sources.load_builtin(data, where)[0]
    if data.startswith(DATASET_PREFIX):
        folder = step.dataset(data.removeprefix(DATASET_PREFIX), where)
        return reading.read_table(folder / DATA_FILE)
    texts = schema.of_kind("category")
    if schema.is_classification:
        texts.append(schema.target)
    return reading.read_table(step.download(data, where), texts)


def _is_own_data(step: Step, data: str, task: str) -> bool:
    """Whether the rows are those of the data set that the model was trained on."""
    if not data.startswith(DATASET_PREFIX):
        return False
    prepared = _serving.preprocessing_task(step, task)
    known = step.fetch_json(prepared, names.ARTIFACT_CONFIGURATION, "Input/training_task")
    return known["parameters"]["Input/dataset_id"] == data.removeprefix(DATASET_PREFIX).strip()


def _store(step: Step, predictions: pd.DataFrame) -> None:
    predictions.to_parquet(step.work / "predictions.parquet")
    step.artifact(names.ARTIFACT_PREDICTIONS, step.work / "predictions.parquet")
    predictions.to_csv(step.work / "predictions.csv", index_label="row")
    step.artifact(f"{names.ARTIFACT_PREDICTIONS}_csv", step.work / "predictions.csv")
