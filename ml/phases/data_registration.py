"""data-registration: a CSV or Parquet file becomes a data set with a schema and a profile."""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Literal
from urllib.parse import urlsplit

from pydantic import BaseModel, Field

from ml.runtime import conventions as names
from ml.runtime.parameters import Section
from ml.runtime.phase import Phase

if TYPE_CHECKING:
    from ml.runtime.step import Step

DATA_FILE = "data.parquet"
SCHEMA_FILE = "schema.json"
PROFILE_FILE = "profile.json"


class DataFields(Section):
    """What to register."""

    source: str = Field(
        "builtin:diabetes",
        min_length=1,
        description="CSV or Parquet: an address, a path, or builtin:NAME for a bundled set",
    )
    target: str = Field("", description="column to predict; may stay empty for a bundled set")
    name: str = Field("", description="name of the data set; empty takes the source's")
    kind: Literal["auto", "regression", "classification"] = Field(
        "auto", description="kind of problem; auto decides by the target's values"
    )


class Parameters(BaseModel):
    """Of data-registration."""

    Data: DataFields = DataFields()


PHASE = Phase(
    name="data-registration",
    task_type="data_processing",
    help="Make a data set of a CSV or Parquet file, checked and described.",
    parameters=Parameters,
    entry="ml.phases.data_registration:run",
    order=10,
)


def run(step: Step, parameters: Parameters) -> None:
    """Read, check, describe and store the file."""
    from ml.tabular import inspection, plots, reading, sources

    data = parameters.Data
    if data.source.startswith(sources.PREFIX):
        frame, target = sources.load_builtin(data.source)
        target = data.target or target
    else:
        frame = reading.read_table(step.download(data.source, "Data/source"))
        target = data.target
    name = data.name or default_name(data.source)
    schema = inspection.infer_schema(frame, target, name, data.kind, where=data.source)
    profile = inspection.profile(frame, schema)
    for column in schema.of_kind("category"):
        stray = inspection.stray_text(frame[column])
        if stray:
            step.log(f"warning: {column} is taken as a category, for it holds a text: {stray}")

    folder = step.work / "files"
    folder.mkdir(exist_ok=True)
    frame.to_parquet(folder / DATA_FILE, index=False)
    (folder / SCHEMA_FILE).write_text(schema.model_dump_json(indent=2) + "\n", "utf-8")
    profile.to_json(folder / PROFILE_FILE, orient="records", indent=2)
    dataset_id = step.create_dataset(name, folder, [schema.kind])

    step.artifact("schema", folder / SCHEMA_FILE)
    step.artifact("profile", folder / PROFILE_FILE)
    step.table("profile", profile)
    step.plot("target", plots.target_distribution(frame[target], schema))
    step.properties(
        **{
            names.PROPERTY_DATASET: name,
            names.PROPERTY_DATASET_ID: dataset_id,
            names.PROPERTY_ROWS: len(frame),
            names.PROPERTY_TARGET: target,
            names.PROPERTY_KIND: schema.kind,
        }
    )
    step.log(
        f"data set {name} ({dataset_id}): {len(frame)} rows, {len(schema.columns)} features, "
        f"{schema.kind} of {target}"
    )


def default_name(source: str) -> str:
    """A data set's name from where it came from: the file's name without its ending."""
    if source.startswith("builtin:"):
        return source.removeprefix("builtin:")
    return names.slug(PurePosixPath(urlsplit(source).path).stem) or "dataset"
