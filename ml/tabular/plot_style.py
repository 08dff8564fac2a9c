"""The look that all plots share."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import plotly.io as pio

if TYPE_CHECKING:
    import pandas as pd
    import plotly.graph_objects as go

# plotly gives each figure the usual template, and checks every part of one that replaces it
pio.templates.default = "plotly_white"

BLUE, GREY, ORANGE = "#2563eb", "#94a3b8", "#ea580c"
# one per model or class; they differ in lightness too, for who tells few colours apart
PALETTE = (BLUE, ORANGE, "#0f766e", "#a21caf", "#ca8a04", "#475569")
MAX_POINTS = 2000
MAX_LABEL = 28
HEIGHT = 360
# above the plot, whatever its height; the plot makes room for as many lines as it needs
_LEGEND = {"orientation": "h", "x": 0, "y": 1, "yref": "container", "yanchor": "top"}


def styled(figure: go.Figure, x_title: str, y_title: str, height: int = HEIGHT) -> go.Figure:
    """Give a figure the look that all plots share.

    Parameters
    ----------
    figure : Figure
        Changed in place.
    x_title, y_title : str
        What the axes show, with the unit; the texts are shown as they are, not as markup.
    height : int
        In pixels; the width is the page's.
    """
    figure.update_layout(
        margin={"l": 20, "r": 20, "t": 20, "b": 50},
        height=height,
        font={"size": 13},
        legend=_LEGEND,
        hoverlabel={"namelength": -1},
    )
    figure.update_xaxes(title_text=plain(x_title), automargin=True)
    # the labels keep off what is drawn
    figure.update_yaxes(
        title_text=plain(y_title),
        automargin=True,
        ticks="outside",
        ticklen=4,
        tickcolor="rgba(0,0,0,0)",
    )
    return figure


def thinned(frame: pd.DataFrame, most: int = MAX_POINTS) -> pd.DataFrame:
    """At most `most` rows, drawn at random with a fixed seed and in their own order."""
    if len(frame) <= most:
        return frame
    return frame.sample(most, random_state=0).sort_index(kind="stable")


def plain(text: object) -> str:
    """A user's text as plotly shows it literally: what looks like markup is none."""
    return str(text).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def short(text: object, length: int = MAX_LABEL) -> str:
    """A user's text cut in its middle, where names differ least, and shown literally."""
    whole = str(text)
    if len(whole) > length:
        head = (length - 1) // 2
        whole = f"{whole[:head]}…{whole[head + 1 - length :]}"
    return plain(whole)


def side_by_side(figures: Sequence[go.Figure]) -> go.Figure:
    """Several figures as panels of one.

    Parameters
    ----------
    figures : sequence of Figure
        Each with one pair of axes.
    """
    from plotly.subplots import make_subplots

    whole = make_subplots(rows=1, cols=len(figures), horizontal_spacing=0.15)
    named: set[str] = set()
    for column, figure in enumerate(figures, start=1):
        for trace in figure.data:
            group = None if trace.type == "heatmap" else trace.legendgroup or trace.name
            if group:
                # one entry in the legend switches a name on and off in all panels
                is_first = trace.showlegend is not False and group not in named
                trace = type(trace)(trace, legendgroup=group, showlegend=is_first)
                named.add(group)
            whole.add_trace(trace, row=1, col=column)
        for update, axis in (
            (whole.update_xaxes, figure.layout.xaxis),
            (whole.update_yaxes, figure.layout.yaxis),
        ):
            update(axis.to_plotly_json(), row=1, col=column)
        for shape in figure.layout.shapes:
            whole.add_shape(shape, row=1, col=column)
    height = max(figure.layout.height or HEIGHT for figure in figures) + 60
    whole.update_layout(
        margin={"l": 20, "r": 20, "t": 20, "b": 50},
        height=height,
        font={"size": 13},
        legend=_LEGEND,
        hoverlabel={"namelength": -1},
    )
    return whole
