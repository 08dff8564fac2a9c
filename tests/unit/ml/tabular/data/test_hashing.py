"""The hash of a table's values: what it is the same for, and what it tells apart."""

import datetime

import pandas as pd
import pyarrow as pa
import pytest

from ml.tabular.data.arrow_types import canonical
from ml.tabular.data.hashing import table_hash
from ml.tabular.data.inspection import inspect
from ml.tabular.data.reading import read_arrow

BASE = {
    "number": [1.5, None, -0.0],
    "whole": [1, 2, None],
    "text": ["é", "", None],
    "flag": [True, None, False],
    "day": [datetime.datetime(2026, 11, 23), None, datetime.datetime(2026, 1, 1)],
}


def hashed(columns=BASE, **changes):
    return table_hash(canonical(pa.table({**columns, **changes})))


def test_the_same_table_as_csv_and_as_parquet_has_the_same_hash(dirty_table, tmp_path):
    dirty_table.to_csv(tmp_path / "flats.csv", index=False)
    dirty_table.to_parquet(tmp_path / "flats.parquet")
    european = dirty_table.assign(sold=dirty_table["sold"].dt.strftime("%d.%m.%Y"))
    european.to_csv(tmp_path / "european.csv", index=False, sep=";", decimal=",")
    hashes = {
        inspect(read_arrow(tmp_path / name), "price", "flats").schema.hash
        for name in ("flats.csv", "flats.parquet", "european.csv")
    }
    assert len(hashes) == 1
    assert len(hashes.pop()) == 32


def test_how_a_table_is_cut_makes_no_difference():
    table = canonical(pa.table(BASE))
    cut = pa.concat_tables([table.slice(0, 1), table.slice(1, 0), table.slice(1, 2)])
    assert table_hash(cut) == table_hash(table)
    assert table_hash(pa.concat_tables([table, table]).slice(3)) == table_hash(table)


@pytest.mark.parametrize(
    "changes",
    [
        {"whole": [1.0, 2.0, None]},
        {"whole": pa.array([1, 2, None], pa.int8())},
        {"number": [1.5, float("nan"), 0.0]},
        {"text": pa.array(["é", None, None], pa.large_string())},
        {"text": pa.array(["é", "", None]).dictionary_encode()},
        {"day": pa.array(pd.to_datetime(["2026-11-23", None, "2026-01-01"]))},
    ],
)
def test_types_that_hold_the_same_values_make_no_difference(changes):
    assert hashed(**changes) == hashed()


@pytest.mark.parametrize(
    "changes",
    [
        {"number": [1.5, None, 1e-300]},
        {"number": [None, 1.5, 0.0]},
        {"text": ["", "é", None]},
        {"text": ["é ", "", None]},
        {"flag": [True, False, False]},
        {"day": [datetime.datetime(2026, 11, 23, 1), None, datetime.datetime(2026, 1, 1)]},
        {"more": [1, 2, 3]},
    ],
)
def test_other_values_have_another_hash(changes):
    assert hashed(**changes) != hashed()


def test_texts_that_join_alike_are_told_apart():
    assert hashed({"a": ["ab", "c"]}) != hashed({"a": ["a", "bc"]})


def test_names_and_their_order_count():
    assert hashed({"a": [1], "b": [2]}) != hashed({"b": [2], "a": [1]})
    assert hashed({"a": [1]}) != hashed({"c": [1]})


def test_an_empty_text_column_has_a_hash():
    assert hashed({"a": pa.array([None, None], pa.string())}) != hashed({"a": ["x", None]})
