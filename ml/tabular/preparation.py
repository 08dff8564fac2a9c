"""From a data set to what models are fitted on: its parts, and their preprocessor."""

from __future__ import annotations

import pandas as pd

from ml.tabular.conforming import conform, conform_target
from ml.tabular.preprocessor import Preprocessor
from ml.tabular.schema import Schema
from ml.tabular.split_plan import SplitPlan
from ml.tabular.splitting import Parts, divide, parts_at

__all__ = ["Parts", "Preprocessor", "SplitPlan", "fit_preprocessor", "split"]


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
        As :func:`~ml.tabular.splitting.divide`.
    """
    plan = SplitPlan(test_share=test_share, validation_share=validation_share, seed=seed)
    return parts_at(frame, schema, plan, divide(frame, schema, plan))


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
