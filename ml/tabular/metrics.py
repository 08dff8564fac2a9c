"""The metrics that models are compared by."""

from __future__ import annotations

import numpy as np
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

    Parameters
    ----------
    truth, prediction : ndarray, shape (rows,)
        Numbers, or class texts.
    probabilities : ndarray, shape (rows, classes), or None
        In the order of ``schema.classes``; None for regression.
    schema : Schema
    """
    if not schema.is_classification:
        return {
            "rmse": float(metrics.root_mean_squared_error(truth, prediction)),
            "mae": float(metrics.mean_absolute_error(truth, prediction)),
            "r2": float(metrics.r2_score(truth, prediction)),
        }
    scores = {
        "accuracy": float(metrics.accuracy_score(truth, prediction)),
        "f1_macro": float(
            metrics.f1_score(
                truth, prediction, labels=schema.classes, average="macro", zero_division=0
            )
        ),
        "log_loss": float(metrics.log_loss(truth, probabilities, labels=schema.classes)),
        "roc_auc": _roc_auc(truth, probabilities, schema),
    }
    return {name: value for name, value in scores.items() if not np.isnan(value)}


def _roc_auc(truth: np.ndarray, probabilities: np.ndarray, schema: Schema) -> float:
    """One class against the rest, averaged over the classes that occur; NaN where only one does."""
    positives = [1] if schema.kind == "binary" else range(len(schema.classes))
    areas = []
    for index in positives:
        is_class = truth == schema.classes[index]
        if is_class.any() and not is_class.all():
            areas.append(metrics.roc_auc_score(is_class, probabilities[:, index]))
    return float(np.mean(areas)) if areas else float("nan")
