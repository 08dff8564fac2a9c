import pandas as pd
import pytest

from ml.runtime.errors import UserError
from ml.tabular.inspection import infer_schema, inspect
from ml.tabular.profiling import as_table
from ml.tabular.reading import read_arrow, read_table
from ml.tabular.sources import load_builtin


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
