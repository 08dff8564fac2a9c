"""Files in other encodings than UTF-8: read when it is said, and guessed when it is not."""

import pytest

from ml.runtime.errors import DataError, UserError
from ml.tabular.data.encodings import likely_encodings
from ml.tabular.data.reading import read_table

JAPANESE = "名前,値段\n東京,100\n大阪,200\n"
CYRILLIC = (
    "\u0438\u043c\u044f,\u0433\u043e\u0440\u043e\u0434\n"
    "\u0418\u0432\u0430\u043d,\u041c\u043e\u0441\u043a\u0432\u0430\n"
    "\u041f\u0451\u0442\u0440,\u041a\u0430\u0437\u0430\u043d\u044c\n"
)
WESTERN = "name,price\ncafé,100\nZürich,200\n"


def write(tmp_path, text, encoding):
    path = tmp_path / "data.csv"
    path.write_bytes(text.encode(encoding))
    return path


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        (JAPANESE, "cp932"),
        (JAPANESE, "shift_jis"),
        (JAPANESE, "euc_jp"),
        (WESTERN, "windows-1252"),
        (WESTERN, "utf-16"),
        (WESTERN, "utf-16-le"),
        (WESTERN, "utf-8-sig"),
        (WESTERN, "UTF-8"),
    ],
)
def test_a_file_is_read_in_the_encoding_that_is_named(tmp_path, text, encoding):
    frame = read_table(write(tmp_path, text, encoding), encoding=encoding)
    lines = [line.split(",") for line in text.splitlines()]
    assert list(frame.columns) == lines[0]
    assert frame.iloc[:, 0].tolist() == [line[0] for line in lines[1:]]
    assert frame.iloc[:, 1].tolist() == [100, 200]


@pytest.mark.parametrize(
    ("text", "encoding", "likely"),
    [
        (JAPANESE, "cp932", "cp932"),
        (WESTERN, "cp1252", "windows-1252"),
        (WESTERN, "utf-16", "utf-16"),
        (WESTERN, "utf-16-le", "utf-16-le"),
        (WESTERN, "utf-16-be", "utf-16-be"),
        (WESTERN, "utf-32", "utf-32"),
        (CYRILLIC, "cp1251", "windows-1251"),
    ],
)
def test_the_likely_encoding_is_named(tmp_path, text, encoding, likely):
    with pytest.raises(DataError, match="the file is not UTF-8 text; it looks like") as caught:
        read_table(write(tmp_path, text, encoding))
    assert f"set Data/encoding={likely}," in caught.value.mend
    assert "of rows to predict Input/encoding" in caught.value.mend


def test_a_letter_far_down_tells_the_encoding(tmp_path):
    path = tmp_path / "data.csv"
    rows = b"".join(b"name%d,%d\n" % (number, number) for number in range(20_000))
    path.write_bytes(b"a,t\n" + rows + "café,1\nMüller,2\n".encode("cp1252"))
    with pytest.raises(DataError, match="windows-1252"):
        read_table(path)


@pytest.mark.parametrize("encoding", ["utf-16", "ascii"])
def test_utf8_that_is_taken_for_something_else_is_known(tmp_path, encoding):
    with pytest.raises(DataError, match=f"not {encoding} text; it looks like utf-8"):
        read_table(write(tmp_path, WESTERN, "utf-8"), encoding=encoding)


@pytest.mark.parametrize("encoding", ["utf8x", "rot13", "hex", "undefined", "a\0b"])
def test_an_encoding_that_there_is_not_is_told(tmp_path, encoding):
    with pytest.raises(UserError, match="there is no encoding") as caught:
        read_table(write(tmp_path, WESTERN, "utf-8"), encoding=encoding)
    assert caught.value.where == "Data/encoding, or Input/encoding of rows to predict"


def test_quotes_and_lines_within_values_survive_another_encoding(tmp_path):
    text = 'name,price\n"Zürich,\nold town",1\n'
    frame = read_table(write(tmp_path, text, "utf-16"), encoding="utf-16")
    assert frame["name"].tolist() == ["Zürich,\nold town"]


def test_plain_ascii_is_utf8():
    assert likely_encodings(b"a,b\n1,2\n") == ["utf-8"]
