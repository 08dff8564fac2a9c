import threading

import numpy as np
import pandas as pd
import pytest
from pandas.testing import assert_frame_equal

from ml.runtime.errors import DataError, UserError
from ml.tabular.conforming import conform
from ml.tabular.data import table_files
from ml.tabular.data.inspection import infer_schema
from ml.tabular.data.table_files import open_file
from ml.tabular.schema import Column, Schema
from ml.tabular.serving import row_forms
from ml.tabular.serving.streaming import (
    ahead,
    file_chunks,
    frame_chunks,
    rows_per_chunk,
)


@pytest.fixture
def schema(dirty_table):
    return infer_schema(dirty_table, "price", "flats")


def schema_of(**kinds):
    columns = [Column(name=name, kind=kind) for name, kind in kinds.items()]
    return Schema(name="x", target="t", kind="regression", classes=[], columns=columns, rows=40)


def chunks(path, schema, rows=50, truth=True, skip=False, **options):
    return list(
        file_chunks([open_file(path, path.name, **options)], schema, rows, truth=truth, skip=skip)
    )


def whole(found):
    features = pd.concat([one.features for one in found])
    categories = [name for name in features if features[name].dtype.name in ("category", "object")]
    return features.astype(dict.fromkeys(categories, "string"))


@pytest.mark.parametrize("ending", ["csv", "parquet"])
@pytest.mark.parametrize("rows", [1, 7, 100, 1000])
def test_chunks_of_any_size_hold_what_the_whole_holds(dirty_table, schema, tmp_path, ending, rows):
    path = tmp_path / f"rows.{ending}"
    dirty_table.to_csv(path, index=False) if ending == "csv" else dirty_table.to_parquet(path)
    found = chunks(path, schema, rows)
    assert max(len(one.rows) for one in found) <= rows
    expected = conform(dirty_table, schema, "all")
    assert_frame_equal(whole(found), expected.astype({"city": "string"}), check_index_type=False)
    assert np.concatenate([one.rows for one in found]).tolist() == list(range(240))
    truth = pd.concat([one.truth for one in found])
    np.testing.assert_allclose(truth.to_numpy(float), dirty_table["price"])


def test_a_csv_is_read_block_by_block_with_types_that_no_block_decides(tmp_path, monkeypatch):
    monkeypatch.setattr(table_files, "_BLOCK", 200)
    frame = pd.DataFrame(
        {
            "code": ["1", "2", "03", "x"] * 50,
            "n": ["1", " 2", "true", "3.5"] * 50,
            "on": ["2020-01-01", "2020-01-02 10:00:00", "", "2020-01-03T00:00:00Z"] * 50,
            "t": range(200),
        }
    )
    schema = schema_of(code="category", n="numeric", on="datetime")
    path = tmp_path / "codes.csv"
    frame.to_csv(path, index=False)
    found = chunks(path, schema, 1000)
    assert len(found) > 5
    features = whole(found)
    assert features["code"].tolist() == ["1", "2", "03", "x"] * 50
    assert features["n"].tolist() == [1, 2, 1, 3.5] * 50
    assert features["on"].head(2).tolist() == [18262.0, 18263 + 10 / 24]
    assert np.isnan(features["on"].iloc[2])


def test_decimal_commas_stand_in_files_with_semicolons(tmp_path):
    frame = pd.DataFrame({"a": np.arange(40) / 2, "t": np.arange(40) / 4})
    schema = schema_of(a="numeric")
    path = tmp_path / "rows.csv"
    frame.to_csv(path, index=False, sep=";", decimal=",")
    (found,) = chunks(path, schema)
    assert found.features["a"].tolist() == frame["a"].tolist()
    assert found.truth.tolist() == frame["t"].tolist()


def test_types_of_a_parquet_file_that_differ_conform(tmp_path):
    frame = pd.DataFrame({"code": ["1", "2", "x", None] * 10, "n": range(40), "t": range(40)})
    schema = schema_of(code="category", n="numeric")
    other = frame.assign(
        code=pd.array([1, 2, 3, None] * 10, dtype="float64"), n=frame["n"].astype(str)
    )
    path = tmp_path / "rows.parquet"
    other.to_parquet(path)
    (found,) = chunks(path, schema)
    assert whole([found])["code"].head(4).fillna("").tolist() == ["1", "2", "3", ""]
    assert found.features["n"].tolist() == list(range(40))


def test_labels_that_pandas_stored_number_the_rows(dirty_table, schema, tmp_path):
    path = tmp_path / "part.parquet"
    dirty_table.iloc[[200, 3, 70]].to_parquet(path)
    (found,) = chunks(path, schema)
    assert found.rows.tolist() == [200, 3, 70]
    (found,) = frame_chunks(dirty_table.head(3), schema, 9, "x", truth=False, skip=False)
    assert (found.rows.tolist(), found.truth) == ([0, 1, 2], None)


def test_only_the_columns_that_are_needed_are_read(dirty_table, schema, tmp_path):
    path = tmp_path / "rows.csv"
    dirty_table.assign(extra="x", sold_=1).to_csv(path, index=False)
    file = open_file(path, "rows.csv")
    assert row_forms.unused(file.names, schema, None) == ["extra", "sold_"]
    batch = next(file.batches({"size": "numeric"}, 10, False))
    assert list(batch.frame) == ["size"]


def test_missing_columns_are_told_before_a_row_is_read(schema):
    with pytest.raises(UserError, match="columns are missing: size, sold"):
        row_forms.edits_to_do(["city", "balcony", "price"], schema, None, "rows.csv")


def test_a_bad_value_is_told_with_its_file_and_row(dirty_table, schema, tmp_path):
    path = tmp_path / "rows.csv"
    dirty_table.astype({"size": object}).replace({"size": {dirty_table["size"][117]: "big"}})[
        ["size", "city", "sold", "balcony"]
    ].to_csv(path, index=False)
    with pytest.raises(
        DataError, match=r"'size' holds 'big', which is not a number \(data row 118"
    ) as caught:
        chunks(path, schema)
    assert caught.value.where == "rows.csv"


@pytest.mark.parametrize("blank", ["", "\n\n"])
@pytest.mark.parametrize("rows", [1, 3, 100])
def test_bad_rows_are_left_out_and_named_where_they_stood(tmp_path, blank, rows):
    schema = schema_of(a="numeric", b="numeric")
    path = tmp_path / "rows.csv"
    lines = ["1,2", "3", "x,4", "5,inf", "6,7", "8,9,10", "11,12", "13"]
    path.write_text(blank + "a,b\n" + "\n".join(lines) + "\n")
    found = chunks(path, schema, rows, skip=True)
    assert np.concatenate([one.rows for one in found]).tolist() == list(range(8))
    kept = pd.concat([one.features for one in found])
    assert kept["a"].tolist() == [1, 6, 11]
    assert kept.index.tolist() == [0, 4, 6]
    why = {int(one.rows[place]): text for one in found for place, text in one.bad.items()}
    assert why == {
        1: "1 values in 2 columns",
        2: "a holds 'x', not a number",
        3: "b holds inf, not a finite number",
        5: "3 values in 2 columns",
        7: "1 values in 2 columns",
    }
    assert all(len(one.kept) == len(one.features) for one in found)


def test_a_ragged_row_is_told_with_its_number(tmp_path):
    schema = schema_of(a="numeric", b="numeric")
    path = tmp_path / "rows.csv"
    path.write_text("a,b\n" + "1,2\n" * 30 + "3\n")
    with pytest.raises(DataError, match="a row has 1 values where the header has 2") as caught:
        chunks(path, schema)
    assert caught.value.where == "rows.csv, row 32"


def test_another_encoding_is_read_when_it_is_named(tmp_path):
    frame = pd.DataFrame({"city": ["Köln", "Oslo"] * 20, "t": range(40)})
    schema = schema_of(city="category")
    path = tmp_path / "rows.csv"
    frame.to_csv(path, index=False, encoding="cp1252")
    (found,) = chunks(path, schema, encoding="cp1252")
    assert whole([found])["city"].tolist() == frame["city"].tolist()
    with pytest.raises(DataError, match="UTF-8"):
        chunks(path, schema)


def test_a_wide_chunk_has_fewer_rows():
    assert rows_per_chunk(10) == 65_536
    assert rows_per_chunk(1000) == 8000
    assert rows_per_chunk(10_000_000) == 256


def test_items_are_made_ahead_but_not_without_bound():
    made = []

    def items():
        for number in range(20):
            made.append(number)
            yield number

    found = ahead(items(), depth=2)
    assert next(found) == 0
    assert list(found) == list(range(1, 20))
    assert made == list(range(20))


def test_what_the_reader_raises_comes_after_what_it_read():
    def items():
        yield 1
        raise DataError("broken")

    found = ahead(items())
    assert next(found) == 1
    with pytest.raises(DataError, match="broken"):
        next(found)


def test_a_reader_ends_with_whoever_takes_no_more():
    ended = threading.Event()

    def items():
        try:
            yield from range(1000)
        finally:
            ended.set()

    source = items()
    found = ahead(source)
    next(found)
    found.close()
    assert not [one for one in threading.enumerate() if one.name == "reader"]
    source.close()
    assert ended.is_set()
