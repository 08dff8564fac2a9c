import json

import numpy as np
import pandas as pd
import plotly.graph_objects as go
import pytest

from ml.tabular import plot_style
from ml.tabular.schema import Column, Schema
from ml.tabular.summary import class_plots, comparison, comparison_plots, run_plots
from ml.tabular.summary.comparison import Trained

MARKUP = "<a href='http://x'>t</a>"


def schema_of(kind, classes=(), target="t"):
    columns = [Column(name="a", kind="numeric")]
    return Schema(
        name="x", target=target, kind=kind, classes=list(classes), columns=columns, rows=10
    )


def board_of(count, metric="rmse", **more):
    models = [
        Trained(
            model=f"m{number:02d}",
            task=f"t{number}",
            validation={metric: 1.0 + number},
            test={metric: 1.5 + number},
            fit_seconds=1.0,
            predict_seconds=0.1,
            validation_intervals={metric: (0.5 + number, 2.0 + number)},
            **more,
        )
        for number in range(count)
    ]
    return comparison.leaderboard(models, metric)


def numbers(rows=50, seed=0):
    random = np.random.default_rng(seed)
    truth = random.normal(size=rows)
    return pd.DataFrame({"truth": truth, "prediction": truth + random.normal(0, 0.1, rows)})


def classes(labels, rows=60, seed=0):
    random = np.random.default_rng(seed)
    truth = np.array(labels)[np.arange(rows) % len(labels)]
    raw = random.random((rows, len(labels))) + 0.7 * (truth[:, None] == np.array(labels))
    shares = raw / raw.sum(axis=1, keepdims=True)
    frame = pd.DataFrame({"truth": truth, "prediction": np.array(labels)[shares.argmax(axis=1)]})
    for place, label in enumerate(labels):
        frame[f"probability of {label}"] = shares[:, place]
    return frame


def test_scores_have_their_intervals_as_bars():
    figure = comparison_plots.scores(board_of(3), "rmse")
    validation, test = figure.data[:2]
    assert list(validation.x) == [1.0, 2.0, 3.0]
    assert list(validation.error_x.array) == [1.0, 1.0, 1.0]
    assert list(validation.error_x.arrayminus) == [0.5, 0.5, 0.5]
    assert list(test.error_x.array) == [0.0, 0.0, 0.0]
    assert figure.layout.yaxis.ticktext == ("m00", "m01", "m02")
    assert "less is better" in figure.layout.xaxis.title.text


def test_many_models_make_no_endless_plot():
    figure = comparison_plots.scores(board_of(40), "rmse")
    assert len(figure.data[0].x) == comparison_plots.MAX_MODELS
    predictions = {f"m{number}": numbers() for number in range(40)}
    spread = comparison_plots.error_spread(predictions, schema_of("regression"))
    assert len(spread.data[0].q1) == comparison_plots.MAX_MODELS
    scattered = comparison_plots.predicted_against_true(predictions, schema_of("regression"))
    assert len(scattered.data) == comparison_plots.MAX_SCATTERED + 1


def test_a_score_that_is_missing_leaves_the_model_in_its_row():
    models = [
        Trained("a", "t1", {"rmse": 1.0}, {"rmse": 2.0}, 1.0, 0.1),
        Trained("b", "t2", {}, {}, 1.0, 0.1),
    ]
    figure = comparison_plots.scores(comparison.leaderboard(models, "rmse"), "rmse")
    assert figure.layout.yaxis.ticktext == ("a", "b")
    assert np.isnan(figure.data[0].x[1])
    assert '"x":[1.0,null]' in figure.to_json().replace(" ", "")


@pytest.mark.parametrize(("baseline", "is_shown"), [(4.0, True), (500.0, False)])
def test_a_baseline_far_from_all_scores_would_hide_their_differences(baseline, is_shown):
    figure = comparison_plots.scores(board_of(2), "rmse", baseline)
    assert bool(figure.layout.shapes) == is_shown


def test_errors_are_told_by_their_quantiles():
    frame = pd.DataFrame({"truth": np.zeros(101), "prediction": np.arange(101.0)})
    box = comparison_plots.error_spread({"m": frame}, schema_of("regression")).data[0]
    assert (box.lowerfence[0], box.q1[0], box.median[0], box.upperfence[0]) == (5, 25, 50, 95)


def test_roc_curves_carry_their_areas_and_are_short():
    frame = classes(["no", "yes"], rows=20_000)
    figure = class_plots.roc({"m": frame}, schema_of("binary", ["no", "yes"]))
    assert figure.data[0].name.startswith("m: area 0.")
    assert len(figure.data[0].x) <= 300
    assert (figure.data[0].x[0], figure.data[0].y[-1]) == (0.0, 1.0)


def test_calibration_compares_what_was_said_with_what_was():
    random = np.random.default_rng(0)
    said = random.random(5000)
    frame = pd.DataFrame(
        {"truth": np.where(random.random(5000) < said, "yes", "no"), "probability of yes": said}
    )
    line = class_plots.calibration({"m": frame}, schema_of("binary", ["no", "yes"])).data[0]
    np.testing.assert_allclose(line.x, line.y, atol=0.06)


def test_the_hardest_classes_are_shown_and_those_that_do_not_occur_are_not():
    labels = [f"c{number}" for number in range(9)]
    frame = classes(labels)
    figure = class_plots.one_against_rest(frame, schema_of("multiclass", [*labels, "never"]))
    curves = [trace.name for trace in figure.data if trace.name != "chance"]
    assert len(curves) == comparison_plots.MAX_OVERLAID
    assert not any("never" in name for name in curves)


def test_the_confusion_counts_every_row():
    labels = ["a", "b", "c"]
    heat = class_plots.confusion(classes(labels), schema_of("multiclass", labels)).data[0]
    assert np.sum(heat.text) == 60
    np.testing.assert_allclose(np.sum(heat.z, axis=1), 1.0)


def test_importance_shows_the_first_columns_and_says_of_how_many():
    shares = pd.Series({f"column {number}": 1 / 30 for number in range(30)})
    figure = comparison_plots.importance(shares)
    assert len(figure.data[0].x) == comparison_plots.MAX_COLUMNS
    assert "first 20 of 30" in figure.layout.xaxis.title.text


def test_names_that_are_cut_to_the_same_keep_rows_of_their_own():
    shares = pd.Series({f"{'n' * 40}{number}{'n' * 40}": 0.5 for number in range(2)})
    figure = comparison_plots.importance(shares)
    assert list(figure.data[0].y) == [0, 1]
    assert len(set(figure.layout.yaxis.ticktext)) == 1


@pytest.mark.parametrize("kind", ["regression", "binary", "multiclass"])
def test_no_text_of_a_user_is_markup(kind):
    labels = [] if kind == "regression" else [MARKUP, "b", "c"][: 2 if kind == "binary" else 3]
    schema = schema_of(kind, labels, target=MARKUP)
    frame = classes(labels) if labels else numbers()
    shares = pd.Series({MARKUP: 1.0})
    metric = "rmse" if kind == "regression" else "accuracy"
    board = board_of(2, metric)
    board["model"] = MARKUP
    found = run_plots.figures(board, metric, 1.0, {MARKUP: frame}, shares, schema)
    assert len(found) == 3
    for group in found.values():
        text = json.dumps(json.loads(plot_style.side_by_side(group).to_json()))
        assert "<a" not in text


def test_without_predictions_the_other_plots_are_there():
    schema = schema_of("regression")
    found = run_plots.figures(board_of(1), "rmse", None, {}, pd.Series({"a": 1.0}), schema)
    assert list(found) == ["scores", "importance"]


def test_panels_keep_their_titles_and_name_each_model_once():
    left = plot_style.styled(go.Figure(go.Scatter(x=[1], y=[1], name="m")), "left x", "left y")
    right = plot_style.styled(go.Figure(go.Scatter(x=[2], y=[2], name="m")), "right x", "y")
    whole = plot_style.side_by_side([left, right])
    assert [trace.showlegend for trace in whole.data] == [True, False]
    titles = (whole.layout.xaxis.title.text, whole.layout.xaxis2.title.text)
    assert titles == ("left x", "right x")


def test_every_plot_has_the_white_look_where_it_is_shown():
    one = plot_style.styled(go.Figure(go.Bar(x=[1], y=[1])), "x", "y")
    for figure in (one, plot_style.side_by_side([one, one])):
        for drawn in (json.loads(figure.to_json()), figure.to_plotly_json()):
            look = drawn["layout"]["template"]["layout"]
            assert (look["plot_bgcolor"], look["paper_bgcolor"]) == ("white", "white")


def test_rows_are_thinned_at_random_and_the_same_each_time():
    frame = pd.DataFrame({"a": range(10_000)})
    first, again = plot_style.thinned(frame), plot_style.thinned(frame)
    assert len(first) == plot_style.MAX_POINTS
    assert first.equals(again)
    assert first.index.is_monotonic_increasing
    assert plot_style.thinned(frame.head(5)).equals(frame.head(5))


def test_a_long_name_keeps_both_its_ends():
    assert plot_style.short("a" * 30 + "z" * 30, 11) == "aaaaa…zzzzz"
    assert plot_style.short("short") == "short"
