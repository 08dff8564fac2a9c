"""Drift: how far rows to predict lie from the rows that a model was trained on.

The population stability index of a column compares the shares of its values over bins: PSI = Σ (a -
e) · ln(a / e), where e are the shares in training and a those now. Below 0.1 nothing has changed to
speak of, from 0.1 on it has somewhat, from 0.25 on much (N. Siddiqi, Credit Risk Scorecards, 2006).
Of few rows it is large by chance alone, so it counts only where Pearson's chi-square test of
homogeneity finds that chance would give such counts less than once in 1,000 times.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from scipy.stats import chi2

from ml.tabular.conforming import conform, conform_target
from ml.tabular.labels import class_texts
from ml.tabular.schema import Schema

SOME, MUCH = 0.1, 0.25
CHANCE = 0.001
# a bin without a row counts as this share: the logarithm needs one
SMALLEST_SHARE = 1e-4
# deciles do not change with more rows than these; they are taken evenly over the frame
MAX_SAMPLE = 200_000
# a category's most frequent values have a bin each
MAX_VALUES = 30
# the values by which an unseen one is told; of more than these it is not
MAX_SEEN = 1000
COLUMNS = ("column", "kind", "psi", "drift", "missing", "missing in training", "unseen")


def reference(
    frame: pd.DataFrame, schema: Schema, features: pd.DataFrame | None = None
) -> dict[str, Any]:
    """What later rows are compared with: how the training rows' values are spread.

    Parameters
    ----------
    frame : DataFrame
        The training part, shape (rows, columns), with the target.
    schema : Schema
    features : DataFrame, optional
        What :func:`~ml.tabular.conforming.conform` makes of the frame, where the caller has it.

    Returns
    -------
    dict
        JSON: ``rows``, ``columns`` (name → spread, as :func:`spread` gives it) and ``target`` (its
        spread).
    """
    if features is None:
        features = conform(frame, schema, "the training part")
    columns = {column.name: spread(features[column.name], column.kind) for column in schema.columns}
    if schema.is_classification:
        target = spread(class_texts(frame[schema.target], schema), "category")
    else:
        values = conform_target(frame[schema.target], schema, "the training part")
        target = spread(pd.Series(values), "numeric")
    return {"rows": len(frame), "columns": columns, "target": target}


def spread(values: pd.Series, kind: str) -> dict[str, Any]:
    """How a column's values are spread over its bins.

    Parameters
    ----------
    values : Series
        As :func:`~ml.tabular.conforming.conform` makes them, shape (rows,).
    kind : str
        Of :data:`~ml.tabular.schema.ColumnKind`. A text counts by its length.

    Returns
    -------
    dict
        ``kind``, ``rows`` (how many were counted), ``counts`` (per bin, the missing ones last);
        of numbers, dates and texts ``edges`` (between the bins, an edge belongs to the bin below
        it), ``low``, ``high``, ``quantiles`` (1 %, 50 %, 99 %) and ``whole`` (whether all are whole
        numbers); of categories ``values`` (those with a bin of their own), ``seen`` (all of them,
        the most frequent first) and ``complete`` (whether ``seen`` holds all).
    """
    if kind == "category":
        return _category_spread(values)
    numbers = _numbers(values, kind)
    present = numbers[~np.isnan(numbers)]
    found: dict[str, Any] = {"kind": kind, "low": None, "high": None, "quantiles": []}
    edges = np.empty(0)
    if len(present):
        sampled = _evenly(present)
        edges = _edges(sampled, float(present.min()))
        found |= {
            "low": float(present.min()),
            "high": float(present.max()),
            "quantiles": np.quantile(sampled, [0.01, 0.5, 0.99]).tolist(),
        }
    found["whole"] = bool(len(present) and (present % 1 == 0).all())
    found["edges"] = edges.tolist()
    found["rows"] = len(numbers)
    found["counts"] = _number_counts(numbers, edges).tolist()
    return found


class Drift:
    """Counts rows into the bins of a reference, chunk after chunk; its size does not grow.

    Parameters
    ----------
    spreads : dict
        Column → spread, as :func:`spread` gives it.
    """

    def __init__(self, spreads: dict[str, dict[str, Any]]) -> None:
        self._spreads = spreads
        self._counts = {
            name: np.zeros(len(one["counts"]), np.int64) for name, one in spreads.items()
        }
        self._edges = {name: np.array(one.get("edges", [])) for name, one in spreads.items()}
        self._bins = {name: _bins(one) for name, one in spreads.items()}

    def add(self, features: pd.DataFrame) -> None:
        """Count a chunk's rows.

        Parameters
        ----------
        features : DataFrame
            With the reference's columns, conforming.
        """
        for name, one in self._spreads.items():
            if one["kind"] == "category":
                found = _category_counts(features[name], one, self._bins[name])
            else:
                found = _number_counts(_numbers(features[name], one["kind"]), self._edges[name])
            self._counts[name] += found

    def table(self) -> pd.DataFrame:
        """One row per column, that with the most drift first.

        Returns
        -------
        DataFrame
            Columns :data:`COLUMNS`: ``psi``; ``drift`` is ``much``, ``some`` or empty; ``missing``
            and ``unseen`` are shares of the rows.
        """
        rows = [self._row(name) for name in self._spreads]
        table = pd.DataFrame(rows, columns=list(COLUMNS))
        return table.sort_values("psi", ascending=False, kind="stable").reset_index(drop=True)

    def _row(self, name: str) -> dict[str, Any]:
        one = self._spreads[name]
        before, now = np.array(one["counts"]), self._counts[name]
        rows = max(1, int(now.sum()))
        value = psi(before, now)
        return {
            "column": name,
            "kind": one["kind"],
            "psi": round(value, 6),
            "drift": _grade(value, before, now),
            "missing": round(int(now[-1]) / rows, 6),
            "missing in training": round(int(before[-1]) / max(1, one["rows"]), 6),
            "unseen": round(int(now[-2]) / rows, 6) if one["kind"] == "category" else 0.0,
        }


def psi(before: np.ndarray, now: np.ndarray) -> float:
    """The population stability index of two counts over the same bins; 0 where either is empty."""
    if not before.sum() or not now.sum():
        return 0.0
    expected = np.maximum(before / before.sum(), SMALLEST_SHARE)
    actual = np.maximum(now / now.sum(), SMALLEST_SHARE)
    return float(((actual - expected) * np.log(actual / expected)).sum())


def drifted(table: pd.DataFrame) -> str:
    """The columns that drifted with their index, for a table's cell; ``none`` where none did."""
    shown = table[table["drift"] != ""]
    return ", ".join(f"{one.column} ({one.psi:.2f})" for one in shown.itertuples()) or "none"


def outside(features: pd.DataFrame, known: dict[str, Any]) -> list[str]:
    """What of a row lies outside of what was seen in training, as sentences.

    Parameters
    ----------
    features : DataFrame
        Conforming, shape (1, features).
    known : dict
        As :func:`reference` gives it.
    """
    said = []
    for name, one in known["columns"].items():
        value = features[name].iloc[0]
        if pd.isna(value):
            if not one["counts"][-1]:
                said.append(f"{name} is missing, which it never was in training")
        elif one["kind"] == "category":
            if one["complete"] and str(value) not in one["seen"]:
                said.append(f"{name} is {str(value)!r}, which was not seen in training")
        elif one["kind"] != "text" and one["low"] is not None:
            limits = one["low"], one["high"]
            if not limits[0] <= value <= limits[1]:
                low, high, given = (shown(number, one["kind"]) for number in (*limits, value))
                said.append(f"{name} is {given}, outside of {low} to {high} in training")
    return said


def shown(value: float, kind: str) -> str:
    """A conforming number as a person writes it: dates as dates."""
    if kind != "datetime":
        return f"{value:.6g}"
    moment = pd.Timestamp(0) + pd.Timedelta(days=value)
    return str(moment.date()) if moment == moment.normalize() else f"{moment:%Y-%m-%d %H:%M}"


def _category_spread(values: pd.Series) -> dict[str, Any]:
    counted = values.value_counts()
    counted = counted[counted > 0]
    # equal counts: the value decides, so that the order is always the same
    order = sorted(zip(counted.index.map(str), counted.tolist(), strict=True), key=_by_count)
    found: dict[str, Any] = {
        "kind": "category",
        "values": [value for value, _ in order[:MAX_VALUES]],
        "seen": [value for value, _ in order[:MAX_SEEN]],
        "complete": len(order) <= MAX_SEEN,
        "rows": len(values),
    }
    others = sum(count for _, count in order[MAX_VALUES:])
    missing = int(values.isna().sum())
    found["counts"] = [*(count for _, count in order[:MAX_VALUES]), others, 0, missing]
    return found


def _by_count(pair: tuple[str, int]) -> tuple[int, str]:
    return -pair[1], pair[0]


def _bins(one: dict[str, Any]) -> dict[str, int]:
    """Value → bin of a category; the last three bins are: others, unseen, missing."""
    others = len(one["counts"]) - 3
    return {value: min(place, others) for place, value in enumerate(one.get("seen", ()))}


def _category_counts(values: pd.Series, one: dict[str, Any], bins: dict[str, int]) -> np.ndarray:
    size = len(one["counts"])
    # a value that is none of those kept is unseen only where all were kept
    unknown = size - 2 if one["complete"] else size - 3
    counts = np.zeros(size, np.int64)
    if isinstance(values.dtype, pd.CategoricalDtype):
        codes = values.cat.codes.to_numpy()
        found = np.bincount(codes[codes >= 0], minlength=len(values.cat.categories))
        pairs = zip(values.cat.categories, found, strict=True)
        counts[-1] = int((codes < 0).sum())
    else:
        pairs = values.value_counts().items()
        counts[-1] = int(values.isna().sum())
    for value, count in pairs:
        counts[bins.get(str(value), unknown)] += count
    return counts


def _numbers(values: pd.Series, kind: str) -> np.ndarray:
    if kind == "text":
        coded = values.astype("category")
        lengths = coded.cat.categories.astype("str").str.len().to_numpy(np.float64)
        # the last one is for those that are missing, which have the code -1
        return np.append(lengths, np.nan)[coded.cat.codes.to_numpy()]
    return values.to_numpy(np.float64, na_value=np.nan)


def _evenly(values: np.ndarray) -> np.ndarray:
    if len(values) <= MAX_SAMPLE:
        return values
    return values[np.linspace(0, len(values) - 1, MAX_SAMPLE).astype(np.int64)]


def _edges(values: np.ndarray, low: float) -> np.ndarray:
    edges = np.unique(np.quantile(values, np.linspace(0.1, 0.9, 9), method="lower"))
    # where the least value fills a bin, values below it have one of their own
    return np.insert(edges, 0, np.nextafter(low, -np.inf)) if edges[0] == low else edges


def _number_counts(values: np.ndarray, edges: np.ndarray) -> np.ndarray:
    missing = np.isnan(values)
    places = np.searchsorted(edges, values[~missing], side="left")
    return np.append(np.bincount(places, minlength=len(edges) + 1), missing.sum())


def _grade(value: float, before: np.ndarray, now: np.ndarray) -> str:
    if value < SOME or _by_chance(before, now) >= CHANCE:
        return ""
    return "much" if value >= MUCH else "some"


def _by_chance(before: np.ndarray, now: np.ndarray) -> float:
    """The probability of counts as unlike as these in two samples of the same rows."""
    counts = np.array([before, now], dtype=float)
    counts = counts[:, counts.sum(axis=0) > 0]
    expected = counts.sum(axis=1, keepdims=True) * counts.sum(axis=0) / counts.sum()
    statistic = ((counts - expected) ** 2 / expected).sum()
    return float(chi2.sf(statistic, counts.shape[1] - 1))
