"""The plots by which one decides whether classes are told apart well, and how sure one may be."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np
import pandas as pd
import plotly.graph_objects as go
from sklearn import metrics

from ml.tabular.learning.fitting import PREDICTION, probability_column
from ml.tabular.plot_style import GREY, PALETTE, plain, short, styled
from ml.tabular.schema import Schema
from ml.tabular.summary.comparison_plots import MAX_OVERLAID, ROW_HEIGHT, SYMBOLS, first_few

MAX_CLASSES = 30
_MAX_CURVE = 300
# the names above the curves take several lines
_CURVES_HEIGHT = 420
_LEAST_PER_BIN = 20


def roc(predictions: Mapping[str, pd.DataFrame], schema: Schema) -> go.Figure:
    """The ROC curves of a binary problem's best models on the test part, with their areas."""
    positive = schema.classes[1]
    curves = [
        (name, frame["truth"] == positive, frame[probability_column(positive)])
        for name, frame in first_few(predictions)
    ]
    return _roc(
        curves,
        f"share of {schema.classes[0]} taken for {positive}",
        f"share of {positive} found",
    )


def one_against_rest(frame: pd.DataFrame, schema: Schema) -> go.Figure:
    """The ROC curve of each class against the rest, of one model; the hardest few classes."""
    curves = []
    for label in schema.classes:
        is_class = frame["truth"] == label
        if is_class.any() and not is_class.all():
            curves.append((label, is_class, frame[probability_column(label)]))
    curves.sort(key=lambda curve: metrics.roc_auc_score(curve[1], curve[2]))
    return _roc(
        curves[:MAX_OVERLAID], "share of the others taken for the class", "share of the class found"
    )


def calibration(predictions: Mapping[str, pd.DataFrame], schema: Schema) -> go.Figure:
    """Whether what is given a probability happens as often, on the test part."""
    # it is a package of its own, which no other plot needs
    from sklearn.calibration import calibration_curve

    positive = schema.classes[1]
    figure = go.Figure()
    for place, (name, frame) in enumerate(first_few(predictions)):
        bins = max(2, min(10, len(frame) // _LEAST_PER_BIN))
        happened, given = calibration_curve(
            frame["truth"] == positive,
            frame[probability_column(positive)].clip(0, 1),
            n_bins=bins,
            strategy="quantile",
        )
        figure.add_scatter(
            x=given.tolist(),
            y=happened.tolist(),
            mode="lines+markers",
            line={"color": PALETTE[place], "dash": "solid" if place == 0 else "dot"},
            marker={"symbol": SYMBOLS[place], "size": 7},
            name=plain(name),
            legendgroup=plain(name),
            hovertemplate="said %{x:.1%}, was %{y:.1%}",
        )
    _diagonal(figure, "perfect")
    _shares(figure)
    said, was = f"probability of {positive}, as said", f"share of {positive}, as it was"
    return styled(figure, said, was, _CURVES_HEIGHT)


def confusion(frame: pd.DataFrame, schema: Schema) -> go.Figure:
    """How often each true class was taken for which; the colour is the share of the true class."""
    counts = metrics.confusion_matrix(frame["truth"], frame[PREDICTION], labels=schema.classes)
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    places = list(range(len(schema.classes)))
    is_labelled = len(places) <= MAX_CLASSES
    figure = go.Figure(
        go.Heatmap(
            x=places,
            y=places,
            z=shares.tolist(),
            zmin=0,
            zmax=1,
            customdata=counts.tolist(),
            text=counts.tolist(),
            texttemplate="%{text}" if is_labelled else None,
            colorscale="Blues",
            showscale=False,
            hovertemplate="%{customdata} rows (%{z:.1%} of the true class)<extra></extra>",
        )
    )
    if is_labelled:
        ticks = {"tickvals": places, "ticktext": [short(label, 16) for label in schema.classes]}
        figure.update_xaxes(**ticks)
        figure.update_yaxes(**ticks)
    figure.update_yaxes(autorange="reversed")
    height = min(700, max(_CURVES_HEIGHT, 160 + ROW_HEIGHT * len(places)))
    return styled(figure, f"predicted {schema.target}", f"true {schema.target}", height)


def _roc(
    curves: Iterable[tuple[str, pd.Series, pd.Series]], x_title: str, y_title: str
) -> go.Figure:
    figure = go.Figure()
    for place, (name, is_class, probability) in enumerate(curves):
        if is_class.all() or not is_class.any():
            continue
        false_rate, true_rate, _ = metrics.roc_curve(is_class, probability)
        area = metrics.auc(false_rate, true_rate)
        kept = _thinned_curve(len(false_rate))
        figure.add_scatter(
            x=false_rate[kept].tolist(),
            y=true_rate[kept].tolist(),
            mode="lines",
            line={"color": PALETTE[place], "dash": "solid" if place == 0 else "dot", "width": 2},
            name=f"{short(name)}: area {area:.3f}",
            legendgroup=plain(name),
            hovertemplate=f"area {area:.4f}: %{{y:.1%}} found at %{{x:.1%}}",
        )
    _diagonal(figure, "chance")
    _shares(figure)
    return styled(figure, x_title, y_title, _CURVES_HEIGHT)


def _thinned_curve(points: int) -> np.ndarray:
    if points <= _MAX_CURVE:
        return np.arange(points)
    return np.unique(np.linspace(0, points - 1, _MAX_CURVE).astype(int))


def _diagonal(figure: go.Figure, name: str) -> None:
    figure.add_scatter(
        x=[0, 1],
        y=[0, 1],
        mode="lines",
        line={"color": GREY, "dash": "dash"},
        name=name,
        hoverinfo="skip",
    )


def _shares(figure: go.Figure) -> None:
    figure.update_xaxes(tickformat=".0%", range=[-0.02, 1.02])
    figure.update_yaxes(tickformat=".0%", range=[-0.02, 1.02])
