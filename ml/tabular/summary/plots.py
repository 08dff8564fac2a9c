"""The plots of one model, and of how a column of numbers or classes is spread."""

from __future__ import annotations

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from ml.tabular.learning.fitting import PREDICTION
from ml.tabular.plot_style import BLUE, GREY, plain, styled, thinned
from ml.tabular.schema import Schema
from ml.tabular.summary.class_plots import confusion

MAX_BARS = 30


def target_distribution(target: pd.Series, schema: Schema) -> go.Figure:
    """How the target's values are spread."""
    known = target.dropna()
    if schema.is_classification:
        counts = known.astype(str).value_counts().head(MAX_BARS)
        figure = go.Figure(
            go.Bar(x=[plain(value) for value in counts.index], y=counts.tolist(), marker_color=BLUE)
        )
    else:
        counts, edges = np.histogram(known.to_numpy(float), bins=min(40, max(5, len(known) // 10)))
        middles = (edges[1:] + edges[:-1]) / 2
        figure = go.Figure(
            go.Bar(
                x=middles.tolist(),
                y=counts.tolist(),
                width=np.diff(edges).tolist(),
                marker_color=BLUE,
            )
        )
    return styled(figure, schema.target, "rows")


def fit_quality(predictions: pd.DataFrame, schema: Schema) -> go.Figure:
    """Predicted against true for a number; the confusion matrix for classes.

    Parameters
    ----------
    predictions : DataFrame
        With columns ``truth`` and ``prediction``.
    schema : Schema
    """
    if schema.is_classification:
        return confusion(predictions, schema)
    shown = thinned(predictions)
    truth, predicted = shown["truth"].tolist(), shown[PREDICTION].tolist()
    low, high = min(truth + predicted), max(truth + predicted)
    figure = go.Figure(
        [
            go.Scatter(
                x=truth,
                y=predicted,
                mode="markers",
                marker={"color": BLUE, "size": 7, "opacity": 0.6},
                name="test rows",
            ),
            go.Scatter(
                x=[low, high],
                y=[low, high],
                mode="lines",
                line={"color": GREY, "dash": "dash"},
                name="perfect",
            ),
        ]
    )
    return styled(figure, f"true {schema.target}", f"predicted {schema.target}")


def prediction_distribution(predictions: pd.DataFrame, schema: Schema) -> go.Figure:
    """How the predicted values are spread."""
    return target_distribution(predictions[PREDICTION].rename(schema.target), schema)
