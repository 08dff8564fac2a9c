import pandas as pd
import pytest

from ml.checks import check_file
from ml.runtime.errors import UserError

NUMBERS = "\n".join(f"{i},{i % 7},{i * 1.5}" for i in range(40))


def write(tmp_path, content):
    path = tmp_path / "data.csv"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


@pytest.mark.parametrize(
    ("content", "said"),
    [
        pytest.param("", "the file is empty", id="empty"),
        pytest.param("\n  \n", "the file is empty", id="blank"),
        pytest.param("a,b,t\n", "no rows", id="header only"),
        pytest.param(f"a,b,u\n{NUMBERS}", "the columns are a, b, u", id="no target"),
        pytest.param("a,b,t\n" + "1,2,3\n" * 40, "constant: it is always 3", id="constant"),
        pytest.param("a,b,t\n1,2,3\n4,5,3\n", "is constant", id="constant in a short file"),
        pytest.param("a,b,t\n1,2,3\n4,5,6\n", "only 2 rows", id="few rows"),
        pytest.param("a,b,t\n1,2,3\n", "only 1 rows", id="one row"),
        pytest.param(f"a,b,t\n{NUMBERS}\n1,2,3,4\n", "4 values where", id="long row"),
        pytest.param(f"a,b,t\n{NUMBERS}\n1,2\n", "2 values where", id="short row"),
        pytest.param(f"a,a,t\n{NUMBERS}", "same name: a", id="same names"),
        pytest.param(f"a,,t\n{NUMBERS}", "column 2 has no name", id="no name"),
        pytest.param(f"a,b,t\n{NUMBERS}\ninf,1,2", "infinite values in: a", id="infinite"),
        pytest.param("<!DOCTYPE html><p>", "a web page", id="web page"),
        pytest.param('{"a": 1}', "JSON", id="json"),
        pytest.param(b"PK\x03\x04abc", "an Excel workbook", id="workbook"),
        pytest.param(bytes(range(200)), "binary", id="binary"),
        pytest.param(b"PAR1 and no more", "Parquet file is damaged", id="damaged Parquet"),
        pytest.param("a,t\n\u00e9,1\n".encode("latin-1"), "not UTF-8", id="encoding"),
        pytest.param("t\n" + "\n".join(map(str, range(40))), "one column only", id="one column"),
    ],
)
def test_a_file_that_cannot_be_learned_from_is_refused(tmp_path, content, said):
    path = write(tmp_path, content)
    with pytest.raises(UserError, match=said) as caught:
        check_file(path, "t")
    assert str(path) in caught.value.where
    assert caught.value.mend


def test_a_ragged_row_is_named_by_its_number(tmp_path):
    path = write(tmp_path, "a,b,t\n1,2,3\n1,2,3\n1,2\n")
    with pytest.raises(UserError) as caught:
        check_file(path, "t")
    assert caught.value.where == f"{path}, row 4"


def test_a_rare_class_is_named(tmp_path):
    path = write(tmp_path, "a,t\n" + "1,x\n2,y\n" * 20 + "3,z\n")
    with pytest.raises(UserError, match=r"'z' \(1\)"):
        check_file(path, "t")


def test_a_missing_file_is_told(tmp_path):
    with pytest.raises(UserError, match="No such file"):
        check_file(tmp_path / "none.csv", "t")


def test_a_text_target_is_no_regression(tmp_path):
    path = write(tmp_path, "a,t\n" + "1,x\n2,y\n" * 20)
    with pytest.raises(UserError, match="not numeric"):
        check_file(path, "t", kind="regression")


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_a_good_csv_passes_whatever_separates_it(tmp_path, delimiter):
    path = write(tmp_path, f"a,b,t\n{NUMBERS}".replace(",", delimiter))
    assert check_file(path, "t") is None


def test_a_good_parquet_file_passes(tmp_path):
    path = tmp_path / "data.bin"
    pd.DataFrame({"a": range(40), "t": [x * 1.5 for x in range(40)]}).to_parquet(path)
    assert check_file(path, "t") is None
