"""The plots of predictions: what drifted, why one record is predicted so, what a search found."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd
import plotly.graph_objects as go

from ml.tabular.plot_style import BLUE, GREY, ORANGE, plain, short, styled
from ml.tabular.serving.drift import MUCH, SOME, shown

MAX_ROWS = 15
_ROW = 26
_SHADES = {"much": ORANGE, "some": "#ca8a04", "": BLUE}
_GRADES = {"much": "much", "some": "somewhat", "": "no drift"}


def drift_bars(table: pd.DataFrame) -> go.Figure:
    """The drift of each column beside the two thresholds, the most on top.

    Parameters
    ----------
    table : DataFrame
        As :meth:`ml.tabular.serving.drift.Drift.table` gives it.
    """
    kept = table.head(MAX_ROWS)
    figure = go.Figure()
    for grade, label in _GRADES.items():
        of_grade = kept[kept["drift"] == grade]
        figure.add_bar(
            x=of_grade["psi"].tolist(),
            y=of_grade.index.tolist(),
            orientation="h",
            marker={"color": _SHADES[grade]},
            name=label,
            text=[f"{value:.3f}" for value in of_grade["psi"]],
            textposition="outside",
            cliponaxis=False,
            customdata=[plain(name) for name in of_grade["column"]],
            hovertemplate="%{customdata}: %{x:.3f}<extra></extra>",
        )
    for limit in (SOME, MUCH):
        figure.add_vline(x=limit, line={"color": GREY, "dash": "dash", "width": 1})
    _name_rows(figure, kept["column"])
    figure.update_xaxes(range=[0, max(1.2 * float(kept["psi"].max()), 1.4 * MUCH)])
    more = f", the first {len(kept)} of {len(table)} columns" if len(table) > len(kept) else ""
    title = f"population stability index{more}; from {SOME} on somewhat, from {MUCH} on much"
    return styled(figure, title, "", _height(len(kept)))


def waterfall(
    contributions: pd.Series, values: Mapping[str, Any], base: float, output: str
) -> go.Figure:
    """How the columns of one record lead from what is predicted of nothing to its prediction.

    Parameters
    ----------
    contributions : Series
        Column → what it adds.
    values : mapping
        Column → the record's value, as it is shown.
    base : float
    output : str
        What they add up to.
    """
    ordered = contributions.reindex(contributions.abs().sort_values(ascending=False).index)
    kept, others = ordered.head(MAX_ROWS - 3), ordered.iloc[MAX_ROWS - 3 :]
    steps = [(f"{name} = {values.get(name, '')}", float(value)) for name, value in kept.items()]
    if len(others):
        steps.append((f"{len(others)} other columns", float(others.sum())))
    labels = ["without any column", *(label for label, _ in steps), output]
    figure = go.Figure(
        go.Waterfall(
            orientation="h",
            measure=["absolute", *["relative"] * len(steps), "total"],
            x=[base, *(value for _, value in steps), 0],
            y=list(range(len(labels))),
            text=[
                f"{base:.5g}",
                *(f"{value:+.4g}" for _, value in steps),
                f"{base + float(contributions.sum()):.5g}",
            ],
            textposition="outside",
            cliponaxis=False,
            increasing={"marker": {"color": BLUE}},
            decreasing={"marker": {"color": ORANGE}},
            totals={"marker": {"color": GREY}},
            connector={"line": {"color": GREY, "width": 1}},
            hoverinfo="text",
            hovertext=[plain(label) for label in labels],
            showlegend=False,
        )
    )
    _name_rows(figure, labels)
    figure.update_xaxes(range=_room([base, *(value for _, value in steps)]))
    return styled(figure, output, "", _height(len(labels)))


def search_progress(trials: pd.DataFrame, output: str, goal: float | None) -> go.Figure:
    """What each trial gave, and the best so far.

    Parameters
    ----------
    trials : DataFrame
        Columns ``value``, ``best`` and ``allowed``, in the order of the trials.
    output : str
        What the values are.
    goal : float, optional
        The value that was to be reached.
    """
    numbers = (trials.index + 1).tolist()
    allowed = trials["allowed"].astype(bool)
    figure = go.Figure()
    for chosen, colour, name in ((allowed, BLUE, "trials"), (~allowed, GREY, "not allowed")):
        figure.add_scatter(
            x=[number for number, one in zip(numbers, chosen, strict=True) if one],
            y=trials.loc[chosen, "value"].tolist(),
            mode="markers",
            marker={"color": colour, "size": 6, "opacity": 0.6},
            name=name,
            visible=bool(chosen.any()),
        )
    figure.add_scatter(
        x=numbers,
        y=trials["best"].tolist(),
        mode="lines",
        line={"color": ORANGE, "width": 3, "shape": "hv"},
        name="best so far",
    )
    if goal is not None:
        figure.add_hline(y=goal, line={"color": GREY, "dash": "dash"})
    return styled(figure, "trial", output)


def places_in_training(points: Sequence[Mapping[str, Any]], known: Mapping[str, Any]) -> go.Figure:
    """Where the found points lie between the least and the largest value of each column.

    Parameters
    ----------
    points : sequence of mapping
        Column → conforming value; the best first.
    known : mapping
        Column → spread, as :func:`~ml.tabular.serving.drift.spread` gives it; numbers and
        dates alone are
        shown.
    """
    names = [
        name
        for name, one in known.items()
        if one["kind"] in ("numeric", "datetime") and one["low"] is not None
    ][: 2 * MAX_ROWS]
    figure = go.Figure()
    for place, name in enumerate(names):
        low, _, high = (_share(value, known[name]) for value in known[name]["quantiles"])
        figure.add_bar(
            x=[high - low],
            y=[place],
            base=[low],
            orientation="h",
            width=0.5,
            marker={"color": GREY, "opacity": 0.35},
            name="98 % of the training rows",
            showlegend=place == 0,
            hoverinfo="skip",
        )
    for rank in reversed(range(len(points))):
        values = [points[rank].get(name) for name in names]
        figure.add_scatter(
            x=[_share(value, known[name]) for name, value in zip(names, values, strict=True)],
            y=list(range(len(names))),
            mode="markers",
            marker={"color": BLUE if rank else ORANGE, "size": 9 if rank else 13},
            name="other good points" if rank else "best point",
            showlegend=rank in (0, 1),
            customdata=[
                f"{plain(name)} = {'' if value is None else shown(value, known[name]['kind'])}"
                for name, value in zip(names, values, strict=True)
            ],
            hovertemplate="%{customdata}<extra></extra>",
        )
    _name_rows(figure, names)
    figure.update_xaxes(tickformat=".0%")
    return styled(
        figure, "place between the least and the largest in training", "", _height(len(names))
    )


def _share(value: float | None, spread: Mapping[str, Any]) -> float | None:
    if value is None or pd.isna(value):
        return None
    width = spread["high"] - spread["low"]
    return (value - spread["low"]) / width if width else 0.5


def _room(steps: Sequence[float]) -> list[float]:
    """The range of what the steps add up to, with room for their numbers."""
    sums = pd.Series(steps).cumsum()
    low, high = float(sums.min()), float(sums.max())
    margin = 0.18 * (high - low or abs(high) or 1.0)
    return [low - margin, high + margin]


def _name_rows(figure: go.Figure, labels: Sequence[object]) -> None:
    """Rows from the top, each with its name; by number, since two may be cut to the same."""
    texts = [short(label, 36) for label in labels]
    figure.update_yaxes(
        tickvals=list(range(len(texts))),
        ticktext=texts,
        range=[len(texts) - 0.5, -0.5],
        showgrid=False,
        zeroline=False,
    )


def _height(rows: int) -> int:
    return 130 + _ROW * max(rows, 2)
