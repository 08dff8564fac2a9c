"""Dividing the rows of a data set: what is learned from, what is chosen by, what is scored by."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from sklearn.model_selection import GroupKFold, KFold, StratifiedGroupKFold, StratifiedKFold

from ml.runtime.errors import UserError
from ml.tabular.labels import class_texts
from ml.tabular.preparation import split_rules
from ml.tabular.preparation.split_plan import (
    COLUMN_FIELD,
    MOST_HELD_OUT,
    SHARES_FIELDS,
    STRATEGY_FIELD,
    SplitPlan,
    check_plan,
)
from ml.tabular.schema import LeftOut, Schema

PART_NAMES = ("train", "validation", "test")
# so many classes are told of a part by their shares
MAX_SHARES = 10
WHY_GROUPS = "its values group the rows for the split"


@dataclass(frozen=True)
class Parts:
    """The rows of a data set in three parts, columns as in the data set.

    ``train`` fits, ``validation`` chooses among models, ``test`` is looked at last.
    """

    train: pd.DataFrame
    validation: pd.DataFrame
    test: pd.DataFrame


@dataclass(frozen=True)
class Positions:
    """The rows of each part by their positions in the data set, ascending."""

    train: np.ndarray
    validation: np.ndarray
    test: np.ndarray


def split(
    frame: pd.DataFrame, schema: Schema, test_share: float, validation_share: float, seed: int
) -> Parts:
    """Parts by the strategy that suits the problem: stratified for classes, else at random.

    Parameters
    ----------
    frame : DataFrame
        The data set, shape (rows, columns).
    schema : Schema
    test_share, validation_share : float
        Shares of the rows that have a target, between 0 and 1.
    seed : int
        The same seed gives the same parts on every node.

    Raises
    ------
    UserError
        As :func:`divide`.
    """
    plan = SplitPlan(test_share=test_share, validation_share=validation_share, seed=seed)
    return parts_at(frame, schema, plan, divide(frame, schema, plan))


def divide(frame: pd.DataFrame, schema: Schema, plan: SplitPlan) -> Positions:
    """Decide which row goes into which part; rows without a target go into none.

    Parameters
    ----------
    frame : DataFrame
        The data set, shape (rows, columns).
    schema : Schema
    plan : SplitPlan

    Raises
    ------
    UserError
        Shares that leave too little for a part, a plan without its column or with one that
        cannot order or group the rows, too few groups, or a part without a row of some class.
    """
    plan = plan.resolved(schema)
    check_plan(plan, schema, list(frame.columns))
    known = np.flatnonzero(frame[schema.target].notna().to_numpy())
    if plan.strategy == "time":
        places = split_rules.by_time(_moments(frame[[plan.column]].iloc[known], schema, plan), plan)
    elif plan.strategy == "group":
        places = split_rules.by_group(split_rules.groups(frame[plan.column].iloc[known]), plan)
    else:
        classes = _class_codes(frame[schema.target].iloc[known], plan)
        places = split_rules.at_random(len(known), classes, plan)
    positions = Positions(*(known[np.sort(place)] for place in places))
    _check_sizes(positions, plan)
    if schema.is_classification:
        _check_classes(frame, positions, schema, plan)
    return positions


def parts_at(frame: pd.DataFrame, schema: Schema, plan: SplitPlan, positions: Positions) -> Parts:
    """The parts themselves: features, target and the column that the rows were divided by."""
    names = [name for name in frame.columns if name in kept_columns(schema, plan)]
    return Parts(*(frame[names].iloc[getattr(positions, part)] for part in PART_NAMES))


def kept_columns(schema: Schema, plan: SplitPlan) -> set[str]:
    """The columns of a data set that are in its parts."""
    return {*schema.features, schema.target, *([plan.column] if plan.by_column else [])}


def without_groups(schema: Schema, plan: SplitPlan) -> Schema:
    """The schema with the column of the groups left out of the features.

    A group is all in one part: what a model learns of its name says nothing of other groups.
    """
    if plan.strategy != "group" or plan.column not in schema.features:
        return schema
    columns = [column for column in schema.columns if column.name != plan.column]
    if not columns:
        raise UserError(
            f"without {plan.column!r}, which groups the rows, there is no feature",
            where=COLUMN_FIELD,
            mend="name another column, or choose another strategy",
        )
    left_out = [*schema.left_out, LeftOut(name=plan.column, why=WHY_GROUPS)]
    return schema.model_copy(update={"columns": columns, "left_out": left_out})


def described(part: pd.DataFrame, schema: Schema) -> dict[str, float]:
    """A part in a few numbers: its rows, and what its target is like."""
    target = part[schema.target]
    if not schema.is_classification:
        numbers = target.astype("float64")
        spread = {"mean": numbers.mean(), "std": numbers.std(), "min": numbers.min()}
        return {"rows": len(part), **spread, "max": numbers.max()}
    shares = class_texts(target, schema).value_counts(normalize=True)
    frequent = sorted(schema.classes, key=lambda label: -shares.get(label, 0.0))[:MAX_SHARES]
    return {
        "rows": len(part),
        **{f"share of {label}": float(shares.get(label, 0.0)) for label in frequent},
    }


def folds(
    frame: pd.DataFrame, schema: Schema, split: SplitPlan, count: int, seed: int
) -> list[tuple[np.ndarray, np.ndarray]]:
    """Positions to fit on and to score by, ``count`` times, divided as the parts were.

    Parameters
    ----------
    frame : DataFrame
        The rows, such as the training part; each has a target.
    schema : Schema
    split : SplitPlan
        How the parts were made: groups stay whole, and what is later is never fitted on.
    count : int
        At least 2.
    seed : int

    Raises
    ------
    UserError
        Too few rows, groups or moments, or rows of a class, for so many folds.
    """
    plan = split.resolved(schema)
    check_plan(plan, schema, list(frame.columns))
    rows = np.zeros((len(frame), 1))
    classes = _class_codes(frame[schema.target], plan) if schema.is_classification else None
    if plan.strategy == "time":
        return split_rules.folds_by_time(_moments(frame, schema, plan), count)
    if plan.strategy == "group":
        groups = split_rules.groups(frame[plan.column])
        split_rules.check_folds(len(np.unique(groups)), count, f"groups in {plan.column!r}")
        if classes is None:
            splitter = GroupKFold(count, shuffle=True, random_state=seed)
        else:
            splitter = StratifiedGroupKFold(count, shuffle=True, random_state=seed)
        return list(splitter.split(rows, classes, groups))
    if plan.strategy == "stratified":
        split_rules.check_folds(int(np.bincount(classes).min()), count, "rows of the rarest class")
        return list(StratifiedKFold(count, shuffle=True, random_state=seed).split(rows, classes))
    split_rules.check_folds(len(frame), count, "rows")
    return list(KFold(count, shuffle=True, random_state=seed).split(rows))


def _moments(frame: pd.DataFrame, schema: Schema, plan: SplitPlan) -> np.ndarray:
    formats = {column.name: column.format for column in schema.columns}
    return split_rules.moments(frame[plan.column], formats.get(plan.column, ""))


def _class_codes(target: pd.Series, plan: SplitPlan) -> np.ndarray | None:
    if plan.strategy == "random":
        return None
    return pd.factorize(target)[0]


def _check_sizes(positions: Positions, plan: SplitPlan) -> None:
    rows = {part: len(getattr(positions, part)) for part in PART_NAMES}
    if rows["train"] < (1 - MOST_HELD_OUT) * sum(rows.values()):
        shown = ", ".join(f"{part} {count}" for part, count in rows.items())
        raise UserError(
            f"too few rows are left for training; rows: {shown}",
            where=f"{COLUMN_FIELD}, {SHARES_FIELDS}",
            mend=f"name a column whose values divide the rows more evenly than {plan.column!r}, "
            "or choose smaller shares",
        )


def _check_classes(
    frame: pd.DataFrame, positions: Positions, schema: Schema, plan: SplitPlan
) -> None:
    """Each part needs each class: to learn it from, or to score the models by."""
    target = class_texts(frame[schema.target], schema)
    counts = {part: target.iloc[getattr(positions, part)].value_counts() for part in PART_NAMES}
    for label in schema.classes:
        rows = {name: int(found.get(label, 0)) for name, found in counts.items()}
        if all(rows.values()):
            continue
        shown = ", ".join(f"{name} {count}" for name, count in rows.items())
        if plan.by_column:
            raise UserError(
                f"divided by {plan.column!r}, a part has no row of the class {label!r}; its rows: "
                f"{shown}",
                where=f"{STRATEGY_FIELD}, {SHARES_FIELDS}",
                mend="choose larger shares, another seed for groups, or another strategy",
            )
        raise UserError(
            f"the class {label!r} is too rare to be in every part; its rows: {shown}",
            where=SHARES_FIELDS,
            mend="choose a larger share for the part without it, or give more of its rows",
        )
