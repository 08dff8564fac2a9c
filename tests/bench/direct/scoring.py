"""Scores of numbers and their 95 % intervals, written with scikit-learn and NumPy."""

from __future__ import annotations

import numpy as np
from sklearn import metrics

_RESAMPLES, _MOST_ROWS = 400, 10_000


def scores(truth: np.ndarray, predicted: np.ndarray) -> dict[str, float]:
    """Metric → value."""
    return {
        "rmse": float(metrics.root_mean_squared_error(truth, predicted)),
        "mae": float(metrics.mean_absolute_error(truth, predicted)),
        "mape": float(metrics.mean_absolute_percentage_error(truth, predicted)),
        "r2": float(metrics.r2_score(truth, predicted)),
    }


def intervals(
    found: dict[str, float], truth: np.ndarray, predicted: np.ndarray
) -> dict[str, list[float]]:
    """Metric → low and high end, by the bootstrap over 10,000 rows at most."""
    random = np.random.default_rng(0)
    rows = len(truth)
    if rows > _MOST_ROWS:
        drawn = np.sort(random.choice(rows, _MOST_ROWS, replace=False))
        truth, predicted = truth[drawn], predicted[drawn]
    error = truth - predicted
    per_row = np.column_stack([error**2, np.abs(error), np.abs(error / truth), truth, truth**2])
    everything = _of_means(per_row.mean(axis=0))
    values = []
    for _ in range(_RESAMPLES):
        counts = np.bincount(random.integers(0, len(truth), len(truth)), minlength=len(truth))
        values.append(_of_means(counts @ per_row / len(truth)))
    ends = np.quantile(values, (0.025, 0.975), axis=0) - everything
    shrink = np.sqrt(len(truth) / rows)
    return {
        name: (value + ends[:, place] * shrink).tolist()
        for place, (name, value) in enumerate(found.items())
    }


def half_width(truth: np.ndarray, predicted: np.ndarray) -> float:
    """Half the width of an interval that holds 90 % of new targets."""
    rank = int(np.ceil(0.9 * (len(truth) + 1)))
    return float(np.partition(np.abs(truth - predicted), rank - 1)[rank - 1])


def _of_means(means: np.ndarray) -> list[float]:
    squares, sizes, relative, total, spread = means
    return [np.sqrt(squares), sizes, relative, 1.0 - squares / (spread - total**2)]
