"""How values are spread over bins, and how far later rows are from that, written with NumPy."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from scipy.stats import chi2

_DRAWN, _VALUES, _SEEN = 200_000, 30, 1000


def spreads(features: pd.DataFrame, kinds: dict[str, str]) -> dict[str, dict[str, Any]]:
    """Column → its bins and their counts."""
    return {name: spread(features[name], kind) for name, kind in kinds.items()}


def spread(values: pd.Series, kind: str) -> dict[str, Any]:
    """The bins of a column: deciles of numbers, the frequent values of categories."""
    if kind == "category":
        counted = values.value_counts()
        counted = counted[counted > 0]
        pairs = sorted(zip(counted.index, counted, strict=True), key=lambda one: (-one[1], one[0]))
        seen, counts = [value for value, _ in pairs], [count for _, count in pairs]
        kept = [*counts[:_VALUES], sum(counts[_VALUES:]), 0, int(values.isna().sum())]
        return {"kind": kind, "seen": seen[:_SEEN], "complete": len(seen) <= _SEEN, "counts": kept}
    numbers = as_numbers(values, kind)
    present = numbers[~np.isnan(numbers)]
    drawn = present
    if len(present) > _DRAWN:
        drawn = present[np.linspace(0, len(present) - 1, _DRAWN).astype(np.int64)]
    edges = np.unique(np.quantile(drawn, np.linspace(0.1, 0.9, 9), method="lower"))
    return {
        "kind": kind,
        "low": float(present.min()),
        "high": float(present.max()),
        "quantiles": np.quantile(drawn, [0.01, 0.5, 0.99]).tolist(),
        "whole": bool((present % 1 == 0).all()),
        "edges": edges.tolist(),
        "counts": counts_of_numbers(numbers, edges).tolist(),
    }


def as_numbers(values: pd.Series, kind: str) -> np.ndarray:
    """Numbers as they are; of texts their lengths."""
    if kind != "text":
        return values.to_numpy(np.float64)
    lengths = np.append(values.cat.categories.str.len().to_numpy(np.float64), np.nan)
    return lengths[values.cat.codes.to_numpy()]


def counts_of_numbers(values: np.ndarray, edges: np.ndarray) -> np.ndarray:
    """Rows per bin, those that are missing last."""
    missing = np.isnan(values)
    places = np.searchsorted(edges, values[~missing], side="left")
    return np.append(np.bincount(places, minlength=len(edges) + 1), missing.sum())


def counts_of_categories(values: pd.Series, one: dict[str, Any]) -> np.ndarray:
    """Rows per bin: the frequent values, the others, those never seen, the missing ones."""
    size = len(one["counts"])
    bins = {value: min(place, size - 3) for place, value in enumerate(one["seen"])}
    unknown = size - 2 if one["complete"] else size - 3
    counts = np.zeros(size, np.int64)
    codes = values.cat.codes.to_numpy()
    counts[-1] = int((codes < 0).sum())
    found = np.bincount(codes[codes >= 0], minlength=len(values.cat.categories))
    for value, count in zip(values.cat.categories, found, strict=True):
        counts[bins.get(value, unknown)] += count
    return counts


def drift(before: np.ndarray, now: np.ndarray) -> tuple[float, float]:
    """The population stability index, and the chance of it by the chi-square test."""
    expected = np.maximum(before / before.sum(), 1e-4)
    actual = np.maximum(now / now.sum(), 1e-4)
    index = float(((actual - expected) * np.log(actual / expected)).sum())
    table = np.array([before, now], float)
    table = table[:, table.sum(axis=0) > 0]
    wanted = table.sum(axis=1, keepdims=True) * table.sum(axis=0) / table.sum()
    statistic = ((table - wanted) ** 2 / wanted).sum()
    return index, float(chi2.sf(statistic, table.shape[1] - 1))
