"""Several files as one table."""

import pandas as pd
import pyarrow as pa
import pytest
from pyarrow import parquet

from ml.runtime.errors import DataError
from ml.runtime.source_files import SourceFile
from ml.tabular.data.joining import read_files


@pytest.fixture
def files(tmp_path):
    def write(*contents):
        found = []
        for number, content in enumerate(contents):
            path = tmp_path / f"{number}.data"
            if isinstance(content, str):
                path.write_text(content)
            else:
                parquet.write_table(content, path)
            found.append(SourceFile(path, f"file {number}"))
        return found

    return write


def test_rows_stand_in_the_files_order_and_columns_in_that_of_the_first(files):
    table, notes = read_files(files("a,b\n1,x\n", "b,a\ny,2\n", "a,b\n3,z\n"))
    assert table.to_pydict() == {"a": [1, 2, 3], "b": ["x", "y", "z"]}
    assert notes == []


def test_whole_numbers_and_others_become_numbers(files):
    table, notes = read_files(files("a\n1\n2\n", "a\n1.5\n"))
    assert table["a"].to_pylist() == [1.0, 2.0, 1.5]
    assert notes == ["column a is whole numbers in file 0, numbers in file 1: taken as numbers"]


def test_numbers_and_texts_become_texts_as_they_are_spelled(files):
    table, notes = read_files(files("zip\n0107\n2.50\n", "zip\nN1 9GU\n"))
    assert table["zip"].to_pylist() == ["0107", "2.50", "N1 9GU"]
    assert notes == ["column zip is numbers in file 0, texts in file 1: taken as texts"]


def test_dates_and_texts_become_texts_as_they_are_spelled(files):
    table, _ = read_files(files("day\n2026-11-23\n", "day\nunknown\n"))
    assert table["day"].to_pylist() == ["2026-11-23", "unknown"]


def test_parquet_and_csv_go_together(files):
    whole = pa.table({"a": pa.array([1, 2], pa.int16()), "b": ["x", None]})
    table, notes = read_files(files(whole, "a,b\n3,y\n"))
    assert table.to_pydict() == {"a": [1, 2, 3], "b": ["x", None, "y"]}
    assert notes == []


def test_a_column_that_is_empty_in_one_file_takes_the_others_type(files):
    table, notes = read_files(files("a,b\n1,\n2,\n", "a,b\n3,2026-11-23\n"))
    assert table["b"].to_pylist() == [None, None, pd.Timestamp("2026-11-23")]
    assert notes == []


def test_a_column_that_is_text_stays_text(files):
    table, _ = read_files(files("zip\n01\n", "zip\n02\n"), texts=["zip"])
    assert table["zip"].to_pylist() == ["01", "02"]


def test_files_that_differ_in_their_columns_are_told_which(files):
    with pytest.raises(DataError) as caught:
        read_files(files("a,b\n1,2\n", "a,b\n1,2\n", "a,c,d\n1,2,3\n"))
    assert caught.value.what == (
        "the files differ in their columns: file 2 lacks b and has c, d in addition, "
        "compared with file 0"
    )
    assert caught.value.where == "file 2"


def test_a_file_that_cannot_be_read_is_named(files):
    with pytest.raises(DataError, match="no rows") as caught:
        read_files(files("a\n1\n", "a\n"))
    assert caught.value.where == "file 1"
