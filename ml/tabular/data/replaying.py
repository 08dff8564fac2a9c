"""Doing the edits of a data set once more, on rows that come later as the first file had them.

Each value is edited by itself: a value that was filled in is the one that was found then, and no
row is left out, so that rows become the same however they come in chunks.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from functools import singledispatch
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from pandas.api import types

from ml.tabular import expressions
from ml.tabular.conforming import BadValuesError, moments_of, numbers_of, texts_of
from ml.tabular.data import edit_steps, editing
from ml.tabular.data.arrow_types import canonical, is_number, is_text
from ml.tabular.data.column_parts import part_of
from ml.tabular.data.comparing import value_like
from ml.tabular.data.edit_steps import EditStep
from ml.tabular.data.replay_plan import PLACE, Turn, new_names, planned
from ml.tabular.data.retyping import as_texts, cleaned
from ml.tabular.schema import Schema

# what a column is between two steps; dates may say how texts write them, as datetime:%d/%m/%Y
_NUMERIC, _BOOLEAN, _TEXT, _DATETIME = "numeric", "boolean", "text", "datetime"


def stage(start: editing.Edited, done: Sequence[EditStep]) -> dict[str, Any]:
    """What it takes to do steps again on rows that are such as a table is, as plain data.

    Parameters
    ----------
    start : Edited
        The table before the steps.
    done : sequence of EditStep
        The steps with what was found on the way, as :func:`ml.tabular.data.editing.edit` leaves
        them.
    """
    columns = {}
    for one in start.table.schema:
        kind = _kind_of(one.type)
        _, _, written = start.types.get(one.name, "").partition(":")
        columns[one.name] = f"{kind}:{written}" if kind == _DATETIME and written else kind
    return {"columns": columns, "steps": [edit_steps.as_json(one) for one in done]}


class Replay:
    """The edits of a data set, for the columns that a model looks at.

    Parameters
    ----------
    stages : sequence of dict
        As :func:`stage` makes them: one for each time that the data set was edited.
    schema : Schema
        Of the data set as the steps left it.
    """

    def __init__(self, stages: Sequence[Mapping[str, Any]], schema: Schema) -> None:
        self.stages = list(stages)
        self._schema = schema
        parsed = [(one["columns"], edit_steps.parse_steps(one["steps"], PLACE)) for one in stages]
        self._features = planned(parsed, schema.features)
        self._target = planned(parsed, [schema.target])
        self._raw = dict(parsed[0][0])
        steps = [step for _, steps in parsed for step in steps]
        kinds = (edit_steps.Filter, edit_steps.DropDuplicates)
        self.not_applied = list(dict.fromkeys(one.do for one in steps if isinstance(one, kinds)))

    @property
    def columns(self) -> list[str]:
        """The columns of the first file that the model's features are made of."""
        return [name for name in self._raw if name in self._features[0].needed]

    @property
    def changes(self) -> bool:
        """Whether the steps do anything to the features or the target, but leave rows out."""
        return any(one.step is not None for one in (*self._features, *self._target))

    @property
    def is_told_by_names(self) -> bool:
        """Whether rows before the edits have other columns than those after."""
        return not set(self._schema.features) <= set(self._raw)

    def target_columns(self, names: Collection[str]) -> list[str]:
        """The columns that the target is made of, where all of them are there."""
        needed = sorted(self._target[0].needed)
        return needed if all(name in names for name in needed) else []

    def of_kind(self, kind: str) -> list[str]:
        """Those of :attr:`columns` that are read as a kind."""
        return [name for name in self.columns if _column_kind(self._raw[name]) == kind]

    def kinds(self, names: Collection[str], *, truth: bool) -> dict[str, str]:
        """The columns to read, and what they are (:data:`~ml.tabular.schema.ColumnKind`).

        Parameters
        ----------
        names : collection of str
            The columns that are there.
        truth : bool
            Whether the target is wanted, too.
        """
        target = self.target_columns(names) if truth else []
        wanted = dict.fromkeys([*self.columns, *target])
        kinds = {name: _column_kind(self._raw[name]) for name in wanted}
        if not any(one.step for one in self._target if not _is_rename(one.step)):
            # a class that is written as a number is a text all the same
            kind = "category" if self._schema.is_classification else "numeric"
            kinds |= {name: kind for name in target if name not in self.columns}
        return kinds

    def apply(self, frame: pd.DataFrame, where: str) -> pd.DataFrame:
        """The features of rows as the steps leave them, and the target where its columns are there.

        Parameters
        ----------
        frame : DataFrame
            With :attr:`columns` at least, shape (rows, columns).
        where : str
            The field or file, for messages.

        Raises
        ------
        BadValuesError
            Values that are not such as the data set had; of the target they are missing.
        """
        edited = _Rows(frame, where).after(self._features)
        columns = {name: edited[name] for name in self._schema.features}
        if self.target_columns(frame.columns):
            columns[self._schema.target] = self._truth(frame, where)
        return pd.DataFrame(columns, index=frame.index, copy=False)

    def _truth(self, frame: pd.DataFrame, where: str) -> pd.Series:
        good = frame
        while True:
            try:
                truth = _Rows(good, where).after(self._target)[self._schema.target]
                return truth if good is frame else truth.reindex(frame.index)
            except BadValuesError as error:
                # the prediction is worth having all the same
                left = np.setdiff1d(np.arange(len(good)), error.positions)
                good = good.iloc[left]


class _Rows:
    """Rows between two steps: values as they came until a step has to know what they are."""

    def __init__(self, frame: pd.DataFrame, where: str) -> None:
        self._frame = frame
        self.where = where
        self.values: dict[str, pd.Series] = {}
        self.kinds: dict[str, str] = {}

    def after(self, turns: Sequence[Turn]) -> dict[str, pd.Series]:
        """The columns that are left when all is done."""
        self.values = {name: self._frame[name] for name in turns[0].needed}
        for turn in turns:
            self.values = {name: self.values[name] for name in self.values if name in turn.needed}
            if turn.step is None:
                self.kinds = {name: turn.columns[name] for name in self.values}
            else:
                _replay(turn.step, self)
        return self.values

    def read(self, name: str) -> pa.ChunkedArray:
        """A column as what it is meant to be."""
        kind, _, written = self.kinds[name].partition(":")
        values = self.values[name].rename(name)
        if kind == _DATETIME:
            return pa.chunked_array([pa.array(moments_of(values, self.where, written))])
        if kind == _TEXT:
            texts = pa.table({name: pa.array(texts_of(values), from_pandas=True)})
            found = canonical(texts).column(0)
            return found.cast(pa.string()) if not is_text(found.type) else found
        numbers = pa.array(numbers_of(values, self.where), from_pandas=True)
        return pa.chunked_array([pc.not_equal(numbers, 0) if kind == _BOOLEAN else numbers])

    def write(self, name: str, column: pa.ChunkedArray) -> None:
        """A column anew, or one more."""
        self.kinds[name] = _kind_of(column.type)
        self.values[name] = column.to_pandas().set_axis(self._frame.index).rename(name)

    def table(self, names: Sequence[str]) -> pa.Table:
        """Some columns; of rows without a column it takes the number alone."""
        columns = {name: self.read(name) for name in names}
        return pa.table(columns or {"": pa.nulls(len(self._frame), pa.float64())})


@singledispatch
def _replay(step: EditStep, rows: _Rows) -> None:
    raise TypeError(f"no step {type(step).__name__} is replayed")


@_replay.register
def _rename(step: edit_steps.Rename, rows: _Rows) -> None:
    new = new_names(step)
    rows.values = {new.get(name, name): values for name, values in rows.values.items()}
    rows.kinds = {new.get(name, name): rows.kinds[name] for name in rows.kinds}


@_replay.register
def _retype(step: edit_steps.Retype, rows: _Rows) -> None:
    name, values = step.column, rows.values[step.column]
    kind = rows.kinds[name].partition(":")[0]
    # numbers have been made of such texts already
    if kind == _TEXT and (types.is_numeric_dtype(values) and not types.is_bool_dtype(values)):
        if step.to == _NUMERIC:
            rows.kinds[name] = kind = _NUMERIC
    elif kind == _TEXT and (step.remove or step.decimal):
        rows.write(name, cleaned(rows.read(name), step.remove, step.decimal))
    if step.to in ("category", "text"):
        rows.write(name, _as_texts(rows, name))
    elif step.to == _DATETIME:
        if kind != _DATETIME:
            # whole numbers such as 20261123, too
            rows.write(name, _as_texts(rows, name))
        rows.kinds[name] = f"{_DATETIME}:{step.format}" if step.format else _DATETIME
        rows.write(name, rows.read(name))
    elif kind == _TEXT:
        rows.write(name, _true_and_false_as_numbers(rows.read(name)))
        rows.kinds[name] = _NUMERIC
        rows.write(name, rows.read(name))


@_replay.register
def _fill(step: edit_steps.Fill, rows: _Rows) -> None:
    column = rows.read(step.column)
    # a column that was empty had no type: any value could be put there
    value = str(step.value) if is_text(column.type) else step.value
    column, value = value_like(column, value, step.column, PLACE)
    rows.write(step.column, pc.fill_null(column, value))


@_replay.register
def _derive(step: edit_steps.Derive, rows: _Rows) -> None:
    if step.part:
        rows.write(step.column, part_of(rows.read(step.of), step.part, step.of, PLACE))
        return
    used = expressions.parse(step.formula, list(rows.values), PLACE).columns
    rows.write(step.column, editing.calculated(step.formula, rows.table(used), PLACE))


def _as_texts(rows: _Rows, name: str) -> pa.ChunkedArray:
    if rows.kinds[name] == _NUMERIC:
        # each number by itself: as_texts spells them as it has to for the whole column
        rows.kinds[name] = _TEXT
        numbers = numbers_of(rows.values[name], rows.where)
        rows.values[name] = pd.Series(numbers, rows.values[name].index)
    return as_texts(rows.read(name))


def _true_and_false_as_numbers(column: pa.ChunkedArray) -> pa.ChunkedArray:
    column = pc.utf8_trim_whitespace(column)
    lowered = pc.utf8_lower(column)
    for text, number in (("true", "1"), ("false", "0")):
        column = pc.if_else(pc.equal(lowered, text), number, column)
    return column


def _is_rename(step: EditStep | None) -> bool:
    return isinstance(step, edit_steps.Rename)


def _kind_of(kind: pa.DataType) -> str:
    if pa.types.is_boolean(kind):
        return _BOOLEAN
    if pa.types.is_timestamp(kind):
        return _DATETIME
    return _NUMERIC if is_number(kind) else _TEXT


def _column_kind(kind: str) -> str:
    """As a file is read: true and false are numbers."""
    kind = kind.partition(":")[0]
    return {_BOOLEAN: "numeric", _TEXT: "category"}.get(kind, kind)
