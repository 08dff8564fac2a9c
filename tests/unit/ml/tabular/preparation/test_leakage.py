import numpy as np
import pandas as pd
import pytest

from ml.runtime.errors import DataError
from ml.tabular.data.inspection import infer_schema
from ml.tabular.preparation import leakage
from ml.tabular.preparation.leakage import duplicates, refuse, suspects, without_duplicates
from ml.tabular.preparation.splitting import Positions, SplitPlan, divide
from ml.tabular.schema import Column, Schema

ROWS = 400
BUNDLED = ["breast_cancer", "diabetes", "digits", "iris", "wine"]


def random(seed):
    return np.random.default_rng(seed)


def schema_of(classes=(), **kinds):
    return Schema(
        name="x",
        target="t",
        kind="multiclass" if classes else "regression",
        classes=list(classes),
        columns=[Column(name=name, kind=kind) for name, kind in kinds.items()],
        rows=0,
    )


def found_in(target, kind, values, classes=()):
    frame = pd.DataFrame({"a": random(9).normal(size=len(values)), "b": values, "t": target})
    schema = schema_of(classes, a="numeric", b=kind)
    return {one.column: one.why for one in suspects(frame, schema, np.arange(len(frame)), 0)}


@pytest.mark.parametrize("name", BUNDLED)
def test_no_false_alarm_on_bundled_data(builtin, name):
    frame, schema = builtin(name)
    assert suspects(frame, schema, np.arange(len(frame)), 0) == []


price = random(1).normal(100, 20, ROWS)
city = random(2).integers(0, 20, ROWS)


@pytest.mark.parametrize(
    ("target", "kind", "values", "why"),
    [
        (price, "numeric", price, "equal"),
        (price, "numeric", price * 1.19 + 3, "rank correlation with it is 1.0"),
        (price, "numeric", -np.exp(price / 30), "rank correlation with it is -1.0"),
        (price, "numeric", np.where(np.arange(ROWS) % 3, price, np.nan), "equal"),
        (city * 7.0 % 31, "numeric", city, "one value of the target"),
        (city * 7.0 % 31, "category", [f"c{one}" for one in city], "one value of the target"),
        (price, "datetime", pd.to_datetime(price * 1e9, unit="us"), "rank correlation"),
    ],
)
def test_what_holds_a_number_is_found(target, kind, values, why):
    found = found_in(target, kind, values)
    assert list(found) == ["b"]
    assert why in found["b"]


@pytest.mark.parametrize(
    ("kind", "values"),
    [
        ("numeric", price + random(4).normal(0, 2, ROWS)),
        ("numeric", np.where(np.arange(ROWS) % 3, np.nan, price)),
        ("category", [f"row {number}" for number in range(ROWS)]),
        ("category", [f"c{round(one / 10)}" for one in price]),
        ("text", [f"row {number}" for number in range(ROWS)]),
        ("numeric", np.full(ROWS, np.nan)),
        ("numeric", np.full(ROWS, 3.0)),
    ],
)
def test_what_only_helps_with_a_number_is_not_accused(kind, values):
    assert found_in(price, kind, values) == {}


labels = np.array(["a", "b", "c"])[random(3).integers(0, 3, ROWS)]
number_of = pd.Series(labels).map({"a": 1.0, "b": 2.0, "c": 3.0}).to_numpy()


@pytest.mark.parametrize(
    ("kind", "values", "why"),
    [
        ("category", [one.upper() for one in labels], "each of its values has one class"),
        ("category", [f"{one}{n % 4}" for n, one in enumerate(labels)], "one class"),
        ("numeric", number_of + random(4).random(ROWS) / 2, "a range of it to itself"),
        ("numeric", np.arange(ROWS) % 9 * 3 + number_of - 1, "each of its values has one class"),
    ],
)
def test_what_holds_a_class_is_found(kind, values, why):
    found = found_in(labels, kind, values, ["a", "b", "c"])
    assert list(found) == ["b"]
    assert why in found["b"]


def test_what_is_there_for_one_class_alone_is_found():
    target = np.where(labels == "a", "refunded", "kept")
    values = np.where(labels == "a", price, np.nan)
    found = found_in(target, "numeric", values, ["kept", "refunded"])
    assert found == {"b": "it is missing for some classes and there for the others"}


@pytest.mark.parametrize(
    ("kind", "values"),
    [
        ("category", [f"row {number}" for number in range(ROWS)]),
        ("category", np.where(np.arange(ROWS) % 20 == 0, "a", labels)),
        ("numeric", number_of + random(4).normal(0, 0.5, ROWS)),
        ("numeric", np.arange(ROWS)),
    ],
)
def test_what_only_helps_with_a_class_is_not_accused(kind, values):
    assert found_in(labels, kind, values, ["a", "b", "c"]) == {}


def test_a_rare_class_is_not_given_away_by_a_constant():
    target = ["rare"] * 3 + ["often"] * (ROWS - 3)
    assert found_in(target, "category", ["x"] * ROWS, ["often", "rare"]) == {}


def test_few_rows_accuse_nothing():
    assert found_in(price[:20], "numeric", price[:20]) == {}


def test_a_sample_of_many_rows_tells_it(monkeypatch):
    monkeypatch.setattr(leakage, "SAMPLE_ROWS", 50)
    assert list(found_in(price, "numeric", price)) == ["b"]


def test_all_that_hold_the_target_are_named_with_the_mend():
    frame = pd.DataFrame({"a": price, "b": price * 2, "t": price})
    found = suspects(frame, schema_of(a="numeric", b="numeric"), np.arange(ROWS), 0)
    with pytest.raises(DataError, match="features hold the target 't' itself: a, b") as caught:
        refuse(found, "t")
    assert caught.value.where == "Split/leakage"
    assert '{"a": "ignore", "b": "ignore"}' in caught.value.mend
    assert refuse([], "t") is None


def test_rows_in_two_parts_are_found_by_their_features():
    frame = pd.DataFrame(
        {"a": [1.0, 2, None, 3, 1, 4, None, 5], "b": list("xyzxxyzy"), "t": np.arange(8.0)}
    )
    schema = schema_of(a="numeric", b="category")
    positions = Positions(np.array([0, 1, 2]), np.array([3, 4, 5]), np.array([6, 7]))
    found = duplicates(frame, schema, positions)
    assert found.validation.tolist() == [4]
    assert found.test.tolist() == [6]
    left = without_duplicates(frame["t"], schema, positions, found)
    assert [left.train.tolist(), left.validation.tolist(), left.test.tolist()] == [
        [0, 1, 2],
        [3, 5],
        [7],
    ]


def test_rows_of_validation_in_test_are_found_too():
    frame = pd.DataFrame({"a": [1.0, 2, 3, 2], "t": np.arange(4.0)})
    positions = Positions(np.array([0]), np.array([1, 2]), np.array([3]))
    found = duplicates(frame, schema_of(a="numeric"), positions)
    assert found.validation.tolist() == []
    assert found.test.tolist() == [3]


@pytest.mark.parametrize(
    ("values", "target", "said"),
    [
        ([1.0, 2.0] * 50, list("ab") * 50, "validation has no row"),
        ([*range(98), 1.0, 2.0], list("ab") * 50, None),
    ],
)
def test_dropping_duplicates_leaves_something_or_says_what_not(values, target, said):
    frame = pd.DataFrame({"a": values, "t": target})
    schema = infer_schema(frame, "t", "x")
    positions = divide(frame, schema, SplitPlan())
    found = duplicates(frame, schema, positions)
    if said is None:
        assert len(without_duplicates(frame["t"], schema, positions, found).test) >= 18
        return
    with pytest.raises(DataError, match=said):
        without_duplicates(frame["t"], schema, positions, found)


def test_dropping_duplicates_may_leave_a_class_too_few():
    frame = pd.DataFrame({"a": [1.0, 2, 3, 1, 4, 1, 5], "t": list("ababbab")})
    schema = schema_of(["a", "b"], a="numeric")
    positions = Positions(np.array([0, 1, 2]), np.array([3, 4]), np.array([5, 6]))
    with pytest.raises(DataError, match="validation has a class too few"):
        without_duplicates(frame["t"], schema, positions, duplicates(frame, schema, positions))
