"""Texts among numbers, and numbers that are written with more than digits."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc

from ml.tabular.data.statistics import row_of

# a text column with so many numbers among its values was most likely meant to be numeric
NUMBERS_SHARE = 0.9

_NUMBER = r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?"
_PLAIN = rf"^\s*{_NUMBER}\s*$"
_THOUSANDS = r"^\s*[+-]?\d{1,3}((,\d{3})+(\.\d+)?|(\.\d{3})+(,\d+)?|([ ']\d{3})+([.,]\d+)?)\s*$"
_POINTED = r"^\s*[+-]?[1-9]\d{0,2}(\.\d{3})+\s*$"
_SMALL = r"^\s*[+-]?\d{1,3}\s*$"
_SEPARATED = "numbers with separators of thousands"
_DECIMAL_COMMA = r"^\s*[+-]?\d+,\d+\s*$"
_UNIT = r"^\s*[€$£¥]?\s?[+-]?\d[\d.,' ]*\s?[A-Za-zµ°%€$£¥²³/]{0,6}\s*$"
_DIGITS = r"[\d.,' +-]+"
# more different letters than that are codes, such as the numbers of houses
_MAX_UNITS = 3


def stray_text(column: pa.ChunkedArray, values: pa.Array) -> str:
    """What keeps a column of numbers from being one; empty where nothing does.

    Parameters
    ----------
    column : ChunkedArray
        Texts, shape (rows,).
    values : Array
        Its different values.

    Returns
    -------
    str
        Such as ``"'n/k' in data row 12 (3 of 900 values)"``, or the separators or the unit that all
        the numbers bear; empty where the column holds plain numbers alone, or few of them.
    """
    plain = _matching(values, _PLAIN)
    if len(plain) == len(values):
        # that they are texts all the same says that the points stand between thousands
        pointed = _matching(values, _POINTED) if len(values) else values
        if not len(pointed) or len(pointed) + len(_matching(values, _SMALL)) < len(values):
            return ""
        example = pointed[0].as_py()
        return f"{_SEPARATED}, such as {example!r} in data row {row_of(column, example)}"
    number_rows = _rows_among(column, plain)
    present = len(column) - column.null_count
    if number_rows < NUMBERS_SHARE * present:
        return _written_oddly(column, values, plain)
    stray = values.filter(pc.invert(pc.match_substring_regex(values, _PLAIN)))
    first = min(stray.to_pylist(), key=lambda value: row_of(column, value))
    place = f"{first!r} in data row {row_of(column, first)}"
    return f"{place} ({present - number_rows} of {present} values)"


def _written_oddly(column: pa.ChunkedArray, values: pa.Array, plain: pa.Array) -> str:
    for pattern, what in (
        (_THOUSANDS, _SEPARATED),
        (_DECIMAL_COMMA, "numbers with a decimal comma"),
        (_UNIT, "numbers with a unit"),
    ):
        odd = _matching(values, pattern)
        odd = odd.filter(pc.invert(pc.is_in(odd, value_set=plain)))
        if pattern == _UNIT:
            # such as 10.0.0.1
            odd = odd.filter(pc.not_equal(pc.replace_substring_regex(odd, _DIGITS, ""), ""))
        if not len(odd) or len(odd) + len(plain) < NUMBERS_SHARE * len(values):
            continue
        units = pc.unique(pc.replace_substring_regex(odd, _DIGITS, ""))
        if len(units) <= _MAX_UNITS:
            example = odd[0].as_py()
            return f"{what}, such as {example!r} in data row {row_of(column, example)}"
    return ""


def _matching(values: pa.Array, pattern: str) -> pa.Array:
    return values.filter(pc.match_substring_regex(values, pattern))


def _rows_among(column: pa.ChunkedArray, values: pa.Array) -> int:
    return pc.sum(pc.is_in(column, value_set=values)).as_py() or 0
