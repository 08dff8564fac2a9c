"""Inputs of categories: a column per value, or what the target is like where a value is."""

from __future__ import annotations

import warnings
from collections.abc import Sequence

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.model_selection import KFold, StratifiedKFold
from sklearn.preprocessing import OneHotEncoder, TargetEncoder

from ml.tabular.preparation.scaling import MedianScaler

# a column with more values than this is told by the target, not by a column per value
MAX_ONE_HOT = 20
# the target's mean is not learned of more values than these; the others count as rare
MAX_VALUES = 50_000
# with more classes, a column per value and class would be more columns than it is worth
MAX_ENCODED_CLASSES = 10
# a value in one row alone says nothing of another row
MIN_ROWS = 2
FOLDS = 5
MISSING, OTHER = -1, -2
_LABELS = {MISSING: "(missing)", OTHER: "(other)"}


class ValueCodes(TransformerMixin, BaseEstimator):
    """Categoricals as whole numbers: the most frequent value is 0, the next 1, …

    Rare values, and those that training has not, are :data:`OTHER`; what is missing is
    :data:`MISSING`.

    Parameters
    ----------
    most : int
        How many values have a number of their own.
    """

    def __init__(self, most: int = MAX_VALUES) -> None:
        self.most = most

    def fit(self, features: pd.DataFrame, target: object = None) -> ValueCodes:
        """Count the values of each column."""
        self.values_ = [frequent_values(features[name], self.most) for name in features]
        return self

    def transform(self, features: pd.DataFrame) -> np.ndarray:
        """Shape (rows, columns), int64."""
        columns = zip(features, self.values_, strict=True)
        return np.column_stack([_codes(features[name], values) for name, values in columns])


class OneHotInputs(TransformerMixin, BaseEstimator):
    """A column per frequent value, one for all others and one for missing where training has such.

    A value that training has not is as the rare ones are; where it has none, all columns are 0.

    Parameters
    ----------
    most : int
        How many values of a column have a column of their own.
    """

    def __init__(self, most: int = MAX_ONE_HOT) -> None:
        self.most = most

    def fit(self, features: pd.DataFrame, target: object = None) -> OneHotInputs:
        """Learn the frequent values of each column."""
        self.codes_ = ValueCodes(self.most)
        codes = self.codes_.fit_transform(features)
        self.encoder_ = OneHotEncoder(
            handle_unknown="ignore", sparse_output=False, dtype=np.float64
        ).fit(codes)
        self.names_: list[str] = []
        self.origins_: list[str] = []
        found = zip(features, self.codes_.values_, self.encoder_.categories_, strict=True)
        for name, values, present in found:
            labels = [_LABELS[code] if code < 0 else values[code] for code in present.tolist()]
            self.names_ += [f"{name} = {label}" for label in labels]
            self.origins_ += [name] * len(labels)
        return self

    def transform(self, features: pd.DataFrame) -> np.ndarray:
        """Shape (rows, inputs): 0 and 1."""
        return self.encoder_.transform(self.codes_.transform(features))


class TargetInputs(TransformerMixin, BaseEstimator):
    """The target's mean over the rows with the same value, shrunk to that of all rows, and scaled.

    For two classes it is the share of the second, for more there is an input per class. The rows
    that are fitted on are encoded by cross-fitting (:meth:`fit_transform`): each by the targets of
    other rows alone, else a model would read its own target (D. Micci-Barreca, A preprocessing
    scheme for high-cardinality categorical attributes, 2001).

    Parameters
    ----------
    classes : sequence of str
        The target's classes; empty for a number.
    seed : int
        Of the folds of cross-fitting.
    """

    def __init__(self, classes: Sequence[str] = (), seed: int = 0) -> None:
        self.classes = classes
        self.seed = seed

    def fit(self, features: pd.DataFrame, target: np.ndarray) -> TargetInputs:
        """Learn the target's means by value; target of shape (rows,)."""
        self.fit_transform(features, target)
        return self

    def fit_transform(self, features: pd.DataFrame, target: np.ndarray) -> np.ndarray:
        """Learn, and encode the same rows by cross-fitting; shape (rows, inputs)."""
        numbers, present = self._numbers(target)
        kind = "continuous" if not self.classes else "binary" if len(present) < 3 else "multiclass"
        self.codes_ = ValueCodes()
        self.encoder_ = TargetEncoder(target_type=kind, cv=self._folds(numbers))
        codes = self.codes_.fit_transform(features)
        with warnings.catch_warnings():
            # fewer rows of a class than folds: some folds learn nothing of it, which is so
            warnings.filterwarnings("ignore", message="The least populated class")
            encoded = self.encoder_.fit_transform(codes, numbers)
        self.scaler_ = MedianScaler().fit(encoded)
        self.names_, self.origins_ = [], []
        for name in features:
            labels = [f"{name}: {label}" for label in present] if kind == "multiclass" else [name]
            self.names_ += labels
            self.origins_ += [name] * len(labels)
        return self.scaler_.transform(encoded)

    def transform(self, features: pd.DataFrame) -> np.ndarray:
        """Encode other rows, by all rows of the training part; shape (rows, inputs)."""
        return self.scaler_.transform(self.encoder_.transform(self.codes_.transform(features)))

    def _numbers(self, target: np.ndarray) -> tuple[np.ndarray, list[str]]:
        """The target as numbers, and the classes that these rows have."""
        if not self.classes:
            return np.asarray(target, dtype=np.float64), []
        places = pd.Index(self.classes).get_indexer(target)
        return places, [self.classes[place] for place in np.unique(places)]

    def _folds(self, target: np.ndarray) -> KFold | StratifiedKFold:
        count = min(FOLDS, len(target))
        if not self.classes or np.bincount(target).max() < count:
            return KFold(count, shuffle=True, random_state=self.seed)
        return StratifiedKFold(count, shuffle=True, random_state=self.seed)


def frequent_values(values: pd.Series, most: int) -> pd.Index:
    """A Categorical's values in at least :data:`MIN_ROWS` rows, the most frequent first.

    Ties are in the order of the texts, so that it does not matter how the Categorical is coded.
    """
    codes, found = values.array.codes, values.array.categories
    counts = np.bincount(codes[codes >= 0], minlength=len(found))
    chosen = np.flatnonzero(counts >= MIN_ROWS)
    texts = found[chosen].to_numpy(dtype=object)
    order = np.lexsort((_ranks(texts), -counts[chosen]))
    return pd.Index(texts[order[:most]], dtype=object)


def distinct_values(values: pd.Series) -> int:
    """How many values a Categorical really has."""
    codes = values.array.codes
    return len(np.unique(codes[codes >= 0]))


def _ranks(texts: np.ndarray) -> np.ndarray:
    ranks = np.empty(len(texts), dtype=np.int64)
    ranks[np.argsort(texts, kind="stable")] = np.arange(len(texts))
    return ranks


def _codes(values: pd.Series, known: pd.Index) -> np.ndarray:
    codes, found = used_values(values)
    numbers = known.get_indexer(found.astype(object))
    numbers[numbers < 0] = OTHER
    # the last one is for those that are missing, which have the code -1
    return np.append(numbers, MISSING)[codes]


def used_values(values: pd.Series) -> tuple[np.ndarray, pd.Index]:
    """A Categorical's codes and values, without looking at many that no row has."""
    found = values.array
    if len(found.categories) > len(found):
        found = found.remove_unused_categories()
    return found.codes, found.categories
