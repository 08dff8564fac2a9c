import numpy as np
import pytest

from ml.tabular.learning import intervals as module
from ml.tabular.learning.intervals import intervals
from ml.tabular.learning.metrics import score
from ml.tabular.schema import Schema

RANDOM = np.random.default_rng(0)


def schema(kind):
    classes = {"regression": [], "binary": ["n", "y"], "multiclass": ["a", "b", "c"]}[kind]
    return Schema(name="x", target="t", kind=kind, classes=classes, columns=[], rows=0)


def rows(kind, count, seed=0):
    random = np.random.default_rng(seed)
    if kind == "regression":
        truth = random.normal(100, 5, count)
        return truth, truth + random.normal(0, 2, count), None
    labels = np.array(schema(kind).classes, dtype=object)
    codes = random.integers(0, len(labels), count)
    scores = random.normal(size=(count, len(labels)))
    scores[np.arange(count), codes] += 1.0
    # rounded, so that some are equal
    probabilities = np.round(np.exp(scores), 1) + 0.1
    probabilities /= probabilities.sum(axis=1, keepdims=True)
    return labels[codes], labels[probabilities.argmax(axis=1)], probabilities


@pytest.mark.parametrize("kind", ["regression", "binary", "multiclass"])
def test_rows_that_count_several_times_score_as_if_they_were_repeated(kind):
    truth, prediction, probabilities = rows(kind, 60)
    counts = RANDOM.integers(0, 4, (1, 60)).astype(float)
    repeated = np.repeat(np.arange(60), counts[0].astype(int))
    expected = score(
        truth[repeated],
        prediction[repeated],
        None if probabilities is None else probabilities[repeated],
        schema(kind),
    )
    statistics = (
        module._NumberStatistics(truth, prediction)
        if kind == "regression"
        else module._ClassStatistics(truth, prediction, probabilities, schema(kind))
    )
    found = statistics.of(counts)
    assert found.keys() == expected.keys()
    for name, value in expected.items():
        assert found[name][0] == pytest.approx(value, rel=1e-9), name


@pytest.mark.parametrize("kind", ["regression", "binary", "multiclass"])
def test_each_score_lies_in_its_interval_and_the_same_rows_give_the_same(kind):
    given = rows(kind, 200)
    scores = score(*given, schema(kind))
    found = intervals(scores, *given, schema(kind))
    assert found == intervals(scores, *given, schema(kind))
    assert found.keys() == scores.keys()
    for name, (low, high) in found.items():
        assert low < scores[name] < high, name


def test_the_interval_of_a_mean_is_as_wide_as_its_error_says():
    given = rows("regression", 4000)
    scores = score(*given, schema("regression"))
    low, high = intervals(scores, *given, schema("regression"))["mae"]
    errors = np.abs(given[0] - given[1])
    expected = 2 * 1.96 * errors.std() / np.sqrt(len(errors))
    assert high - low == pytest.approx(expected, rel=0.15)


def test_many_rows_are_bounded_and_the_width_still_fits(monkeypatch):
    given = rows("regression", 8000)
    scores = score(*given, schema("regression"))
    exact = intervals(scores, *given, schema("regression"))
    monkeypatch.setattr(module, "MOST_ROWS", 2000)
    bounded = intervals(scores, *given, schema("regression"))
    for name in ("rmse", "mae"):
        widths = [high - low for low, high in (exact[name], bounded[name])]
        assert widths[1] == pytest.approx(widths[0], rel=0.25)
        assert bounded[name][0] < scores[name] < bounded[name][1]


def test_ends_stay_within_what_a_metric_can_be():
    truth, _, probabilities = rows("multiclass", 50)
    prediction = truth.copy()
    scores = score(truth, prediction, probabilities, schema("multiclass"))
    assert intervals(scores, truth, prediction, probabilities, schema("multiclass"))[
        "accuracy"
    ] == (1.0, 1.0)
