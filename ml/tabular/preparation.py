"""Splitting the data, and the preprocessing that is fitted on the training part only."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from sklearn.compose import ColumnTransformer
from sklearn.impute import SimpleImputer
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from ml.runtime.errors import UserError
from ml.tabular.conforming import class_texts, conform
from ml.tabular.schema import Schema

MAX_CATEGORIES = 50
_MISSING = "(missing)"


@dataclass(frozen=True)
class Parts:
    """The rows of a data set in three parts, columns as in the data set.

    ``train`` fits, ``validation`` chooses among models, ``test`` is looked at last.
    """

    train: pd.DataFrame
    validation: pd.DataFrame
    test: pd.DataFrame


def split(
    frame: pd.DataFrame, schema: Schema, test_share: float, validation_share: float, seed: int
) -> Parts:
    """Split rows at random, keeping the classes' shares; rows without a target are left out.

    Parameters
    ----------
    frame : DataFrame
        The data set, shape (rows, columns).
    schema : Schema
    test_share, validation_share : float
        Shares of all rows, between 0 and 1.
    seed : int
        The same seed gives the same parts on every node.

    Raises
    ------
    UserError
        Shares that leave too little for a part, or a part without a row of some class.
    """
    if test_share + validation_share > 0.8:
        raise UserError(
            f"test and validation take {test_share + validation_share:.0%} of the rows",
            where="Split/test_share, Split/validation_share",
            mend="leave at least 20 % of the rows for training",
        )
    known = frame[frame[schema.target].notna()]
    classes = known[schema.target] if schema.is_classification else None
    try:
        rest, test = train_test_split(
            known, test_size=test_share, random_state=seed, stratify=classes
        )
        train, validation = train_test_split(
            rest,
            test_size=validation_share / (1 - test_share),
            random_state=seed,
            stratify=None if classes is None else rest[schema.target],
        )
    except ValueError as error:
        raise UserError(
            f"the rows cannot be split so: {error}",
            where="Split/test_share, Split/validation_share",
            mend="choose larger shares, or give more rows",
        ) from None
    parts = Parts(train, validation, test)
    if schema.is_classification:
        _check_classes(parts, schema)
    return parts


def _check_classes(parts: Parts, schema: Schema) -> None:
    """Each part needs each class: to learn it from, or to score the models by."""
    counts = {
        name: class_texts(part[schema.target], schema).value_counts()
        for name, part in vars(parts).items()
    }
    for label in schema.classes:
        rows = {name: int(found.get(label, 0)) for name, found in counts.items()}
        if not all(rows.values()):
            shown = ", ".join(f"{name} {count}" for name, count in rows.items())
            raise UserError(
                f"the class {label!r} is too rare to be in every part; its rows: {shown}",
                where="Split/test_share, Split/validation_share",
                mend="choose a larger share for the part without it, or give more of its rows",
            )


def fit_preprocessor(train: pd.DataFrame, schema: Schema) -> ColumnTransformer:
    """A scikit-learn transformer from conforming features to a dense float matrix.

    Numbers and dates: the median where missing, with a column that says so, then scaled.
    Categories: one column per frequent value, one for the rare and unseen ones, one for missing.

    Parameters
    ----------
    train : DataFrame
        The training part; no other row is looked at.
    schema : Schema
    """
    numbers = [*schema.of_kind("numeric"), *schema.of_kind("datetime")]
    categories = schema.of_kind("category")
    transformer = ColumnTransformer(
        [
            (
                "numbers",
                make_pipeline(
                    SimpleImputer(strategy="median", add_indicator=True, keep_empty_features=True),
                    StandardScaler(),
                ),
                numbers,
            ),
            (
                "categories",
                make_pipeline(
                    SimpleImputer(
                        strategy="constant", fill_value=_MISSING, keep_empty_features=True
                    ),
                    OneHotEncoder(
                        handle_unknown="infrequent_if_exist",
                        max_categories=MAX_CATEGORIES,
                        sparse_output=False,
                        dtype=np.float64,
                    ),
                ),
                categories,
            ),
        ],
        verbose_feature_names_out=False,
    )
    return transformer.fit(conform(train, schema, "the training part"))
