import numpy as np
import pandas as pd
import pytest

from ml.model_catalog import MODELS
from ml.tabular.conforming import conform, conform_target
from ml.tabular.data.inspection import infer_schema
from ml.tabular.learning.fitting import FittedModel
from ml.tabular.preparation.preprocessor import fit_preprocessor
from ml.tabular.summary import attribution
from ml.tabular.summary.explaining import MAX_ROWS, explain, importance, worthwhile_rows

CPU_MODELS = [name for name, model in MODELS.items() if model.accelerator == "cpu"]
# trees of any library: what holds of a few holds of many
FEW = {"n_estimators": 12, "iterations": 12, "max_iter": 12}
SAMPLED = 4


@pytest.fixture(scope="module")
def flats():
    """Kind of problem → rows with columns of all kinds, and their schema."""
    random = np.random.default_rng(0)
    rows = 160
    frame = pd.DataFrame(
        {
            "size": random.normal(50, 10, rows),
            "city": random.choice(["Kobe", "Oslo", "Lima"], rows),
            "sold": pd.date_range("2020-01-01", periods=rows),
            "noise": random.normal(size=rows),
        }
    )
    value = frame["size"] * 3 + (frame["city"] == "Oslo") * 40
    frame.loc[::17, "size"] = None
    frame.loc[3::19, "city"] = None
    targets = {
        "regression": value,
        "binary": np.where(value > value.median(), "dear", "cheap"),
        "multiclass": pd.qcut(value, 3, labels=["a", "b", "c"]).astype(str),
    }
    return {
        kind: (data := frame.assign(price=target), infer_schema(data, "price", "flats"))
        for kind, target in targets.items()
    }


def fitted(name, frame, schema):
    model = MODELS[name]
    fields = model.parameters.model_fields
    own = {field: value for field, value in FEW.items() if field in fields}
    if name == "ridge":
        own = {}
    preprocessor = fit_preprocessor(frame, schema)
    estimator = model.build(model.parameters(**own), schema.kind, 0, 1)
    inputs = preprocessor.transform(conform(frame, schema, "frame"))
    estimator.fit(inputs, conform_target(frame[schema.target], schema, "frame"))
    return FittedModel(name, schema, preprocessor, estimator)


def outputs(model, frame):
    """What a model says, on the scale that its explanation may be on: numbers or probabilities."""
    predicted = model.predict(frame, "frame")
    if model.schema.kind == "regression":
        return predicted["prediction"].to_numpy()
    if model.schema.kind == "binary":
        return predicted[f"probability of {model.schema.classes[1]}"].to_numpy()
    return predicted.drop(columns="prediction").to_numpy().max(axis=1)


@pytest.mark.parametrize(
    ("name", "kind"), [(name, kind) for name in CPU_MODELS for kind in MODELS[name].kinds]
)
def test_what_columns_add_makes_up_the_prediction(flats, name, kind):
    frame, schema = flats[kind]
    model = fitted(name, frame, schema)
    rows = frame.head(SAMPLED if MODELS[name].explained_by == "sampling" else 40)
    found = explain(model, rows, frame, "rows")
    assert found.method == MODELS[name].explained_by
    assert list(found.contributions) == ["size", "city", "sold", "noise"]
    assert found.contributions.index.equals(rows.index)
    expected, totals = outputs(model, rows), found.totals
    if found.output.startswith("log-odds"):
        totals = 1 / (1 + np.exp(-totals))
    if not found.output.startswith("score"):
        np.testing.assert_allclose(totals, expected, rtol=1e-4, atol=1e-4)
    names = {
        "regression": "predicted price",
        "binary": "of dear",
        "multiclass": "of the predicted class",
    }
    assert found.output.endswith(names[kind])


@pytest.mark.parametrize("name", ["lightgbm", "ridge", "svm"])
def test_the_columns_that_decide_come_first_and_shares_sum_to_one(flats, name):
    frame, schema = flats["regression"]
    shares = importance(explain(fitted(name, frame, schema), frame.head(20), frame, "rows"))
    assert list(shares.index[:2]) in (["size", "city"], ["city", "size"])
    assert shares.sum() == pytest.approx(1)
    assert shares["noise"] < 0.15


def test_the_score_of_a_class_is_that_of_the_predicted_one(flats):
    frame, schema = flats["multiclass"]
    model = fitted("lightgbm", frame, schema)
    found = explain(model, frame.head(30), frame, "rows")
    inputs = model.preprocessor.transform(conform(frame.head(30), schema, "rows"))
    raw = model.estimator.predict(inputs, raw_score=True)
    np.testing.assert_allclose(found.totals, raw.max(axis=1), rtol=1e-6)


def test_a_model_that_is_not_what_it_declares_is_explained_by_sampling(flats):
    frame, schema = flats["regression"]
    model = fitted("ridge", frame, schema)

    class Doubled:
        coef_, intercept_ = model.estimator.coef_, model.estimator.intercept_

        def predict(self, inputs):
            return 2 * model.estimator.predict(inputs)

    doubled = FittedModel("ridge", schema, model.preprocessor, Doubled())
    found = explain(doubled, frame.head(3), frame, "rows")
    assert found.method == "sampling"
    np.testing.assert_allclose(found.totals, outputs(doubled, frame.head(3)), rtol=1e-9)


@pytest.mark.parametrize("name", ["svm", "random_forest"])
def test_the_same_seed_gives_the_same_explanation(flats, name):
    frame, schema = flats["binary"]
    model = fitted(name, frame, schema)
    first, again = (explain(model, frame.head(3), frame, "rows", seed=7) for _ in range(2))
    pd.testing.assert_frame_equal(first.contributions, again.contributions, check_exact=True)


@pytest.mark.parametrize(
    "name", [name for name in CPU_MODELS if MODELS[name].explained_by == "tree"]
)
def test_trees_that_would_take_for_ever_are_sampled(flats, name, monkeypatch):
    frame, schema = flats["regression"]
    model = fitted(name, frame, schema)
    steps = attribution.tree_steps(model.estimator)
    # the trees of these two are small whatever the rows are
    assert steps > 0 or name in {"xgboost", "catboost"}
    assert worthwhile_rows(model) == MAX_ROWS
    monkeypatch.setattr(attribution, "MAX_TREE_STEPS", steps - 1)
    found = explain(model, frame.head(2), frame, "rows")
    assert found.method == "sampling"
    np.testing.assert_allclose(found.totals, outputs(model, frame.head(2)), rtol=1e-5)
    assert worthwhile_rows(model) < MAX_ROWS


def test_sampling_keeps_within_its_bound(monkeypatch):
    monkeypatch.setattr(attribution, "MAX_EVALUATIONS", 2_000)
    asked = []

    def predict(inputs):
        asked.append(len(inputs))
        return inputs.sum(axis=1, keepdims=True)

    random = np.random.default_rng(0)
    inputs, others = random.normal(size=(5, 6)), random.normal(size=(100, 6))
    groups = np.array([0, 0, 1, 1, 2, 2])
    found = attribution.by_sampling(predict, inputs, others, groups, 3, False, seed=0)
    # what nothing and all columns say is asked for once more per row
    assert sum(asked) <= 2_000 * 1.5
    np.testing.assert_allclose(found.base + found.values.sum(axis=1), inputs.sum(axis=1)[:, None])


def test_sampling_takes_a_background_from_all_over_where_it_takes_less(monkeypatch):
    monkeypatch.setattr(attribution, "MAX_EVALUATIONS", 100)
    # rows in the order of time, in which the number grows
    others = np.arange(1_000.0)[:, None]
    inputs = np.array([[500.0]])
    found = attribution.by_sampling(
        lambda rows: rows[:, :1], inputs, others, np.array([0]), 1, False, seed=0
    )
    np.testing.assert_allclose(found.base[0, 0], others.mean(), atol=1.0)


def test_sampling_finds_the_shapley_values_of_an_interaction():
    random = np.random.default_rng(0)
    inputs, others = random.normal(size=(4, 3)), random.normal(size=(200, 3))
    others -= others.mean(axis=0)

    def predict(rows):
        return rows[:, :1] + 2 * rows[:, 1:2] + rows[:, :1] * rows[:, 1:2]

    found = attribution.by_sampling(predict, inputs, others, np.arange(3), 3, False, seed=0)
    # by hand: with centred columns each of the two gets half of their product, less the mean's
    mean = (others[:, 0] * others[:, 1]).mean()
    shared = (inputs[:, 0] * inputs[:, 1] - mean) / 2
    np.testing.assert_allclose(found.values[:, 0, 0], inputs[:, 0] + shared, atol=1e-9)
    np.testing.assert_allclose(found.values[:, 1, 0], 2 * inputs[:, 1] + shared, atol=1e-9)
    np.testing.assert_allclose(found.values[:, 2, 0], 0.0, atol=1e-9)
    np.testing.assert_allclose(found.base[:, 0], mean, atol=1e-9)


def test_one_row_can_be_explained(flats):
    frame, schema = flats["regression"]
    found = explain(fitted("lightgbm", frame, schema), frame.iloc[[5]], frame, "Input/record")
    assert found.contributions.shape == (1, 4)


def test_a_model_that_says_the_same_for_every_row_has_no_important_column(flats):
    frame, schema = flats["regression"]
    model = fitted("ridge", frame, schema)
    model.estimator.coef_ = np.zeros_like(model.estimator.coef_)
    shares = importance(explain(model, frame.head(5), frame, "rows"))
    assert shares.tolist() == [0, 0, 0, 0]


def test_background_rows_are_read_only_for_models_that_need_them(flats):
    frame, schema = flats["regression"]

    def unread():
        raise AssertionError("trees need no background rows")

    explain(fitted("lightgbm", frame, schema), frame.head(3), unread, "rows")
    asked = []

    def background():
        asked.append(True)
        return frame

    model = fitted("ridge", frame, schema)
    found = explain(model, frame.head(3), background, "rows")
    assert asked == [True]
    given = explain(model, frame.head(3), frame, "rows")
    pd.testing.assert_frame_equal(found.contributions, given.contributions)
