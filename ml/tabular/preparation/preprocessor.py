"""From conforming features to a dense matrix of finite numbers that any model can be fitted on."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator, TransformerMixin, clone

from ml.runtime import memory
from ml.tabular.conforming import conform, conform_target
from ml.tabular.preparation.category_inputs import (
    MAX_ENCODED_CLASSES,
    MAX_ONE_HOT,
    OneHotInputs,
    TargetInputs,
    distinct_values,
)
from ml.tabular.preparation.number_inputs import DateInputs, NumberInputs
from ml.tabular.preparation.text_inputs import TextInputs
from ml.tabular.schema import Schema

# what is made beside the result is bounded by this many rows
CHUNK_ROWS = 16_384
# smaller results are not worth asking the system for its memory
_WORTH_ASKING = 1 << 26
_FLOAT_BYTES = 8
_TREATMENTS = {
    NumberInputs: "scaled about the median",
    DateInputs: "day and the parts of the date that vary, scaled",
    OneHotInputs: f"one input per value, the {MAX_ONE_HOT} most frequent ones",
    TargetInputs: "mean of the target by value, cross-fitted",
    TextInputs: "TF-IDF of pieces of 3 letters, by truncated SVD",
}


@dataclass(frozen=True)
class Block:
    """Columns that are treated alike.

    Parameters
    ----------
    columns : list of str
    inputs : transformer
        Has ``names_`` and ``origins_`` once it is fitted.
    """

    columns: list[str]
    inputs: Any


class Preprocessor(TransformerMixin, BaseEstimator):
    """All columns of a schema as inputs of models; fitted on the training part alone.

    Parameters
    ----------
    schema : Schema
    seed : int
        The same seed gives the same bits.

    Attributes
    ----------
    names_ : list of str
        A name per input.
    origins_ : list of str
        The feature column that each input comes from.
    """

    def __init__(self, schema: Schema, seed: int = 0) -> None:
        self.schema = schema
        self.seed = seed

    def fit(self, features: pd.DataFrame, target: np.ndarray) -> Preprocessor:
        """Learn from the training part, block by block.

        Parameters
        ----------
        features : DataFrame
            As :func:`~ml.tabular.conforming.conform` makes it, shape (rows, features).
        target : ndarray
            As :func:`~ml.tabular.conforming.conform_target` makes it, shape (rows,).
        """
        self.blocks_ = []
        for block in self._planned(features):
            block.inputs.fit(features[block.columns], target)
            self.blocks_.append(block)
        self.names_ = unique([name for block in self.blocks_ for name in block.inputs.names_])
        self.origins_ = [name for block in self.blocks_ for name in block.inputs.origins_]
        return self

    def transform(self, features: pd.DataFrame) -> np.ndarray:
        """The inputs of any rows.

        Parameters
        ----------
        features : DataFrame
            As :func:`~ml.tabular.conforming.conform` makes it, shape (rows, features).

        Returns
        -------
        ndarray
            float64, finite, shape (rows, inputs); a row's inputs depend on that row alone.

        Raises
        ------
        UserError
            Of class ``resource``, before it begins: the memory will not do.
        """
        return self._filled(features, self.blocks_)

    def transform_training(self, features: pd.DataFrame, target: np.ndarray) -> np.ndarray:
        """The inputs of the very rows that it was fitted on, to fit a model on.

        What is learned of the target is cross-fitted: no row is told its own target.

        Parameters
        ----------
        features, target
            The same as of :meth:`fit`.
        """
        own = [block for block in self.blocks_ if isinstance(block.inputs, TargetInputs)]
        matrix = self._filled(features, [block for block in self.blocks_ if block not in own])
        for block, place in zip(self.blocks_, self._places(), strict=True):
            if block in own:
                inputs = clone(block.inputs)
                matrix[:, place] = inputs.fit_transform(features[block.columns], target)
        return matrix

    def fit_transform(self, features: pd.DataFrame, target: np.ndarray) -> np.ndarray:
        """Fit, and the inputs to fit a model on: :meth:`transform_training`."""
        return self.fit(features, target).transform_training(features, target)

    def get_feature_names_out(self, input_features: object = None) -> np.ndarray:
        """The names of the inputs, as scikit-learn asks for them."""
        return np.array(self.names_, dtype=object)

    def bytes_of(self, rows: int) -> int:
        """The size of the inputs of so many rows."""
        return rows * len(self.names_) * _FLOAT_BYTES

    def treatment(self) -> pd.DataFrame:
        """One row per feature column: its kind, how it is treated, how many inputs come of it."""
        counts = Counter(self.origins_)
        kinds = {column.name: column.kind for column in self.schema.columns}
        treated = {
            name: _TREATMENTS[type(block.inputs)]
            for block in self.blocks_
            for name in block.columns
        }
        rows = [
            {"column": name, "kind": kind, "treated": treated[name], "inputs": counts[name]}
            for name, kind in kinds.items()
        ]
        return pd.DataFrame(rows)

    def _planned(self, features: pd.DataFrame) -> list[Block]:
        """Columns by how they are treated, in a fixed order."""
        schema = self.schema
        few, many = [], []
        for name in schema.of_kind("category"):
            encoded = distinct_values(features[name]) > MAX_ONE_HOT
            (many if encoded and len(schema.classes) <= MAX_ENCODED_CLASSES else few).append(name)
        blocks = [
            Block(schema.of_kind("numeric"), NumberInputs()),
            Block(schema.of_kind("datetime"), DateInputs()),
            Block(few, OneHotInputs()),
            Block(many, TargetInputs(tuple(schema.classes), self.seed)),
            *(Block([name], TextInputs(self.seed)) for name in schema.of_kind("text")),
        ]
        return [block for block in blocks if block.columns]

    def _filled(self, features: pd.DataFrame, blocks: list[Block]) -> np.ndarray:
        """The matrix with the inputs of some blocks, made a few rows at a time."""
        size = self.bytes_of(len(features))
        if size > _WORTH_ASKING:
            what = f"a matrix of {len(features):,} rows and {len(self.names_)} inputs"
            memory.require(size, what, "the features")
        matrix = np.empty((len(features), len(self.names_)))
        for block, place in zip(self.blocks_, self._places(), strict=True):
            if block not in blocks:
                continue
            columns = features[block.columns]
            for start in range(0, len(features), CHUNK_ROWS):
                rows = slice(start, start + CHUNK_ROWS)
                matrix[rows, place] = block.inputs.transform(columns.iloc[rows])
        return matrix

    def _places(self) -> list[slice]:
        """Where the inputs of each block are."""
        ends = np.cumsum([len(block.inputs.names_) for block in self.blocks_]).tolist()
        return [slice(start, end) for start, end in zip([0, *ends], ends, strict=False)]


def fit_preprocessor(train: pd.DataFrame, schema: Schema, seed: int = 0) -> Preprocessor:
    """The preprocessor of a training part; no other row is looked at.

    Parameters
    ----------
    train : DataFrame
        Shape (rows, columns), with the target.
    schema : Schema
    seed : int
        Of the cross-fitting, and of what is drawn from long texts.
    """
    where = "the training part"
    target = conform_target(train[schema.target], schema, where)
    return Preprocessor(schema, seed).fit(conform(train, schema, where), target)


def unique(names: list[str]) -> list[str]:
    """The names, with a number after those that were there before."""
    taken: set[str] = set()
    result = []
    for name in names:
        one, number = name, 1
        while one in taken:
            number += 1
            one = f"{name} ({number})"
        taken.add(one)
        result.append(one)
    return result
