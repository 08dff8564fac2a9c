import uuid

import numpy as np
import pandas as pd
import pytest

from ml.runtime.errors import DataError, UserError
from ml.tabular.data.arrow_types import from_frame
from ml.tabular.data.inspection import infer_schema, inspect
from ml.tabular.data.profiling import as_table
from ml.tabular.data.reading import read_arrow, read_table
from ml.tabular.data.sources import load_builtin


@pytest.mark.parametrize(
    ("name", "kind", "classes", "features"),
    [
        ("diabetes", "regression", 0, 10),
        ("breast_cancer", "binary", 2, 30),
        ("wine", "multiclass", 3, 13),
        ("iris", "multiclass", 3, 4),
        ("digits", "multiclass", 10, 61),
    ],
)
def test_the_kind_of_problem_of_the_bundled_sets(builtin, name, kind, classes, features):
    _, schema = builtin(name)
    assert (schema.kind, len(schema.classes), len(schema.columns)) == (kind, classes, features)


def test_an_unknown_bundled_set_is_told():
    with pytest.raises(UserError, match="'boston'") as caught:
        load_builtin("builtin:boston")
    assert "builtin:wine" in caught.value.mend


def test_columns_have_kinds(dirty_csv):
    schema = infer_schema(read_table(dirty_csv), "price", "flats")
    assert {column.name: column.kind for column in schema.columns} == {
        "size": "numeric",
        "city": "category",
        "sold": "datetime",
        "balcony": "numeric",
    }


def test_a_column_without_values_is_no_feature(dirty_table):
    dirty_table["nothing"] = None
    assert "nothing" not in infer_schema(dirty_table, "price", "flats").features


def test_a_number_among_texts_far_down_makes_a_text_column(tmp_path):
    path = tmp_path / "late.csv"
    path.write_text("a,t\n" + "\n".join(f"{i},{i}" for i in range(200_000)) + "\nfoo,1\n")
    assert infer_schema(read_table(path), "t", "late").columns[0].kind == "category"


def test_the_kind_may_be_chosen(builtin):
    frame, _ = load_builtin("builtin:digits")
    assert infer_schema(frame, "target", "digits", "regression").kind == "regression"


def test_too_many_classes_are_refused():
    frame = pd.DataFrame({"a": range(1000), "t": [f"id{i // 5}" for i in range(1000)]})
    with pytest.raises(UserError, match="200 classes"):
        infer_schema(frame, "t", "ids")


def test_the_profile_describes_each_column(dirty_csv):
    frame = read_table(dirty_csv)
    found = inspect(read_arrow(dirty_csv), "price", "flats")
    table = as_table(found.profile).set_index("column")
    assert table.loc["size", "missing"] == frame["size"].isna().sum() > 0
    assert table.loc["price", "kind"] == "target"
    assert table.loc["city", "distinct"] == 3
    assert float(table.loc["size", "max"]) == pytest.approx(frame["size"].max(), rel=1e-5)


def numbers_and(*texts):
    values = [str(number / 2) for number in range(300)]
    return pd.DataFrame({"a": range(300 + len(texts)), "t": [*values, *texts]})


@pytest.mark.parametrize("kind", ["auto", "regression"])
def test_a_text_among_a_targets_numbers_is_named(kind):
    with pytest.raises(UserError, match=r"'\?' in data row 301 \(2 of 302 values\)"):
        infer_schema(numbers_and("?", "none"), "t", "x", kind)


def test_a_text_target_with_many_classes_is_not_sent_to_regression():
    with pytest.raises(UserError, match="302 classes") as caught:
        infer_schema(numbers_and("?", "none"), "t", "x", "classification")
    assert "Data/kind" not in caught.value.mend


def test_a_few_numbers_among_texts_are_no_reason_to_refuse():
    frame = pd.DataFrame({"a": range(60), "t": ["1", "2", "A"] * 20})
    assert infer_schema(frame, "t", "x").classes == ["1", "2", "A"]


ROWS = 200


def table(**columns):
    """A table with a good feature, a good target and these columns."""
    random = np.random.default_rng(0)
    good = {"good": random.normal(size=ROWS), "t": random.normal(size=ROWS)}
    return from_frame(pd.DataFrame({**columns, **good}))


def found(types=None, **columns):
    return inspect(table(**columns), "t", "x", types=types)


def kind_of(values, types=None, name="c"):
    schema = found(types, **{name: values}).schema
    return next((one.kind for one in schema.columns if one.name == name), None)


def why_left_out(values, name="c"):
    return next((one.why for one in found(**{name: values}).schema.left_out), "")


@pytest.mark.parametrize(
    ("name", "values", "why"),
    [
        ("c", [None] * ROWS, "all its values are missing"),
        ("c", [7] * ROWS, "constant: always 7"),
        ("c", ["x"] * ROWS, "constant: always x"),
        ("c", list(range(ROWS)), "an id: whole numbers that count the rows"),
        ("c", list(range(ROWS, 0, -1)), "an id: whole numbers that count the rows"),
        ("customer_id", [n * 7 + 3 for n in range(ROWS)], "an id: named as one"),
        ("PassengerId", [n * 7 + 3 for n in range(ROWS)], "an id: named as one"),
        ("customer_id", [n * 7.0 + 3 for n in range(ROWS)], "an id: named as one"),
        ("Unnamed: 0", [n * 7 + 3 for n in range(ROWS)], "an id: named as one"),
        ("c", [str(uuid.UUID(int=n)) for n in range(ROWS)], "an id: another UUID in each row"),
        ("c", [f"{n:032x}" for n in range(ROWS)], "an id: another hash in each row"),
        ("c", [f"A-{n}" for n in range(ROWS)], "an id: another text in each row"),
    ],
)
def test_a_column_that_tells_nothing_is_left_out_with_its_reason(name, values, why):
    assert why_left_out(values, name).startswith(why)
    assert any(
        note.startswith(f"{name} is left out: {why}") for note in found(**{name: values}).notes
    )


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        ([n * 7 + 3 for n in range(ROWS)], "numeric"),
        ([1950 + n for n in range(ROWS)], "numeric"),
        ([n / 10 for n in range(ROWS)], "numeric"),
        ([None, 7] * (ROWS // 2), "numeric"),
        ([True, False] * (ROWS // 2), "numeric"),
        ([f"{n % 28 + 1:02d}/11/{2000 + n}" for n in range(ROWS)], "datetime"),
        ([f"a nice flat, number {n}" for n in range(ROWS)], "text"),
        ([f"New York {n % 5}" for n in range(ROWS)], "category"),
        ([f"A-{n % 150}" for n in range(ROWS)], "category"),
    ],
)
def test_columns_that_tell_something_have_a_kind(values, kind):
    assert kind_of(values) == kind


@pytest.mark.parametrize(
    ("wanted", "values", "kind"),
    [
        ("category", [n % 5 for n in range(ROWS)], "category"),
        ("category", list(range(ROWS)), "category"),
        ("text", [f"A-{n}" for n in range(ROWS)], "text"),
        ("numeric", [str(n % 9) for n in range(ROWS)], "numeric"),
        ("datetime:%Y%m%d", [20260101 + n % 28 for n in range(ROWS)], "datetime"),
        ("datetime:%d/%m/%y", [f"{n % 28 + 1}/11/26" for n in range(ROWS)], "datetime"),
        ("ignore", [n % 5 for n in range(ROWS)], None),
    ],
)
def test_a_user_knows_better(wanted, values, kind):
    assert kind_of(values, {"c": wanted}) == kind


def test_numbers_that_are_categories_are_stored_as_texts():
    stored = found({"c": "category"}, c=[1.0, 2.0, None, 3.0] * (ROWS // 4)).table
    assert stored["c"].to_pylist()[:4] == ["1", "2", None, "3"]


@pytest.mark.parametrize(
    ("types", "what"),
    [
        ({"god": "ignore"}, "there is no column 'god'; did you mean 'good'"),
        ({"good": "number"}, "there is no type 'number' (of column 'good')"),
        ({"good": 3}, "there is no type 3"),
        ({"good": "datetime:%Y-%m"}, "there is no type 'datetime:%Y-%m'"),
        ({"good": "datetime:%Y-%m-%d %Z"}, "there is no type 'datetime:%Y-%m-%d %Z'"),
        ({"t": "category"}, "'t' is the target"),
    ],
)
def test_types_that_make_no_sense_are_told(types, what):
    with pytest.raises(UserError) as caught:
        found(types)
    assert what in caught.value.what
    assert caught.value.where == "Data/types"


def test_a_value_that_is_not_of_the_wanted_type_is_told_with_its_row():
    with pytest.raises(DataError, match=r"column 'c' holds 'x' in data row 3, .* a number"):
        found({"c": "numeric"}, c=["1", "2", "x", "4"] * (ROWS // 4))


def test_an_id_that_repeats_is_a_category_and_doubtful():
    inspected = found(customer_id=[n % 40 for n in range(ROWS)])
    assert inspected.schema.columns[0].kind == "category"
    assert "customer_id: named as an id, but its values repeat" in inspected.notes[0]


def test_an_id_with_points_that_repeats_is_a_number_and_doubtful():
    inspected = found(customer_id=[n % 40 + 1000.0 for n in range(ROWS)])
    assert inspected.schema.columns[0].kind == "numeric"
    assert 'customer_id: named as an id: {"customer_id": "category"}' in inspected.notes[0]


@pytest.mark.parametrize(
    ("values", "note"),
    [
        ([f"{n} kg" for n in range(ROWS)], "c: taken as a category, for it holds numbers with a"),
        ([f"{n % 9 + 1},{n:03d}" for n in range(ROWS)], "with separators of thousands, such as"),
        ([20260101 + n % 28 for n in range(ROWS)], "c: may be dates written as whole numbers"),
        ([f"{n % 28 + 1}/11/26" for n in range(ROWS)], "two digits, DD/MM/YY: {"),
        ([f"0{n % 9 + 1}/0{n % 8 + 1}/2026" for n in range(ROWS)], "could be MM/DD/YYYY as well"),
        ([f"{n % 28 + 1}.11.2026" for n in range(ROWS - 1)] + ["soon"], "'soon' in data row 200"),
    ],
)
def test_what_is_doubtful_is_noted(values, note):
    (said,) = [one for one in found(c=values).notes if note in one]
    assert said.startswith("c: ")


def test_dates_in_two_formats_are_refused_with_a_row_of_each():
    values = [f"{n % 28 + 1:02d}/11/2026" for n in range(ROWS - 1)] + ["2026-11-30"]
    with pytest.raises(DataError) as caught:
        found(sold=values)
    assert caught.value.what.startswith("column 'sold' writes its dates in 2 formats: ")
    assert "DD/MM/YYYY ('01/11/2026' in data row 1)" in caught.value.what
    assert "YYYY-MM-DD ('2026-11-30' in data row 200)" in caught.value.what
    assert '{"sold": "ignore"}' in caught.value.mend
    assert (
        "sold"
        not in inspect(table(sold=values), "t", "x", types={"sold": "ignore"}).schema.features
    )


def test_many_categories_are_named_and_kept():
    frame = pd.DataFrame({"c": [f"c{n}" for n in range(100_000)] * 2, "t": np.arange(200_000.0)})
    inspected = inspect(from_frame(frame), "t", "x")
    assert inspected.notes == ["c: 100000 different values: handled as of high cardinality"]
    assert inspected.schema.columns[0].kind == "category"


def test_many_classes_are_refused():
    frame = pd.DataFrame({"a": np.arange(200_000) / 7, "t": [f"c{n}" for n in range(100_000)] * 2})
    with pytest.raises(UserError, match="100000 classes; 100 are the most"):
        infer_schema(frame, "t", "x")


def test_infinite_values_are_refused_with_their_row_unless_the_column_is_ignored():
    values = [1.0, 2.0, np.inf, -np.inf] * (ROWS // 4)
    with pytest.raises(DataError, match=r"infinite .* c \(100 rows, the first is data row 3\)"):
        found(c=values)
    assert "c" not in found({"c": "ignore"}, c=values).schema.features


def test_infinite_values_written_as_texts_are_told(tmp_path):
    path = tmp_path / "data.csv"
    path.write_text("a,b,t\n" + "1,x,2.5\n2,y,3\n" * 30 + "inf,x,4\n")
    with pytest.raises(DataError, match=r"infinite values in: a \(data row 61\)"):
        inspect(read_arrow(path), "t", "x")


def test_a_number_of_rows_is_kept_where_it_is_all_there_is():
    frame = from_frame(pd.DataFrame({"x": range(50), "t": np.arange(50) * 1.5}))
    inspected = inspect(frame, "t", "x")
    assert inspected.schema.features == ["x"]
    assert inspected.notes == [
        "x: whole numbers that count the rows; kept, for there is no other feature"
    ]


def test_when_no_feature_is_left_each_reason_is_told():
    frame = from_frame(pd.DataFrame({"id": range(50), "c": 1, "t": np.arange(50) * 1.5}))
    with pytest.raises(DataError, match=r"id: an id: .*; c: constant: always 1") as caught:
        inspect(frame, "t", "x")
    assert "Data/types" in caught.value.mend


@pytest.mark.parametrize(
    ("target", "what"),
    [
        ("", "no target is named; the columns are price, size"),
        ("Prise", "no column 'Prise'; did you mean 'price'? the columns are price, size"),
        ("qqq", "there is no column 'qqq'; the columns are price, size"),
    ],
)
def test_a_target_that_is_no_column_is_told_with_the_nearest(target, what):
    frame = pd.DataFrame({"price": range(50), "size": range(50)})
    with pytest.raises(UserError) as caught:
        infer_schema(frame, target, "x")
    assert what in caught.value.what


@pytest.mark.parametrize(
    ("values", "what"),
    [
        ([None] * 50, "no row has a value in the target 't'"),
        ([1.5] * 50, "constant: it is always 1.5"),
        (["a"] * 50, "constant: it is always a"),
        ([np.nan] * 40 + [1.0] * 5 + [2.0] * 5, "only 10 rows have a value"),
        ([np.inf, *np.arange(49.0)], r"infinite values in: t \(data row 1\)"),
        (["1,000", "2,000", "3,500"] * 20, "separators of thousands, such as '1,000'"),
        (np.logspace(0, 200, 50), "numbers as large as 1e\\+200"),
        ([f"{n} EUR" for n in range(50)], "numbers with a unit, such as '0 EUR'"),
    ],
)
def test_a_target_that_cannot_be_learned_is_told(values, what):
    frame = pd.DataFrame({"a": np.arange(len(values)) / 7, "t": values})
    with pytest.raises(UserError, match=what):
        infer_schema(frame, "t", "x")


@pytest.mark.parametrize(
    ("values", "kind", "classes"),
    [
        ([True, False] * 50, "binary", ["False", "True"]),
        ([0, 1] * 50, "binary", ["0", "1"]),
        ([0.0, 1.0, np.nan, 1.0] * 25, "binary", ["0", "1"]),
        ([0.5, 1.5] * 50, "regression", []),
        (["b", "a", "c", None] * 25, "multiclass", ["a", "b", "c"]),
        (list(range(100)), "regression", []),
    ],
)
def test_the_kind_of_problem_by_the_targets_values(values, kind, classes):
    schema = infer_schema(pd.DataFrame({"a": np.arange(100) / 7, "t": values}), "t", "x")
    assert (schema.kind, schema.classes) == (kind, classes)


def test_the_profile_has_a_row_per_column_with_ranges_and_examples():
    day = pd.date_range("2026-01-01", periods=ROWS).strftime("%d.%m.%Y")
    inspected = found(sold=day, c=["x", "y", None, "y"] * (ROWS // 4))
    rows = {row["column"]: row for row in inspected.profile}
    assert list(rows) == ["sold", "c", "good", "t"]
    assert (rows["sold"]["min"], rows["sold"]["kind"]) == ("2026-01-01", "datetime")
    assert rows["sold"]["note"] == "dates written as DD.MM.YYYY"
    assert rows["c"]["missing share"] == 0.25
    assert (rows["c"]["most frequent"], rows["c"]["examples"]) == ("y", "x, y")
    assert rows["t"]["kind"] == "target"
