"""inference-single: predict one record."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import BaseModel, Field

from ml.phases import _serving
from ml.runtime import conventions as names
from ml.runtime.errors import UserError
from ml.runtime.parameters import JsonText, json_object
from ml.runtime.phase import Phase

if TYPE_CHECKING:
    from ml.runtime.step import Step


class InputFields(_serving.ModelSource):
    """The model, and the record to predict."""

    record: JsonText = Field(
        "", description='one record as JSON, such as {"age": 41, "city": "Kobe"}'
    )


class Parameters(BaseModel):
    """Of inference-single."""

    Input: InputFields = InputFields()


PHASE = Phase(
    name="inference-single",
    task_type="inference",
    help="Predict one record with the best model of a run.",
    parameters=Parameters,
    entry="ml.phases.inference_single:run",
    order=50,
    from_run=True,
)


def run(step: Step, parameters: Parameters) -> None:
    """Check the record, predict, show the prediction."""
    import pandas as pd

    record = json_object(parameters.Input.record)
    if not record:
        raise UserError(
            "there is no record to predict",
            where="Input/record",
            mend='give one as JSON, such as {"age": 41, "city": "Kobe"}',
        )
    task = _serving.training_task(step, parameters.Input)
    model = _serving.load_model(step, task)
    predicted = model.predict(pd.DataFrame([record]), "Input/record").iloc[0].to_dict()
    ignored = sorted(set(record) - set(model.schema.features))
    if ignored:
        step.log(f"not used by the model: {', '.join(ignored)}")

    prediction = predicted["prediction"]
    step.artifact_json(
        names.ARTIFACT_PREDICTIONS,
        {"record": record, "model": model.name, "training_task": task, **predicted},
    )
    step.artifact_json(
        names.ARTIFACT_SUMMARY,
        {"source": "one record", "model": model.name, "rows": 1, "prediction": prediction},
    )
    for name, number in predicted.items():
        if isinstance(number, float):
            step.value(name, number)
    step.properties(
        **{
            names.PROPERTY_MODEL: model.name,
            names.PROPERTY_ROWS: 1,
            names.PROPERTY_TARGET: model.schema.target,
            names.PROPERTY_PREDICTION: prediction,
        }
    )
    step.log(f"{model.schema.target}: {prediction}")
