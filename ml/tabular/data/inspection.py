"""From a table to its schema and profile; what cannot be learned from is refused here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import pandas as pd
import pyarrow as pa

from ml.runtime.errors import DataError, UserError
from ml.tabular.data import dates
from ml.tabular.data.arrow_types import from_frame
from ml.tabular.data.column_kinds import IGNORE, Decision, decide
from ml.tabular.data.hashing import table_hash
from ml.tabular.data.profiling import profile_row
from ml.tabular.data.statistics import statistics
from ml.tabular.data.target_checks import (
    check_target,
    check_target_name,
    infinite_rows,
)
from ml.tabular.naming import listed, nearest
from ml.tabular.schema import Column, LeftOut, Schema

_KINDS = ("numeric", "category", "datetime", "text")


@dataclass(frozen=True)
class Inspected:
    """A table and what was found out about it.

    Parameters
    ----------
    table : Table
        Every column, those that are left out too; dates that were texts are timestamps.
    schema : Schema
    profile : list of dict
        A row per column, as :func:`ml.tabular.data.profiling.profile_row` makes it.
    notes : list of str
        What is left out or doubtful, a sentence each.
    """

    table: pa.Table
    schema: Schema
    profile: list[dict[str, Any]]
    notes: list[str]


def infer_schema(
    frame: pd.DataFrame | pa.Table, target: str, name: str, kind: str = "auto", where: str = ""
) -> Schema:
    """The schema that :func:`inspect` finds, of a frame or a table."""
    table = frame if isinstance(frame, pa.Table) else from_frame(frame)
    return inspect(table, target, name, kind, where=where).schema


def inspect(
    table: pa.Table,
    target: str,
    name: str,
    kind: str = "auto",
    types: Mapping[str, str] | None = None,
    where: str = "",
) -> Inspected:
    """What the columns are and what is to be predicted.

    Parameters
    ----------
    table : Table
        The whole data set, canonical (:mod:`ml.tabular.data.arrow_types`), shape (rows, columns).
    target : str
        The column to predict; rows without it do not count.
    name : str
        The data set's name.
    kind : str
        ``auto``, ``regression`` or ``classification``.
    types : mapping, optional
        Column → numeric, category, text, datetime, ``datetime:FORMAT`` or ignore, where the user
        knows better than the values tell.
    where : str
        The file, for messages.

    Raises
    ------
    UserError
        No such column, or nothing can be learned: a constant target, too few rows or columns, a
        class with too few rows, infinite values, dates in two formats.
    """
    wanted = dict(types or {})
    check_target_name(table.column_names, target, where)
    _check_types(wanted, table.column_names, target)
    of_target = statistics(target, table[target])
    problem, classes = check_target(table[target], of_target, kind, where)
    if table.num_columns == 1:
        raise DataError(
            f"the file has one column only, {target!r}",
            where=where,
            mend="add feature columns; a CSV separates its columns by , ; tab or |",
        )
    decisions: dict[str, Decision] = {}
    for position, column in enumerate(table.column_names):
        if column == target:
            continue
        decision = decide(column, table.column(position), wanted.get(column, ""), where)
        table = table.set_column(position, column, decision.column)
        # the texts themselves are looked at no more
        lean = replace(decision.statistics, values=None)
        decisions[column] = replace(decision, column=None, statistics=lean)
    _keep_the_only_feature(decisions)
    _check_features(decisions, table, where)
    schema = Schema(
        name=name,
        target=target,
        kind=problem,
        classes=classes,
        columns=[
            Column(name=column, kind=one.kind, format=one.format)
            for column, one in decisions.items()
            if one.kind
        ],
        rows=table.num_rows,
        left_out=[
            LeftOut(name=column, why=one.why) for column, one in decisions.items() if not one.kind
        ],
        hash=table_hash(table),
    )
    rows = [
        profile_row(of_target, "target")
        if column == target
        else profile_row(decisions[column].statistics, *_said(decisions[column]))
        for column in table.column_names
    ]
    return Inspected(table, schema, rows, _notes(decisions))


def known_texts(types: Mapping[str, str]) -> list[str]:
    """The columns that are to be read as texts, so that 007 stays as it is written."""
    return [name for name, kind in types.items() if kind in ("category", "text")]


def _check_types(types: Mapping[str, str], names: list[str], target: str) -> None:
    for name, wanted in types.items():
        if name not in names:
            raise UserError(
                f"there is no column {name!r}{nearest(name, names)}",
                where="Data/types",
                mend=f"name columns of the data: {listed(names)}",
            )
        if name == target:
            raise UserError(
                f"{name!r} is the target, whose type Data/kind says",
                where="Data/types",
                mend="leave the target out of Data/types",
            )
        known = wanted in (*_KINDS, IGNORE) if isinstance(wanted, str) else False
        kind, _, written = str(wanted).partition(":")
        if not known and not (kind == "datetime" and dates.is_format(written)):
            raise UserError(
                f"there is no type {wanted!r} (of column {name!r})",
                where="Data/types",
                mend=f"choose {', '.join(_KINDS)}, datetime:FORMAT with day, month and year, such "
                f"as datetime:%d/%m/%Y, or {IGNORE}",
            )


def _keep_the_only_feature(decisions: dict[str, Decision]) -> None:
    """Numbers that just count the rows may be the time or the place of a small experiment."""
    if any(one.kind for one in decisions.values()):
        return
    for name, one in decisions.items():
        if one.is_number_of_rows:
            note = "whole numbers that count the rows; kept, for there is no other feature"
            decisions[name] = replace(one, kind="numeric", why="", notes=(note,))


def _check_features(decisions: dict[str, Decision], table: pa.Table, where: str) -> None:
    if not any(one.kind for one in decisions.values()):
        reasons = "; ".join(f"{name}: {one.why}" for name, one in decisions.items())
        raise DataError(
            f"there is no column to predict from beside the target: {reasons}",
            where=where,
            mend='add feature columns, or bring one back by Data/types, such as {"NAME": '
            '"category"}',
        )
    infinite = [
        infinite_rows(table[name], one.statistics)
        for name, one in decisions.items()
        if one.kind and one.statistics.infinite
    ]
    if infinite:
        raise DataError(
            f"there are infinite values in: {listed(infinite)}",
            where=where,
            mend="replace them by numbers, leave the cells empty, or leave a column out by "
            'Data/types, such as {"NAME": "ignore"}',
        )


def _said(decision: Decision) -> tuple[str, str]:
    """The kind and the note of a column, for the profile."""
    return decision.kind or "left out", "; ".join((decision.why, *decision.notes)).strip("; ")


def _notes(decisions: dict[str, Decision]) -> list[str]:
    left_out = [f"{name} is left out: {one.why}" for name, one in decisions.items() if one.why]
    doubtful = [
        f"{name}: {note}" for name, one in decisions.items() for note in one.notes if one.kind
    ]
    return left_out + doubtful
