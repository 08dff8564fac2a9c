"""The few Arrow types that tables are held in, whatever file or frame they came from."""

from __future__ import annotations

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

# microseconds reach from 290,000 BC to 290,000 AD: nothing that a file can hold overflows
MOMENT = pa.timestamp("us")
_SECOND = 1e-6


def is_text(kind: pa.DataType) -> bool:
    """Whether a column holds texts."""
    return pa.types.is_string(kind) or pa.types.is_large_string(kind)


def is_number(kind: pa.DataType) -> bool:
    """Whether a column holds numbers; booleans are none."""
    return pa.types.is_integer(kind) or pa.types.is_floating(kind)


def canonical(table: pa.Table) -> pa.Table:
    """The table in integers, floats, booleans, texts and timestamps alone.

    Decimals and durations (as seconds) become float64, dates and zoned moments timestamps in
    microseconds of UTC, dictionaries and times of day their values' texts. Texts without a
    character are missing values, as a CSV cannot tell them from those. No value that is of such
    a type already is copied.
    """
    columns = [_canonical_column(column) for column in table.columns]
    # fields of one's own: what a file says beside the type, such as "never null", differs by file
    return pa.Table.from_arrays(columns, names=table.column_names)


def from_frame(frame: pd.DataFrame) -> pa.Table:
    """A frame as a canonical table; columns of mixed objects become texts."""
    columns = []
    for position in range(frame.shape[1]):
        values = frame.iloc[:, position]
        try:
            columns.append(pa.chunked_array(pa.Array.from_pandas(values)))
        except (pa.ArrowInvalid, pa.ArrowTypeError, TypeError):
            columns.append(pa.chunked_array(pa.Array.from_pandas(values.astype("string"))))
    return canonical(pa.table(columns, names=[str(name) for name in frame.columns]))


def _canonical_column(column: pa.ChunkedArray) -> pa.ChunkedArray:
    kind = column.type
    if pa.types.is_dictionary(kind):
        column = column.cast(kind.value_type)
        kind = column.type
    if pa.types.is_decimal(kind) or pa.types.is_float16(kind):
        return column.cast(pa.float64())
    if pa.types.is_time(kind) or pa.types.is_string_view(kind):
        return column.cast(pa.string())
    if pa.types.is_duration(kind):
        seconds = column.cast(pa.duration("us"), safe=False).cast(pa.int64())
        return pc.multiply(seconds.cast(pa.float64(), safe=False), _SECOND)
    if pa.types.is_date(kind) or (pa.types.is_timestamp(kind) and kind != MOMENT):
        return column.cast(MOMENT, safe=False)
    if is_text(kind):
        return _without_empty(column)
    return column


def _without_empty(column: pa.ChunkedArray) -> pa.ChunkedArray:
    empty = pc.equal(pc.binary_length(column), 0)
    if not pc.any(empty).as_py():
        return column
    return pc.if_else(empty, pa.scalar(None, column.type), column)
