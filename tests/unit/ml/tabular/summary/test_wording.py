import numpy as np
import pandas as pd
import pytest

from ml.runtime.metric_names import of_kind
from ml.tabular.schema import Column, Schema
from ml.tabular.summary.explaining import Explanation
from ml.tabular.summary.wording import MEANINGS, caution, explanation, headline

REGRESSION = Schema(
    name="flats",
    target="price",
    kind="regression",
    classes=[],
    columns=[
        Column(name="size", kind="numeric"),
        Column(name="sold", kind="datetime"),
        Column(name="city", kind="category"),
    ],
    rows=10,
)
BINARY = REGRESSION.model_copy(update={"kind": "binary", "classes": ["no", "yes"]})


def best(test, low=None, high=None):
    return {"model": "ridge", "test": test, "test low": low, "test high": high}


def test_the_error_is_put_beside_that_of_the_mean():
    scores, baseline = {"rmse": 2.0, "mae": 1.5}, {"rmse": 4.0, "mae": 3.0}
    said = headline(best(2.0, 1.5, 2.5), "rmse", REGRESSION, scores, baseline, 1200)
    assert said == [
        "On 1,200 rows that it never saw, ridge predicts price with an error of 1.5 on average, "
        "50% less than always saying the mean price (3).",
        "The test rmse of ridge is 2 (95 % interval 1.5 to 2.5); always saying the mean price "
        "has 4.",
    ]


def test_classes_are_put_beside_the_most_frequent_one():
    scores, baseline = {"accuracy": 0.9, "roc_auc": 0.95}, {"accuracy": 0.6, "roc_auc": 0.5}
    said = headline(best(0.95), "roc_auc", BINARY, scores, baseline)
    assert said[0] == (
        "On rows that it never saw, ridge predicts price rightly in 90.0% of them; always saying "
        "the most frequent class is right in 60.0%."
    )


@pytest.mark.parametrize(
    ("row", "told"),
    [
        (best(5.0, 4.5, 6.0), "do not act by this model"),
        (best(3.0, 2.0, 4.5), "the gain may be chance"),
    ],
)
def test_a_gain_that_is_none_is_said(row, told):
    said = headline(row, "rmse", REGRESSION, {"mae": 1.0}, {"rmse": 4.0, "mae": 1.0}, 10)
    assert told in said[-1]


@pytest.mark.parametrize("value", [None, float("nan")])
def test_a_score_that_is_missing_is_said(value):
    assert headline(best(value), "rmse", REGRESSION, {}, {}) == [
        "ridge has no rmse on the test part."
    ]


def test_without_a_baseline_the_score_stands_alone():
    assert headline(best(2.0), "rmse", REGRESSION, {}, {}) == ["The test rmse of ridge is 2."]


def test_models_that_the_rows_cannot_tell_apart_are_few_names():
    assert caution(["a"], "a") == ""
    assert "None of them is much simpler than a" in caution(["a", "b"], "a")
    assert "b is the simplest" in caution(["a", "b"], "b")
    many = caution(list("abcdefg"), "a")
    assert "from b, c, d and 3 more: the intervals of their validation scores overlap." in many
    by_folds = caution(["a", "b"], "a", 5)
    assert "from b: their means over the 5 folds are within one standard error." in by_folds


def explained(**contributions):
    frame = pd.DataFrame(contributions)
    return Explanation(frame, np.zeros(len(frame)), "predicted price", "tree")


def test_what_matters_and_which_way():
    values = np.arange(10.0)
    features = pd.DataFrame({"size": values, "sold": values, "city": list("ab") * 5})
    found = explained(size=values - 4.5, sold=-(values - 4.5) / 3, city=np.tile([0.1, -0.1], 5))
    shares = pd.Series({"size": 0.7, "sold": 0.25, "city": 0.05})
    assert explanation(shares, found, features, REGRESSION) == [
        "What moves the prediction most: size (70%), sold (25%) and city (5%).",
        "2 of 3 columns make up 80% of it.",
        "A higher size raises the predicted price.",
        "A later sold lowers the predicted price.",
    ]


def test_a_column_without_one_direction_gets_none():
    values = np.arange(-5.0, 6.0)
    features = pd.DataFrame({"size": values, "sold": values, "city": ["a"] * 11})
    found = explained(size=values**2, sold=np.zeros(11), city=np.zeros(11))
    shares = pd.Series({"size": 1.0, "city": 0.0, "sold": 0.0})
    said = explanation(shares, found, features, REGRESSION)
    assert not any("raises" in text or "lowers" in text for text in said)


def test_a_model_that_uses_no_column_is_said():
    shares = pd.Series({"size": 0.0})
    said = explanation(shares, explained(size=[0.0]), pd.DataFrame({"size": [1.0]}), REGRESSION)
    assert said == ["No column moves the prediction: the model says the same for every row."]


@pytest.mark.parametrize("kind", ["regression", "binary", "multiclass"])
def test_every_metric_has_a_meaning(kind):
    assert set(of_kind(kind)) <= set(MEANINGS)
