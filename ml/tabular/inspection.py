"""From a frame to its schema and profile; what cannot be learned from is refused here."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import pandas as pd
from pandas.api import types

from ml.runtime.errors import DataError, UserError
from ml.tabular.schema import Column, ColumnKind, ProblemKind, Schema

MIN_ROWS = 20
MIN_ROWS_PER_CLASS = 5
MAX_CLASSES = 100
# an integer target with no more distinct values than this is a class, not a quantity
MAX_INTEGER_CLASSES = 10
MAX_LISTED = 20
# a text column with so many numbers among its values was most likely meant to be numeric
NUMBERS_SHARE = 0.9


def infer_schema(
    frame: pd.DataFrame, target: str, name: str, kind: str = "auto", where: str = ""
) -> Schema:
    """What the columns are and what is to be predicted.

    Parameters
    ----------
    frame : DataFrame
        The whole data set, shape (rows, columns).
    target : str
        The column to predict; rows without it do not count.
    name : str
        The data set's name.
    kind : str
        ``auto``, ``regression`` or ``classification``.
    where : str
        The file, for messages.

    Raises
    ------
    UserError
        No such target, or nothing can be learned: a constant target, too few rows or columns,
        a class with too few rows, infinite values, a few texts among a target's numbers.
    """
    _check_target_name(frame, target, where)
    known = frame[frame[target].notna()]
    stray = stray_text(frame[target]) if kind != "classification" else ""
    if stray:
        raise DataError(
            f"the target {target!r} holds numbers but for some texts: {stray}",
            where=where,
            mend="correct these values or leave the cells empty; if the target is a class indeed, "
            "set Data/kind to classification",
        )
    problem = _problem_kind(known[target], kind, where)
    classes = _check_target_values(known[target], problem, where)
    columns = [
        Column(name=str(column), kind=column_kind(frame[column]))
        for column in frame.columns
        if column != target and frame[column].notna().any()
    ]
    if not columns:
        raise DataError(
            "there is no column to predict from beside the target"
            if frame.shape[1] > 1
            else f"the file has one column only, {frame.columns[0]!r}",
            where=where,
            mend="add feature columns; a CSV separates its columns by , ; tab or |",
        )
    _check_finite(frame, where)
    return Schema(
        name=name, target=target, kind=problem, classes=classes, columns=columns, rows=len(frame)
    )


def column_kind(values: pd.Series) -> ColumnKind:
    """Numeric (numbers and booleans), datetime, or category (everything else)."""
    if types.is_numeric_dtype(values) or types.is_bool_dtype(values.dropna().infer_objects()):
        return "numeric"
    if types.is_datetime64_any_dtype(values):
        return "datetime"
    present = values.dropna()
    if present.dtype == object and present.map(_is_date).all() and len(present):
        return "datetime"
    return "category"


def stray_text(values: pd.Series) -> str:
    """The first text in a column that holds numbers for the most part, and where it is.

    Empty where the column is no text column, holds numbers alone, or holds few of them.
    """
    present = values.dropna()
    if not types.is_string_dtype(present) or present.empty:
        return ""
    bad = present[pd.to_numeric(present, errors="coerce").isna()]
    if bad.empty or len(present) - len(bad) < NUMBERS_SHARE * len(present):
        return ""
    row = values.index.get_loc(bad.index[0]) + 1
    return f"{bad.iloc[0]!r} in data row {row} ({len(bad)} of {len(present)} values)"


def profile(frame: pd.DataFrame, schema: Schema) -> pd.DataFrame:
    """One row per column: kind, missing, distinct, range or most frequent value."""
    kinds = {column.name: column.kind for column in schema.columns}
    rows = []
    for name in frame.columns:
        values = frame[name]
        present = values.dropna()
        numeric = types.is_numeric_dtype(values) and not types.is_bool_dtype(values)
        rows.append(
            {
                "column": name,
                "kind": "target" if name == schema.target else kinds.get(name, "empty"),
                "missing": int(values.isna().sum()),
                "distinct": int(present.nunique()),
                "min": _short(present.min()) if numeric and len(present) else "",
                "mean": _short(present.mean()) if numeric and len(present) else "",
                "max": _short(present.max()) if numeric and len(present) else "",
                "most frequent": "" if numeric or present.empty else str(present.mode().iloc[0]),
            }
        )
    return pd.DataFrame(rows)


def class_labels(target: pd.Series) -> pd.Series:
    """A classification target as texts, the same for 1, 1.0 and True's own spelling."""
    if types.is_float_dtype(target) and (target.dropna() % 1 == 0).all():
        target = target.astype("Int64")
    return target.astype("string").astype(object)


def listed(names: Iterable[object]) -> str:
    """Column names for a message: the first ones, and how many more there are."""
    texts = [str(name) for name in names]
    shown = ", ".join(texts[:MAX_LISTED])
    more = len(texts) - MAX_LISTED
    return f"{shown} and {more} more" if more > 0 else shown


def _check_target_name(frame: pd.DataFrame, target: str, where: str) -> None:
    if not target:
        raise UserError(
            f"no target is named; the columns are {listed(frame.columns)}",
            where="Data/target",
            mend="name the column to predict",
        )
    if target not in frame.columns:
        raise UserError(
            f"there is no column {target!r}; the columns are {listed(frame.columns)}",
            where=f"Data/target, {where}" if where else "Data/target",
            mend="name one of these columns as the target",
        )


def _problem_kind(target: pd.Series, kind: str, where: str) -> ProblemKind:
    numeric = types.is_numeric_dtype(target) and not types.is_bool_dtype(target)
    distinct = target.nunique()
    if kind == "regression" and not numeric:
        raise UserError(
            f"the target {target.name!r} is not numeric, so it cannot be a regression",
            where=where,
            mend="set Data/kind to classification, or name a numeric target",
        )
    if kind == "auto":
        whole = numeric and (target % 1 == 0).all()
        few = distinct <= MAX_INTEGER_CLASSES
        kind = "classification" if not numeric or (whole and few) else "regression"
    if kind == "regression":
        return "regression"
    return "binary" if distinct == 2 else "multiclass"


def _check_target_values(target: pd.Series, kind: ProblemKind, where: str) -> list[str]:
    if len(target) > 1 and target.nunique() == 1:
        raise DataError(
            f"the target {target.name!r} is constant: it is always {target.iloc[0]!s}",
            where=where,
            mend="name a target that varies, or give data in which it does",
        )
    if len(target) < MIN_ROWS:
        raise DataError(
            f"only {len(target)} rows have a value in the target {target.name!r}; "
            f"at least {MIN_ROWS} are needed",
            where=where,
            mend="give more data",
        )
    if kind == "regression":
        return []
    counts = class_labels(target).value_counts()
    if len(counts) > MAX_CLASSES:
        raise DataError(
            f"the target {target.name!r} has {len(counts)} classes; {MAX_CLASSES} are the most",
            where=where,
            mend="set Data/kind to regression, or name another target"
            if types.is_numeric_dtype(target)
            else "name another target; the values of a quantity must all be numbers",
        )
    rare = counts[counts < MIN_ROWS_PER_CLASS]
    if len(rare):
        shown = ", ".join(f"{label!r} ({count})" for label, count in rare.head(5).items())
        raise DataError(
            f"classes of the target {target.name!r} have under {MIN_ROWS_PER_CLASS} rows: {shown}",
            where=where,
            mend="give more rows of these classes, or leave them out",
        )
    return sorted(str(label) for label in counts.index)


def _check_finite(frame: pd.DataFrame, where: str) -> None:
    numbers = frame.select_dtypes("number")
    infinite = [
        str(name) for name in numbers if np.isinf(numbers[name].to_numpy(float, na_value=0)).any()
    ]
    if infinite:
        raise DataError(
            f"there are infinite values in: {', '.join(infinite)}",
            where=where,
            mend="replace them by numbers, or leave the cells empty",
        )


def _is_date(value: object) -> bool:
    return hasattr(value, "isoformat") and hasattr(value, "year")


def _short(number: float) -> str:
    return f"{float(number):.6g}"
