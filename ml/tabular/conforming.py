"""Making a frame conform to a stored schema, or saying where it does not."""

from __future__ import annotations

import numpy as np
import pandas as pd

from ml.runtime.errors import DataError
from ml.tabular.inspection import class_labels, listed
from ml.tabular.schema import Schema

_SECONDS_PER_DAY = 86400.0


def conform(frame: pd.DataFrame, schema: Schema, where: str) -> pd.DataFrame:
    """The feature columns in the schema's order, with the types that models are fitted on.

    Parameters
    ----------
    frame : DataFrame
        May have more columns than the schema; they are left out.
    schema : Schema
    where : str
        The field or file that the frame came from, for messages.

    Returns
    -------
    DataFrame
        Shape (rows, features): numbers as float64; dates as days since 1970 in float64; categories
        as objects that are texts or NaN.

    Raises
    ------
    DataError
        Missing columns, or values that are no number or date where one is expected.
    """
    missing = [name for name in schema.features if name not in frame.columns]
    if missing:
        raise DataError(
            f"columns are missing: {listed(missing)}",
            where=where,
            mend=f"give all of: {listed(schema.features)}",
        )
    convert = {"numeric": _numbers, "datetime": _days, "category": _texts}
    return pd.DataFrame(
        {column.name: convert[column.kind](frame[column.name], where) for column in schema.columns},
        index=frame.index,
    )


def conform_target(target: pd.Series, schema: Schema, where: str) -> np.ndarray:
    """The target: float64 values, or texts that are among the schema's classes; shape (rows,)."""
    if not schema.is_classification:
        return _numbers(target, where).to_numpy()
    labels = class_labels(target)
    unknown = sorted(set(labels) - set(schema.classes))
    if unknown:
        raise DataError(
            f"the target has classes that the training data has not: {', '.join(unknown[:5])}",
            where=where,
            mend=f"the classes are {', '.join(schema.classes)}",
        )
    return labels.to_numpy(dtype=object)


def _numbers(values: pd.Series, where: str) -> pd.Series:
    numbers = pd.to_numeric(values, errors="coerce").astype("float64")
    _refuse(values, numbers.isna() & values.notna(), "a number", where)
    _refuse(values, np.isinf(numbers), "a finite number", where)
    return numbers


def _days(values: pd.Series, where: str) -> pd.Series:
    moments = pd.to_datetime(values, errors="coerce", utc=True)
    _refuse(values, moments.isna() & values.notna(), "a date", where)
    epoch = pd.Timestamp(0, tz="UTC")
    return (moments - epoch).dt.total_seconds() / _SECONDS_PER_DAY


def _texts(values: pd.Series, where: str) -> pd.Series:
    present = values.notna()
    return values.astype("string").astype(object).where(present, np.nan)


def _refuse(values: pd.Series, bad: pd.Series, expected: str, where: str) -> None:
    if bad.any():
        first = values[bad].iloc[0]
        raise DataError(
            f"column {values.name!r} holds {first!r}, which is not {expected} "
            f"({int(bad.sum())} such rows)",
            where=where,
            mend="correct the values, or leave the cells empty",
        )
