"""data-registration: CSV or Parquet files become a data set with a schema and a profile."""

from __future__ import annotations

import re
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Literal
from urllib.parse import urlsplit

from pydantic import BaseModel, Field

from ml.phases._dataset import DATA_FILE, PROFILE_FILE, SCHEMA_FILE, Origin, store
from ml.runtime import conventions as names
from ml.runtime.parameters import JsonText, Section, json_object
from ml.runtime.phase import Phase
from ml.runtime.source_files import source_files

if TYPE_CHECKING:
    import pyarrow as pa

    from ml.runtime.step import Step

__all__ = ["DATA_FILE", "PHASE", "PROFILE_FILE", "SCHEMA_FILE", "DataFields", "default_name"]


class DataFields(Section):
    """What to register."""

    source: str = Field(
        "builtin:diabetes",
        min_length=1,
        description="CSV or Parquet, one file or several with commas between: paths, addresses, "
        "folders, patterns such as /data/2026-*.csv, dataset:ID, or builtin:NAME for a bundled set",
    )
    target: str = Field("", description="column to predict; may stay empty for a bundled set")
    name: str = Field("", description="name of the data set; empty takes the source's")
    kind: Literal["auto", "regression", "classification"] = Field(
        "auto", description="kind of problem; auto decides by the target's values"
    )
    types: JsonText = Field(
        "{}",
        description='types of columns that differ from what is inferred, as JSON such as {"zip": '
        '"category", "sold": "datetime:%d/%m/%Y"}: numeric, category, text, datetime, or ignore',
    )
    encoding: str = Field(
        "utf-8", min_length=1, description="how CSV files are encoded, such as cp932 or utf-16"
    )


class Parameters(BaseModel):
    """Of data-registration."""

    Data: DataFields = DataFields()


PHASE = Phase(
    name="data-registration",
    task_type="data_processing",
    help="Make a data set of CSV or Parquet files, checked and described.",
    parameters=Parameters,
    entry="ml.phases.data_registration:run",
    order=10,
)


def run(step: Step, parameters: Parameters) -> None:
    """Read, check, describe and store the files."""
    from ml.tabular.data import inspection

    data = parameters.Data
    types = json_object(data.types)
    table, target, notes = _read(step, data, types)
    for note in notes:
        step.log(f"note: {note}")
    name = data.name or default_name(data.source)
    inspected = inspection.inspect(table, target, name, data.kind, types, where=data.source)
    # the table with its texts for dates is not needed beside the one with dates
    del table
    store(step, inspected, Origin(data.source, data.encoding, data.kind, types))


def _read(step: Step, data: DataFields, types: dict[str, str]) -> tuple[pa.Table, str, list[str]]:
    """The table, the target's name, and what is to be said about the files."""
    from ml.tabular.data import arrow_types, inspection, joining, sources

    if data.source.startswith(sources.PREFIX):
        frame, target = sources.load_builtin(data.source)
        return arrow_types.from_frame(frame), data.target or target, []
    files = source_files(step, data.source, "Data/source")
    table, notes = joining.read_files(files, inspection.known_texts(types), data.encoding)
    if len(files) > 1:
        notes.insert(0, f"{table.num_rows} rows of {len(files)} files")
    return table, data.target, notes


def default_name(source: str) -> str:
    """A data set's name from where it came from: the file's name without its ending."""
    if source.startswith("builtin:"):
        return source.removeprefix("builtin:")
    first = re.split(r"[,\n]", source.strip())[0]
    return names.slug(PurePosixPath(urlsplit(first).path).stem) or "dataset"
