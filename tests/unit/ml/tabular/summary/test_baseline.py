import numpy as np
import pandas as pd
import pytest

from ml.tabular.schema import Schema
from ml.tabular.summary.baseline import baseline_scores


def schema_of(kind, classes=()):
    return Schema(name="x", target="t", kind=kind, classes=list(classes), columns=[], rows=4)


def test_the_mean_of_the_training_part_is_predicted():
    target, truth = pd.Series([1.0, 3.0, None]), pd.Series([2.0, 4.0])
    found = baseline_scores(target, truth, schema_of("regression"))
    assert found["mae"] == pytest.approx(1.0)
    assert found["rmse"] == pytest.approx(np.sqrt(2.0))


def test_the_most_frequent_class_and_the_shares_are_predicted():
    target, truth = pd.Series(["a", "b", "b", "b"]), pd.Series(["a", "b"])
    found = baseline_scores(target, truth, schema_of("binary", ["a", "b"]))
    assert found["accuracy"] == 0.5
    assert found["roc_auc"] == 0.5
    assert found["log_loss"] == pytest.approx(-(np.log(0.25) + np.log(0.75)) / 2)


def test_classes_that_look_like_numbers_are_texts():
    found = baseline_scores(
        pd.Series([0, 1, 1]), pd.Series(["1", "0"]), schema_of("binary", ["0", "1"])
    )
    assert found["accuracy"] == 0.5
