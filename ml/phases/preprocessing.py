"""preprocessing: split a data set, and fit the preprocessor on the training part only."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import BaseModel, Field

from ml.phases.data_registration import DATA_FILE, SCHEMA_FILE
from ml.runtime import conventions as names
from ml.runtime.errors import DataError
from ml.runtime.parameters import Section
from ml.runtime.phase import Phase

if TYPE_CHECKING:
    from ml.runtime.step import Step


class InputFields(Section):
    """What to work on."""

    dataset_id: str = Field("", description="id of a registered data set")


class SplitFields(Section):
    """How to split it."""

    test_share: float = Field(
        0.2, ge=0.05, le=0.5, description="share of the rows kept for the final score"
    )
    validation_share: float = Field(
        0.2, ge=0.05, le=0.5, description="share of the rows that the best model is chosen by"
    )
    seed: int = Field(0, ge=0, le=2**31 - 1, description="seed of the split")


class Parameters(BaseModel):
    """Of preprocessing."""

    Input: InputFields = InputFields()
    Split: SplitFields = SplitFields()


PHASE = Phase(
    name="preprocessing",
    task_type="data_processing",
    help="Split a data set and fit the preprocessing on its training part.",
    parameters=Parameters,
    entry="ml.phases.preprocessing:run",
    order=20,
)


def run(step: Step, parameters: Parameters) -> None:
    """Split, fit, store the parts and the preprocessor."""
    import joblib
    import pandas as pd

    from ml.tabular import preparation
    from ml.tabular.schema import Schema

    where = "Input/dataset_id"
    folder = step.dataset(parameters.Input.dataset_id, where)
    if not (folder / SCHEMA_FILE).is_file():
        raise DataError(
            f"the data set {parameters.Input.dataset_id!r} has no {SCHEMA_FILE}",
            where=where,
            mend="name a data set that data-registration made",
        )
    schema = Schema.model_validate_json((folder / SCHEMA_FILE).read_text("utf-8"))
    frame = pd.read_parquet(folder / DATA_FILE)
    split = parameters.Split
    parts = preparation.split(frame, schema, split.test_share, split.validation_share, split.seed)
    preprocessor = preparation.fit_preprocessor(parts.train, schema)

    for part in ("train", "validation", "test"):
        path = step.work / f"{part}.parquet"
        getattr(parts, part).to_parquet(path)
        step.artifact(part, path)
    joblib.dump(preprocessor, step.work / "preprocessor.joblib")
    step.artifact("preprocessor", step.work / "preprocessor.joblib")
    step.artifact_json("schema", schema.model_dump())
    step.properties(
        **{
            names.PROPERTY_DATASET: schema.name,
            names.PROPERTY_DATASET_ID: parameters.Input.dataset_id,
            names.PROPERTY_ROWS: len(frame),
            names.PROPERTY_TARGET: schema.target,
            names.PROPERTY_KIND: schema.kind,
        }
    )
    without_target = len(frame) - len(parts.train) - len(parts.validation) - len(parts.test)
    step.log(
        f"train {len(parts.train)}, validation {len(parts.validation)}, test {len(parts.test)} "
        f"rows; {without_target} without a target left out; "
        f"{len(preprocessor.get_feature_names_out())} inputs to the models"
    )
