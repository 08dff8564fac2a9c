import numpy as np
import pandas as pd
import pytest

from ml.runtime.errors import UserError
from ml.tabular.expressions import parse

COLUMNS = ["a", "b", "living area", "city", "max"]


@pytest.fixture
def frame():
    return pd.DataFrame(
        {
            "a": [1.0, 5.0, np.nan],
            "b": [2, 6, 1],
            "living area": [10.0, 20.0, 30.0],
            "city": ["Kobe", "Oslo", None],
            "max": [1, 2, 3],
        }
    )


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("a + b * 2", [5, 17, np.nan]),
        ("`living area` / -b", [-5, -20 / 6, -30]),
        ("(b - 1) ** 2 // 2 % 5", [0, 2, 0]),
        ("sqrt(abs(b - 2)) + `max`", [1, 4, 4]),
        ("min(a, b, 3)", [1, 3, np.nan]),
        ("7", [7, 7, 7]),
    ],
)
def test_numbers_are_calculated(frame, text, values):
    found = parse(text, COLUMNS)
    assert not found.is_condition
    np.testing.assert_allclose(found.evaluate(frame), values)


@pytest.mark.parametrize(
    ("text", "missed"),
    [
        ("a + b <= 10", [0, 1, np.inf]),
        ("b < 6", [0, 6e-9, 0]),
        ("0 <= b - 1 <= 4", [0, 1, 0]),
        ("b >= 4", [2, 0, 3]),
        ("a == 5", [4, 0, np.inf]),
        ("b != 6", [0, 1, 0]),
        ("city == 'Kobe'", [0, 1, 1]),
        ("city != 'Kobe'", [1, 0, 0]),
        ("city in ['Kobe', 'Lima'] and b <= 1", [1, 5, 1]),
        ("city in ['Kobe', 'Lima'] or b <= 1", [0, 1, 0]),
        ("not city == 'Kobe'", [1, 0, 0]),
        ("not (a <= 2)", [1, 0, np.inf]),
        ("not a", [1, 1, np.inf]),
        ("not not a", [0, 0, np.inf]),
        ("a and b", [0, 0, np.inf]),
        ("not (a <= 2 and b > 1)", [1, 0, 0]),
        ("not (a <= 2 or b > 5)", [1, 1, np.inf]),
        ("not (0 <= a <= b - 1)", [1, 1, np.inf]),
        ("not (2 <= a <= b - 2)", [0, 0, np.inf]),
        ("not (2 <= b <= a)", [0, 0, 0]),
        ("a in [1, 2]", [0, 1, np.inf]),
        ("a not in [1, 2]", [1, 0, np.inf]),
        ("0.1 + 0.2 == 0.3", [0, 0, 0]),
    ],
)
def test_conditions_tell_by_how_much_they_are_missed(frame, text, missed):
    found = parse(text, COLUMNS)
    assert found.is_condition
    np.testing.assert_allclose(found.violation(frame), missed)
    assert found.evaluate(frame).tolist() == [one == 0 for one in missed]


def test_a_formula_names_its_columns_in_the_datas_order():
    assert parse("`living area` < b + a", COLUMNS).columns == ("a", "b", "living area")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a +", "invalid syntax at character"),
        ("", "is no formula"),
        ("A < hight", "there is no column 'A'; did you mean 'a'"),
        ("`livingarea` < 1", "did you mean 'living area'"),
        ("__import__('os')", "the functions are abs"),
        ("a.b", "not allowed"),
        ("a[0]", "not allowed"),
        ("lambda: 1", "not allowed"),
        ("[x for x in a]", "not allowed"),
        ("abs(a, b)", "abs takes one value"),
        ("a if b else 1", "not allowed"),
        ("a := 1", "invalid syntax"),
        ("1 in [a]", "not allowed"),
        ("f'{a}'", "not allowed"),
        ("None", "not allowed"),
        ("a < " + "9" * 400, "the number 99999999... is too large"),
        ("(" * 300 + "a" + ")" * 300, "is no formula"),
        ("-" * 2000 + "a", "longer than 1000"),
    ],
)
def test_what_is_no_formula_is_told(text, said):
    with pytest.raises(UserError, match=said) as caught:
        parse(text, COLUMNS, "Search/constraints")
    assert caught.value.where == "Search/constraints"


def test_texts_are_not_calculated_with(frame):
    with pytest.raises(UserError, match="no number"):
        parse("city + 1", COLUMNS).evaluate(frame)
    with pytest.raises(UserError, match="no number"):
        parse("city < 'M'", COLUMNS).violation(frame)


def test_a_backtick_in_a_text_is_no_column(frame):
    assert parse("city == '`x`'", COLUMNS).evaluate(frame).tolist() == [False] * 3


def test_a_power_without_end_ends(frame):
    assert parse("9 ** 9 ** 9 ** 9", COLUMNS).evaluate(frame).tolist() == [np.inf] * 3


def test_a_column_may_have_any_name(frame):
    named = frame.rename(columns={"a": "column_0_", "b": "column_2_"})
    found = parse("column_0_ + `living area` + column_2_ + `max`", list(named))
    np.testing.assert_allclose(found.evaluate(named), [14, 33, np.nan])
    with pytest.raises(UserError, match="no column 'column_0_'"):
        parse("column_0_ + `living area`", COLUMNS)


def test_what_is_and_what_is_not_differ_in_every_row():
    frame = pd.DataFrame({"a": [10.0, 10.0 - 1e-12, 10.0 + 1e-12, 9.0, 11.0]})
    for text in ("a < 10", "a <= 10", "a > 10", "a >= 10", "a == 10", "a != 10"):
        is_so = parse(text, ["a"]).evaluate(frame)
        assert (parse(f"not ({text})", ["a"]).evaluate(frame) == ~is_so).all(), text
