"""What is to be said of the points that a search found: how sure the model is of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from ml.tabular.learning.fitted_model import FittedModel
from ml.tabular.schema import Schema
from ml.tabular.serving import drift
from ml.tabular.serving.optimizing import Goal, Search, remoteness
from ml.tabular.serving.search_space import as_written
from ml.tabular.summary.explaining import sampled

# rows of the training part that points are compared with
COMPARED_WITH = 500
# a point is far from the training rows when so many of them have a nearer neighbour
LONELY = 0.95
# of probabilities there is no interval: models that differ by more disagree
_APART = 0.2


def points(
    found: Search,
    goal: Goal,
    schema: Schema,
    known: dict[str, Any],
    training: pd.DataFrame,
    others: dict[str, FittedModel],
) -> list[dict[str, Any]]:
    """The best points with all that tells how sure the model is of them.

    Parameters
    ----------
    found : Search
    goal : Goal
    schema : Schema
    known : dict
        As :func:`ml.tabular.serving.drift.reference` gives it.
    training : DataFrame
        Some conforming rows of the training part, which the points are compared with.
    others : dict
        Name → another model of the same columns.

    Returns
    -------
    list of dict
        ``inputs`` (column → value as it is written), ``value``, ``low`` and ``high`` (of the 90 %
        interval, where there is one), ``other models`` (name → value), ``training rows with a
        nearer neighbour`` (share) and ``caution`` (sentences).
    """
    kinds = {column.name: column.kind for column in schema.columns}
    scales = {
        name: one["quantiles"][2] - one["quantiles"][0]
        for name, one in known["columns"].items()
        if one["kind"] in ("numeric", "datetime") and one["quantiles"]
    }
    near = sampled(training, COMPARED_WITH, 0)
    lonely = remoteness(found.features, near, scales)
    said = {
        name: goal.values(other.predict_features(found.features)) for name, other in others.items()
    }
    values = goal.values(found.predicted)
    told = []
    for place in range(len(found.points)):
        row = found.predicted.iloc[place]
        point = {
            "inputs": {
                name: as_written(value, kinds[name]) for name, value in found.points[place].items()
            },
            "value": float(values[place]),
            **{name: float(row[name]) for name in ("low", "high") if name in row},
            "other models": {name: float(one[place]) for name, one in said.items()},
            "training rows with a nearer neighbour": round(float(lonely[place]), 4),
        }
        point["caution"] = [
            *drift.outside(found.features.iloc[[place]], known),
            *_cautions(point, goal, schema),
        ]
        told.append(point)
    return told


def table(points: Sequence[Mapping[str, Any]], output: str) -> pd.DataFrame:
    """One row per point, the best first.

    Parameters
    ----------
    points : list of dict
        As :func:`points` gives them.
    output : str
        What their values are.
    """
    rows = []
    for rank, point in enumerate(points, start=1):
        others = list(point["other models"].values())
        row: dict[str, Any] = {"rank": rank, output: point["value"]}
        if "low" in point:
            row["90 % interval"] = f"{point['low']:.5g} to {point['high']:.5g}"
        if others:
            row["other models"] = f"{min(others):.5g} to {max(others):.5g}"
        row["nearer in training"] = f"{point['training rows with a nearer neighbour']:.0%}"
        row["caution"] = "; ".join(point["caution"])
        row |= {
            f"{name} (column)" if name in row else name: (
                float(f"{value:.6g}") if isinstance(value, float) else value
            )
            for name, value in point["inputs"].items()
        }
        rows.append(row)
    return pd.DataFrame(rows)


def _cautions(point: dict[str, Any], goal: Goal, schema: Schema) -> list[str]:
    said = []
    lonely = point["training rows with a nearer neighbour"]
    if lonely >= LONELY:
        said.append(
            f"the model extrapolates: {lonely:.0%} of the training rows have a nearer neighbour "
            "than this point has"
        )
    others = list(point["other models"].values())
    if others:
        apart = max(abs(one - point["value"]) for one in others)
        expected = (point["high"] - point["low"]) / 2 if "high" in point else _APART
        if apart > expected:
            said.append(
                f"the run's other models say {min(others):.6g} to {max(others):.6g}, not "
                f"{point['value']:.6g}"
            )
    if goal.value is not None:
        within = (point["high"] - point["low"]) / 2 if "high" in point else 0.0
        missed = abs(point["value"] - goal.value)
        if missed > within:
            said.append(f"{schema.target} = {goal.value:.6g} is missed by {missed:.4g}")
    return said
