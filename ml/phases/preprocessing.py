"""preprocessing: split a data set, and fit the preprocessor on the training part only."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from pydantic import BaseModel, Field, model_validator

from ml.phases import _provenance
from ml.phases._dataset import DATA_FILE, SCHEMA_FILE, load_origin
from ml.runtime import conventions as names
from ml.runtime.errors import DataError
from ml.runtime.parameters import Section
from ml.runtime.phase import Phase
from ml.tabular.preparation.split_plan import MOST_HELD_OUT

if TYPE_CHECKING:
    import pandas as pd

    from ml.phases._dataset import Origin
    from ml.runtime.step import Step
    from ml.tabular.preparation.leakage import Duplicates, Suspect
    from ml.tabular.preparation.preprocessor import Preprocessor
    from ml.tabular.preparation.split_plan import SplitPlan
    from ml.tabular.preparation.splitting import Positions
    from ml.tabular.schema import Schema

ARTIFACT_SPLIT = "split"
ARTIFACT_LEAKAGE = "leakage"
ARTIFACT_REFERENCE = "reference"
# of an edited data set: what predictions do again on rows that were not edited
ARTIFACT_REPLAY = "replay"
# a part with less than this of the share that it should have is warned of
_SMALL_PART = 0.5
_DATASET_FIELD = "Input/dataset_id"


class InputFields(Section):
    """What to work on."""

    dataset_id: str = Field("", description="id of a registered data set")


class SplitFields(Section):
    """How to split it."""

    strategy: Literal["auto", "random", "stratified", "group", "time"] = Field(
        "auto", description="how rows are divided; auto keeps the shares of classes, if any"
    )
    column: str = Field(
        "", description="of group: no value of it is in two parts; of time: the last rows are test"
    )
    test_share: float = Field(
        0.2, ge=0.05, le=0.5, description="share of the rows kept for the final score"
    )
    validation_share: float = Field(
        0.2, ge=0.05, le=0.5, description="share of the rows that models are compared by"
    )
    duplicates: Literal["report", "drop"] = Field(
        "report", description="rows of validation and test that another part has, too"
    )
    leakage: Literal["refuse", "report"] = Field(
        "refuse", description="features that alone give the target away"
    )
    seed: int = Field(0, ge=0, le=2**31 - 1, description="seed of the split")

    @model_validator(mode="after")
    def _fit_together(self) -> SplitFields:
        if self.strategy in ("group", "time") and not self.column:
            raise ValueError(f"Split/column: the strategy {self.strategy} needs a column")
        held_out = self.test_share + self.validation_share
        if held_out > MOST_HELD_OUT:
            raise ValueError(
                f"Split/test_share and Split/validation_share take {held_out:.0%} of the rows; "
                "20 % at least are to train on"
            )
        return self


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
    """Split, check, fit, store the parts and the preprocessor."""
    from ml.tabular.preparation import splitting

    fields = parameters.Split
    schema, plan, frame, origin = _data(step, parameters)
    positions = splitting.divide(frame, schema, plan)
    rows, known = len(frame), sum(len(getattr(positions, part)) for part in splitting.PART_NAMES)
    positions = _checked(step, frame, schema, positions, fields)
    parts = _store_parts(step, frame, schema, positions)
    train = frame.iloc[positions.train]
    # the training part alone is needed from here on
    del frame
    preprocessor = _fit(step, train, schema, plan.seed)
    counts = {part: len(getattr(positions, part)) for part in splitting.PART_NAMES}
    record = {**plan.model_dump(), "rows": counts, "without_target": rows - known}
    step.artifact_json(ARTIFACT_SPLIT, record)
    step.artifact_json("schema", schema.model_dump())
    step.artifact_json(ARTIFACT_REPLAY, origin.replay)
    _provenance.keep(step, schema, origin)
    _report(step, parameters, schema, rows)
    step.table("parts", parts)
    step.table("inputs", preprocessor.treatment())
    step.log(
        f"train {counts['train']}, validation {counts['validation']}, test {counts['test']} rows "
        f"({plan.strategy}{f' by {plan.column}' if plan.column else ''}); {rows - known} without a "
        f"target left out; {len(preprocessor.names_)} inputs to the models"
    )
    _warn_of_small_parts(step, plan, counts)


def _warn_of_small_parts(step: Step, plan: SplitPlan, counts: dict[str, int]) -> None:
    """Groups stay whole, and rows of one moment together: where they are large, shares are not."""
    rows = sum(counts.values())
    for part, share in (("validation", plan.validation_share), ("test", plan.test_share)):
        if counts[part] < _SMALL_PART * share * rows:
            step.log(
                f"warning: {part} has {counts[part]} of {rows} rows, {counts[part] / rows:.1%} "
                f"where {share:.0%} were asked for: scores on so few tell little"
            )


def _data(step: Step, parameters: Parameters) -> tuple[Schema, SplitPlan, pd.DataFrame, Origin]:
    """Schema, plan, rows and origin, once it is certain that they fit each other and the memory."""
    from pyarrow import parquet

    from ml.runtime import memory
    from ml.tabular.preparation import part_files, splitting
    from ml.tabular.schema import Schema

    reference = parameters.Input.dataset_id
    folder = step.dataset(reference, _DATASET_FIELD)
    if not (folder / SCHEMA_FILE).is_file():
        raise DataError(
            f"the data set {reference!r} has no {SCHEMA_FILE}",
            where=_DATASET_FIELD,
            mend="name a data set that data-registration made",
        )
    schema = Schema.model_validate_json((folder / SCHEMA_FILE).read_text("utf-8"))
    split = parameters.Split
    plan = splitting.SplitPlan(**split.model_dump(exclude={"duplicates", "leakage"}))
    plan = plan.resolved(schema)
    path = folder / DATA_FILE
    splitting.check_plan(plan, schema, parquet.read_schema(path).names)
    wanted = splitting.kept_columns(schema, plan)
    needed = part_files.bytes_needed(path, wanted)
    memory.require(needed, f"dividing the data set {schema.name}", _DATASET_FIELD)
    frame = part_files.read_data(path, schema, wanted)
    whole, schema = schema, splitting.without_groups(schema, plan)
    if schema is not whole:
        step.log(f"{plan.column} groups the rows, so it is no feature")
    return schema, plan, frame, load_origin(folder)


def _checked(
    step: Step, frame: pd.DataFrame, schema: Schema, positions: Positions, fields: SplitFields
) -> Positions:
    """Look for leakage, say what there is, and drop or refuse what is to be."""
    import numpy as np

    from ml.tabular.preparation import leakage

    known = np.concatenate([positions.train, positions.validation, positions.test])
    suspects = leakage.suspects(frame, schema, np.sort(known), fields.seed)
    found = leakage.duplicates(frame, schema, positions)
    step.artifact_json(ARTIFACT_LEAKAGE, _leakage_record(found, suspects, fields))
    if fields.leakage == "refuse":
        leakage.refuse(suspects, schema.target)
    for suspect in suspects:
        step.log(f"warning: {suspect.column} gives {schema.target} away: {suspect.why}")
    counts = {"validation": len(found.validation), "test": len(found.test)}
    if not any(counts.values()):
        return positions
    shown = f"{counts['validation']} rows of validation and {counts['test']} of test"
    if fields.duplicates == "report":
        step.log(f"warning: {shown} have the same features as a row of another part")
        return positions
    step.log(f"{shown} dropped: another part has a row with the same features")
    return leakage.without_duplicates(frame[schema.target], schema, positions, found)


def _leakage_record(
    found: Duplicates, suspects: list[Suspect], fields: SplitFields
) -> dict[str, Any]:
    return {
        "duplicates": {
            "validation": len(found.validation),
            "test": len(found.test),
            "treated": fields.duplicates,
        },
        "suspicious": [{"column": one.column, "why": one.why} for one in suspects],
    }


def _store_parts(
    step: Step, frame: pd.DataFrame, schema: Schema, positions: Positions
) -> pd.DataFrame:
    """Write the parts one after the other; returns the table that describes them."""
    import pandas as pd

    from ml.tabular.preparation.splitting import PART_NAMES, described

    rows = []
    for part in PART_NAMES:
        taken = frame.iloc[getattr(positions, part)]
        path = step.work / f"{part}.parquet"
        taken.to_parquet(path)
        step.artifact(part, path)
        rows.append({"part": part, **described(taken, schema)})
    return pd.DataFrame(rows)


def _fit(step: Step, train: pd.DataFrame, schema: Schema, seed: int) -> Preprocessor:
    """Fit the preprocessor, and keep it beside what later rows are compared with."""
    import joblib

    from ml.tabular.conforming import conform, conform_target
    from ml.tabular.preparation.preprocessor import Preprocessor
    from ml.tabular.serving import drift

    where = "the training part"
    features = conform(train, schema, where)
    target = conform_target(train[schema.target], schema, where)
    preprocessor = Preprocessor(schema, seed).fit(features, target)
    joblib.dump(preprocessor, step.work / "preprocessor.joblib")
    step.artifact("preprocessor", step.work / "preprocessor.joblib")
    step.artifact_json(ARTIFACT_REFERENCE, drift.reference(train, schema, features))
    return preprocessor


def _report(step: Step, parameters: Parameters, schema: Schema, rows: int) -> None:
    step.properties(
        **{
            names.PROPERTY_DATASET: schema.name,
            names.PROPERTY_DATASET_ID: parameters.Input.dataset_id,
            names.PROPERTY_ROWS: rows,
            names.PROPERTY_TARGET: schema.target,
            names.PROPERTY_KIND: schema.kind,
        }
    )
