import datetime

import numpy as np
import pandas as pd
import pytest

from ml.runtime.errors import DataError
from ml.tabular.conforming import BadValuesError, conform, conform_target, days_of, texts_of
from ml.tabular.schema import Column, Schema


def schema_of(date_format="", **kinds):
    return Schema(
        name="x",
        target="t",
        kind="regression",
        classes=[],
        columns=[
            Column(name=name, kind=kind, format=date_format if kind == "datetime" else "")
            for name, kind in kinds.items()
        ],
        rows=0,
    )


def conformed(values, kind, date_format=""):
    return conform(pd.DataFrame({"a": values}), schema_of(date_format, a=kind), "rows")["a"]


@pytest.mark.parametrize(
    "values",
    [
        pd.Series([1, 2, None], dtype="Int64"),
        pd.Series([1.0, 2.0, None], dtype="float32"),
        pd.Series(["1", " 2", None]),
        pd.Series([1, "2.0", None], dtype=object),
        pd.Series(["1", "2", None], dtype="category"),
        pd.Series([1, 2, None], dtype="category"),
    ],
)
def test_numbers_of_any_type_are_floats(values):
    found = conformed(values, "numeric")
    assert found.dtype == np.float64
    np.testing.assert_array_equal(found, [1.0, 2.0, np.nan])


def test_floats_are_not_copied():
    frame = pd.DataFrame({"a": np.arange(1000.0)})
    found = conform(frame, schema_of(a="numeric"), "rows")
    assert np.shares_memory(found["a"].to_numpy(), frame["a"].to_numpy())


@pytest.mark.parametrize("kind", ["category", "text"])
@pytest.mark.parametrize(
    ("values", "texts"),
    [
        (pd.Series([1.0, None, 2.5]), ["1", None, "2.5"]),
        (pd.Series([1, 2], dtype="Int64"), ["1", "2"]),
        (pd.Series([True, None], dtype=object), ["true", None]),
        (pd.Series([1, 1.0, "1", 2.0], dtype="category"), ["1", "1", "1", "2"]),
        (pd.Series(["b", "a", None], dtype="category"), ["b", "a", None]),
        (pd.Series([None, None]), [None, None]),
        (pd.Series([1e300, -0.0]), [str(int(1e300)), "0"]),
        (pd.Series([datetime.date(2026, 1, 2)]), ["2026-01-02"]),
    ],
)
def test_categories_and_texts_are_categoricals_of_texts(kind, values, texts):
    found = conformed(values, kind)
    assert isinstance(found.dtype, pd.CategoricalDtype)
    assert [None if pd.isna(one) else one for one in found] == texts


@pytest.mark.parametrize("kind", ["numeric", "category", "text", "datetime"])
def test_a_column_without_a_value_conforms(kind):
    for values in (
        [None, None],
        [np.nan, np.nan],
        [pd.NaT, pd.NaT],
        pd.Series([None] * 2, dtype="str"),
    ):
        assert conformed(values, kind).isna().all()
    assert len(conformed(pd.Series([], dtype=object), kind)) == 0


def test_a_category_is_spelled_the_same_in_any_chunk():
    frame = pd.DataFrame({"a": [1.0, 2.0, 0.5, None]})
    whole = conform(frame, schema_of(a="category"), "rows")["a"].astype(object)
    parts = [conform(frame.iloc[[n]], schema_of(a="category"), "rows")["a"] for n in range(4)]
    pd.testing.assert_series_equal(pd.concat([part.astype(object) for part in parts]), whole)


@pytest.mark.parametrize(
    ("text", "days"),
    [
        ("03/01/1970", 2.0),
        (" 03/01/1970 ", 2.0),
        ("1970-01-03", 2.0),
        ("1970-01-03T12:00:00", 2.5),
        ("1970-01-03T12:00:00+12:00", 2.0),
        (datetime.date(1970, 1, 3), 2.0),
        (datetime.datetime(1970, 1, 3, 6), 2.25),
        (pd.Timestamp("1970-01-03", tz="Europe/Oslo"), 2.0 - 1 / 24),
        (None, None),
    ],
)
@pytest.mark.parametrize("others", [[], ["1970-01-01"], ["31/01/1970", None]])
def test_dates_are_read_as_the_data_set_writes_them_or_as_iso(text, days, others):
    found = conformed(pd.Series([text, *others], dtype=object), "datetime", "%d/%m/%Y")
    if days is None:
        assert np.isnan(found[0])
    else:
        assert found[0] == pytest.approx(days, abs=1e-9)


def test_a_date_in_another_format_is_told_with_both_that_are_read():
    values = pd.Series(["31/01/2026", "2026-01-31", "Jan 31"])
    with pytest.raises(BadValuesError, match=r"'Jan 31', which .* as %d/%m/%Y \(data row 3; 1"):
        conformed(values, "datetime", "%d/%m/%Y")


@pytest.mark.parametrize("number", [2026, 2026.0, True])
def test_a_bare_number_is_no_date(number):
    with pytest.raises(BadValuesError, match="which is not a date"):
        conformed(pd.Series([number]), "datetime", "%Y")


def test_the_unit_of_moments_does_not_matter():
    days = pd.Series(pd.date_range("2026-01-01", periods=3, freq="36h"))
    found = [days_of(days.dt.as_unit(unit), "rows") for unit in ("s", "ms", "us", "ns")]
    for other in found[1:]:
        np.testing.assert_array_equal(found[0], other)


@pytest.mark.parametrize(
    ("index", "row"),
    [(None, 2), (pd.RangeIndex(5000, 5003), 5002), (pd.Index(["x", "y", "z"]), 2)],
)
def test_a_bad_value_is_told_with_its_row(index, row):
    frame = pd.DataFrame({"a": ["1", "two", "three"]}, index=index)
    with pytest.raises(
        BadValuesError, match=rf"'two', .* \(data row {row}; 2 such rows\)"
    ) as caught:
        conform(frame, schema_of(a="numeric"), "rows.csv")
    assert caught.value.where == "rows.csv"
    assert caught.value.positions.tolist() == [1, 2]


def test_infinite_numbers_are_told():
    with pytest.raises(
        BadValuesError, match=r"holds inf, which is not a finite number \(data row 2"
    ):
        conformed([1.0, np.inf], "numeric")
    with pytest.raises(BadValuesError, match="not a finite number"):
        conformed(["1", "-inf"], "numeric")


def test_all_missing_columns_are_told_at_once_with_what_may_be_meant():
    frame = pd.DataFrame({"Size": [1], "citty": ["x"], "extra": [0]})
    with pytest.raises(DataError) as caught:
        conform(frame, schema_of(size="numeric", city="category", sold="datetime"), "rows.csv")
    assert caught.value.what == (
        "columns are missing: size, city, sold; is 'Size' meant to be 'size'?; "
        "is 'citty' meant to be 'city'?"
    )
    assert caught.value.mend == "give all of: size, city, sold"


def test_other_columns_and_their_order_do_not_matter():
    frame = pd.DataFrame({"extra": [["a list"]], "b": [2.0], "a": [1.0]})
    assert list(conform(frame, schema_of(a="numeric", b="numeric"), "rows")) == ["a", "b"]


def test_a_target_is_spelled_without_a_text_per_row():
    schema = schema_of(a="numeric").model_copy(update={"kind": "binary", "classes": ["0", "1"]})
    found = conform_target(pd.Series([0.0, 1.0, 1.0]), schema, "rows")
    assert found.tolist() == ["0", "1", "1"]
    assert found[1] is found[2]
    with pytest.raises(DataError, match="classes that the training data has not: 2, nan"):
        conform_target(pd.Series([0, 2, None]), schema, "rows")


def test_dates_are_no_numbers():
    with pytest.raises(BadValuesError, match="which is not a number"):
        conformed(pd.Series(pd.to_datetime(["2026-01-01", None])), "numeric")


@pytest.mark.parametrize(
    "codes",
    [
        pd.Series([1001, 1002, 1001]),
        pd.Series([1001.0, 1002.0, 1001.0]),
        pd.Series(["1001.0", "1002", "1001"]),
        pd.Series(["1001.00", "1002.0", "1001"], dtype="category"),
    ],
)
def test_codes_are_the_same_with_and_without_the_zero_that_a_gap_gives_them(codes):
    found = texts_of(codes)
    assert found.tolist() == ["1001", "1002", "1001"]
    assert sorted(found.categories) == ["1001", "1002"]


def test_texts_that_are_no_whole_numbers_stay_as_they_are():
    given = ["1.05", "v1.0", "1.0.0", ".0", "1.", None]
    assert texts_of(pd.Series(given, dtype="str")).tolist()[:5] == given[:5]


def test_an_infinite_number_among_codes_is_a_text():
    assert texts_of(pd.Series([float("inf"), 2.0])).tolist() == ["inf", "2"]
