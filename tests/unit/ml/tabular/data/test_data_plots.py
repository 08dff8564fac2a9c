"""The plots of a data set, by what they show."""

import numpy as np
import pandas as pd
import pytest

from ml.tabular.data import data_plots
from ml.tabular.data.arrow_types import from_frame
from ml.tabular.data.inspection import inspect


def inspected(**columns):
    return inspect(from_frame(pd.DataFrame(columns)), "t", "x")


def target_bars(found):
    figure = data_plots.target_distribution(found.table["t"], found.schema)
    return figure, figure.data[0]


def test_every_row_with_a_target_is_in_the_histogram():
    values = np.append(np.random.default_rng(0).normal(size=300), [np.nan] * 20)
    figure, bars = target_bars(inspected(a=np.arange(320) / 7, t=values))
    assert sum(bars.y) == 300
    assert figure.layout.xaxis.title.text == "t"


def test_classes_stand_by_their_rows_with_their_share():
    figure, bars = target_bars(inspected(a=np.arange(100) / 7, t=[1] * 60 + [0] * 30 + [5] * 10))
    assert (bars.x, bars.y) == (("1", "0", "5"), (60, 30, 10))
    assert bars.text == ("60%", "30%", "10%")
    # 0, 1 and 5 are names, with no gap between
    assert figure.layout.xaxis.type == "category"


def test_of_many_classes_the_largest_are_shown_and_the_rest_counted():
    classes = [f"class {number:02d}" for number in range(40)]
    found = inspected(a=np.arange(240) / 7, t=classes * 6)
    figure, bars = target_bars(found)
    assert len(bars.x) == data_plots.MAX_BARS
    assert "10 smaller classes more" in figure.layout.xaxis.title.text


def test_what_is_missing_is_shown_by_column_the_worst_on_top():
    found = inspected(
        a=[1.5, None] * 20, b=[1.0, 2.0] * 20, c=[None, None, None, 2.5] * 10, t=np.arange(40.0)
    )
    figure = data_plots.missing_values(found.profile)
    # plotly draws the last bar on top
    assert figure.data[0].y == ("a", "c")
    assert figure.data[0].x == pytest.approx((0.5, 0.75))


def test_nothing_missing_is_no_plot():
    found = inspected(a=np.arange(40) / 7, t=np.arange(40.0))
    assert data_plots.missing_values(found.profile) is None


def test_names_are_shown_as_they_are_not_as_markup():
    found = inspected(**{"<b>x</b>": [1.5, None] * 20, "t": np.arange(40.0)})
    figure = data_plots.missing_values(found.profile)
    assert figure.data[0].y == ("&lt;b&gt;x&lt;/b&gt;",)
