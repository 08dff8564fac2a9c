"""Giving a column another kind, or saying which value cannot be had so."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc

from ml.runtime.errors import DataError
from ml.tabular.data import dates
from ml.tabular.data.arrow_types import MOMENT, is_number, is_text
from ml.tabular.data.statistics import nan_as_missing, row_of


def as_kind(
    column: pa.ChunkedArray, kind: str, name: str, where: str, written: str = ""
) -> tuple[pa.ChunkedArray, str]:
    """A column's values as a kind.

    Parameters
    ----------
    column : ChunkedArray
        Of a canonical table.
    kind : str
        numeric, category, text or datetime.
    name, where : str
        The column and the file or field, for messages.
    written : str
        How dates are written; empty finds it out.

    Returns
    -------
    column : ChunkedArray
        Numbers (booleans stay booleans), texts, or timestamps.
    written : str
        How its dates were written, as :class:`~ml.tabular.schema.Column` has it.

    Raises
    ------
    DataError
        A value that is not of that kind; it names the first.
    """
    if kind == "numeric":
        return _as_numbers(column, name, where), ""
    if kind == "datetime":
        return _as_moments(column, name, where, written)
    return as_texts(column), ""


def as_texts(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Values as a CSV spells them; whole numbers without a point, whatever type they have."""
    kind = column.type
    if is_text(kind):
        return column
    if pa.types.is_floating(kind):
        column = nan_as_missing(column)
        if pc.all(pc.equal(pc.floor(column), column)).as_py() and _fits(column):
            column = column.cast(pa.int64())
    if pa.types.is_timestamp(kind):
        return pc.replace_substring_regex(column.cast(pa.string()), r"( 00:00:00)?(\.0+)?$", "")
    return column.cast(pa.string())


def cleaned(column: pa.ChunkedArray, remove: str, decimal: str) -> pa.ChunkedArray:
    """Texts without others in them; missing where nothing is left.

    Parameters
    ----------
    column : ChunkedArray
        Texts.
    remove : str
        The texts that go, with spaces between.
    decimal : str
        What stands for the point then; empty is the point.
    """
    for text in remove.split():
        column = pc.replace_substring(column, text, "")
    if decimal:
        column = pc.replace_substring(column, decimal, ".")
    column = pc.utf8_trim_whitespace(column)
    empty = pc.equal(pc.binary_length(column), 0)
    return pc.if_else(empty, pa.scalar(None, column.type), column)


def _fits(column: pa.ChunkedArray) -> bool:
    limits = pc.min_max(column)
    return limits["min"].as_py() is None or (
        limits["min"].as_py() >= -(2**62) and limits["max"].as_py() <= 2**62
    )


def _as_numbers(column: pa.ChunkedArray, name: str, where: str) -> pa.ChunkedArray:
    if is_number(column.type) or pa.types.is_boolean(column.type):
        return column
    if pa.types.is_null(column.type):
        return column.cast(pa.float64())
    if not is_text(column.type):
        raise _not_so(name, column.drop_null()[0].as_py(), 0, "a number", where)
    trimmed = pc.utf8_trim_whitespace(column)
    for kind in (pa.int64(), pa.float64(), pa.bool_()):
        try:
            return trimmed.cast(kind)
        except pa.ArrowInvalid:
            continue
    for value in pc.unique(trimmed):
        try:
            value.cast(pa.float64())
        except pa.ArrowInvalid:
            row = row_of(trimmed, value.as_py())
            raise _not_so(name, value.as_py(), row, "a number", where) from None
    raise AssertionError("each value is a number, and the column is not")


def _as_moments(
    column: pa.ChunkedArray, name: str, where: str, written: str
) -> tuple[pa.ChunkedArray, str]:
    if pa.types.is_timestamp(column.type):
        # the files that come later may still write them so
        return column, written
    if pa.types.is_null(column.type):
        return column.cast(MOMENT), ""
    if pa.types.is_integer(column.type) and written:
        column = column.cast(pa.string())
    if not is_text(column.type):
        expected = "a date; a format such as datetime:%Y%m%d says how whole numbers are dates"
        raise _not_so(name, column.drop_null()[0].as_py(), 0, expected, where)
    found = written or dates.find_format(pc.unique(column).drop_null()) or dates.ISO
    kept = "" if found == dates.ISO else found
    return dates.parse(column, found, where, name), kept


def _not_so(name: str, value: object, row: int, expected: str, where: str) -> DataError:
    place = f" in data row {row}" if row else ""
    return DataError(
        f"column {name!r} holds {value!r}{place}, which is not {expected}",
        where=where,
        mend="correct these values or leave the cells empty, or give the column another type",
    )
