import numpy as np
import pandas as pd
import pytest

from ml.runtime.errors import UserError
from ml.tabular.conforming import conform, conform_target
from ml.tabular.inspection import infer_schema
from ml.tabular.preparation import fit_preprocessor, split


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
