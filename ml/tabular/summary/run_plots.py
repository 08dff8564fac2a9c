"""Which plots a run's summary shows: few, each for one question."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd
import plotly.graph_objects as go

from ml.tabular.schema import Schema
from ml.tabular.summary import class_plots, comparison_plots


def figures(
    board: pd.DataFrame,
    metric: str,
    baseline: float | None,
    predictions: Mapping[str, pd.DataFrame],
    shares: pd.Series | None,
    schema: Schema,
) -> dict[str, list[go.Figure]]:
    """The plots: which model, how good, by what.

    Parameters
    ----------
    board : DataFrame
        As :func:`ml.tabular.summary.comparison.leaderboard` makes it.
    metric : str
    baseline : float or None
        The test score of a prediction that looks at no column.
    predictions : mapping
        Model → its test rows with columns ``truth``, ``prediction`` and the probabilities of
        classes; the best first. None are shown where it is empty.
    shares : Series or None
        Column → share, as :func:`ml.tabular.summary.explaining.importance` gives it.
    schema : Schema

    Returns
    -------
    dict
        Title → panels that belong beside each other.
    """
    found = {"scores": [comparison_plots.scores(board, metric, baseline)]}
    if predictions and schema.kind == "regression":
        found["predicted against true"] = [
            comparison_plots.predicted_against_true(predictions, schema),
            comparison_plots.error_spread(predictions, schema),
        ]
    elif predictions and schema.kind == "binary":
        found["ROC and calibration"] = [
            class_plots.roc(predictions, schema),
            class_plots.calibration(predictions, schema),
        ]
    elif predictions:
        name, frame = next(iter(predictions.items()))
        found[f"how {name} tells the classes apart"] = [
            class_plots.confusion(frame, schema),
            class_plots.one_against_rest(frame, schema),
        ]
    if shares is not None:
        found["importance"] = [comparison_plots.importance(shares)]
    return found
