"""The metrics that models are compared by."""

from __future__ import annotations

import numpy as np
import pandas as pd
from sklearn import metrics

from ml.runtime.errors import UserError
from ml.runtime.metric_names import AUTO, DEFAULTS, of_kind
from ml.tabular.schema import Schema


def resolve(metric: str, schema: Schema, where: str) -> str:
    """The metric to choose by: the one named, or the usual one for the kind of problem."""
    if metric == AUTO:
        return DEFAULTS[schema.kind]
    names = of_kind(schema.kind)
    if metric not in names:
        raise UserError(
            f"the metric {metric!r} does not fit a {schema.kind} problem",
            where=where,
            mend=f"choose one of {', '.join(names)}, or {AUTO}",
        )
    return metric


def score(
    truth: np.ndarray, prediction: np.ndarray, probabilities: np.ndarray | None, schema: Schema
) -> dict[str, float]:
    """All metrics that fit the kind of problem and have a value on these rows.

    ``mape`` has none where a target is 0, ``roc_auc`` none where only one class occurs.

    Parameters
    ----------
    truth, prediction : ndarray, shape (rows,)
        Numbers, or class texts.
    probabilities : ndarray, shape (rows, classes), or None
        In the order of ``schema.classes``; None for regression.
    schema : Schema
    """
    if not schema.is_classification:
        return _known(_number_scores(truth, prediction))
    # codes compare faster than texts
    codes = class_codes(truth, schema)
    return _known(_class_scores(codes, class_codes(prediction, schema), probabilities, schema))


def class_codes(labels: np.ndarray, schema: Schema) -> np.ndarray:
    """The position of each label among ``schema.classes``, shape (rows,)."""
    return pd.Index(schema.classes).get_indexer(pd.Index(labels))


def squared_distances(codes: np.ndarray, probabilities: np.ndarray) -> np.ndarray:
    """Per row, the squared distance of the probabilities from the truth, shape (rows,).

    Its mean is the Brier score: of one class for two classes, summed over all for more.
    """
    distance = np.square(probabilities).sum(axis=1)
    distance += 1.0 - 2.0 * probabilities[np.arange(len(codes)), codes]
    return distance / 2.0 if probabilities.shape[1] == 2 else distance


def _number_scores(truth: np.ndarray, prediction: np.ndarray) -> dict[str, float]:
    has_zero = bool((truth == 0).any())
    # of one row, or of a constant target, R2 is not defined
    has_spread = len(truth) > 1 and bool((truth != truth[0]).any())
    return {
        "rmse": metrics.root_mean_squared_error(truth, prediction),
        "mae": metrics.mean_absolute_error(truth, prediction),
        "mape": np.nan if has_zero else metrics.mean_absolute_percentage_error(truth, prediction),
        "r2": metrics.r2_score(truth, prediction) if has_spread else np.nan,
    }


def _class_scores(
    codes: np.ndarray, predicted: np.ndarray, probabilities: np.ndarray, schema: Schema
) -> dict[str, float]:
    labels = np.arange(len(schema.classes))
    confusion = metrics.confusion_matrix(codes, predicted, labels=labels)
    rows_of = confusion.sum(axis=1)
    occurs = rows_of > 0
    return {
        "accuracy": metrics.accuracy_score(codes, predicted),
        "balanced_accuracy": (confusion.diagonal()[occurs] / rows_of[occurs]).mean(),
        "f1_macro": metrics.f1_score(
            codes, predicted, labels=labels, average="macro", zero_division=0
        ),
        "log_loss": metrics.log_loss(codes, probabilities, labels=labels),
        "brier": squared_distances(codes, probabilities).mean(),
        "roc_auc": _roc_auc(codes, probabilities, schema),
    }


def _roc_auc(codes: np.ndarray, probabilities: np.ndarray, schema: Schema) -> float:
    """One class against the rest, averaged over the classes that occur; NaN where only one does."""
    positives = [1] if schema.kind == "binary" else range(len(schema.classes))
    areas = []
    for index in positives:
        is_class = codes == index
        if is_class.any() and not is_class.all():
            areas.append(metrics.roc_auc_score(is_class, probabilities[:, index]))
    return float(np.mean(areas)) if areas else np.nan


def _known(scores: dict[str, float]) -> dict[str, float]:
    return {name: float(value) for name, value in scores.items() if not np.isnan(value)}
