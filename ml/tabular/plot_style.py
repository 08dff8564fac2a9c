"""The look that all plots share."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd
    import plotly.graph_objects as go

BLUE, GREY, ORANGE = "#2563eb", "#94a3b8", "#ea580c"
# one per model or class; they differ in lightness too, for who tells few colours apart
PALETTE = (BLUE, ORANGE, "#0f766e", "#a21caf", "#ca8a04", "#475569")
MAX_POINTS = 2000
MAX_LABEL = 28
HEIGHT = 360


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
        template="plotly_white",
        margin={"l": 20, "r": 20, "t": 40, "b": 50},
        height=height,
        font={"size": 13},
        legend={"orientation": "h", "x": 0, "y": 1.02, "yanchor": "bottom"},
        hoverlabel={"namelength": -1},
    )
    figure.update_xaxes(title_text=plain(x_title), automargin=True)
    figure.update_yaxes(title_text=plain(y_title), automargin=True)
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
