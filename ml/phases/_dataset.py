"""What the data phases share: how a data set is stored, shown and found again."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ml.runtime import conventions as names
from ml.runtime.errors import DataError

if TYPE_CHECKING:
    import pyarrow as pa

    from ml.runtime.step import Step
    from ml.tabular.data.inspection import Inspected
    from ml.tabular.schema import Schema

DATA_FILE = "data.parquet"
SCHEMA_FILE = "schema.json"
PROFILE_FILE = "profile.json"
EDITS_FILE = "edits.json"

# small groups of rows keep what is read or written at once small
_GROUP_ROWS = 1 << 17
_MAX_LOGGED = 100
_MAX_WIDTH = 48


@dataclass(frozen=True)
class Origin:
    """How a data set came to be: enough to make it again from the first file.

    Parameters
    ----------
    source, encoding : str
        Of the registration.
    kind : str
        The problem as it was asked for: ``auto``, ``regression`` or ``classification``.
    types : dict
        Column → the type that was asked for.
    parent : str
        The data set that was edited; empty for a registered one.
    edits : list of dict
        All the steps since the registration, in order.
    replay : list of dict
        What it takes to do them again on rows that come later
        (:func:`ml.tabular.data.replaying.stage`), one for each time that it was edited.
    ancestors : list of str
        The hashes of the data sets that it was made of, the registered one first.
    """

    source: str
    encoding: str = "utf-8"
    kind: str = "auto"
    types: dict[str, str] = field(default_factory=dict)
    parent: str = ""
    edits: list[dict[str, Any]] = field(default_factory=list)
    replay: list[dict[str, Any]] = field(default_factory=list)
    ancestors: list[str] = field(default_factory=list)


def store(step: Step, inspected: Inspected, origin: Origin) -> str:
    """Make a data set of what was inspected, and show it; returns its id."""
    from pyarrow import parquet

    from ml.tabular.data import data_plots, profiling

    schema = inspected.schema
    shown = profiling.as_table(inspected.profile)
    step.log(shown.head(_MAX_LOGGED).to_string(index=False, max_colwidth=_MAX_WIDTH))
    for note in inspected.notes:
        step.log(f"note: {note}")

    folder = step.work / "files"
    folder.mkdir(exist_ok=True)
    parquet.write_table(inspected.table, folder / DATA_FILE, row_group_size=_GROUP_ROWS)
    (folder / SCHEMA_FILE).write_text(schema.model_dump_json(indent=2) + "\n", "utf-8")
    _write_json(folder / PROFILE_FILE, inspected.profile)
    _write_json(folder / EDITS_FILE, vars(origin))
    dataset_id = step.create_dataset(schema.name, folder, [schema.kind], origin.parent)

    step.artifact("schema", folder / SCHEMA_FILE)
    step.artifact("profile", folder / PROFILE_FILE)
    step.table("profile", shown)
    target = inspected.table[schema.target]
    step.plot("target", data_plots.target_distribution(target, schema))
    missing = data_plots.missing_values(inspected.profile)
    if missing is not None:
        step.plot("missing values", missing)
    step.properties(
        **{
            names.PROPERTY_DATASET: schema.name,
            names.PROPERTY_DATASET_ID: dataset_id,
            names.PROPERTY_ROWS: schema.rows,
            names.PROPERTY_TARGET: schema.target,
            names.PROPERTY_KIND: schema.kind,
        }
    )
    step.log(
        f"data set {schema.name} ({dataset_id}): {schema.rows} rows, {len(schema.columns)} "
        f"features, {len(schema.left_out)} columns left out, {schema.kind} of {schema.target}"
    )
    return dataset_id


def load(folder: Path, reference: str, where: str) -> tuple[pa.Table, Schema, Origin]:
    """A data set's table, schema and origin.

    Parameters
    ----------
    folder : Path
        As :meth:`ml.runtime.step.Step.dataset` gives it.
    reference, where : str
        The data set as the user named it, and the field.
    """
    from ml.tabular.data.reading import read_arrow
    from ml.tabular.schema import Schema

    if not (folder / SCHEMA_FILE).is_file():
        raise DataError(
            f"the data set {reference!r} has no {SCHEMA_FILE}",
            where=where,
            mend="name a data set that data-registration made",
        )
    schema = Schema.model_validate_json((folder / SCHEMA_FILE).read_text("utf-8"))
    return read_arrow(folder / DATA_FILE, shown=where), schema, load_origin(folder)


def load_origin(folder: Path) -> Origin:
    """How the data set in a folder came to be."""
    known = folder / EDITS_FILE
    # data sets that were registered before there were edits have none
    return Origin(**json.loads(known.read_text("utf-8"))) if known.is_file() else Origin("")


def hashes(folder: Path) -> list[str]:
    """The hash of the data set in a folder, then those of what it was made of; of none, nothing."""
    known = folder / SCHEMA_FILE
    said = json.loads(known.read_text("utf-8")) if known.is_file() else {}
    own = said.get("hash") if isinstance(said, dict) else ""
    return [own, *load_origin(folder).ancestors] if own else []


def _write_json(path: Path, value: Any) -> None:
    path.write_text(json.dumps(value, indent=2, default=str) + "\n", "utf-8")
