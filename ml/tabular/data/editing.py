"""Editing a table by declared steps: the same steps on the same table give the same table."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import singledispatch

import pyarrow as pa
import pyarrow.compute as pc

from ml.runtime.errors import DataError, UserError
from ml.tabular import expressions
from ml.tabular.data import edit_steps
from ml.tabular.data.arrow_types import is_number, is_text
from ml.tabular.data.column_parts import part_of
from ml.tabular.data.comparing import kept_rows, value_like
from ml.tabular.data.edit_steps import EditStep, step_place
from ml.tabular.data.retyping import as_kind, cleaned
from ml.tabular.data.statistics import nan_as_missing
from ml.tabular.naming import listed, nearest


@dataclass(frozen=True)
class Edited:
    """A table between two steps, and what goes with its columns.

    Parameters
    ----------
    table : Table
    target : str
        The column to predict; it keeps being that under another name, and is empty when it is
        left out.
    types : dict
        Column → the type that was asked for, as in :func:`ml.tabular.data.inspection.inspect`.
    done : tuple of EditStep
        The steps that were done, with what was found on the way: the value that fills a column,
        and how its dates are written.
    """

    table: pa.Table
    target: str
    types: dict[str, str]
    done: tuple[EditStep, ...] = ()


def edit(
    start: Edited, steps: Sequence[EditStep], where: str, log: Callable[[str], None]
) -> Edited:
    """Do the steps in order.

    Parameters
    ----------
    start : Edited
    steps : sequence of EditStep
    where : str
        The field that holds them; messages add the number of the step.
    log : callable
        Told after each step what it left.

    Raises
    ------
    UserError
        A column that is not there, a value that does not fit, or a step that leaves no row.
    """
    now = start
    done: list[EditStep] = []
    for number, step in enumerate(steps, start=1):
        place = step_place(where, number)
        before = now.table
        now = _apply(step, replace(now, done=()), place)
        done += now.done or [step]
        log(
            f"step {number}, {step.do}: {before.num_rows} → {now.table.num_rows} rows, "
            f"{before.num_columns} → {now.table.num_columns} columns"
        )
        if not now.table.num_rows:
            raise DataError(
                f"the step {step.do} leaves no row of {before.num_rows}",
                where=place,
                mend="let more rows pass",
            )
    return replace(now, done=tuple(done))


def calculated(formula: str, table: pa.Table, place: str) -> pa.ChunkedArray:
    """A formula's value for each row: numbers, or true and false; missing where there is none.

    Parameters
    ----------
    formula : str
        As in :mod:`ml.tabular.expressions`.
    table : Table
        With the columns that it names.
    place : str
        The step, for messages.

    Raises
    ------
    UserError
        It is no formula of these columns.
    """
    parsed = expressions.parse(formula, table.column_names, place)
    for position, field in enumerate(table.schema):
        if pa.types.is_boolean(field.type) and field.name in parsed.columns:
            # with a missing one among them pandas would have objects, which are no numbers
            numbers = table.column(position).cast(pa.float64())
            table = table.set_column(position, field.name, numbers)
    try:
        frame = table.select(list(parsed.columns)).to_pandas()
        if not parsed.columns:
            frame = table.select(table.column_names[:1]).to_pandas()
        values = parsed.evaluate(frame)
    except UserError as error:
        raise UserError(error.what, where=place, mend=error.mend) from None
    if parsed.is_condition:
        return pa.chunked_array([pa.array(values.astype(bool))])
    numbers = pa.array(values.astype(float), from_pandas=True)
    # what cannot be divided or has no logarithm has no value
    return pa.chunked_array([pc.if_else(pc.is_finite(numbers), numbers, None)])


@singledispatch
def _apply(step: EditStep, now: Edited, place: str) -> Edited:
    raise TypeError(f"no step {type(step).__name__}")


@_apply.register
def _select(step: edit_steps.Select, now: Edited, place: str) -> Edited:
    _known(now.table, step.columns, place)
    chosen = list(dict.fromkeys(step.columns))
    return _with_columns(now, now.table.select(chosen))


@_apply.register
def _drop(step: edit_steps.Drop, now: Edited, place: str) -> Edited:
    _known(now.table, step.columns, place)
    left = [name for name in now.table.column_names if name not in step.columns]
    if not left:
        raise UserError("no column would be left", where=place, mend="keep some columns")
    return _with_columns(now, now.table.select(left))


@_apply.register
def _rename(step: edit_steps.Rename, now: Edited, place: str) -> Edited:
    _known(now.table, list(step.columns), place)
    new = {old: name.strip() for old, name in step.columns.items()}
    names = [new.get(name, name) for name in now.table.column_names]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice or "" in names:
        raise UserError(
            f"several columns would have the name {listed(twice)}"
            if twice
            else "a column would have no name",
            where=place,
            mend="give every column a name of its own",
        )
    return Edited(
        now.table.rename_columns(names),
        new.get(now.target, now.target),
        {new.get(name, name): kind for name, kind in now.types.items()},
    )


@_apply.register
def _retype(step: edit_steps.Retype, now: Edited, place: str) -> Edited:
    _known(now.table, [step.column], place)
    column = now.table[step.column]
    if (step.remove or step.decimal) and is_text(column.type):
        column = cleaned(column, step.remove, step.decimal)
    column, written = as_kind(column, step.to, step.column, place, step.format)
    edited = _with_column(now, step.column, column, f"{step.to}:{written}" if written else step.to)
    return replace(edited, done=(step.model_copy(update={"format": written or step.format}),))


@_apply.register
def _filter(step: edit_steps.Filter, now: Edited, place: str) -> Edited:
    _known(now.table, [step.column], place)
    kept = kept_rows(now.table[step.column], step.comparison, step.value, step.column, place)
    return Edited(now.table.filter(kept), now.target, now.types)


@_apply.register
def _fill(step: edit_steps.Fill, now: Edited, place: str) -> Edited:
    _known(now.table, [step.column], place)
    column = now.table[step.column]
    if pa.types.is_floating(column.type):
        column = nan_as_missing(column)
    if step.by == "value":
        column, value = value_like(column, step.value, step.column, place)
    else:
        column, value = _typical(column, step, place)
    filled = pc.fill_null(column, value)
    edited = _with_column(now, step.column, filled, now.types.get(step.column, ""))
    found = value.as_py()
    found = found.isoformat() if isinstance(found, datetime) else found
    return replace(edited, done=(edit_steps.Fill(do="fill", column=step.column, value=found),))


@_apply.register
def _derive(step: edit_steps.Derive, now: Edited, place: str) -> Edited:
    if step.part:
        _known(now.table, [step.of], place)
        column = part_of(now.table[step.of], step.part, step.of, place)
    else:
        column = calculated(step.formula, now.table, place)
    return _with_column(now, step.column, column, "")


@_apply.register
def _drop_duplicates(step: edit_steps.DropDuplicates, now: Edited, place: str) -> Edited:
    _known(now.table, step.columns, place)
    looked_at = now.table.select(step.columns) if step.columns else now.table
    # pandas keeps the first of equal rows; which one an aggregation keeps is not said
    again = looked_at.to_pandas().duplicated().to_numpy()
    return Edited(now.table.filter(pa.array(~again)), now.target, now.types)


def _typical(
    column: pa.ChunkedArray, step: edit_steps.Fill, place: str
) -> tuple[pa.ChunkedArray, pa.Scalar]:
    if not len(column) - column.null_count:
        raise DataError(
            f"column {step.column!r} has no value to take the {step.by} of",
            where=place,
            mend="give a value to fill it with, or drop the column",
        )
    if step.by == "most_frequent":
        counted = pc.value_counts(column.drop_null())
        counts = counted.field("counts")
        most = pc.max(counts)
        # the first of several that are as frequent, in the order of the rows
        return column, counted.field("values")[pc.index(counts, most).as_py()]
    if not is_number(column.type):
        raise UserError(
            f"column {step.column!r} holds no numbers, so it has no {step.by}",
            where=place,
            mend='take "by": "most_frequent", or a value',
        )
    floats = column.cast(pa.float64(), safe=False)
    if step.by == "mean":
        return floats, pc.mean(floats)
    return floats, pc.quantile(floats, 0.5)[0]


def _with_columns(now: Edited, table: pa.Table) -> Edited:
    there = set(table.column_names)
    types = {name: kind for name, kind in now.types.items() if name in there}
    return Edited(table, now.target if now.target in there else "", types)


def _with_column(now: Edited, name: str, column: pa.ChunkedArray, wanted: str) -> Edited:
    """The table with a column in its place, or at the end; its type is asked for anew."""
    types = {other: kind for other, kind in now.types.items() if other != name}
    if wanted and name != now.target:
        types[name] = wanted
    position = now.table.schema.get_field_index(name)
    if position < 0:
        return Edited(now.table.append_column(name, column), now.target, types)
    return Edited(now.table.set_column(position, name, column), now.target, types)


def _known(table: pa.Table, names: Sequence[str], place: str) -> None:
    missing = [name for name in names if name not in table.column_names]
    if missing:
        near = nearest(missing[0], table.column_names)
        raise UserError(
            f"there is no column {missing[0]!r}{near}",
            where=place,
            mend=f"the columns are now {listed(table.column_names)}",
        )
