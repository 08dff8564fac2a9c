"""Comparing a column with values that a person wrote, whatever type the column has."""

from __future__ import annotations

from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from ml.runtime.errors import UserError
from ml.tabular.data import dates
from ml.tabular.data.arrow_types import MOMENT, is_number, is_text
from ml.tabular.data.statistics import nan_as_missing

_FUNCTIONS = {
    "==": pc.equal,
    "!=": pc.not_equal,
    "<": pc.less,
    "<=": pc.less_equal,
    ">": pc.greater,
    ">=": pc.greater_equal,
}


def kept_rows(
    column: pa.ChunkedArray, comparison: str, value: Any, name: str, where: str
) -> pa.ChunkedArray:
    """Which rows compare so, as booleans; a missing value compares to nothing.

    Parameters
    ----------
    column : ChunkedArray
        Of a canonical table.
    comparison, value
        As in :class:`ml.tabular.data.edit_steps.Filter`.
    name, where : str
        The column and the step, for messages.
    """
    if pa.types.is_floating(column.type):
        column = nan_as_missing(column)
    if comparison == "missing":
        return pc.is_null(column)
    if comparison == "there":
        return pc.is_valid(column)
    if comparison in ("in", "not in"):
        column, values = _values_like(column, value, name, where)
        found = pc.is_in(column, value_set=values)
        return found if comparison == "in" else pc.and_(pc.invert(found), pc.is_valid(column))
    if comparison == "between":
        column, limits = _values_like(column, value, name, where)
        kept = pc.and_(pc.greater_equal(column, limits[0]), pc.less_equal(column, limits[1]))
    else:
        column, limit = value_like(column, value, name, where)
        kept = _FUNCTIONS[comparison](column, limit)
    return pc.fill_null(kept, False)


def value_like(
    column: pa.ChunkedArray, value: Any, name: str, where: str
) -> tuple[pa.ChunkedArray, pa.Scalar]:
    """A column and a value of one type; whole numbers become floats where the value is one.

    Raises
    ------
    UserError
        The value is of another kind than the column.
    """
    column, values = _values_like(column, [value], name, where)
    return column, values[0]


def _values_like(
    column: pa.ChunkedArray, values: list[Any], name: str, where: str
) -> tuple[pa.ChunkedArray, pa.Array]:
    kind = column.type
    if is_text(kind) and all(isinstance(value, str) for value in values):
        return column, pa.array(values, kind)
    if pa.types.is_boolean(kind) and all(isinstance(value, bool) for value in values):
        return column, pa.array(values, kind)
    numbers = all(isinstance(value, int | float) for value in values)
    if is_number(kind) and numbers and not any(isinstance(value, bool) for value in values):
        whole = pa.types.is_integer(kind) and all(isinstance(value, int) for value in values)
        common = pa.int64() if whole else pa.float64()
        return column.cast(common, safe=False), pa.array(values, common)
    if pa.types.is_timestamp(kind) and all(isinstance(value, str) for value in values):
        moments = dates.parse(pa.chunked_array([values], pa.string()), dates.ISO, where, name)
        return column.cast(MOMENT), moments.combine_chunks()
    if pa.types.is_null(kind):
        given = pa.array(values)
        return column.cast(given.type), given
    raise UserError(
        f"column {name!r} holds {_described(kind)}; {values[0]!r} is none",
        where=where,
        mend=f"give {_described(kind)}, or retype the column first",
    )


def _described(kind: pa.DataType) -> str:
    if is_text(kind):
        return 'texts, such as "Oslo"'
    if pa.types.is_boolean(kind):
        return "true or false"
    return "numbers, such as 1.5" if is_number(kind) else 'dates, such as "2026-11-23"'
