import pytest

from ml.model_catalog import MODELS
from ml.runtime import memory
from ml.runtime.errors import UserError
from ml.tabular.learning.recipes import Recipe
from ml.tabular.learning.suitability import check_suitable
from ml.tabular.schema import Schema


def schema(kind="regression", classes=()):
    return Schema(name="x", target="price", kind=kind, classes=classes, columns=[], rows=0)


def recipe(name, **own):
    return Recipe(MODELS[name], MODELS[name].parameters(**own))


def test_what_fits_is_not_refused():
    check_suitable(recipe("random_forest"), schema(), rows=1000, inputs=20, copies=2.0)


def test_a_model_for_classes_refuses_numbers():
    with pytest.raises(UserError, match="discriminant learns binary and multiclass problems"):
        check_suitable(recipe("discriminant"), schema(), rows=10, inputs=2, copies=1.0)
    check_suitable(recipe("discriminant"), schema("binary", ["n", "y"]), 10, 2, 1.0)


def test_more_rows_than_a_model_takes_are_refused_with_a_way_out():
    with pytest.raises(UserError, match="takes 30,000 rows at most, and there are 40,000") as e:
        check_suitable(recipe("svm"), schema(), rows=40_000, inputs=2, copies=1.0)
    assert e.value.failure_class == "resource"
    assert "lightgbm" in e.value.mend


def test_support_vectors_need_two_rows_of_each_class():
    classes = schema("multiclass", ["a", "b", "c"])
    check_suitable(recipe("svm"), classes, rows=10, inputs=2, copies=1.0, rarest=2)
    with pytest.raises(UserError, match="and the training part has 1 of the"):
        check_suitable(recipe("svm"), classes, rows=10, inputs=2, copies=1.0, rarest=1)
    check_suitable(recipe("ridge"), classes, rows=10, inputs=2, copies=1.0, rarest=1)


def test_memory_that_will_not_do_is_told_before_it_is_taken(monkeypatch):
    monkeypatch.setattr(memory, "available", lambda root=None: 10**9)
    small = recipe("random_forest", n_estimators=10)
    check_suitable(small, schema(), rows=100_000, inputs=10, copies=2.0)
    with pytest.raises(UserError, match="fitting random_forest on 100,000 rows x 10 inputs") as e:
        check_suitable(recipe("random_forest"), schema(), rows=100_000, inputs=10, copies=2.0)
    assert e.value.failure_class == "resource"
    assert e.value.where == "Model/name, Model/parameters"
    with pytest.raises(UserError, match="fitting ridge"):
        check_suitable(recipe("ridge"), schema(), rows=1_000_000, inputs=100, copies=2.0)
