"""One record to predict: given as JSON or as texts by column, checked and shown."""

from __future__ import annotations

import json
import math
from collections.abc import Collection, Mapping
from typing import Any

import numpy as np
import pandas as pd

from ml.runtime.errors import DataError, UserError
from ml.tabular.conforming import BadValuesError, conform
from ml.tabular.data.replaying import Replay
from ml.tabular.schema import Schema
from ml.tabular.serving import drift

_BOOLEANS = {"true": 1.0, "false": 0.0}


def merged(
    record: Mapping[str, Any], texts: Mapping[str, str], numbers: Collection[str]
) -> dict[str, Any]:
    """A record of both its sources; where both have a column, the text counts.

    So a record is given once as JSON, and single columns of it are varied.

    Parameters
    ----------
    record : mapping
        Column → value, as JSON gives it.
    texts : mapping
        Column → text. An empty text is a missing value.
    numbers : collection of str
        The columns that hold numbers: of these a text is made a number.
    """
    given = {name: _number(text) if name in numbers else text for name, text in texts.items()}
    return {**record, **{name: None if value == "" else value for name, value in given.items()}}


def conforming(
    record: Mapping[str, Any], schema: Schema, wheres: Mapping[str, str], where: str, example: str
) -> pd.DataFrame:
    """A record's features, shape (1, features).

    Parameters
    ----------
    record : mapping
        Column → value.
    schema : Schema
    wheres : mapping
        Column → the field that gave it, where it is another than `where`.
    where : str
        The field that gives records.
    example : str
        A whole record, for messages.

    Raises
    ------
    DataError
        Columns are missing, all of them named; or a value is not what its column holds.
    UserError
        A value is a list or an object.
    """
    frame = _as_frame(record, wheres, where, example)
    try:
        return conform(frame, schema, where)
    except BadValuesError as error:
        raise DataError(
            f"{error.column} is {error.values[0]!r}, which is not {error.expected}",
            where=wheres.get(error.column, where),
            mend=f"correct the value, or leave it empty; a whole record is {example}",
        ) from None
    except DataError as error:
        raise DataError(
            error.what, where=where, mend=f"give all columns, such as {example}"
        ) from None


def edited(
    record: Mapping[str, Any], edit: Replay, wheres: Mapping[str, str], where: str
) -> dict[str, Any]:
    """A record with the columns that the model has, made by the edits of its data set.

    Parameters
    ----------
    record : mapping
        Column → value, as before the edits.
    edit : Replay
    wheres, where
        As in :func:`conforming`.

    Raises
    ------
    DataError
        A value is not what its column held before the edits.
    UserError
        A value is a list or an object.
    """
    frame = _as_frame(record, wheres, where, "a number, a text, true, false or null")
    try:
        row = edit.apply(frame, where).iloc[0]
    except BadValuesError as error:
        raise DataError(
            f"{error.column} is {error.values[0]!r}, which is not {error.expected}",
            where=wheres.get(error.column, where),
            mend="correct the value, or leave it empty",
        ) from None
    return {name: _plain(value) for name, value in row.items()}


def example(schema: Schema, known: Mapping[str, Any] | None) -> str:
    """A record as JSON, of values that are usual in training.

    Parameters
    ----------
    schema : Schema
    known : mapping, optional
        As :func:`ml.tabular.serving.drift.reference` gives it.
    """
    columns = known["columns"] if known else {}
    return json.dumps(
        {column.name: _usual(column.kind, columns.get(column.name)) for column in schema.columns},
        ensure_ascii=False,
    )


def as_shown(features: pd.DataFrame, schema: Schema) -> dict[str, str]:
    """Column → the value of a conforming record as a person writes it; "missing" where it is."""
    kinds = {column.name: column.kind for column in schema.columns}
    shown = {}
    for name in features:
        value = features[name].iloc[0]
        if pd.isna(value):
            shown[name] = "missing"
        else:
            is_number = kinds[name] in ("numeric", "datetime")
            shown[name] = drift.shown(float(value), kinds[name]) if is_number else str(value)
    return shown


def _as_frame(
    record: Mapping[str, Any], wheres: Mapping[str, str], where: str, example: str
) -> pd.DataFrame:
    for name, value in record.items():
        if isinstance(value, list | dict):
            raise UserError(
                f"{name} is {json.dumps(value)}, which is no single value",
                where=wheres.get(name, where),
                mend=f"give one value per column, such as {example}",
            )
    return pd.DataFrame([record], dtype=object).infer_objects()


def _plain(value: Any) -> Any:
    """A value as JSON has it."""
    if pd.isna(value):
        return None
    if isinstance(value, pd.Timestamp):
        return value.isoformat()
    return value.item() if isinstance(value, np.generic) else value


def _number(text: str) -> float | str:
    lowered = text.strip().lower()
    if lowered in _BOOLEANS:
        return _BOOLEANS[lowered]
    try:
        number = float(lowered)
    except ValueError:
        return text.strip()
    return "" if math.isnan(number) else number


def _usual(kind: str, spread: Mapping[str, Any] | None) -> Any:
    if kind == "category":
        return spread["values"][0] if spread and spread["values"] else "a text"
    if kind == "text":
        return "some words"
    if spread and spread["quantiles"]:
        middle = spread["quantiles"][1]
        if kind == "datetime":
            return drift.shown(float(round(middle)), kind)
        return round(middle) if spread["whole"] else float(f"{middle:.4g}")
    return "2026-11-23" if kind == "datetime" else 1.5
