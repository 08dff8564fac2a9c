"""Steps that edit a table: what each leaves, and what is said where one cannot be done."""

import datetime
import json
import re

import pyarrow as pa
import pytest

from fleet.paths import REPOSITORY
from ml.runtime.errors import UserError
from ml.tabular.data.arrow_types import canonical
from ml.tabular.data.edit_steps import KINDS, as_json, changed_columns, parse_steps
from ml.tabular.data.editing import Edited, edit

DAY = datetime.datetime(2026, 11, 23, 6)


@pytest.fixture
def flats():
    return canonical(
        pa.table(
            {
                "price": [100, 200, 300, 300],
                "size": [10.0, None, 30.0, 30.0],
                "city": ["Oslo ", "kobe", None, None],
                "sold": [DAY, None, DAY + datetime.timedelta(days=40), None],
                "balcony": [True, False, None, None],
            }
        )
    )


def edited(table, *steps, target="price", types=None):
    lines = []
    start = Edited(table, target, types or {})
    found = edit(start, parse_steps(list(steps), "Edit/steps"), "Edit/steps", lines.append)
    assert len(lines) == len(steps)
    return found


def column(table, name, *steps):
    return edited(table, *steps).table[name].to_pylist()


def test_select_drop_and_rename_take_the_target_and_the_types_along(flats):
    found = edited(
        flats,
        {"do": "select", "columns": ["city", "price", "size"]},
        {"do": "drop", "columns": ["size"]},
        {"do": "rename", "columns": {"price": "cost", "city": "town"}},
        types={"city": "text", "size": "category"},
    )
    assert found.table.column_names == ["town", "cost"]
    assert (found.target, found.types) == ("cost", {"town": "text"})


def test_a_target_that_is_dropped_is_no_target(flats):
    assert edited(flats, {"do": "drop", "columns": ["price"]}).target == ""


@pytest.mark.parametrize(
    ("condition", "prices"),
    [
        ({"column": "price", "is": "==", "value": 200}, [200]),
        ({"column": "price", "is": ">", "value": 150.5}, [200, 300, 300]),
        ({"column": "size", "is": "<=", "value": 10}, [100]),
        ({"column": "size", "is": "!=", "value": 10}, [300, 300]),
        ({"column": "size", "is": "missing"}, [200]),
        ({"column": "size", "is": "there"}, [100, 300, 300]),
        ({"column": "city", "is": "in", "value": ["kobe", "Lima"]}, [200]),
        ({"column": "city", "is": "not in", "value": ["kobe"]}, [100]),
        ({"column": "price", "is": "between", "value": [100, 200]}, [100, 200]),
        ({"column": "sold", "is": ">=", "value": "2026-12-01"}, [300]),
        ({"column": "sold", "is": "between", "value": ["2026-11-01", "2026-11-23 06:00"]}, [100]),
        ({"column": "balcony", "is": "==", "value": True}, [100]),
    ],
)
def test_a_filter_keeps_the_rows_that_compare_so(flats, condition, prices):
    assert column(flats, "price", {"do": "filter", **condition}) == prices


@pytest.mark.parametrize(
    ("name", "how", "values"),
    [
        ("size", {"value": 7}, [10.0, 7.0, 30.0, 30.0]),
        ("size", {"by": "median"}, [10.0, 30.0, 30.0, 30.0]),
        ("size", {"by": "mean"}, [10.0, pytest.approx(70 / 3), 30.0, 30.0]),
        ("size", {"by": "most_frequent"}, [10.0, 30.0, 30.0, 30.0]),
        ("city", {"by": "most_frequent"}, ["Oslo ", "kobe", "Oslo ", "Oslo "]),
        ("city", {"value": "none"}, ["Oslo ", "kobe", "none", "none"]),
        ("balcony", {"value": False}, [True, False, False, False]),
        ("sold", {"value": "2026-11-23"}, None),
    ],
)
def test_missing_values_are_filled(flats, name, how, values):
    found = column(flats, name, {"do": "fill", "column": name, **how})
    assert None not in found
    assert values is None or found == values


@pytest.mark.parametrize(
    ("how", "values"),
    [
        ({"formula": "price / size"}, [10.0, None, 10.0, 10.0]),
        ({"formula": "price / (size - 10)"}, [None, None, 15.0, 15.0]),
        ({"formula": "log(size - 10)"}, [None, None, pytest.approx(2.9957, abs=1e-3)]),
        ({"formula": "size > 20"}, [False, False, True, True]),
        ({"part": "year", "of": "sold"}, [2026, None, 2027, None]),
        ({"part": "month", "of": "sold"}, [11, None, 1, None]),
        ({"part": "weekday", "of": "sold"}, [1, None, 6, None]),
        ({"part": "hour", "of": "sold"}, [6, None, 6, None]),
        ({"part": "days", "of": "sold"}, [20780.25, None, 20820.25, None]),
        ({"part": "length", "of": "city"}, [5, 4, None, None]),
        ({"part": "trim", "of": "city"}, ["Oslo", "kobe", None, None]),
        ({"part": "lower", "of": "city"}, ["oslo ", "kobe", None, None]),
    ],
)
def test_a_column_is_derived(flats, how, values):
    found = column(flats, "new", {"do": "derive", "column": "new", **how})
    assert found[: len(values)] == values


def test_a_column_may_be_derived_anew_in_its_place(flats):
    found = edited(flats, {"do": "derive", "column": "size", "formula": "size * 2"}).table
    assert found.column_names == flats.column_names
    assert found["size"].to_pylist() == [20.0, None, 60.0, 60.0]


def test_of_equal_rows_the_first_is_kept(flats):
    assert column(flats, "price", {"do": "drop_duplicates", "columns": ["price", "city"]}) == [
        100,
        200,
        300,
    ]
    assert len(column(flats, "price", {"do": "drop_duplicates"})) == 4


def test_numbers_come_out_of_their_signs():
    table = canonical(pa.table({"cost": ["$1,200", "$ 15", "", None], "zip": [1, 2, 3, None]}))
    found = edited(
        table,
        {"do": "retype", "column": "cost", "to": "numeric", "remove": "$ ,"},
        {"do": "retype", "column": "zip", "to": "category"},
        target="",
    )
    assert found.table["cost"].to_pylist() == [1200, 15, None, None]
    assert found.table["zip"].to_pylist() == ["1", "2", "3", None]
    assert found.types == {"cost": "numeric", "zip": "category"}


def test_decimal_commas_among_points_are_numbers():
    table = canonical(pa.table({"cost": ["1.000,50", "-12,5", "3"]}))
    step = {"do": "retype", "column": "cost", "to": "numeric", "remove": ".", "decimal": ","}
    assert edited(table, step, target="").table["cost"].to_pylist() == [1000.5, -12.5, 3.0]


def test_dates_are_retyped_by_their_format():
    table = canonical(pa.table({"on": ["20261123", None], "at": [20261123, 20261124]}))
    found = edited(
        table,
        {"do": "retype", "column": "on", "to": "datetime", "format": "%Y%m%d"},
        {"do": "retype", "column": "at", "to": "datetime", "format": "%Y%m%d"},
        target="",
    )
    assert found.table["on"].to_pylist() == [datetime.datetime(2026, 11, 23), None]
    assert found.table["at"].to_pylist()[1] == datetime.datetime(2026, 11, 24)
    assert found.types == {"on": "datetime:%Y%m%d", "at": "datetime:%Y%m%d"}


@pytest.mark.parametrize(
    ("step", "what", "mend"),
    [
        ({"do": "filtre"}, "there is no step 'filtre'; did you mean 'filter'", "do is one of"),
        ({"columns": []}, "the step has no do", "do is one of"),
        ("drop", "'drop' is no step", "write it as"),
        ({"do": "drop", "column": "a"}, "takes no 'column'; did you mean 'columns'", "columns"),
        ({"do": "drop"}, "'columns' is missing", "drop takes columns"),
        ({"do": "drop", "columns": ["siz"]}, "'siz'; did you mean 'size'", "price, size, city"),
        ({"do": "filter", "column": "price", "is": "~", "value": 1}, "is: should be", "column, is"),
        ({"do": "filter", "column": "price", "is": ">"}, "> takes one value", "value"),
        ({"do": "filter", "column": "price", "is": "between", "value": [1]}, "two values", "value"),
        ({"do": "filter", "column": "price", "is": ">", "value": "a"}, "holds numbers", "numbers"),
        ({"do": "filter", "column": "city", "is": "==", "value": 3}, "holds texts", "retype"),
        ({"do": "filter", "column": "price", "is": ">", "value": 999}, "leaves no row", "rows"),
        ({"do": "fill", "column": "size"}, "give either a value", "column, by, value"),
        ({"do": "fill", "column": "city", "by": "mean"}, "no numbers", "most_frequent"),
        ({"do": "derive", "column": "x", "formula": "sise * 2"}, "did you mean 'size'", "write"),
        ({"do": "derive", "column": "x", "formula": "exec('1')"}, "is no formula", "write"),
        ({"do": "derive", "column": "x", "formula": "city * 2"}, "no number", "numbers alone"),
        ({"do": "derive", "column": "x", "part": "year", "of": "city"}, "no dates", "retype"),
        ({"do": "derive", "column": "x"}, "give either", "formula, part, of"),
        ({"do": "retype", "column": "city", "to": "numeric"}, "'Oslo' in data row 1", "correct"),
        ({"do": "rename", "columns": {"size": "price"}}, "the name price", "name of its own"),
    ],
)
def test_a_step_that_cannot_be_done_is_named(flats, step, what, mend):
    good = {"do": "drop_duplicates"}
    with pytest.raises(UserError) as caught:
        edited(flats, good, step)
    assert what in caught.value.what
    assert mend in caught.value.mend
    assert caught.value.where == "Edit/steps, step 2"


def test_no_steps_are_told_with_all_that_there_are():
    with pytest.raises(UserError, match="no steps") as caught:
        parse_steps([], "Edit/steps")
    assert all(kind in caught.value.mend for kind in KINDS)


def test_the_columns_that_new_rows_have_not_are_known_by_their_last_names():
    steps = [
        {"do": "derive", "column": "month", "part": "month", "of": "sold"},
        {"do": "derive", "column": "ratio", "formula": "price / size"},
        {"do": "retype", "column": "cost", "to": "numeric", "remove": "$"},
        {"do": "retype", "column": "zip", "to": "category"},
        {"do": "retype", "column": "rent", "to": "numeric", "decimal": ","},
        {"do": "rename", "columns": {"month": "moon", "city": "town"}},
        {"do": "drop", "columns": ["ratio"]},
        {"do": "filter", "column": "size", "is": "there"},
    ]
    assert changed_columns(parse_steps(steps, "x")) == ["moon", "cost", "rent", "town"]
    kept = [*steps, {"do": "select", "columns": ["town", "size"]}]
    assert changed_columns(parse_steps(kept, "x")) == ["town"]


def test_the_steps_that_the_page_shows_are_steps():
    page = (REPOSITORY / "docs" / "workflow.md").read_text("utf-8")
    (shown,) = re.findall(r"```json\n(\[.*?\])\n```", page, re.DOTALL)
    assert len(parse_steps(json.loads(shown), "the page")) == 5
    assert all(re.search(rf"^\| .*\b{kind}\b.*\|", page, re.MULTILINE) for kind in KINDS)


def test_a_step_is_written_as_it_was_given():
    step = {"do": "filter", "column": "price", "is": ">", "value": 3}
    assert as_json(parse_steps([step], "x")[0]) == step


def test_true_and_false_count_in_a_formula_though_one_is_missing():
    table = pa.table({"t": [1.0, 2.0, 3.0], "lift": [True, None, False]})
    steps = parse_steps([{"do": "derive", "column": "x", "formula": "t + lift * 2"}], "")
    found = edit(Edited(table, "t", {}), steps, "", lambda line: None)
    assert found.table["x"].to_pylist() == [3, None, 3]
