"""What keeps a column of texts from being one of numbers."""

import pyarrow as pa
import pyarrow.compute as pc
import pytest

from ml.tabular.data.stray import stray_text

NUMBERS = [str(number) for number in range(100)]


def found(*texts):
    column = pa.chunked_array([list(texts)])
    return stray_text(column, pc.unique(column).drop_null())


def test_a_text_among_numbers_is_told_with_its_row():
    assert found(*NUMBERS, None, "n/k", "-") == "'n/k' in data row 102 (2 of 102 values)"


@pytest.mark.parametrize(
    ("texts", "said"),
    [
        (["1,234", "12", "2,000.50"], "numbers with separators of thousands, such as '1,234'"),
        (["1.234.567", "2.000.000,5"], "numbers with separators of thousands"),
        (["950", "1.037"], "numbers with separators of thousands, such as '1.037' in data row 2"),
        (["1 234", "2 345"], "numbers with separators of thousands"),
        (["0,5", "12,25", "3"], "numbers with a decimal comma, such as '0,5' in data row 1"),
        (["12 kg", "13.5 kg", "14"], "numbers with a unit, such as '12 kg' in data row 1"),
        (["$12", "$13,000"], "numbers with a unit"),
        (["5%", "10%"], "numbers with a unit"),
        (["20°C", "21°C"], "numbers with a unit"),
    ],
)
def test_numbers_that_bear_more_than_digits_are_told(texts, said):
    assert found(*texts).startswith(said)


@pytest.mark.parametrize(
    "texts",
    [
        ["1", "2.5", "-3e4", " 7 "],
        ["a", "b", "3"],
        ["3A", "4B", "5C", "6D"],
        ["10:30", "11:00"],
        ["10.0.0.1", "10.0.0.2"],
        ["23/11/2026"],
        [None],
    ],
)
def test_plain_numbers_and_plain_texts_are_not(texts):
    column = pa.chunked_array([pa.array(texts, pa.string())])
    assert stray_text(column, pc.unique(column).drop_null()) == ""
