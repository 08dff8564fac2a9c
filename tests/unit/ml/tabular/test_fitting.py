import json

import joblib
import numpy as np
import pandas as pd
import pytest

from ml.model_catalog import MODELS
from ml.tabular import plots
from ml.tabular.fitting import fit, score_rows
from ml.tabular.inspection import infer_schema
from ml.tabular.preparation import fit_preprocessor, split

CPU_MODELS = [name for name, model in MODELS.items() if model.accelerator == "cpu"]
GOOD_ENOUGH = {
    "diabetes": ("r2", 0.15),
    "breast_cancer": ("roc_auc", 0.97),
    "iris": ("accuracy", 0.9),
}


def fitted(frame, schema, model, seed=0):
    parts = split(frame, schema, 0.2, 0.2, seed=0)
    preprocessor = fit_preprocessor(parts.train, schema)
    return parts, fit(parts, schema, preprocessor, model, MODELS[model].parameters(), seed)


@pytest.mark.parametrize("name", GOOD_ENOUGH)
@pytest.mark.parametrize("model", CPU_MODELS)
def test_each_model_learns_each_kind_of_problem(builtin, name, model):
    frame, schema = builtin(name)
    _, result = fitted(frame, schema, model)
    metric, least = GOOD_ENOUGH[name]
    assert result.test[metric] > least
    assert result.validation.keys() == result.test.keys()
    assert json.dumps(result.test)


def test_the_network_learns_each_kind_of_problem(builtin):
    pytest.importorskip("torch")
    for name, (metric, least) in GOOD_ENOUGH.items():
        frame, schema = builtin(name)
        _, result = fitted(frame, schema, "mlp")
        assert result.test[metric] > least
        assert result.history["loss"][-1] < result.history["loss"][0]


@pytest.mark.parametrize("model", CPU_MODELS)
def test_the_same_seed_gives_the_same_numbers_to_the_last_bit(builtin, model):
    frame, schema = builtin("diabetes")
    _, first = fitted(frame, schema, model)
    _, again = fitted(frame, schema, model)
    pd.testing.assert_frame_equal(first.predictions, again.predictions, check_exact=True)


@pytest.mark.parametrize("model", CPU_MODELS)
def test_columns_of_all_kinds_with_missing_values(dirty_table, model):
    schema = infer_schema(dirty_table, "price", "flats")
    _, result = fitted(dirty_table, schema, model)
    assert result.test["r2"] > 0.5


def test_a_model_predicts_the_same_after_it_was_stored(builtin, tmp_path):
    frame, schema = builtin("wine")
    parts, result = fitted(frame, schema, "ridge")
    joblib.dump(result.model, tmp_path / "model.joblib")
    again = joblib.load(tmp_path / "model.joblib").predict(parts.test, "test")
    pd.testing.assert_frame_equal(again, result.predictions.drop(columns="truth"))
    probabilities = again.drop(columns="prediction")
    assert list(probabilities) == [f"probability of {label}" for label in schema.classes]
    np.testing.assert_allclose(probabilities.sum(axis=1), 1.0)


def test_one_class_alone_has_no_roc_auc_but_the_other_metrics(builtin):
    frame, schema = builtin("breast_cancer")
    parts, result = fitted(frame, schema, "ridge")
    benign = parts.test[parts.test["target"] == "benign"]
    scores = score_rows(result.model.predict(benign, "benign"), benign, schema)
    assert "roc_auc" not in scores
    assert scores["accuracy"] > 0.9


@pytest.mark.parametrize("name", ["diabetes", "breast_cancer", "digits"])
def test_the_quality_plot_shows_every_test_row(builtin, name):
    frame, schema = builtin(name)
    _, result = fitted(frame, schema, "ridge")
    trace = plots.fit_quality(result.predictions, schema).data[0]
    shown = len(trace.x) if schema.kind == "regression" else int(np.sum(trace.z))
    assert shown == len(result.predictions)
