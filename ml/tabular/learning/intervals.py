"""How sure a score is: 95 % intervals by the bootstrap, at a bounded cost.

The percentile interval of B. Efron, Bootstrap methods: another look at the jackknife, 1979: rows
are drawn anew with replacement, and a metric's values over the draws give its interval. The model
is taken as it is; how it would vary with other training rows is not in the interval.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np
from threadpoolctl import threadpool_limits

from ml.tabular.learning.metrics import class_codes, squared_distances
from ml.tabular.schema import Schema

CONFIDENCE = 0.95
RESAMPLES = 400
MOST_ROWS = 10_000
# the area under each class's curve costs a pass over the rows: many classes, fewer rows
_MOST_CELLS = 50_000
_LEAST_ROWS = 1_000
# draws that are held at a time, so that they stay in the processor's cache
_AT_A_TIME = 20
_SEED = 0
_BOUNDS = {
    "r2": (-math.inf, 1.0),
    "accuracy": (0.0, 1.0),
    "balanced_accuracy": (0.0, 1.0),
    "f1_macro": (0.0, 1.0),
    "roc_auc": (0.0, 1.0),
    "brier": (0.0, 2.0),
}


def intervals(
    scores: Mapping[str, float],
    truth: np.ndarray,
    prediction: np.ndarray,
    probabilities: np.ndarray | None,
    schema: Schema,
) -> dict[str, tuple[float, float]]:
    """The interval of each score.

    Of more rows than :data:`MOST_ROWS` so many are drawn once, and what is found of them is made
    narrower by the root of the share: the error of a mean shrinks so.

    Parameters
    ----------
    scores : mapping
        Metric → value, as :func:`ml.tabular.learning.metrics.score` gives it for these rows.
    truth, prediction, probabilities, schema
        As of :func:`ml.tabular.learning.metrics.score`.

    Returns
    -------
    dict
        Metric → lower and upper end; the same for the same rows on every node.
    """
    random = np.random.default_rng(_SEED)
    classes = len(schema.classes) if schema.kind == "multiclass" else 1
    most = min(MOST_ROWS, max(_LEAST_ROWS, _MOST_CELLS // classes))
    rows = len(truth)
    if rows > most:
        chosen = np.sort(random.choice(rows, most, replace=False))
        truth, prediction = truth[chosen], prediction[chosen]
        probabilities = None if probabilities is None else probabilities[chosen]
    statistics = (
        _ClassStatistics(truth, prediction, probabilities, schema)
        if schema.is_classification
        else _NumberStatistics(truth, prediction)
    )
    drawn = len(truth)
    with threadpool_limits(1):
        of_drawn = statistics.of(np.ones((1, drawn)))
        found = [statistics.of(_counts(random, drawn)) for _ in range(RESAMPLES // _AT_A_TIME)]
    shrink = math.sqrt(drawn / rows)
    tails = ((1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2)
    result = {}
    for name, value in scores.items():
        values = np.concatenate([one[name] for one in found])
        values = values[np.isfinite(values)]
        if len(values):
            low, high = _BOUNDS.get(name, (0.0, math.inf))
            ends = value + (np.quantile(values, tails) - of_drawn[name][0]) * shrink
            result[name] = tuple(np.clip(ends, low, high).tolist())
    return result


def _counts(random: np.random.Generator, rows: int) -> np.ndarray:
    """How often each row is drawn, in each of some draws; shape (draws, rows)."""
    drawn = random.integers(0, rows, (_AT_A_TIME, rows))
    drawn += np.arange(_AT_A_TIME)[:, None] * rows
    return np.bincount(drawn.ravel(), minlength=drawn.size).reshape(drawn.shape).astype(np.float64)


class _NumberStatistics:
    """The metrics of numbers for rows that count several times."""

    def __init__(self, truth: np.ndarray, prediction: np.ndarray) -> None:
        error = truth - prediction
        # centred, so that the spread is no difference of two large numbers
        centred = truth - truth.mean()
        with np.errstate(divide="ignore", invalid="ignore"):
            relative = np.abs(error / truth)
        self._per_row = np.column_stack(
            [np.square(error), np.abs(error), relative, centred, np.square(centred)]
        )

    def of(self, counts: np.ndarray) -> dict[str, np.ndarray]:
        with np.errstate(divide="ignore", invalid="ignore"):
            sums = counts @ self._per_row
            squares, sizes, relative, total, spread = (sums / counts.sum(axis=1)[:, None]).T
            return {
                "rmse": np.sqrt(squares),
                "mae": sizes,
                "mape": relative,
                "r2": 1.0 - squares / (spread - np.square(total)),
            }


class _ClassStatistics:
    """The metrics of classes for rows that count several times."""

    def __init__(
        self, truth: np.ndarray, prediction: np.ndarray, probabilities: np.ndarray, schema: Schema
    ) -> None:
        codes = class_codes(truth, schema)
        self._classes = len(schema.classes)
        self._cells = codes * self._classes + class_codes(prediction, schema)
        least = np.finfo(np.float64).eps
        given = np.clip(probabilities[np.arange(len(codes)), codes], least, 1.0 - least)
        self._per_row = np.column_stack([-np.log(given), squared_distances(codes, probabilities)])
        positives = [1] if schema.kind == "binary" else range(self._classes)
        self._curves = [_Curve(codes == index, probabilities[:, index]) for index in positives]

    def of(self, counts: np.ndarray) -> dict[str, np.ndarray]:
        draws = len(counts)
        cells = self._classes**2
        places = self._cells + np.arange(draws)[:, None] * cells
        confusion = np.bincount(places.ravel(), counts.ravel(), minlength=draws * cells)
        confusion = confusion.reshape(draws, self._classes, self._classes)
        right = np.diagonal(confusion, axis1=1, axis2=2)
        rows_of, given_to = confusion.sum(axis=2), confusion.sum(axis=1)
        total = counts.sum(axis=1)
        log_loss, brier = (counts @ self._per_row / total[:, None]).T
        with np.errstate(divide="ignore", invalid="ignore"):
            recall = right / rows_of
            both = np.nan_to_num(2.0 * right / (rows_of + given_to))
        return {
            "accuracy": right.sum(axis=1) / total,
            "balanced_accuracy": _mean_of_known(recall),
            "f1_macro": both.mean(axis=1),
            "log_loss": log_loss,
            "brier": brier,
            "roc_auc": _mean_of_known(np.column_stack([one.areas(counts) for one in self._curves])),
        }


class _Curve:
    """The area under the ROC curve of one class, of rows sorted once for all draws."""

    def __init__(self, is_class: np.ndarray, probability: np.ndarray) -> None:
        self._order = np.argsort(probability, kind="stable")
        ordered = probability[self._order]
        self._is_class = is_class[self._order]
        self._starts = np.flatnonzero(np.r_[True, ordered[1:] != ordered[:-1]])

    def areas(self, counts: np.ndarray) -> np.ndarray:
        """NaN where the class, or all others, are not drawn; shape (draws,)."""
        ordered = counts[:, self._order]
        positive = np.add.reduceat(ordered * self._is_class, self._starts, axis=1)
        negative = np.add.reduceat(ordered, self._starts, axis=1) - positive
        # of equal probabilities one half counts as in the right order
        below = np.cumsum(negative, axis=1) - negative / 2.0
        pairs = positive.sum(axis=1) * negative.sum(axis=1)
        with np.errstate(divide="ignore", invalid="ignore"):
            return (positive * below).sum(axis=1) / pairs


def _mean_of_known(values: np.ndarray) -> np.ndarray:
    """The mean over the columns without NaN; NaN where all are."""
    known = ~np.isnan(values)
    with np.errstate(invalid="ignore"):
        return np.where(known, values, 0.0).sum(axis=1) / known.sum(axis=1)
