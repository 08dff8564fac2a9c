"""What would make scores too good to be true: rows in two parts, features that hold the target."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from scipy.stats import rankdata

from ml.runtime.errors import DataError
from ml.tabular.conforming import conform, conform_target
from ml.tabular.naming import listed
from ml.tabular.preparation.splitting import PART_NAMES, Positions
from ml.tabular.schema import Schema

# a sample of so many rows tells a feature that holds the target from one that does not
SAMPLE_ROWS = 50_000
LEAST_ROWS = 30
# ranks that agree better than this are those of the same number in other words
SAME_RANKS = 0.9999
# of the errors that guessing without the feature makes
ERRORS_LEFT = 0.001
# of the target's variance
VARIANCE_LEFT = 1e-6
# of the rows: a value in one row alone determines nothing
REPEATED = 0.9
LEAST_PER_CLASS = 10


@dataclass(frozen=True)
class Suspect:
    """A feature that alone gives the target away.

    Parameters
    ----------
    column : str
    why : str
        What it has to do with the target.
    """

    column: str
    why: str


@dataclass(frozen=True)
class Duplicates:
    """Rows with the same features as a row of another part.

    Parameters
    ----------
    validation : ndarray
        Positions in the data set of validation rows whose features a training row has.
    test : ndarray
        The same of test rows whose features a training or a validation row has.
    """

    validation: np.ndarray
    test: np.ndarray


def duplicates(frame: pd.DataFrame, schema: Schema, positions: Positions) -> Duplicates:
    """Find rows that are in two parts, by a hash of their features.

    Parameters
    ----------
    frame : DataFrame
        The data set, shape (rows, columns).
    schema : Schema
    positions : Positions
        Which row is in which part.
    """
    hashes = pd.util.hash_pandas_object(frame[schema.features], index=False).to_numpy()
    train, validation, test = (hashes[getattr(positions, part)] for part in PART_NAMES)
    return Duplicates(
        validation=positions.validation[_among(validation, train)],
        test=positions.test[_among(test, train) | _among(test, validation)],
    )


def without_duplicates(
    target: pd.Series, schema: Schema, positions: Positions, found: Duplicates
) -> Positions:
    """The parts without the rows of validation and test that another part has.

    Parameters
    ----------
    target : Series
        Of the whole data set, shape (rows,).
    schema : Schema
    positions : Positions
    found : Duplicates

    Raises
    ------
    DataError
        Where nothing is left of a part, or nothing of a class.
    """
    left = {
        part: np.setdiff1d(getattr(positions, part), getattr(found, part), assume_unique=True)
        for part in ("validation", "test")
    }
    least = max(1, len(schema.classes))
    for part, rows in left.items():
        if len(rows) and (least == 1 or target.iloc[rows].nunique() >= least):
            continue
        raise DataError(
            f"without the rows that another part has, {part} has "
            f"{'a class too few' if len(rows) else 'no row'}",
            where="Split/duplicates",
            mend="set it to report, or give features that tell the rows apart",
        )
    return replace(positions, **left)


def suspects(frame: pd.DataFrame, schema: Schema, rows: np.ndarray, seed: int) -> list[Suspect]:
    """Features that alone determine the target.

    Parameters
    ----------
    frame : DataFrame
        The data set, shape (rows, columns).
    schema : Schema
    rows : ndarray
        Positions of the rows that have a target; :data:`SAMPLE_ROWS` of them are looked at.
    seed : int
        Of the sample.
    """
    if len(rows) > SAMPLE_ROWS:
        rows = np.sort(np.random.default_rng(seed).choice(rows, SAMPLE_ROWS, replace=False))
    if len(rows) < LEAST_ROWS:
        return []
    where = "the data set"
    sample = frame.iloc[rows]
    features = conform(sample, schema, where)
    target = conform_target(sample[schema.target], schema, where)
    tell = _tells_class if schema.is_classification else _tells_number
    target = pd.factorize(target)[0] if schema.is_classification else target
    found = ((column.name, tell(features[column.name], target)) for column in schema.columns)
    return [Suspect(name, why) for name, why in found if why]


def refuse(found: list[Suspect], target: str) -> None:
    """Stop at features that hold the target.

    Raises
    ------
    DataError
        It names them all.
    """
    if not found:
        return
    names = [suspect.column for suspect in found]
    shown = "; ".join(f"{suspect.column!r}: {suspect.why}" for suspect in found[:5])
    types = ", ".join(f'"{name}": "ignore"' for name in names[:5])
    raise DataError(
        f"{'features hold' if len(names) > 1 else 'a feature holds'} the target {target!r} "
        f"itself: {listed(names)} ({shown})",
        where="Split/leakage",
        mend=f"leave out what is not known before the target is: Data/types {{{types}}} in "
        "data-registration, or drop by data-editing; or set Split/leakage to report",
    )


def _among(hashes: np.ndarray, others: np.ndarray) -> np.ndarray:
    return pd.Index(others).unique().get_indexer(hashes) >= 0


def _tells_number(values: pd.Series, target: np.ndarray) -> str:
    """Why a feature gives a number away; empty where it does not."""
    if isinstance(values.dtype, pd.CategoricalDtype):
        codes = values.cat.codes.to_numpy().astype(np.int64)
        return "each of its values has one value of the target" if _fixes(codes, target) else ""
    numbers = values.to_numpy()
    there = ~np.isnan(numbers)
    if there.sum() < max(LEAST_ROWS, len(numbers) / 2):
        return ""
    numbers, target = numbers[there], target[there]
    if np.allclose(numbers, target, rtol=1e-9, atol=0.0):
        return "it is equal to it"
    agreement = _rank_correlation(numbers, target)
    if abs(agreement) >= SAME_RANKS:
        return f"its rank correlation with it is {agreement:.5f}"
    if _fixes(pd.factorize(numbers)[0], target):
        return "each of its values has one value of the target"
    return ""


def _tells_class(values: pd.Series, classes: np.ndarray) -> str:
    """Why a feature gives a class away; empty where it does not."""
    if _decides(values.isna().to_numpy().astype(np.int64), classes):
        return "it is missing for some classes and there for the others"
    if isinstance(values.dtype, pd.CategoricalDtype):
        codes = values.cat.codes.to_numpy().astype(np.int64) + 1
    else:
        numbers = values.to_numpy()
        if _separates(numbers, classes):
            return "each class has a range of it to itself"
        codes = pd.factorize(numbers, use_na_sentinel=False)[0]
    return "each of its values has one class" if _decides(codes, classes) else ""


def _rank_correlation(numbers: np.ndarray, target: np.ndarray) -> float:
    """Spearman's; 0 where either is constant."""
    ranks = np.vstack([rankdata(numbers), rankdata(target)])
    if (ranks.min(axis=1) == ranks.max(axis=1)).any():
        return 0.0
    return float(np.corrcoef(ranks)[0, 1])


def _fixes(codes: np.ndarray, target: np.ndarray) -> bool:
    """Whether rows with the same value have the same number, but for rounding."""
    codes, target = codes[codes >= 0], target[codes >= 0]
    if len(target) < LEAST_ROWS:
        return False
    counts = np.bincount(codes)
    repeated = counts[codes] > 1
    if repeated.mean() < REPEATED or (counts > 0).sum() < 2:
        return False
    means = np.bincount(codes, target) / np.maximum(counts, 1)
    within = float(((target - means[codes])[repeated] ** 2).mean())
    return within <= VARIANCE_LEFT * float(target.var())


def _decides(codes: np.ndarray, classes: np.ndarray) -> bool:
    """Whether other rows with the same value tell a row's class, nearly always.

    A row whose value no other row has is guessed as the most frequent class.
    """
    count = int(classes.max()) + 1
    cells = np.bincount(codes * count + classes, minlength=(int(codes.max()) + 1) * count)
    table = cells.reshape(-1, count)
    per_value = table.sum(axis=1)
    most_frequent = int(table.sum(axis=0).argmax())
    alone = per_value == 1
    errors = int((per_value - table.max(axis=1))[~alone].sum())
    errors += int(alone.sum() - table[alone, most_frequent].sum())
    guessed = int(table.sum() - table.sum(axis=0).max())
    return guessed >= LEAST_PER_CLASS and errors <= ERRORS_LEFT * guessed


def _separates(numbers: np.ndarray, classes: np.ndarray) -> bool:
    """Whether each class has an interval of the numbers that no other class is in."""
    there = ~np.isnan(numbers)
    numbers, classes = numbers[there], classes[there]
    if len(numbers) < len(there) / 2 or np.bincount(classes).min() < LEAST_PER_CLASS:
        return False
    bounds = pd.DataFrame({"number": numbers, "class": classes}).groupby("class")["number"]
    lows, highs = bounds.min().to_numpy(), bounds.max().to_numpy()
    order = np.argsort(lows)
    return bool((highs[order][:-1] < lows[order][1:]).all())
