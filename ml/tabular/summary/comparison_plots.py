"""The plots by which one decides among the models of a run: scores, errors, importance."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from ml.runtime.metric_names import is_less_better
from ml.tabular.learning.fitting import PREDICTION
from ml.tabular.plot_style import BLUE, GREY, PALETTE, plain, short, styled, thinned
from ml.tabular.schema import Schema

MAX_MODELS = 20
MAX_OVERLAID = 4
# clouds of points hide each other sooner than lines do
MAX_SCATTERED = 2
MAX_POINTS = 800
MAX_COLUMNS = 20
SYMBOLS = ("circle", "diamond", "square", "cross", "triangle-up", "x")
ROW_HEIGHT = 26


def scores(board: pd.DataFrame, metric: str, baseline: float | None = None) -> go.Figure:
    """The models' scores on validation and test with their intervals, the best on top.

    Parameters
    ----------
    board : DataFrame
        As :func:`ml.tabular.summary.comparison.leaderboard` makes it, the best first.
    metric : str
    baseline : float, optional
        The score of a prediction that looks at no column; a line where it lies near the scores.
    """
    kept = board.head(MAX_MODELS)
    places = np.arange(len(kept), dtype=float)
    figure = go.Figure()
    for part, colour, shift, symbol in (
        ("validation", BLUE, -0.15, "circle"),
        ("test", GREY, 0.15, "diamond"),
    ):
        value = kept[part].astype(float)
        figure.add_scatter(
            x=value.tolist(),
            y=(places + shift).tolist(),
            mode="markers",
            name=part,
            marker={"color": colour, "size": 10, "symbol": symbol},
            error_x=_bars(kept, part, value, colour),
            text=[plain(name) for name in kept["model"]],
            hovertemplate=f"%{{text}}, {part}: %{{x:.5g}}<extra></extra>",
        )
    _name_rows(figure, kept["model"])
    if baseline is not None and _is_near(baseline, kept):
        figure.add_vline(x=baseline, line={"color": GREY, "dash": "dot"})
        figure.add_scatter(
            x=[None], y=[None], mode="lines", line={"color": GREY, "dash": "dot"}, name="baseline"
        )
    better = "less is better" if is_less_better(metric) else "more is better"
    return styled(figure, f"{metric} ({better})", "", _height(len(kept)))


def predicted_against_true(predictions: Mapping[str, pd.DataFrame], schema: Schema) -> go.Figure:
    """Predicted against true on the test part; the best few models over each other.

    Parameters
    ----------
    predictions : mapping
        Model → its test rows with columns ``truth`` and ``prediction``; the best first.
    schema : Schema
    """
    figure = go.Figure()
    ends: list[float] = []
    # the best is drawn last, on top
    for place, (name, frame) in reversed(list(enumerate(first_few(predictions)[:MAX_SCATTERED]))):
        kept = thinned(frame, MAX_POINTS)
        ends += [float(kept[column].min()) for column in ("truth", PREDICTION)]
        ends += [float(kept[column].max()) for column in ("truth", PREDICTION)]
        figure.add_scatter(
            x=kept["truth"].astype(float).tolist(),
            y=kept[PREDICTION].astype(float).tolist(),
            mode="markers",
            name=plain(name),
            marker={
                "color": PALETTE[place],
                "symbol": SYMBOLS[place],
                "size": 6,
                "opacity": 0.7 if place == 0 else 0.45,
            },
            legendrank=place,
            hovertemplate="true %{x:.5g}, predicted %{y:.5g}",
        )
    figure.add_scatter(
        x=[min(ends), max(ends)],
        y=[min(ends), max(ends)],
        mode="lines",
        line={"color": GREY, "dash": "dash"},
        name="perfect",
        hoverinfo="skip",
    )
    return styled(figure, f"true {schema.target}", f"predicted {schema.target}")


def error_spread(predictions: Mapping[str, pd.DataFrame], schema: Schema) -> go.Figure:
    """How far predictions are off: the middle half as a box, 5 % to 95 % as whiskers.

    Parameters
    ----------
    predictions, schema
        As for :func:`predicted_against_true`.
    """
    kept = list(predictions.items())[:MAX_MODELS]
    errors = [frame[PREDICTION].astype(float) - frame["truth"].astype(float) for _, frame in kept]
    ends = np.array([np.quantile(one, [0.05, 0.25, 0.5, 0.75, 0.95]) for one in errors])
    figure = go.Figure(
        go.Box(
            y=list(range(len(kept))),
            lowerfence=ends[:, 0].tolist(),
            q1=ends[:, 1].tolist(),
            median=ends[:, 2].tolist(),
            q3=ends[:, 3].tolist(),
            upperfence=ends[:, 4].tolist(),
            orientation="h",
            marker={"color": BLUE},
            showlegend=False,
            name="error",
        )
    )
    _name_rows(figure, [name for name, _ in kept])
    figure.add_vline(x=0, line={"color": GREY, "dash": "dash"})
    title = f"error: predicted less true {schema.target}"
    return styled(figure, title, "", max(_height(len(kept)), 220))


def importance(shares: pd.Series) -> go.Figure:
    """How much each column matters to a model, the most important on top.

    Parameters
    ----------
    shares : Series
        Column → share, the largest first; of :func:`ml.tabular.summary.explaining.importance`.
    """
    kept = shares.head(MAX_COLUMNS)
    figure = go.Figure(
        go.Bar(
            x=kept.tolist(),
            y=list(range(len(kept))),
            orientation="h",
            marker={"color": BLUE},
            text=[f"{share:.1%}" if share >= 0.0005 else "0 %" for share in kept],
            textposition="outside",
            cliponaxis=False,
            customdata=[plain(name) for name in kept.index],
            hovertemplate="%{customdata}: %{x:.2%}<extra></extra>",
            showlegend=False,
        )
    )
    _name_rows(figure, kept.index)
    top = float(kept.max()) if len(kept) else 0.0
    figure.update_xaxes(tickformat=".0%", range=[0, max(top * 1.18, 0.01)])
    more = f", the first {len(kept)} of {len(shares)} columns" if len(shares) > len(kept) else ""
    return styled(figure, f"share of what moves the prediction{more}", "", _height(len(kept)))


def first_few(predictions: Mapping[str, pd.DataFrame]) -> list[tuple[str, pd.DataFrame]]:
    """The models that are drawn over each other."""
    return list(predictions.items())[:MAX_OVERLAID]


def _bars(board: pd.DataFrame, part: str, value: pd.Series, colour: str) -> dict[str, Any]:
    low, high = board[f"{part} low"].astype(float), board[f"{part} high"].astype(float)
    return {
        "type": "data",
        "symmetric": False,
        "array": (high - value).clip(lower=0).fillna(0).tolist(),
        "arrayminus": (value - low).clip(lower=0).fillna(0).tolist(),
        "color": colour,
        "thickness": 2,
        "width": 4,
    }


def _is_near(baseline: float, board: pd.DataFrame) -> bool:
    """Whether a line at the baseline leaves the scores apart."""
    ends = board[["validation", "test"]].astype(float).to_numpy().ravel()
    ends = ends[np.isfinite(ends)]
    if not len(ends):
        return False
    spread = max(float(np.ptp(ends)), 0.1 * float(np.abs(ends).max()))
    return float(np.abs(ends - baseline).min()) <= 1.5 * spread


def _name_rows(figure: go.Figure, labels: Iterable[object]) -> None:
    """Rows from the top, each with its name; by number, since two names may be cut to the same."""
    texts = [short(label) for label in labels]
    figure.update_yaxes(
        tickvals=list(range(len(texts))),
        ticktext=texts,
        range=[len(texts) - 0.5, -0.5],
        showgrid=False,
        zeroline=False,
    )


def _height(rows: int) -> int:
    return 130 + ROW_HEIGHT * max(rows, 2)
