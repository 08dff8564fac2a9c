"""What is read from a file: types, spellings, and what no column may hold."""

import decimal

import pandas as pd
import pyarrow as pa
import pytest
from pyarrow import parquet

from ml.runtime.errors import DataError, UserError
from ml.tabular.data.reading import read_table


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


def test_digits_that_no_number_holds_stay_as_they_are_spelled(tmp_path):
    codes = ["100000000000000000001", "100000000000000000002", "1234"]
    rows = "".join(f"{code},{number}\n" for number, code in enumerate(codes))
    assert list(read_table(write(tmp_path, f"a,n\n{rows}"))["a"]) == codes


@pytest.mark.parametrize("text", ["sep=;\na;b;t\n1;2;3\n", "Sales of 2026\n\na,b,t\n1,2,3\n"])
def test_a_line_above_the_header_is_told(tmp_path, text):
    with pytest.raises(DataError, match="a row has 3 values") as caught:
        read_table(write(tmp_path, text))
    assert "remove the lines above the header" in caught.value.mend


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


def test_points_between_thousands_are_no_decimals_where_commas_are(tmp_path):
    frame = read_table(write(tmp_path, "a;b;c\n1,5;1.037;0.125\n2,5;950;1.250\n"))
    assert frame["a"].tolist() == [1.5, 2.5]
    assert frame["b"].tolist() == ["1.037", "950"]
    assert frame["c"].tolist() == [0.125, 1.25]
    # without a decimal comma anywhere a point is a decimal one
    assert read_table(write(tmp_path, "a;b\n1;1.037\n2;950\n"))["b"].tolist() == [1.037, 950]


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


def rows(*values):
    """Rows of a column `a`, enough that the last stands beyond what types are guessed from."""
    return (
        "a,t\n"
        + "".join(f"{n},{n}\n" for n in range(200_000))
        + "".join(f"{value},1\n" for value in values)
    )


@pytest.mark.parametrize("late", ["1.5", "1e300", "99999999999999999999"])
def test_a_number_of_another_kind_far_down_keeps_the_column_numeric(tmp_path, late):
    frame = read_table(write(tmp_path, rows(late)))
    assert frame["a"].dtype == "float64"
    assert frame["a"].iloc[-1] == float(late)
    assert frame["a"].iloc[:2].tolist() == [0.0, 1.0]


def test_a_text_far_down_makes_texts_as_they_are_spelled(tmp_path):
    assert read_table(write(tmp_path, rows("foo")))["a"].iloc[[0, -1]].tolist() == ["0", "foo"]


def test_a_column_that_begins_empty_gets_its_type_from_what_comes(tmp_path):
    content = "n,s,d,f,t\n" + ",,,,1\n" * 300_000 + "1.5,x,2026-11-23,true,2\n"
    frame = read_table(write(tmp_path, content))
    last = frame.iloc[-1].tolist()
    assert last == [1.5, "x", pd.Timestamp("2026-11-23"), True, 2]


def test_many_columns_that_surprise_are_read_right(tmp_path):
    names = [f"c{number}" for number in range(8)]
    plain = ",".join("1" * 8) + "\n"
    late = ["1.5", "x", "2", "", "1e3", "-", "7", "0.25"]
    content = ",".join(names) + "\n" + plain * 200_000 + ",".join(late) + "\n"
    frame = read_table(write(tmp_path, content))
    kinds = ["float64", "str", "int64", "float64", "float64", "str", "int64", "float64"]
    assert [str(kind) for kind in frame.dtypes] == kinds
    assert frame["c1"].iloc[0] == "1"


def test_codes_with_leading_zeros_stay_as_they_are_written(tmp_path):
    content = "zip,n,odd,t\n" + "01067,0012,007,1\n50667,1,12345,2\n,3,3,4\n"
    frame = read_table(write(tmp_path, content))
    assert frame["zip"].tolist()[:2] == ["01067", "50667"]
    assert frame["zip"].isna().tolist() == [False, False, True]
    # of different lengths: numbers that somebody padded
    assert frame["n"].tolist() == [12, 1, 3]
    assert frame["odd"].tolist() == [7, 12345, 3]


def test_dates_and_texts_of_both_formats_have_the_same_types(tmp_path):
    frame = pd.DataFrame(
        {
            "day": pd.to_datetime(["2026-11-23", None]),
            "city": pd.Categorical(["Oslo", None]),
            "flag": [True, False],
            "price": [1.5, None],
        }
    )
    frame.to_csv(tmp_path / "a.csv", index=False)
    frame.to_parquet(tmp_path / "a.parquet")
    pd.testing.assert_frame_equal(
        read_table(tmp_path / "a.csv"), read_table(tmp_path / "a.parquet")
    )


def test_a_text_without_a_character_is_missing_in_parquet_as_in_csv(tmp_path):
    parquet.write_table(pa.table({"a": ["x", ""], "t": [1, 2]}), tmp_path / "data.parquet")
    assert read_table(tmp_path / "data.parquet")["a"].isna().tolist() == [False, True]


def test_texts_take_no_python_object_each(tmp_path):
    frame = read_table(write(tmp_path, "a,t\nx,1\ny,2\n"))
    assert frame["a"].dtype.storage == "pyarrow"


@pytest.mark.parametrize(
    ("head", "said"),
    [
        (b"PK\x03\x04abc", "an Excel workbook"),
        (b"\x1f\x8babc", "a gzip archive"),
        (b"ARROW1\0\0", "Feather"),
        (b'[{"a": 1}]', "JSON"),
        (b"<html>", "a web page"),
        (b"a,b\n1,2\0\n", "binary"),
    ],
)
def test_other_formats_are_told_by_what_they_are(tmp_path, head, said):
    with pytest.raises(DataError, match=said) as caught:
        read_table(write(tmp_path, head))
    assert "as CSV (UTF-8) or as Parquet" in caught.value.mend


@pytest.mark.parametrize("content", ["a,b\n", "a,b", "\n\na,b\n"])
def test_a_header_alone_is_told(tmp_path, content):
    with pytest.raises(DataError, match="a header but no rows"):
        read_table(write(tmp_path, content))


def test_a_file_that_may_not_be_read_is_told(tmp_path, monkeypatch):
    def refuse(*_, **__):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("pathlib.Path.open", refuse)
    with pytest.raises(DataError, match="cannot be read: Permission denied") as caught:
        read_table(tmp_path / "data.csv")
    assert "that you may read" in caught.value.mend


@pytest.mark.parametrize("kind", ["csv", "parquet"])
def test_a_file_that_the_memory_will_not_hold_is_refused_before_it_is_read(
    tmp_path, monkeypatch, kind
):
    frame = pd.DataFrame({"a": range(50_000), "t": 1.5})
    path = tmp_path / f"data.{kind}"
    frame.to_csv(path, index=False) if kind == "csv" else frame.to_parquet(path)
    assert len(read_table(path)) == 50_000
    monkeypatch.setattr("ml.runtime.memory.available", lambda *_: 100_000)
    with pytest.raises(UserError, match=r"reading .*data.* needs about 0\.00\d GB") as caught:
        read_table(path)
    assert caught.value.failure_class == "resource"
    assert caught.value.where == str(path)


def test_messages_name_the_file_as_its_user_does(tmp_path):
    with pytest.raises(DataError) as caught:
        read_table(write(tmp_path, "a,b\n1\n"), shown="https://example.com/a.csv")
    assert caught.value.where == "https://example.com/a.csv, row 2"


def test_labels_of_rows_that_pandas_stored_are_no_column(tmp_path):
    frame = pd.DataFrame({"a": [1, 2, 3], "t": [1.5, 2.5, 3.5]}).iloc[[2, 0]]
    frame.to_parquet(tmp_path / "data.parquet")
    found = read_table(tmp_path / "data.parquet")
    assert list(found.columns) == ["a", "t"]
    assert found["a"].tolist() == [3, 1]


def test_two_columns_of_a_parquet_file_with_the_same_name_are_told(tmp_path):
    table = pa.table([[1, 2], [3, 4]], names=["a", "a "])
    parquet.write_table(table, tmp_path / "data.parquet")
    with pytest.raises(DataError, match="same name: a"):
        read_table(tmp_path / "data.parquet")
    parquet.write_table(pa.table([[1, 2], [3, 4]], names=["a", "a"]), tmp_path / "data.parquet")
    with pytest.raises(DataError, match="same name: a"):
        read_table(tmp_path / "data.parquet")
