import sys
from types import ModuleType

import joblib
import numpy as np
import pytest

from ml import model_catalog
from ml.model_catalog import MODELS
from ml.runtime.discovery import declared
from ml.runtime.errors import UserError
from ml.runtime.model import Choice, Range
from ml.runtime.parameters import parse_plain
from ml.tabular.learning.fitting import fit
from ml.tabular.preparation.preprocessor import fit_preprocessor
from ml.tabular.preparation.splitting import split

OF_THE_USER = '''
"""The mean of the nearest rows: a user's own model."""

from __future__ import annotations

from pydantic import Field

from ml.runtime.model import Model, ModelParameters, Range


class Parameters(ModelParameters):
    """Of the nearest rows."""

    n_neighbors: int = Field(10, ge=1, le=1000, description="how many rows")


def build(parameters, kind, seed, threads):
    from sklearn.neighbors import KNeighborsClassifier, KNeighborsRegressor

    options = {**parameters.model_dump(), "n_jobs": threads}
    if kind == "regression":
        return KNeighborsRegressor(**options)
    return KNeighborsClassifier(**options)


MODEL = Model(
    name="nearest",
    help="nearest rows",
    accelerator="cpu",
    framework="scikit-learn",
    parameters=Parameters,
    build=build,
    search={"n_neighbors": Range(1, 100, log=True)},
)
'''


def test_a_model_is_added_by_adding_a_file(tmp_path, monkeypatch, builtin):
    (tmp_path / "nearest.py").write_text(OF_THE_USER)
    package = ModuleType("own_models")
    package.__path__ = [str(tmp_path)]
    monkeypatch.setitem(sys.modules, "own_models", package)
    (model,) = declared(package, "MODEL")
    monkeypatch.setitem(model_catalog.MODELS, model.name, model)

    for name, metric, least in (("diabetes", "r2", 0.2), ("iris", "accuracy", 0.9)):
        frame, schema = builtin(name)
        parts = split(frame, schema, 0.2, 0.2, seed=0)
        preprocessor = fit_preprocessor(parts.train, schema)
        found = fit(parts, schema, preprocessor, "nearest", model.parameters(), 0)
        assert found.test[metric] > least
        assert found.model.made_with.keys() == {"ml", "python", "numpy", "pandas", "scikit-learn"}


@pytest.mark.parametrize("model", MODELS.values(), ids=MODELS)
def test_a_model_tells_what_people_and_tuning_need(model):
    assert model.help
    assert model.search
    for name, info in model.parameters.model_fields.items():
        assert info.description, name
        is_bounded = any(hasattr(bound, "ge") or hasattr(bound, "gt") for bound in info.metadata)
        assert is_bounded or info.annotation is bool, name
    assert all(isinstance(place, Range | Choice) for place in model.search.values())


def test_a_wrong_parameter_is_told_with_the_nearest_and_its_range():
    kind = MODELS["random_forest"].parameters
    with pytest.raises(UserError, match="did you mean 'n_estimators'"):
        parse_plain(kind, {"n_estimater": 3}, "Model/parameters")
    with pytest.raises(UserError, match="max_features: should be less than or equal to 1, not 7"):
        parse_plain(kind, {"max_features": 7}, "Model/parameters")


@pytest.mark.parametrize("name", ["random_forest", "extra_trees"])
def test_a_forest_holds_what_was_estimated(name):
    random = np.random.default_rng(0)
    features = random.normal(size=(2000, 5))
    target = features[:, 0] + random.normal(size=2000)
    model = MODELS[name]
    own = model.parameters(n_estimators=20)
    estimator = model.build(own, "regression", 0, 1).fit(features, target)
    held = sum(sum(array.nbytes for array in _arrays(tree)) for tree in estimator.estimators_)
    estimated = model.memory(own, 2000, 5, 1) - 2000 * 5 * 4
    assert 0.7 < estimated / held < 1.5


def _arrays(tree):
    state = tree.tree_.__getstate__()
    return [state["nodes"], state["values"]]


def test_a_small_tree_is_estimated_by_its_depth():
    model = MODELS["random_forest"]
    deep = model.memory(model.parameters(), 10**6, 10, 1)
    shallow = model.memory(model.parameters(max_depth=5), 10**6, 10, 1)
    assert shallow < deep / 100


def test_a_network_is_estimated_by_weights_and_what_adam_keeps():
    model = MODELS["mlp"]
    small = model.memory(model.parameters(hidden=10, layers=1, batch_size=1), 0, 4, 1)
    # 4 x 10 + 10 weights and biases, then 10 x 1 + 1: each with a gradient and two moments
    assert small == 61 * 4 * 4


def test_support_vectors_take_a_rare_class_and_constant_inputs():
    random = np.random.default_rng(0)
    features = np.column_stack([random.normal(size=60), np.zeros(60)])
    labels = np.array(["a"] * 57 + ["b"] * 3, dtype=object)
    features[57:, 0] += 5
    model = MODELS["svm"]
    machine = model.build(model.parameters(), "binary", 0, 1).fit(features, labels)
    np.testing.assert_allclose(machine.predict_proba(features).sum(axis=1), 1.0)
    assert (machine.predict(features) == labels).mean() > 0.95


def test_support_vectors_predict_a_constant_where_the_target_is_one():
    model = MODELS["svm"]
    machine = model.build(model.parameters(), "regression", 0, 1)
    found = machine.fit(np.arange(20.0)[:, None], np.full(20, 7.0)).predict(np.zeros((2, 1)))
    np.testing.assert_allclose(found, 7.0)


def test_support_vectors_draw_rows_where_there_are_too_many():
    random = np.random.default_rng(0)
    features = random.normal(size=(80, 2))
    target = features[:, 0]
    model = MODELS["svm"]
    few, again = (
        model.build(model.parameters(), "regression", 3, 1)
        .set_params(most_rows=50)
        .fit(features, target)
        for _ in range(2)
    )
    assert few.inner_.shape_fit_ == (50, 2)
    np.testing.assert_array_equal(few.predict(features), again.predict(features))
    enough = few.set_params(most_rows=80).fit(features, target)
    assert enough.inner_.shape_fit_ == (80, 2)


def test_a_blend_is_the_mean_of_its_parts():
    random = np.random.default_rng(0)
    features = random.normal(size=(60, 3))
    model = MODELS["blend"]
    own = model.parameters(n_estimators=10, smooth_share=0.5)
    numbers = model.build(own, "regression", 0, 1).fit(features, features[:, 0] ** 2)
    lines, curves, forest = (part.predict(features) for part in numbers.estimators_)
    expected = lines / 4 + curves / 4 + forest / 2
    np.testing.assert_allclose(numbers.predict(features), expected)

    labels = np.where(features[:, 0] > 0, "yes", "no").astype(object)
    classes = model.build(own, "binary", 0, 1).fit(features, labels)
    lines, clouds, forest = (part.predict_proba(features) for part in classes.estimators_)
    expected = lines / 4 + clouds / 4 + forest / 2
    np.testing.assert_allclose(classes.predict_proba(features), expected)


def test_a_blend_needs_its_forest_and_the_curves_of_some_rows():
    model, forest = MODELS["blend"], MODELS["random_forest"]
    numbers = model.memory(model.parameters(), 10**6, 10, 1)
    assert 0 < numbers - forest.memory(forest.parameters(min_samples_leaf=5), 10**6, 10, 1) < 10**9
    classes = model.memory(model.parameters(), 10**6, 10, 2)
    assert classes == forest.memory(forest.parameters(), 10**6, 10, 2)


def test_support_vectors_refuse_a_class_of_one_row():
    labels = np.array(["a", "b", "b", "b"], dtype=object)
    model = MODELS["svm"]
    machine = model.build(model.parameters(), "binary", 0, 1)
    with pytest.raises(UserError, match="2 rows of each class to fit on, and 'a' has 1"):
        machine.fit(np.arange(8.0).reshape(4, 2), labels)


@pytest.mark.parametrize("kind", ["regression", "binary", "multiclass"])
def test_catboost_predicts_by_one_thread(kind):
    catboost = pytest.importorskip("catboost")
    random = np.random.default_rng(0)
    features = random.normal(size=(60, 3))
    labels = {"binary": ["n", "y"], "multiclass": ["a", "b", "c"]}.get(kind)
    target = features[:, 0] if labels is None else np.resize(labels, 60).astype(object)
    model = MODELS["catboost"]
    fitted = model.build(model.parameters(iterations=5), kind, 0, 1).fit(features, target)
    own = fitted.inner_
    calls = ["predict"] if labels is None else ["predict", "predict_proba"]
    asked = []
    for name in calls:
        expected = getattr(own, name)(features, thread_count=1)
        found = getattr(fitted, name)(features)
        np.testing.assert_array_equal(found, np.reshape(expected, found.shape))
    assert isinstance(own, catboost.CatBoost)
    for name in calls:
        setattr(own, name, lambda rows, thread_count=-1: asked.append(thread_count))
        getattr(fitted, name)(features)
    assert asked == [1] * len(calls)


def test_xgboost_tells_its_device_and_predicts_on_the_cpu(tmp_path):
    random = np.random.default_rng(0)
    features = random.normal(size=(80, 3))
    labels = np.where(features[:, 0] > 0, "yes", "no").astype(object)
    model = MODELS["xgboost_gpu"]
    found = model.build(model.parameters(n_estimators=5), "binary", 0, 1).fit(features, labels)
    assert found.device_ in ("cpu", "cuda")
    assert found.inner_.get_params()["device"] == "cpu"
    joblib.dump(found, tmp_path / "x.joblib")
    again = joblib.load(tmp_path / "x.joblib")
    np.testing.assert_array_equal(again.predict_proba(features), found.predict_proba(features))
    assert set(again.predict(features)) == {"yes", "no"}
