import json

import joblib
import numpy as np
import pandas as pd
import pytest

from ml.model_catalog import MODELS
from ml.runtime.errors import UserError
from ml.runtime.model import ModelParameters
from ml.tabular.data.inspection import infer_schema
from ml.tabular.learning.fitted_model import predicted_by
from ml.tabular.learning.fitting import fit, score_rows
from ml.tabular.learning.recipes import Recipe, Sample, samples
from ml.tabular.preparation.preprocessor import fit_preprocessor
from ml.tabular.preparation.splitting import split
from ml.tabular.summary import plots

WITHOUT_TORCH = [name for name in MODELS if name != "mlp"]
QUICK = [name for name in WITHOUT_TORCH if name not in ("catboost", "xgboost_gpu")]
GOOD_ENOUGH = {"diabetes": ("r2", 0.1), "breast_cancer": ("roc_auc", 0.97)}
KINDS = {"diabetes": "regression", "breast_cancer": "binary"}


def prepared(frame, schema):
    parts = split(frame, schema, 0.2, 0.2, seed=0)
    return parts, fit_preprocessor(parts.train, schema)


def few_trees(model):
    """The default parameters but for the number of trees: tests have two cores."""
    kind = MODELS[model].parameters
    counts = {"n_estimators", "max_iter", "iterations"} & set(kind.model_fields)
    return kind() if model == "ridge" else kind(**dict.fromkeys(counts, 30))


def fitted(frame, schema, model, seed=0, **options):
    parts, preprocessor = prepared(frame, schema)
    own = few_trees(model)
    return parts, fit(parts, schema, preprocessor, model, own, seed, **options)


@pytest.mark.parametrize(
    ("model", "name"),
    [
        (model, name)
        for model in QUICK
        for name in GOOD_ENOUGH
        if KINDS[name] in MODELS[model].kinds
    ],
)
def test_each_model_learns_each_kind_of_problem(builtin, name, model):
    frame, schema = builtin(name)
    assert schema.kind == KINDS[name]
    _, result = fitted(frame, schema, model, refit=False)
    metric, least = GOOD_ENOUGH[name]
    assert result.test[metric] > least
    assert result.validation.keys() == result.test.keys() == result.test_intervals.keys()
    assert json.dumps([result.test, result.test_intervals])


@pytest.mark.parametrize("model", WITHOUT_TORCH)
def test_three_classes_and_the_same_bits_again(builtin, model, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    frame, schema = builtin("iris")
    _, first = fitted(frame, schema, model)
    _, again = fitted(frame, schema, model)
    pd.testing.assert_frame_equal(first.predictions, again.predictions, check_exact=True)
    assert first.test["accuracy"] > 0.9
    assert list(tmp_path.iterdir()) == [], "a model leaves no files behind"


def test_the_network_learns_each_kind_of_problem(builtin):
    pytest.importorskip("torch")
    for name, (metric, least) in {**GOOD_ENOUGH, "iris": ("accuracy", 0.9)}.items():
        frame, schema = builtin(name)
        _, result = fitted(frame, schema, "mlp")
        assert result.test[metric] > least
        assert result.history["loss"][-1] < result.history["loss"][0]


@pytest.mark.parametrize("model", [model for model in QUICK if "regression" in MODELS[model].kinds])
def test_columns_of_all_kinds_with_missing_values(dirty_table, model):
    schema = infer_schema(dirty_table, "price", "flats")
    _, result = fitted(dirty_table, schema, model, refit=False)
    assert result.test["r2"] > 0.5


@pytest.mark.parametrize("model", ["random_forest", "blend", "lightgbm"])
def test_threads_change_neither_the_forest_nor_repeated_runs(builtin, model):
    frame, schema = builtin("diabetes")
    _, first = fitted(frame, schema, model, threads=2)
    _, again = fitted(frame, schema, model, threads=2)
    pd.testing.assert_frame_equal(first.predictions, again.predictions, check_exact=True)
    forest = first.model.estimator
    assert forest.n_jobs == 1
    assert all(getattr(one, "n_jobs", 1) == 1 for one in getattr(forest, "estimators_", []))


def test_the_model_is_fitted_again_on_the_validation_rows(builtin):
    frame, schema = builtin("diabetes")
    _, once = fitted(frame, schema, "ridge", refit=False)
    _, again = fitted(frame, schema, "ridge")
    assert again.validation == once.validation
    assert again.model.interval == once.model.interval
    assert again.test != once.test
    pd.testing.assert_frame_equal(
        again.predictions_of("validation"), once.predictions_of("validation")
    )


def test_numbers_come_with_an_interval_that_holds_most_of_them(builtin):
    frame, schema = builtin("diabetes")
    parts, result = fitted(frame, schema, "ridge")
    rows = result.predictions_of("test")
    assert list(rows) == ["truth", "prediction", "low", "high"]
    np.testing.assert_allclose(rows["high"] - rows["low"], 2 * result.model.interval)
    inside = rows["truth"].between(rows["low"], rows["high"]).mean()
    assert 0.8 < inside <= 1.0
    assert list(rows.index) == list(parts.test.index)


def test_a_model_predicts_the_same_after_it_was_stored(builtin, tmp_path):
    frame, schema = builtin("wine")
    parts, result = fitted(frame, schema, "ridge")
    joblib.dump(result.model, tmp_path / "model.joblib")
    again = joblib.load(tmp_path / "model.joblib").predict(parts.test, "test")
    pd.testing.assert_frame_equal(again, result.predictions_of("test").drop(columns="truth"))
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


def test_a_class_that_was_never_seen_has_probability_zero(builtin):
    frame, schema = builtin("iris")
    parts, preprocessor = prepared(frame[frame["target"] != "virginica"], schema_without(schema))
    found = samples(parts, schema_without(schema), preprocessor)
    for model in ("ridge", "xgboost", "lightgbm"):
        estimator = Recipe(MODELS[model], MODELS[model].parameters()).fit(found.train, schema)
        predicted = predicted_by(estimator, found.validation.inputs, schema)
        assert predicted.probabilities.shape[1] == 3
        assert (predicted.probabilities[:, 2] == 0).all()
        assert set(predicted.prediction) == {"setosa", "versicolor"}


def schema_without(schema):
    return schema.model_copy(update={"classes": schema.classes[:2], "kind": "binary"})


def test_predictions_that_are_no_numbers_are_told(builtin):
    _, schema = builtin("diabetes")

    class Astray:
        def predict(self, inputs):
            return np.full(len(inputs), np.nan)

    with pytest.raises(UserError, match="no finite numbers") as caught:
        predicted_by(Astray(), np.zeros((3, 2)), schema)
    assert "learning_rate" in caught.value.mend


def test_a_recipe_builds_with_its_own_seed_and_threads(builtin):
    _, schema = builtin("diabetes")
    asked = []

    class Constant:
        def fit(self, inputs, target):
            return self

    def build(parameters, kind, seed, threads):
        asked.append((kind, seed, threads))
        return Constant()

    model = MODELS["ridge"]
    recipe = Recipe(
        type(model)("x", "", "cpu", "x", ModelParameters, build), ModelParameters(), 3, 2
    )
    recipe.fit(Sample(np.zeros((2, 1)), np.zeros(2)), schema)
    assert asked == [("regression", 3, 2)]


def test_the_quality_plot_shows_every_test_row(builtin):
    frame, schema = builtin("diabetes")
    _, result = fitted(frame, schema, "ridge")
    rows = result.predictions_of("test")
    assert len(plots.fit_quality(rows, schema).data[0].x) == len(rows)
