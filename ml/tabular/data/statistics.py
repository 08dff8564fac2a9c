"""What is counted of each column, once: its kind, its profile and its checks all go by it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from ml.tabular.data.arrow_types import is_number, is_text

EXAMPLES = 3


@dataclass(frozen=True)
class Statistics:
    """Counts of one column.

    Parameters
    ----------
    name : str
    type : DataType
        One of :mod:`ml.tabular.data.arrow_types`.
    rows, missing, distinct : int
        Missing values are not among the distinct ones; NaN is missing.
    infinite : int
        How many values are infinite.
    low, high : object
        The range of numbers and moments; None of others, and where all is missing.
    mean : float or None
        Of numbers.
    most_frequent : object
        Of texts and booleans.
    examples : tuple
        The first few different values.
    values : Array or None
        The distinct texts, for a closer look; None of other columns.
    """

    name: str
    type: pa.DataType
    rows: int
    missing: int
    distinct: int
    infinite: int = 0
    low: Any = None
    high: Any = None
    mean: float | None = None
    most_frequent: Any = None
    examples: tuple[Any, ...] = ()
    values: pa.Array | None = None

    @property
    def present(self) -> int:
        """How many values are there."""
        return self.rows - self.missing

    @property
    def is_unique(self) -> bool:
        """Whether no value is there twice."""
        return self.present > 1 and self.distinct == self.present


def statistics(name: str, column: pa.ChunkedArray) -> Statistics:
    """Count one column of a canonical table.

    Parameters
    ----------
    name : str
    column : ChunkedArray
        Shape (rows,).
    """
    common = {"name": name, "type": column.type, "rows": len(column)}
    if is_text(column.type) or pa.types.is_boolean(column.type):
        return _of_categories(column, common)
    if pa.types.is_null(column.type):
        return Statistics(missing=len(column), distinct=0, **common)
    missing = column.null_count
    infinite = 0
    if pa.types.is_floating(column.type):
        column = nan_as_missing(column)
        missing = column.null_count
        infinite = pc.sum(pc.is_inf(column)).as_py() or 0
    limits = pc.min_max(column)
    number = is_number(column.type)
    return Statistics(
        missing=missing,
        distinct=pc.count_distinct(column, mode="only_valid").as_py(),
        infinite=infinite,
        low=limits["min"].as_py(),
        high=limits["max"].as_py(),
        mean=pc.mean(column).as_py() if number else None,
        examples=_first(column),
        **common,
    )


def nan_as_missing(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Floats with null in place of NaN; the very same column where there is no NaN."""
    nan = pc.is_nan(column)
    if not pc.any(nan).as_py():
        return column
    return pc.if_else(nan, pa.scalar(None, column.type), column)


def row_of(column: pa.ChunkedArray, value: object) -> int:
    """The number of the first data row that holds a value, counted from 1; 0 where none does."""
    return pc.index(column, pa.scalar(value, column.type)).as_py() + 1


def _of_categories(column: pa.ChunkedArray, common: dict[str, Any]) -> Statistics:
    missing = column.null_count
    counted = pc.value_counts(column)
    values, counts = counted.field("values"), counted.field("counts")
    if missing:
        there = pc.is_valid(values)
        values, counts = values.filter(there), counts.filter(there)
    most = pc.index(counts, pc.max(counts)).as_py() if len(counts) else None
    return Statistics(
        missing=missing,
        distinct=len(values),
        most_frequent=None if most is None else values[most].as_py(),
        examples=tuple(values.slice(0, EXAMPLES).to_pylist()),
        values=values if is_text(column.type) else None,
        **common,
    )


def _first(column: pa.ChunkedArray) -> tuple[Any, ...]:
    head = column.slice(0, 100).drop_null()
    return tuple(pc.unique(head).slice(0, EXAMPLES).to_pylist())
