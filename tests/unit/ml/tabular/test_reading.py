"""What is read from a file: types, spellings, and what no column may hold."""

import decimal

import pandas as pd
import pyarrow as pa
import pytest
from pyarrow import parquet

from ml.runtime.errors import DataError
from ml.tabular.reading import read_table


def write(tmp_path, content):
    path = tmp_path / "data.csv"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


@pytest.mark.parametrize("values", [["1", "2", ""], ["true", "false", ""], ["2020-01-01", "", ""]])
def test_a_column_that_is_known_to_be_text_is_read_as_it_is_spelled(tmp_path, values):
    rows = "".join(f"{value},{number}\n" for number, value in enumerate(values))
    frame = read_table(write(tmp_path, f" g ,n\n{rows}"), texts={"g"})
    assert [None if pd.isna(value) else value for value in frame["g"]] == [
        value or None for value in values
    ]
    assert frame["n"].dtype == "int64"


def test_a_time_of_day_is_text_as_it_is_spelled(tmp_path):
    assert list(read_table(write(tmp_path, "at,n\n10:30,1\n11:00,2\n"))["at"]) == ["10:30", "11:00"]


def test_text_that_is_not_utf8_far_down_is_told(tmp_path):
    rows = b"".join(b"name%d,%d\n" % (number, number) for number in range(20_000))
    with pytest.raises(DataError, match="not UTF-8"):
        read_table(write(tmp_path, b"a,t\n" + rows + b"caf\xe9,1\n"))


@pytest.mark.parametrize("blank", ["\n", "\n\n", "  \n", "\ufeff\r\n"])
def test_blank_lines_before_the_header_do_not_hide_what_separates_the_columns(tmp_path, blank):
    frame = read_table(write(tmp_path, f"{blank}a;b\n1;2\n3;4\n"))
    assert list(frame.columns) == ["a", "b"]
    assert frame["b"].tolist() == [2, 4]


def test_decimal_commas_are_numbers_where_semicolons_separate(tmp_path):
    content = "a;b;c;t\n1,5;x;0.5;1,5\n-2;y,z;1.5;2,0\n;x;2.5;3e2\n"
    frame = read_table(write(tmp_path, content), texts={"t"})
    assert frame["a"].tolist()[:2] == [1.5, -2.0]
    assert frame["a"].isna().tolist() == [False, False, True]
    assert frame["c"].tolist() == [0.5, 1.5, 2.5]
    assert frame["b"].tolist() == ["x", "y,z", "x"]
    assert frame["t"].tolist() == ["1,5", "2,0", "3e2"]


def test_decimals_of_a_parquet_file_are_numbers(tmp_path):
    table = pa.table({"a": [decimal.Decimal("1.50"), None], "b": [1, 2]})
    parquet.write_table(table, tmp_path / "data.parquet")
    frame = read_table(tmp_path / "data.parquet")
    assert frame["a"].dtype == "float64"
    assert frame["a"].iloc[0] == 1.5


@pytest.mark.parametrize(
    "values", [[[1], [2, 3]], [{"x": 1}, {"x": 2}], [b"ab", b"\xff"]], ids=["list", "struct", "raw"]
)
def test_nested_and_binary_columns_are_refused_by_name(tmp_path, values):
    parquet.write_table(pa.table({"fine": [1, 2], "odd": values}), tmp_path / "data.parquet")
    with pytest.raises(DataError, match=r"nested or binary values: odd \(") as caught:
        read_table(tmp_path / "data.parquet")
    assert "leave these columns out" in caught.value.mend
