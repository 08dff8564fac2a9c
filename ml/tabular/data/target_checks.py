"""What is to be predicted: the kind of problem, its classes, and whether it can be learned."""

from __future__ import annotations

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from ml.runtime.errors import DataError, UserError
from ml.tabular.data.arrow_types import is_number, is_text
from ml.tabular.data.statistics import Statistics, nan_as_missing
from ml.tabular.data.stray import stray_text
from ml.tabular.labels import class_labels
from ml.tabular.naming import listed, nearest
from ml.tabular.schema import ProblemKind

MIN_ROWS = 20
MIN_ROWS_PER_CLASS = 5
MAX_CLASSES = 100
# an integer target with no more distinct values than this is a class, not a quantity
MAX_INTEGER_CLASSES = 10
_MAX_SHOWN = 5
# a sum of squares of larger ones is no number any more
_MAX_NUMBER = 1e150


def check_target_name(names: list[str], target: str, where: str) -> None:
    """Refuse a target that is not named, or is no column."""
    if not target:
        raise UserError(
            f"no target is named; the columns are {listed(names)}",
            where="Data/target",
            mend="name the column to predict",
        )
    if target not in names:
        near = nearest(target, names)
        raise UserError(
            f"there is no column {target!r}{near}{' ' if near else '; '}"
            f"the columns are {listed(names)}",
            where=f"Data/target, {where}" if where else "Data/target",
            mend="name one of these columns as the target",
        )


def check_target(
    column: pa.ChunkedArray, found: Statistics, kind: str, where: str
) -> tuple[ProblemKind, list[str]]:
    """The kind of problem and the classes, sorted; rows without a target do not count.

    Parameters
    ----------
    column : ChunkedArray
        The target, shape (rows,).
    found : Statistics
        Of the target.
    kind : str
        ``auto``, ``regression`` or ``classification``.
    where : str
        The file, for messages.

    Raises
    ------
    UserError
        A constant or infinite target, too few rows, too many classes, a class with too few rows,
        a few texts among numbers.
    """
    name = found.name
    if is_text(found.type) and kind != "classification":
        _refuse_stray(column, found, where)
    problem = _problem_kind(column, found, kind, where)
    if found.present > 1 and found.distinct == 1:
        raise DataError(
            f"the target {name!r} is constant: it is always {found.examples[0]!s}",
            where=where,
            mend="name a target that varies, or give data in which it does",
        )
    if found.present < MIN_ROWS:
        raise DataError(
            f"only {found.present} rows have a value in the target {name!r}; "
            f"at least {MIN_ROWS} are needed"
            if found.present
            else f"no row has a value in the target {name!r}",
            where=where,
            mend="give more data",
        )
    if found.infinite:
        raise DataError(
            f"there are infinite values in: {infinite_rows(column, found)}",
            where=where,
            mend="replace them by numbers, or leave the cells empty",
        )
    if problem == "regression":
        _refuse_huge(found, where)
        return problem, []
    return problem, _classes(column, found, where)


def _refuse_huge(found: Statistics, where: str) -> None:
    largest = max(abs(found.low), abs(found.high))
    if largest > _MAX_NUMBER:
        raise DataError(
            f"the target {found.name!r} has numbers as large as {largest:g}: their errors cannot "
            "be squared",
            where=where,
            mend="give the target in a larger unit, or its logarithm",
        )


def infinite_rows(column: pa.ChunkedArray, found: Statistics) -> str:
    """Which rows of a column are infinite, such as ``price (2 rows, the first is data row 7)``."""
    first = pc.index(pc.is_inf(column), pa.scalar(True)).as_py() + 1
    if found.infinite == 1:
        return f"{found.name} (data row {first})"
    return f"{found.name} ({found.infinite} rows, the first is data row {first})"


def _refuse_stray(column: pa.ChunkedArray, found: Statistics, where: str) -> None:
    stray = stray_text(column, found.values)
    if stray:
        raise DataError(
            f"the target {found.name!r} holds numbers but for some texts: {stray}"
            if stray.startswith(("'", '"'))
            else f"the target {found.name!r} holds {stray}",
            where=where,
            mend="correct these values or leave the cells empty; if the target is a class indeed, "
            "set Data/kind to classification",
        )


def _problem_kind(column: pa.ChunkedArray, found: Statistics, kind: str, where: str) -> ProblemKind:
    numeric = is_number(found.type)
    if kind == "regression" and not numeric:
        raise UserError(
            f"the target {found.name!r} is not numeric, so it cannot be a regression",
            where=where,
            mend="set Data/kind to classification, or name a numeric target",
        )
    if kind == "auto":
        few = found.distinct <= MAX_INTEGER_CLASSES
        is_class = not numeric or (few and _is_whole(column))
        kind = "classification" if is_class else "regression"
    if kind == "regression":
        return "regression"
    return "binary" if found.distinct == 2 else "multiclass"


def _is_whole(column: pa.ChunkedArray) -> bool:
    if pa.types.is_integer(column.type):
        return True
    known = nan_as_missing(column)
    return bool(pc.all(pc.equal(pc.floor(known), known)).as_py())


def _classes(column: pa.ChunkedArray, found: Statistics, where: str) -> list[str]:
    name = found.name
    if found.distinct > MAX_CLASSES:
        if is_number(found.type):
            mend = "set Data/kind to regression, or name another target"
        else:
            mend = "name another target; the values of a quantity must all be numbers"
        raise DataError(
            f"the target {name!r} has {found.distinct} classes; {MAX_CLASSES} are the most",
            where=where,
            mend=mend,
        )
    floating = pa.types.is_floating(column.type)
    counted = pc.value_counts((nan_as_missing(column) if floating else column).drop_null())
    labels = class_labels(counted.field("values").to_pandas())
    counts = pd.Series(counted.field("counts").to_pylist(), index=labels.to_list())
    rare = counts[counts < MIN_ROWS_PER_CLASS].sort_values(kind="stable")
    if len(rare):
        shown = ", ".join(f"{label!r} ({n})" for label, n in rare.head(_MAX_SHOWN).items())
        raise DataError(
            f"classes of the target {name!r} have under {MIN_ROWS_PER_CLASS} rows: {shown}",
            where=where,
            mend="give more rows of these classes, or leave them out",
        )
    return sorted(str(label) for label in counts.index)
