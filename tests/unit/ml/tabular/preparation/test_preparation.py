import numpy as np
import pandas as pd
import pytest

from ml.runtime.errors import UserError
from ml.tabular.conforming import conform, conform_target
from ml.tabular.data.inspection import infer_schema
from ml.tabular.labels import class_texts
from ml.tabular.preparation.preprocessor import fit_preprocessor
from ml.tabular.preparation.splitting import split
from ml.tabular.schema import Column, Schema


@pytest.fixture
def schema(dirty_table):
    return infer_schema(dirty_table, "price", "flats")


def test_the_parts_are_disjoint_and_whole(dirty_table, schema):
    parts = split(dirty_table, schema, 0.2, 0.2, seed=0)
    indices = [set(part.index) for part in (parts.train, parts.validation, parts.test)]
    assert [len(index) for index in indices] == [144, 48, 48]
    assert set.union(*indices) == set(dirty_table.index)


def test_the_seed_decides_the_parts(dirty_table, schema):
    first, same, other = (split(dirty_table, schema, 0.2, 0.2, seed) for seed in (1, 1, 2))
    assert first.test.equals(same.test)
    assert not first.test.index.equals(other.test.index)


def test_rows_without_a_target_are_left_out(dirty_table, schema):
    dirty_table.loc[:9, "price"] = None
    parts = split(dirty_table, schema, 0.2, 0.2, seed=0)
    assert len(parts.train) + len(parts.validation) + len(parts.test) == len(dirty_table) - 10


def test_classes_keep_their_shares(builtin):
    frame, schema = builtin("breast_cancer")
    parts = split(frame, schema, 0.2, 0.2, seed=0)
    shares = [
        (part["target"] == "benign").mean() for part in (parts.train, parts.validation, parts.test)
    ]
    assert max(shares) - min(shares) < 0.02


def test_shares_that_leave_nothing_to_learn_from_are_refused(dirty_table, schema):
    with pytest.raises(UserError, match="90% of the rows"):
        split(dirty_table, schema, 0.45, 0.45, seed=0)


def test_only_the_training_part_is_looked_at(dirty_table, schema):
    parts = split(dirty_table, schema, 0.2, 0.2, seed=0)
    before = fit_preprocessor(parts.train, schema).transform(conform(parts.train, schema, "train"))
    dirty_table.loc[parts.test.index, "size"] = 1e9
    again = split(dirty_table, schema, 0.2, 0.2, seed=0)
    after = fit_preprocessor(again.train, schema).transform(conform(again.train, schema, "train"))
    np.testing.assert_array_equal(before, after)


def test_missing_and_unseen_values_become_numbers(dirty_table, schema):
    preprocessor = fit_preprocessor(dirty_table, schema)
    row = pd.DataFrame([{"size": None, "city": "Paris", "sold": None, "balcony": True}])
    values = preprocessor.transform(conform(row, schema, "row"))
    assert np.isfinite(values).all()


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"size": "large"}, "column 'size' holds 'large', which is not a number"),
        ({"size": float("inf")}, "not a finite number"),
        ({"sold": "soon"}, "'soon', which is not a date"),
        ({"sold": "03/04/2020"}, "which is not a date as ISO 8601 writes it"),
        ({"sold": 2020}, "2020, which is not a date"),
    ],
)
def test_values_that_do_not_conform_are_named(schema, change, said):
    row = {"size": 1.0, "city": "Oslo", "sold": "2020-01-01", "balcony": True, **change}
    with pytest.raises(UserError, match=said) as caught:
        conform(pd.DataFrame([row]), schema, "Input/record")
    assert caught.value.where == "Input/record"


def test_missing_columns_are_named(schema):
    with pytest.raises(UserError, match="columns are missing: city, balcony"):
        conform(pd.DataFrame([{"size": 1, "sold": None}]), schema, "data.csv")


def test_classes_that_training_did_not_see_are_named(builtin):
    _, schema = builtin("wine")
    with pytest.raises(UserError, match="class_9"):
        conform_target(pd.Series(["class_0", "class_9"]), schema, "data.csv")


def test_a_class_that_a_part_lacks_is_named_with_its_rows():
    frame = pd.DataFrame({"a": range(200), "t": ["rare"] * 5 + ["often"] * 195})
    schema = infer_schema(frame, "t", "rare")
    with pytest.raises(UserError, match=r"'rare' is too rare .* train 5, validation 0, test 0"):
        split(frame, schema, 0.05, 0.05, seed=0)


@pytest.mark.parametrize("others", [["size", "city"], ["size"]])
def test_a_text_column_without_a_value_in_the_training_part(dirty_table, others):
    dirty_table = dirty_table[[*others, "price"]].copy()
    dirty_table["note"] = pd.Series([None] * 239 + ["seen"], dtype=object)
    schema = infer_schema(dirty_table, "price", "flats")
    train = dirty_table.head(200)
    preprocessor = fit_preprocessor(train, schema)
    values = preprocessor.transform(conform(dirty_table, schema, "all"))
    assert np.isfinite(values).all()
    assert len(preprocessor.get_feature_names_out()) == values.shape[1]


def test_dates_of_several_shapes_count_days_and_far_ones_are_missing():
    schema = Schema(
        name="x",
        target="t",
        kind="regression",
        classes=[],
        columns=[Column(name="on", kind="datetime")],
        rows=5,
    )
    given = ["1970-01-03", "1970-01-02T12:00:00Z", "9999-12-31", None, "0001-01-01"]
    for values in (given, [value and np.datetime64(value.strip("Z"), "us") for value in given]):
        days = conform(pd.DataFrame({"on": values}), schema, "row")["on"]
        assert days.tolist()[:2] == [2.0, 1.5]
        assert days[2:].isna().all()


@pytest.mark.parametrize(
    ("values", "texts"),
    [
        (pd.Series([1.0, None, 2.0]), ["1", None, "2"]),
        (pd.Series([True, False]), ["true", "false"]),
        (pd.Series([0.5, 1.0]), ["0.5", "1"]),
        (pd.Series(["1", "true", None]), ["1", "true", None]),
    ],
)
def test_categories_are_spelled_as_a_csv_spells_them(values, texts):
    schema = Schema(
        name="x",
        target="t",
        kind="regression",
        classes=[],
        columns=[Column(name="g", kind="category")],
        rows=3,
    )
    found = conform(pd.DataFrame({"g": values}), schema, "row")["g"]
    assert [None if pd.isna(one) else one for one in found] == texts


@pytest.mark.parametrize(
    ("classes", "values", "texts"),
    [
        (["0.5", "1.0", "1.5", "2.0"], [1.0, 2.0], ["1.0", "2.0"]),
        (["0.5", "1.0", "1.5", "2.0"], ["1", "0.5", "3"], ["1.0", "0.5", "3"]),
        (["False", "True"], ["true", "FALSE"], ["True", "False"]),
        (["0", "1"], ["1.0", "0"], ["1", "0"]),
        (["007", "7", "A"], ["7", "007", "A"], ["7", "007", "A"]),
    ],
)
def test_classes_are_spelled_as_the_schema_does(classes, values, texts):
    schema = Schema(
        name="x", target="t", kind="multiclass", classes=classes, columns=[], rows=len(values)
    )
    assert class_texts(pd.Series(values), schema).tolist() == texts
