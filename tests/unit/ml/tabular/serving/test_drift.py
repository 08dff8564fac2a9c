import json

import numpy as np
import pandas as pd
import pytest
from pandas.testing import assert_frame_equal

from ml.tabular.conforming import conform
from ml.tabular.data.inspection import infer_schema
from ml.tabular.serving import drift


@pytest.fixture
def table():
    random = np.random.default_rng(0)
    rows = 4000
    frame = pd.DataFrame(
        {
            "size": random.normal(50, 10, rows),
            "rooms": random.integers(1, 6, rows),
            "city": random.choice(["Kobe", "Oslo", "Lima"], rows, p=[0.6, 0.3, 0.1]),
            "sold": pd.date_range("2020-01-01", periods=rows, freq="h"),
            "price": random.normal(0, 1, rows),
        }
    )
    frame.loc[::40, "size"] = None
    return frame


@pytest.fixture
def schema(table):
    return infer_schema(table, "price", "flats")


@pytest.fixture
def known(table, schema):
    return json.loads(json.dumps(drift.reference(table, schema), allow_nan=False))


def counted(known, schema, *frames):
    found = drift.Drift(known["columns"])
    for frame in frames:
        found.add(conform(frame, schema, "new rows"))
    return found.table().set_index("column")


def test_each_row_is_counted_once_in_each_column(table, known):
    spreads = [*known["columns"].values(), known["target"]]
    assert {sum(one["counts"]) for one in spreads} == {len(table)}
    assert known["columns"]["size"]["counts"][-1] == 100
    deciles = known["columns"]["size"]["counts"][:-1]
    assert max(deciles) - min(deciles) <= 1


def test_other_rows_of_the_same_kind_have_not_drifted(table, known, schema):
    found = counted(known, schema, table.sample(frac=0.5, random_state=1))
    assert drift.drifted(found.reset_index()) == "none"
    assert found["psi"].max() < drift.SOME


def test_the_index_is_the_sum_that_is_written():
    before, now = np.array([500, 500, 0]), np.array([100, 300, 0])
    expected = (0.25 - 0.5) * np.log(0.25 / 0.5) + (0.75 - 0.5) * np.log(0.75 / 0.5)
    assert drift.psi(before, now) == pytest.approx(expected)


def test_a_shift_an_unseen_category_and_missing_values_are_drift(table, known, schema):
    moved = table.assign(size=table["size"] + 15, city=table["city"].replace("Kobe", "Rome"))
    moved.loc[::2, "rooms"] = None
    found = counted(known, schema, moved)
    assert found.loc[["size", "city", "rooms"], "drift"].tolist() == ["much"] * 3
    assert found.loc["sold", "drift"] == ""
    assert found.loc["city", "unseen"] == pytest.approx((table["city"] == "Kobe").mean(), abs=1e-6)
    assert found.loc["rooms", "missing"] == pytest.approx(0.5, abs=0.01)
    assert drift.drifted(found.reset_index()).startswith(f"{found.index[0]} (")


def test_values_below_the_least_ever_seen_are_drift(table, known, schema):
    found = counted(known, schema, table.assign(rooms=table["rooms"] - 5))
    assert found.loc["rooms", "drift"] == "much"


def test_few_rows_have_not_drifted_by_chance(table, known, schema):
    few = table.sample(8, random_state=0)
    found = counted(known, schema, few)
    assert found["psi"].max() > drift.MUCH
    assert (found.drop("sold")["drift"] == "").all()


def test_chunks_give_what_the_whole_gives(table, known, schema):
    moved = table.assign(size=table["size"] * 1.2)
    chunks = [moved.iloc[start : start + 700] for start in range(0, len(moved), 700)]
    assert_frame_equal(counted(known, schema, *chunks), counted(known, schema, moved))


def test_categoricals_count_as_their_texts(table, known, schema):
    features = conform(table, schema, "rows")
    one, other = drift.Drift(known["columns"]), drift.Drift(known["columns"])
    one.add(features.assign(city=features["city"].astype("category")))
    other.add(features.assign(city=features["city"].astype(object)))
    assert_frame_equal(one.table(), other.table())


def test_of_very_many_categories_none_counts_as_unseen():
    names = [f"id {number}" for number in range(drift.MAX_SEEN + 500)] * 2
    one = drift.spread(pd.Series(names), "category")
    assert not one["complete"]
    assert len(one["seen"]) == drift.MAX_SEEN
    found = drift.Drift({"id": one})
    found.add(pd.DataFrame({"id": names}))
    assert found.table().loc[0, ["unseen", "psi"]].tolist() == [0, 0]


def test_a_text_counts_by_its_length():
    one = drift.spread(pd.Series(["a b", "abcde", None] * 50), "text")
    assert (one["low"], one["high"], one["counts"][-1]) == (3, 5, 50)
    found = drift.Drift({"note": one})
    found.add(pd.DataFrame({"note": ["a long text, much longer than any"] * 150}))
    assert found.table().loc[0, "drift"] == "much"


def test_a_column_without_a_value_has_a_spread():
    one = drift.spread(pd.Series([np.nan, np.nan]), "numeric")
    assert (one["counts"], one["low"], one["quantiles"]) == ([0, 2], None, [])


def test_a_large_column_is_sampled_evenly_but_its_range_is_exact(monkeypatch):
    monkeypatch.setattr(drift, "MAX_SAMPLE", 100)
    values = np.arange(10_000.0)
    one = drift.spread(pd.Series(values[::-1]), "numeric")
    assert (one["low"], one["high"], sum(one["counts"])) == (0, 9999, 10_000)
    assert one["quantiles"][1] == pytest.approx(5000, abs=100)


def test_what_lies_outside_of_training_is_told(table, known, schema):
    row = {"size": None, "rooms": 9, "city": "Rome", "sold": pd.Timestamp("2031-05-01")}
    said = drift.outside(conform(pd.DataFrame([row]), schema, "record"), known)
    assert said == [
        "rooms is 9, outside of 1 to 5 in training",
        "city is 'Rome', which was not seen in training",
        "sold is 2031-05-01, outside of 2020-01-01 to 2020-06-15 15:00 in training",
    ]
    inside = conform(table.iloc[[5]], schema, "record")
    assert drift.outside(inside, known) == []
    said = drift.outside(inside.assign(rooms=np.nan), known)
    assert said == ["rooms is missing, which it never was in training"]
