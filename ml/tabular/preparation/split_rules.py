"""How rows are divided: at random, by group or by time; the positions that come of it."""

from __future__ import annotations

import numpy as np
import pandas as pd
from pandas.api import types
from sklearn.model_selection import train_test_split as shuffle_split

from ml.runtime.errors import DataError, UserError
from ml.tabular.conforming import days_of, row_number
from ml.tabular.preparation.split_plan import COLUMN_FIELD, SHARES_FIELDS, SplitPlan

_PARTS = 3


def at_random(rows: int, classes: np.ndarray | None, plan: SplitPlan) -> list[np.ndarray]:
    """Shuffled rows, each class in the same share everywhere where there are classes."""
    everything = np.arange(rows)
    try:
        rest, test = shuffle_split(
            everything, test_size=plan.test_share, random_state=plan.seed, stratify=classes
        )
        train, validation = shuffle_split(
            rest,
            test_size=plan.validation_share / (1 - plan.test_share),
            random_state=plan.seed,
            stratify=None if classes is None else classes[rest],
        )
    except ValueError as error:
        raise UserError(
            f"the rows cannot be split so: {error}",
            where=SHARES_FIELDS,
            mend="choose larger shares, or give more rows",
        ) from None
    return [train, validation, test]


def by_group(groups: np.ndarray, plan: SplitPlan) -> list[np.ndarray]:
    """Groups, the largest first, each to the part that lacks most rows; ties as the seed has it."""
    sizes = np.bincount(groups)
    if len(sizes) < _PARTS:
        raise DataError(
            f"the column {plan.column!r} has {len(sizes)} groups; three parts need three at least",
            where=COLUMN_FIELD,
            mend="name a column with more values, or choose another strategy",
        )
    shuffled = np.random.default_rng(plan.seed).permutation(len(sizes))
    order = shuffled[np.argsort(-sizes[shuffled], kind="stable")]
    held_out = (plan.validation_share, plan.test_share)
    lacking = [len(groups) * share for share in (1 - sum(held_out), *held_out)]
    empty = set(range(_PARTS))
    part_of = np.empty(len(sizes), dtype=np.int8)
    for left, group in zip(range(len(order), 0, -1), order.tolist(), strict=True):
        choice = sorted(empty) if left <= len(empty) else range(_PARTS)
        part = max(choice, key=lacking.__getitem__)
        part_of[group] = part
        lacking[part] -= sizes[group]
        empty.discard(part)
    return [np.flatnonzero(part_of[groups] == part) for part in range(_PARTS)]


def by_time(moments: np.ndarray, plan: SplitPlan) -> list[np.ndarray]:
    """Earlier rows train; rows of one moment stay together, at the border nearest to the share."""
    order = np.argsort(moments, kind="stable")
    borders = np.flatnonzero(np.diff(moments[order]) > 0) + 1
    if len(borders) < _PARTS - 1:
        raise DataError(
            f"the column {plan.column!r} has {len(borders) + 1} different moments; three parts "
            "need three at least",
            where=COLUMN_FIELD,
            mend="name a column with more moments, or choose another strategy",
        )
    rows = len(moments)
    test_at = _nearest_border(borders[1:], rows * (1 - plan.test_share))
    validation_at = _nearest_border(
        borders[borders < test_at], test_at - rows * plan.validation_share
    )
    return np.split(order, [validation_at, test_at])


def _nearest_border(borders: np.ndarray, wanted: float) -> int:
    return int(borders[np.argmin(np.abs(borders - wanted))])


def folds_by_time(moments: np.ndarray, count: int) -> list[tuple[np.ndarray, np.ndarray]]:
    """Each fold is scored by the stretch of time that follows all that it is fitted on."""
    order = np.argsort(moments, kind="stable")
    borders = np.flatnonzero(np.diff(moments[order]) > 0) + 1
    check_folds(len(borders), count, "moments after the first")
    edges: list[int] = []
    for step in range(1, count + 1):
        # as many borders must remain as there are folds to come
        choice = borders[len(edges) : len(borders) - (count - step)]
        choice = choice[choice > edges[-1]] if edges else choice
        edges.append(_nearest_border(choice, len(moments) * step / (count + 1)))
    return [
        (np.sort(order[:start]), np.sort(order[start:end]))
        for start, end in zip(edges, [*edges[1:], len(moments)], strict=True)
    ]


def check_folds(there: int, count: int, what: str) -> None:
    """Refuse more folds than there is something to fill them with."""
    if there < count:
        raise UserError(
            f"{count} folds need {count} {what} at least; there are {there}",
            where="the folds of cross-validation",
            mend=f"choose {there} folds at most" if there > 1 else "give more rows",
        )


def groups(values: pd.Series) -> np.ndarray:
    """A number per row for its group, in the order the groups appear.

    Raises
    ------
    DataError
        Where a row is in no group.
    """
    _refuse_missing(values)
    return pd.factorize(values)[0]


def moments(values: pd.Series, date_format: str = "") -> np.ndarray:
    """A number per row that grows with its time.

    Parameters
    ----------
    values : Series
        Numbers, dates, or texts that write dates.
    date_format : str
        How texts write them; empty for ISO 8601.

    Raises
    ------
    DataError
        Where a row has no time, or the column holds something else.
    """
    _refuse_missing(values)
    if types.is_numeric_dtype(values) and not types.is_bool_dtype(values):
        return values.to_numpy(dtype=np.float64)
    try:
        days = days_of(values, COLUMN_FIELD, date_format)
    except DataError as error:
        raise DataError(
            f"the rows cannot be ordered by time: {error.what}",
            where=COLUMN_FIELD,
            mend="name a column of dates or numbers",
        ) from None
    if np.isnan(days).any():
        raise DataError(
            f"the column {values.name!r} holds dates before 1678 or after 2261 "
            f"({int(np.isnan(days).sum())} such rows)",
            where=COLUMN_FIELD,
            mend="correct these dates, or leave these rows out",
        )
    return days


def _refuse_missing(values: pd.Series) -> None:
    missing = values.isna().to_numpy()
    if missing.any():
        raise DataError(
            f"{int(missing.sum())} rows have no value in {values.name!r}, the first of them data "
            f"row {row_number(values, int(missing.argmax()))}: they belong to no part",
            where=COLUMN_FIELD,
            mend="fill these cells or leave these rows out by data-editing, or name another column",
        )
