"""The plots that help to decide: few, plain, the same look everywhere."""

from __future__ import annotations

import numpy as np
import pandas as pd
import plotly.graph_objects as go
from sklearn import metrics

from ml.runtime.metric_names import is_less_better
from ml.tabular.fitting import PREDICTION, probability_column
from ml.tabular.schema import Schema

BLUE, GREY, ORANGE = "#2563eb", "#94a3b8", "#ea580c"
MAX_POINTS = 2000
MAX_BARS = 30


def target_distribution(target: pd.Series, schema: Schema) -> go.Figure:
    """How the target's values are spread."""
    known = target.dropna()
    if schema.is_classification:
        counts = known.astype(str).value_counts().head(MAX_BARS)
        figure = go.Figure(go.Bar(x=list(counts.index), y=counts.tolist(), marker_color=BLUE))
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
    return _styled(figure, schema.target, "rows")


def fit_quality(predictions: pd.DataFrame, schema: Schema) -> go.Figure:
    """Predicted against true for a number; the confusion matrix for classes.

    Parameters
    ----------
    predictions : DataFrame
        With columns ``truth`` and ``prediction``.
    schema : Schema
    """
    if schema.is_classification:
        return _confusion(predictions, schema)
    shown = _thinned(predictions)
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
    return _styled(figure, f"true {schema.target}", f"predicted {schema.target}")


def roc_curve(predictions: pd.DataFrame, schema: Schema) -> go.Figure:
    """The ROC curve of a binary problem: what each threshold gains and costs."""
    positive = schema.classes[1]
    false_rate, true_rate, _ = metrics.roc_curve(
        predictions["truth"] == positive, predictions[probability_column(positive)]
    )
    figure = go.Figure(
        [
            go.Scatter(
                x=false_rate.tolist(), y=true_rate.tolist(), line={"color": BLUE}, name="model"
            ),
            go.Scatter(x=[0, 1], y=[0, 1], line={"color": GREY, "dash": "dash"}, name="chance"),
        ]
    )
    return _styled(figure, f"share of others taken for {positive}", f"share of {positive} found")


def comparison(leaderboard: pd.DataFrame, metric: str) -> go.Figure:
    """The models' scores on validation and test, the best on top.

    Parameters
    ----------
    leaderboard : DataFrame
        As :func:`ml.tabular.comparison.leaderboard` makes it, the best first.
    metric : str
    """
    ordered = leaderboard.iloc[::-1]
    names = ordered["model"].tolist()
    figure = go.Figure(
        [
            go.Bar(
                y=names, x=ordered["test"].tolist(), name="test", orientation="h", marker_color=GREY
            ),
            go.Bar(
                y=names,
                x=ordered["validation"].tolist(),
                name="validation",
                orientation="h",
                marker_color=BLUE,
            ),
        ]
    )
    figure.update_layout(legend_traceorder="reversed")
    better = "less is better" if is_less_better(metric) else "more is better"
    return _styled(figure, f"{metric} ({better})", "")


def prediction_distribution(predictions: pd.DataFrame, schema: Schema) -> go.Figure:
    """How the predicted values are spread."""
    return target_distribution(predictions[PREDICTION].rename(schema.target), schema)


def _confusion(predictions: pd.DataFrame, schema: Schema) -> go.Figure:
    counts = metrics.confusion_matrix(
        predictions["truth"], predictions[PREDICTION], labels=schema.classes
    )
    labelled = len(schema.classes) <= MAX_BARS
    figure = go.Figure(
        go.Heatmap(
            x=schema.classes,
            y=schema.classes,
            z=counts.tolist(),
            text=counts.tolist() if labelled else None,
            texttemplate="%{text}" if labelled else None,
            colorscale="Blues",
            showscale=False,
        )
    )
    figure.update_xaxes(type="category")
    figure.update_yaxes(type="category", autorange="reversed")
    return _styled(figure, f"predicted {schema.target}", f"true {schema.target}")


def _thinned(frame: pd.DataFrame) -> pd.DataFrame:
    if len(frame) <= MAX_POINTS:
        return frame
    return frame.sample(MAX_POINTS, random_state=0)


def _styled(figure: go.Figure, x_title: str, y_title: str) -> go.Figure:
    figure.update_layout(
        template="plotly_white",
        xaxis_title=x_title,
        yaxis_title=y_title,
        margin={"l": 70, "r": 20, "t": 30, "b": 50},
        height=360,
        font={"size": 13},
        legend={"orientation": "h", "y": 1.1},
    )
    return figure
