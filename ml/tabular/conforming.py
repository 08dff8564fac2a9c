"""Making a frame conform to a stored schema, or saying where it does not.

Each value is looked at by itself, so that rows conform to the same values however they come in
chunks, and no cell of a large frame becomes a Python object.
"""

from __future__ import annotations

import difflib
import numbers

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from pandas.api import types

from ml.runtime.errors import DataError
from ml.tabular.labels import class_texts
from ml.tabular.naming import listed
from ml.tabular.schema import Column, Schema

MAX_HINTS = 3
_MICROSECONDS_PER_DAY = 86_400_000_000.0
# dates such as 9999-12-31 stand for no date; these years are those that nanoseconds can count
_FIRST_DATE, _LAST_DATE = (np.datetime64(day, "us") for day in ("1678-01-01", "2262-01-01"))
_WHOLE = r"^(-?\d+)\.0+$"
_TEXT = pd.StringDtype("pyarrow", na_value=np.nan)


class BadValuesError(DataError):
    """Values of one column that are not what the schema says.

    Parameters
    ----------
    column, expected : str
        The column, and what its values are meant to be.
    values : list
        What they are instead, one per row.
    positions : ndarray of int
        The positions of these rows, in order.
    row : int
        The number of the first of them, as its user counts.
    where : str
        The field or file.
    """

    def __init__(
        self, column: str, expected: str, values: list, positions: np.ndarray, row: int, where: str
    ) -> None:
        count = len(positions)
        super().__init__(
            f"column {column!r} holds {values[0]!r}, which is not {expected} "
            f"(data row {row}; {count} such {'row' if count == 1 else 'rows'})",
            where=where,
            mend="correct the values, or leave the cells empty",
        )
        self.column = column
        self.expected = expected
        self.values = values
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
        outside the years 1678 to 2261; categories and texts as Categoricals of texts.

    Raises
    ------
    DataError
        Missing columns.
    BadValuesError
        Values that are no finite number or date where one is expected.
    """
    _check_columns(frame, schema, where)
    return pd.DataFrame(
        {column.name: _conformed(frame[column.name], column, where) for column in schema.columns},
        index=frame.index,
        copy=False,
    )


def conform_target(target: pd.Series, schema: Schema, where: str) -> np.ndarray:
    """The target: float64 values, or texts that are among the schema's classes; shape (rows,)."""
    if not schema.is_classification:
        return numbers_of(target, where)
    labels = class_texts(target, schema)
    unknown = sorted(set(labels.unique()) - set(schema.classes), key=str)
    if unknown:
        raise DataError(
            f"the target has classes that the training data has not: "
            f"{', '.join(map(str, unknown[:5]))}",
            where=where,
            mend=f"the classes are {', '.join(schema.classes)}",
        )
    return labels.to_numpy(dtype=object)


def days_of(values: pd.Series, where: str, date_format: str = "") -> np.ndarray:
    """Dates as days since 1970 in UTC, float64, shape (rows,); NaN where missing or far away.

    Parameters
    ----------
    values : Series
        Dates, or texts that write them.
    where : str
        The field or file, for messages.
    date_format : str
        How texts write them, as :func:`time.strptime` has it. ISO 8601 is understood, too.

    Raises
    ------
    BadValuesError
        Values that are no date.
    """
    moments = moments_of(values, where, date_format)
    days = moments.view(np.int64) / _MICROSECONDS_PER_DAY
    days[~((moments >= _FIRST_DATE) & (moments < _LAST_DATE))] = np.nan
    return days


def moments_of(values: pd.Series, where: str, date_format: str = "") -> np.ndarray:
    """Dates as moments in UTC, datetime64 of microseconds, shape (rows,).

    Parameters and errors are those of :func:`days_of`.
    """
    if not types.is_datetime64_any_dtype(values):
        values = _parsed(values, where, date_format)
    if getattr(values.dt, "tz", None) is not None:
        values = values.dt.tz_convert("UTC").dt.tz_localize(None)
    return values.to_numpy(dtype="datetime64[us]")


def numbers_of(values: pd.Series, where: str) -> np.ndarray:
    """Numbers as float64, shape (rows,); NaN where missing.

    Parameters
    ----------
    values : Series
        Numbers, or texts that write them.
    where : str
        The field or file, for messages.

    Raises
    ------
    BadValuesError
        Values that are no finite number.
    """
    if types.is_numeric_dtype(values):
        numeric = values.to_numpy(dtype=np.float64, na_value=np.nan)
    else:
        numeric = _read_numbers(values)
        _refuse(values, np.isnan(numeric) & values.notna().to_numpy(), "a number", where)
    _refuse(values, np.isinf(numeric), "a finite number", where)
    return numeric


def texts_of(values: pd.Series) -> pd.Categorical:
    """A Categorical of texts, each as a CSV spells it; whole numbers without their ``.0``.

    A column of codes has it where a program wrote it that knew of a missing one, and nowhere else.
    """
    if _is_categorical(values):
        codes, found = values.cat.codes.to_numpy(), values.cat.categories
        if _holds_texts(found):
            return _without_zeros(values.array)
    elif isinstance(values.dtype, pd.StringDtype):
        return _without_zeros(_encoded(values))
    else:
        codes, found = pd.factorize(values)
    return _without_zeros(_recoded(codes, [_spelled(value) for value in found]))


def row_number(values: pd.Series, position: int) -> int:
    """The number of a row as its user counts, the first being 1.

    An index of whole numbers counts the rows of the file that a chunk is of.
    """
    if types.is_integer_dtype(values.index):
        return int(values.index[position]) + 1
    return position + 1


def _check_columns(frame: pd.DataFrame, schema: Schema, where: str) -> None:
    missing = [name for name in schema.features if name not in frame.columns]
    if not missing:
        return
    others = {str(name).lower(): name for name in frame.columns if name not in schema.features}
    hints = []
    for name in missing:
        close = difflib.get_close_matches(name.lower(), others, n=1, cutoff=0.7)
        hints += [f"is {others[close[0]]!r} meant to be {name!r}?"] if close else []
    raise DataError(
        "; ".join([f"columns are missing: {listed(missing)}", *hints[:MAX_HINTS]]),
        where=where,
        mend=f"give all of: {listed(schema.features)}",
    )


def _conformed(values: pd.Series, column: Column, where: str) -> np.ndarray | pd.Categorical:
    if column.kind == "numeric":
        return numbers_of(values, where)
    if column.kind == "datetime":
        return days_of(values, where, column.format)
    return texts_of(values)


def _read_numbers(values: pd.Series) -> np.ndarray:
    """Numbers that are written as texts; NaN where there is none."""
    if _is_categorical(values):
        found = _read_numbers(pd.Series(values.cat.categories))
        # the last one is for those that are missing, which have the code -1
        return np.append(found, np.nan)[values.cat.codes.to_numpy()]
    if types.is_datetime64_any_dtype(values) or types.is_timedelta64_dtype(values):
        # to count nanoseconds is not meant
        return np.full(len(values), np.nan)
    return pd.to_numeric(values, errors="coerce").to_numpy(np.float64, na_value=np.nan)


def _parsed(values: pd.Series, where: str, date_format: str) -> pd.Series:
    given = values
    if not isinstance(values.dtype, pd.StringDtype):
        values = values.astype(object)
        # a bare number would be taken for nanoseconds, or for a year
        bare = values.map(lambda value: isinstance(value, numbers.Real)).astype(bool)
        values = values.mask(bare)
    parsed = pd.to_datetime(values, errors="coerce", utc=True, format="ISO8601")
    unread = parsed.isna() & given.notna()
    if date_format and unread.any():
        # the rest: a date that both could read is read as ISO 8601 has it
        texts = values[unread].astype("string").str.strip()
        parsed = parsed.dt.as_unit("us")
        found = pd.to_datetime(texts, errors="coerce", utc=True, format=date_format)
        parsed = parsed.where(~unread, found.dt.as_unit("us").reindex(parsed.index))
    expected = "a date as ISO 8601 writes it, such as 2026-11-23"
    if date_format:
        expected += f", nor one written as {date_format}"
    _refuse(given, (parsed.isna() & given.notna()).to_numpy(), expected, where)
    return parsed


def _encoded(values: pd.Series) -> pd.Categorical:
    array = pa.array(values, type=pa.large_string(), from_pandas=True)
    if isinstance(array, pa.ChunkedArray):
        array = array.combine_chunks()
    encoded = array.dictionary_encode()
    codes = encoded.indices.fill_null(-1).to_numpy(zero_copy_only=False)
    return pd.Categorical.from_codes(codes, pd.Index(pd.array(encoded.dictionary, dtype=_TEXT)))


def _spelled(value: object) -> str:
    if isinstance(value, bool | np.bool_):
        return str(value).lower()
    # whole numbers become floats where one is missing
    if isinstance(value, float | np.floating) and float(value).is_integer():
        return str(int(value))
    return str(value)


def _without_zeros(values: pd.Categorical) -> pd.Categorical:
    found = pa.array(values.categories, type=pa.large_string(), from_pandas=True)
    if not pc.any(pc.match_substring_regex(found, _WHOLE)).as_py():
        return values
    return _recoded(values.codes, pc.replace_substring_regex(found, _WHOLE, r"\1").to_pylist())


def _recoded(codes: np.ndarray, found: list[str]) -> pd.Categorical:
    texts = pd.Index(found, dtype=_TEXT)
    if texts.has_duplicates:
        again, texts = pd.factorize(texts)
        # the last one is for those that are missing, which have the code -1
        codes = np.append(again, -1)[codes]
    return pd.Categorical.from_codes(codes, texts)


def _holds_texts(values: pd.Index) -> bool:
    if isinstance(values.dtype, pd.StringDtype):
        return True
    return types.is_object_dtype(values.dtype) and all(isinstance(one, str) for one in values)


def _is_categorical(values: pd.Series) -> bool:
    return isinstance(values.dtype, pd.CategoricalDtype)


def _refuse(values: pd.Series, bad: np.ndarray, expected: str, where: str) -> None:
    if not bad.any():
        return
    positions = np.flatnonzero(bad)
    raise BadValuesError(
        str(values.name),
        expected,
        values.iloc[positions].astype(object).tolist(),
        positions,
        row_number(values, int(positions[0])),
        where,
    )
