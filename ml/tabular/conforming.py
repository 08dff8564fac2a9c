"""Making a frame conform to a stored schema, or saying where it does not."""

from __future__ import annotations

import numbers

import numpy as np
import pandas as pd
from pandas.api import types

from ml.runtime.errors import DataError
from ml.tabular.inspection import class_labels, listed
from ml.tabular.schema import Schema

_SECONDS_PER_DAY = 86400.0
# dates such as 9999-12-31 stand for no date; these years are those that nanoseconds can count
_FIRST_DATE, _LAST_DATE = (pd.Timestamp(day, tz="UTC") for day in ("1678-01-01", "2262-01-01"))
_BOOLEANS = {"true": "True", "false": "False"}


class BadValuesError(DataError):
    """Values of one column that are not what the schema says.

    Parameters
    ----------
    what, where, mend : str
        As in :class:`~ml.runtime.errors.UserError`.
    positions : ndarray of int
        The positions of the rows that hold them, in order.
    """

    def __init__(self, what: str, *, where: str, mend: str, positions: np.ndarray) -> None:
        super().__init__(what, where=where, mend=mend)
        self.positions = positions


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
        Shape (rows, features): numbers as float64; dates as days since 1970 in float64, missing
        outside the years 1678 to 2261; categories as objects that are texts or NaN.

    Raises
    ------
    DataError
        Missing columns.
    BadValuesError
        Values that are no number or date where one is expected.
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
    labels = class_texts(target, schema)
    unknown = sorted(set(labels) - set(schema.classes))
    if unknown:
        raise DataError(
            f"the target has classes that the training data has not: {', '.join(unknown[:5])}",
            where=where,
            mend=f"the classes are {', '.join(schema.classes)}",
        )
    return labels.to_numpy(dtype=object)


def class_texts(target: pd.Series, schema: Schema) -> pd.Series:
    """A target's values as the schema spells its classes, whatever types this frame has.

    A value that is none of the classes stays as it is spelled itself.
    """
    known = set(schema.classes)
    by_number = {_number(label): label for label in reversed(schema.classes)}

    def spelled(text: str) -> str:
        if text in known:
            return text
        boolean = _BOOLEANS.get(text.strip().lower())
        if boolean in known:
            return boolean
        number = _number(text)
        return text if number is None else by_number.get(number, text)

    labels = class_labels(target)
    return labels.map({text: spelled(text) for text in labels.dropna().unique()}).astype(object)


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


def _numbers(values: pd.Series, where: str) -> pd.Series:
    numeric = pd.to_numeric(values, errors="coerce").astype("float64")
    _refuse(values, numeric.isna() & values.notna(), "a number", where)
    _refuse(values, np.isinf(numeric), "a finite number", where)
    return numeric


def _days(values: pd.Series, where: str) -> pd.Series:
    if not types.is_datetime64_any_dtype(values):
        given = values
        # a bare number would be taken for nanoseconds, or for a year
        bare = values.map(lambda value: isinstance(value, numbers.Real)).astype(bool)
        values = pd.to_datetime(
            values.astype(object).mask(bare), errors="coerce", utc=True, format="ISO8601"
        )
        expected = "a date as ISO 8601 writes it, such as 2026-11-23"
        _refuse(given, values.isna() & given.notna(), expected, where)
    moments = pd.to_datetime(values, utc=True).dt.as_unit("us")
    moments = moments.where((moments >= _FIRST_DATE) & (moments < _LAST_DATE))
    epoch = pd.Timestamp(0, tz="UTC").as_unit("us")
    return (moments - epoch).dt.total_seconds() / _SECONDS_PER_DAY


def _texts(values: pd.Series, where: str) -> pd.Series:
    present = values.notna()
    if types.is_bool_dtype(values):
        # as a CSV spells them
        values = values.astype("string").str.lower()
    elif types.is_float_dtype(values) and (values[present] % 1 == 0).all():
        # whole numbers become floats where one is missing
        values = values.astype("Int64")
    return values.astype("string").astype(object).where(present, np.nan)


def _refuse(values: pd.Series, bad: pd.Series, expected: str, where: str) -> None:
    if bad.any():
        first = values[bad].tolist()[0]
        raise BadValuesError(
            f"column {values.name!r} holds {first!r}, which is not {expected} "
            f"({int(bad.sum())} such rows)",
            where=where,
            mend="correct the values, or leave the cells empty",
            positions=np.flatnonzero(bad.to_numpy()),
        )
