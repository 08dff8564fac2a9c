import numpy as np
import pytest

from ml.model_catalog import MODELS
from ml.runtime.errors import UserError
from ml.tabular.learning.recipes import Recipe
from ml.tabular.learning.validation import cross_validate, mean_score, prepared_folds, why_not
from ml.tabular.preparation.split_plan import SplitPlan

RIDGE = Recipe(MODELS["ridge"], MODELS["ridge"].parameters())


@pytest.fixture
def folds(builtin):
    frame, schema = builtin("wine")
    return list(prepared_folds(frame, schema, SplitPlan(), 4, seed=0)), schema, frame


def test_each_row_is_held_out_once_and_scaled_by_the_others_alone(folds):
    found, _, frame = folds
    assert sum(len(fold.held_out.target) for fold in found) == len(frame)
    for fold in found:
        assert len(fold.train.target) + len(fold.held_out.target) == len(frame)
        # the median of what was fitted on is 0, of the held-out rows it is not
        assert np.median(fold.train.inputs[:, 0]) == pytest.approx(0.0, abs=1e-9)
        assert np.median(fold.held_out.inputs[:, 0]) != 0


def test_mean_and_spread_over_the_folds(folds):
    found, schema, _ = folds
    result = cross_validate(RIDGE, found, schema)
    assert result["accuracy"]["mean"] > 0.95
    assert 0 < result["accuracy"]["std"] < 0.05
    assert mean_score(RIDGE, found, schema, "accuracy") == result["accuracy"]["mean"]


def test_a_metric_without_a_value_on_a_fold_is_told(folds):
    found, schema, _ = folds
    with pytest.raises(UserError, match="the metric rmse has no value") as caught:
        mean_score(RIDGE, found, schema, "rmse")
    assert caught.value.where == "Model/metric"


def test_too_many_folds_are_told(builtin):
    frame, schema = builtin("iris")
    with pytest.raises(UserError, match="60 folds need 60 rows of the rarest class"):
        list(prepared_folds(frame, schema, SplitPlan(), 60, seed=0))


def test_why_rows_cannot_be_cross_validated_is_said(builtin):
    frame, schema = builtin("wine")
    assert why_not(frame, schema, SplitPlan(), 5, seed=0) == ""
    assert "60 folds need 60 rows" in why_not(frame, schema, SplitPlan(), 60, seed=0)
    # each class comes after the other: the first folds do not know the last class
    ordered = frame.assign(moment=range(len(frame)))
    plan = SplitPlan(strategy="time", column="moment")
    assert "fold 1 of 5 lack a class" in why_not(ordered, schema, plan, 5, seed=0)
