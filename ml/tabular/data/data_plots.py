"""The plots of a data set: its target, and what is missing where something is."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import plotly.graph_objects as go
import pyarrow as pa
import pyarrow.compute as pc

from ml.tabular.data.statistics import nan_as_missing
from ml.tabular.labels import class_labels
from ml.tabular.plot_style import BLUE, ORANGE, plain, short, styled
from ml.tabular.schema import Schema

MAX_BARS = 30
_MOST_BINS, _LEAST_BINS = 40, 5
_PIXELS_PER_BAR, _PIXELS_BESIDE = 22, 120


def target_distribution(column: pa.ChunkedArray, schema: Schema) -> go.Figure:
    """How the target's values are spread: rows per class, or a histogram.

    Parameters
    ----------
    column : ChunkedArray
        The target, shape (rows,); missing values are not shown.
    schema : Schema
    """
    if pa.types.is_floating(column.type):
        column = nan_as_missing(column)
    known = column.drop_null()
    return _classes(known, schema) if schema.is_classification else _histogram(known, schema)


def missing_values(profile: Sequence[dict[str, Any]]) -> go.Figure | None:
    """The columns in which values are missing, the worst on top; None where nothing is missing.

    Parameters
    ----------
    profile : sequence of dict
        As :func:`ml.tabular.data.profiling.profile_row` makes it.
    """
    lacking = [row for row in profile if row["missing"]]
    if not lacking:
        return None
    worst = sorted(lacking, key=lambda row: row["missing share"])[-MAX_BARS:]
    figure = go.Figure(
        go.Bar(
            x=[row["missing share"] for row in worst],
            y=[short(row["column"]) for row in worst],
            orientation="h",
            marker_color=ORANGE,
            text=[f"{row['missing share']:.1%}" for row in worst],
            textposition="outside",
            cliponaxis=False,
            customdata=[[plain(row["column"]), row["missing"]] for row in worst],
            hovertemplate="%{customdata[0]}: %{customdata[1]} rows<extra></extra>",
        )
    )
    more = len(lacking) - len(worst)
    title = "share of rows without a value" + (f" ({more} more columns lack fewer)" if more else "")
    height = max(220, _PIXELS_BESIDE + _PIXELS_PER_BAR * len(worst))
    styled(figure, title, "", height)
    figure.update_xaxes(tickformat=".0%", rangemode="tozero")
    return figure


def _classes(known: pa.ChunkedArray, schema: Schema) -> go.Figure:
    counted = pc.value_counts(known)
    labels = class_labels(counted.field("values").to_pandas()).tolist()
    counts = counted.field("counts").to_pylist()
    pairs = sorted(zip(labels, counts, strict=True), key=lambda pair: (-pair[1], pair[0]))
    shown = pairs[:MAX_BARS]
    total = sum(counts)
    figure = go.Figure(
        go.Bar(
            x=[short(label) for label, _ in shown],
            y=[count for _, count in shown],
            marker_color=BLUE,
            text=[f"{count / total:.0%}" for _, count in shown],
            textposition="outside",
            cliponaxis=False,
        )
    )
    more = len(pairs) - len(shown)
    title = f"{schema.target} ({more} smaller classes more)" if more else schema.target
    styled(figure, title, "rows")
    # labels such as 0 and 1 are names here, not numbers
    figure.update_xaxes(type="category")
    return figure


def _histogram(known: pa.ChunkedArray, schema: Schema) -> go.Figure:
    numbers = known.cast(pa.float64(), safe=False).to_numpy()
    bins = min(_MOST_BINS, max(_LEAST_BINS, len(numbers) // 10))
    counts, edges = np.histogram(numbers, bins=bins)
    figure = go.Figure(
        go.Bar(
            x=((edges[1:] + edges[:-1]) / 2).tolist(),
            y=counts.tolist(),
            width=np.diff(edges).tolist(),
            marker_color=BLUE,
        )
    )
    return styled(figure, schema.target, "rows")
