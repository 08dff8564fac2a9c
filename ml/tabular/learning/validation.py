"""Cross-validation: how a model does on rows that it was not fitted on, several times over."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd

from ml.runtime.errors import UserError
from ml.tabular.learning import recipes
from ml.tabular.learning.fitted_model import predicted_by
from ml.tabular.learning.metrics import score
from ml.tabular.learning.recipes import Recipe, Sample
from ml.tabular.preparation.preprocessor import fit_preprocessor
from ml.tabular.preparation.split_plan import SplitPlan
from ml.tabular.preparation.splitting import folds as divided
from ml.tabular.schema import Schema


@dataclass(frozen=True)
class Fold:
    """Rows to fit on and rows to score by."""

    train: Sample
    held_out: Sample


def prepared_folds(
    frame: pd.DataFrame, schema: Schema, plan: SplitPlan, count: int, seed: int
) -> Iterator[Fold]:
    """The folds of rows, each with a preprocessor of its own: nothing leaks between the two.

    Parameters
    ----------
    frame : DataFrame
        Training and validation part; the test part is for the end.
    schema : Schema
    plan : SplitPlan
        How the parts were made: the folds are made so, too.
    count : int
        2 or more.
    seed : int

    Raises
    ------
    UserError
        As :func:`ml.tabular.preparation.splitting.folds`.
    """
    for number, (fitted, held_out) in enumerate(divided(frame, schema, plan, count, seed), 1):
        train, rest = frame.iloc[fitted], frame.iloc[held_out]
        preprocessor = fit_preprocessor(train, schema, seed)
        where = f"fold {number}"
        yield Fold(
            recipes.training_sample(train, schema, preprocessor, where),
            recipes.sample(rest, schema, preprocessor, where),
        )


def why_not(frame: pd.DataFrame, schema: Schema, plan: SplitPlan, count: int, seed: int) -> str:
    """Why rows cannot be cross-validated in so many folds, for any model; empty where they can.

    Parameters
    ----------
    frame, schema, plan, count, seed
        As for :func:`prepared_folds`.
    """
    try:
        found = divided(frame, schema, plan, count, seed)
    except UserError as error:
        return error.what
    if schema.is_classification:
        target = frame[schema.target]
        for number, (fitted, _) in enumerate(found, 1):
            # groups and moments go where they go
            if target.iloc[fitted].nunique() < target.nunique():
                return f"the rows to fit on in fold {number} of {count} lack a class"
    return ""


def scores_of(recipe: Recipe, fold: Fold, schema: Schema) -> dict[str, float]:
    """All metrics on the rows that are held out, of an estimator that is fitted on the others."""
    estimator = recipe.fit(fold.train, schema)
    found = predicted_by(estimator, fold.held_out.inputs, schema)
    return score(fold.held_out.target, found.prediction, found.probabilities, schema)


def cross_validate(
    recipe: Recipe, folds: Iterable[Fold], schema: Schema
) -> dict[str, dict[str, float]]:
    """Metric → ``mean`` and ``std`` over the folds; of the metrics that have a value on each."""
    found = pd.DataFrame([scores_of(recipe, fold, schema) for fold in folds]).dropna(axis=1)
    return {
        name: {"mean": float(values.mean()), "std": float(np.std(values, ddof=1))}
        for name, values in found.items()
    }


def mean_score(recipe: Recipe, folds: Iterable[Fold], schema: Schema, metric: str) -> float:
    """The mean of one metric over the folds.

    Raises
    ------
    UserError
        Where it has no value on some fold, such as the area under a curve of one class.
    """
    found = [scores_of(recipe, fold, schema).get(metric) for fold in folds]
    if None in found:
        raise UserError(
            f"the metric {metric} has no value on the rows to choose by",
            where="Model/metric",
            mend="choose another metric, or give more rows",
        )
    return float(np.mean(found))
