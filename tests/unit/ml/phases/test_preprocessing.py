"""preprocessing as a person runs it on a laptop, and what it leaves."""

import json

import joblib
import numpy as np
import pandas as pd
import pytest
from pyarrow import parquet

from ml.catalog import PHASES
from ml.runtime import memory
from ml.runtime.entry import main
from ml.runtime.errors import UserError
from ml.runtime.parameters import parse
from ml.tabular.conforming import conform
from ml.tabular.preparation.splitting import SplitPlan, folds
from ml.tabular.schema import Column, LeftOut, Schema

ROWS = 300


@pytest.fixture
def frame():
    random = np.random.default_rng(0)
    size = random.normal(50, 10, ROWS)
    return pd.DataFrame(
        {
            "id": np.arange(ROWS),
            "size": size,
            "city": random.choice(["Kobe", "Oslo", "Lima", None], ROWS),
            "street": random.choice([f"street {number}" for number in range(40)], ROWS),
            "note": random.choice(["old house", "new house", "flat with view", ""], ROWS),
            "sold": pd.Timestamp("2020-01-01") + pd.to_timedelta(random.permutation(ROWS), "D"),
            "price": size * 3 + random.normal(0, 20, ROWS),
        }
    )


@pytest.fixture
def prepare(frame, tmp_path, capsys):
    """Register a frame, whatever registration is, and prepare it; gives folder and output."""

    def prepare(*settings, frame=frame, name="prepared", target="price", classes=()):
        kinds = {"size": "numeric", "sold": "datetime", "note": "text"}
        schema = Schema(
            name="flats",
            target=target,
            kind="binary" if classes else "regression",
            classes=list(classes),
            columns=[
                Column(name=column, kind=kinds.get(column, "category"))
                for column in frame
                if column not in ("id", target)
            ],
            rows=len(frame),
            left_out=[LeftOut(name="id", why="an id")],
        )
        data = tmp_path / "data"
        data.mkdir(exist_ok=True)
        frame.to_parquet(data / "data.parquet", index=False)
        (data / "schema.json").write_text(schema.model_dump_json())
        out = tmp_path / name
        arguments = ["preprocessing", "--out", str(out), "--set", f"Input/dataset_id={data}"]
        for setting in settings:
            arguments += ["--set", setting]
        code = main(arguments)
        return code, out, capsys.readouterr().out

    return prepare


def stored(folder, name):
    return json.loads((folder / f"{name}.json").read_text())


def part(folder, name):
    return pd.read_parquet(folder / f"{name}.parquet")


def test_what_is_left_is_what_training_and_inference_need(prepare, frame):
    code, out, said = prepare()
    assert code == 0
    record = stored(out, "step")
    assert set(record["artifacts"]) >= {
        *("train", "validation", "test", "preprocessor"),
        *("schema", "split", "leakage", "reference", "provenance"),
    }
    assert record["properties"]["rows"] == "300"
    assert "train 180, validation 60, test 60 rows (random)" in said

    split = stored(out, "split")
    assert split["rows"] == {"train": 180, "validation": 60, "test": 60}
    schema = Schema.model_validate(stored(out, "schema"))
    train, test = part(out, "train"), part(out, "test")
    assert len(folds(train, schema, SplitPlan.model_validate(split), 3, 0)) == 3
    assert list(train) == [name for name in frame if name != "id"]
    # a row keeps its number in the data set
    pd.testing.assert_series_equal(test["size"], frame["size"].iloc[test.index])
    preprocessor = joblib.load(out / "preprocessor.joblib")
    matrix = preprocessor.transform(conform(test, schema, "test"))
    assert matrix.shape == (60, len(preprocessor.names_))
    assert np.isfinite(matrix).all()
    assert stored(out, "reference")["rows"] == 180
    treated = pd.read_csv(out / "table-inputs.csv").set_index("column")
    assert treated["inputs"].sum() == len(preprocessor.names_)
    assert pd.read_csv(out / "table-parts.csv")["rows"].tolist() == [180, 60, 60]


def test_the_same_twice_is_the_same_to_the_last_bit(prepare):
    _, first, _ = prepare(name="first")
    _, second, _ = prepare(name="second")
    names = ["train.parquet", "test.parquet", "preprocessor.joblib", "reference.json"]
    for name in names:
        assert (first / name).read_bytes() == (second / name).read_bytes(), name


def test_the_preprocessor_knows_nothing_of_the_other_parts(prepare, frame):
    _, first, _ = prepare(name="first")
    others = part(first, "test").index.union(part(first, "validation").index)
    changed = frame.copy()
    changed.loc[others, "size"] = 1e9
    changed.loc[others, "note"] = "something else"
    changed.loc[others, "street"] = "elsewhere"
    changed.loc[others, "price"] = -changed.loc[others, "price"]
    _, second, _ = prepare(frame=changed, name="second")
    name = "preprocessor.joblib"
    assert (first / name).read_bytes() == (second / name).read_bytes()


def test_groups_stay_whole_and_are_no_feature(prepare):
    code, out, said = prepare("Split/strategy=group", "Split/column=street")
    assert code == 0
    assert "street groups the rows, so it is no feature" in said
    streets = [set(part(out, name)["street"]) for name in ("train", "validation", "test")]
    assert sum(map(len, streets)) == len(set.union(*streets)) == 40
    schema = stored(out, "schema")
    assert "street" not in [column["name"] for column in schema["columns"]]
    assert "street" in [one["name"] for one in schema["left_out"]]


def test_a_part_that_large_groups_leave_few_rows_is_warned_of(prepare, frame):
    uneven = frame.assign(street=["long street"] * (ROWS - 3) + ["a", "b", "c"])
    code, _, said = prepare("Split/strategy=group", "Split/column=street", frame=uneven)
    assert code == 0
    assert f"of {ROWS} rows, " in said
    assert "warning: test has" in said
    assert "warning: train has" not in said


def test_what_is_later_is_tested(prepare):
    code, out, _ = prepare("Split/strategy=time", "Split/column=sold")
    assert code == 0
    sold = [part(out, name)["sold"] for name in ("train", "validation", "test")]
    assert sold[0].max() < sold[1].min() <= sold[1].max() < sold[2].min()
    assert "sold" in [column["name"] for column in stored(out, "schema")["columns"]]


def test_a_column_that_is_left_out_may_divide_the_rows(prepare, frame):
    code, out, _ = prepare("Split/strategy=time", "Split/column=id")
    assert code == 0
    assert part(out, "test")["id"].tolist() == list(range(240, 300))


def test_a_feature_that_holds_the_target_is_refused_or_reported(prepare, frame):
    frame["size"] = frame["price"] * 1.1
    code, out, said = prepare()
    assert code == 1
    assert "a feature holds the target 'price' itself: size" in said
    assert stored(out, "leakage")["suspicious"][0]["column"] == "size"
    code, out, said = prepare("Split/leakage=report")
    assert code == 0
    assert "warning: size gives price away: its rank correlation" in said


def test_duplicates_are_reported_or_dropped(prepare, frame):
    twice = pd.concat([frame, frame.head(100)], ignore_index=True)
    _, out, said = prepare(frame=twice)
    counts = stored(out, "leakage")["duplicates"]
    assert counts["validation"] > 10
    assert counts["test"] > 10
    assert f"warning: {counts['validation']} rows of validation and {counts['test']} of" in said
    _, dropped, said = prepare("Split/duplicates=drop", frame=twice, name="dropped")
    assert "dropped: another part has a row with the same features" in said
    assert len(part(dropped, "train")) == len(part(out, "train"))
    assert len(part(dropped, "test")) == len(part(out, "test")) - counts["test"]
    features = ["size", "city", "street", "note", "sold"]
    whole = pd.concat([part(dropped, name).drop_duplicates(features) for name in ("train", "test")])
    assert not whole.duplicated(features).any()
    assert stored(dropped, "split")["rows"]["test"] == len(part(dropped, "test"))


def test_rows_without_a_target_are_counted(prepare, frame):
    frame.loc[:29, "price"] = None
    _, out, said = prepare()
    assert stored(out, "split")["without_target"] == 30
    assert "30 without a target left out" in said


def test_classes_keep_their_shares_and_the_parts_say_so(prepare, frame):
    frame["dear"] = np.where(np.arange(ROWS) % 5 == 0, "yes", "no")
    _, out, said = prepare(target="dear", classes=["no", "yes"])
    parts = pd.read_csv(out / "table-parts.csv")
    assert parts["share of yes"].tolist() == pytest.approx([0.2, 0.2, 0.2])
    assert "(stratified)" in said


def test_categories_are_not_read_as_texts_of_their_own(prepare):
    _, out, _ = prepare()
    assert isinstance(part(out, "train")["city"].dtype, pd.CategoricalDtype)
    assert parquet.read_schema(out / "train.parquet").field("size").type == "double"


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        (["Split/strategy=group", "Split/column=stret"], "did you mean 'street'?"),
        (["Split/strategy=time", "Split/column=city"], "rows have no value in 'city'"),
        (["Split/strategy=time", "Split/column=street"], "cannot be ordered by time"),
        (["Split/strategy=stratified"], "the target 'price' has no classes"),
    ],
)
def test_what_does_not_fit_is_told(prepare, settings, said):
    code, _, printed = prepare(*settings)
    assert code == 1
    assert said in printed
    assert "Traceback" not in printed


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"Split/strategy": "time"}, "Split/column: the strategy time needs a column"),
        ({"Split/test_share": "0.5", "Split/validation_share": "0.5"}, "take 100% of the rows"),
        ({"Split/strategy": "groups"}, "Split/strategy"),
    ],
)
def test_fields_that_do_not_fit_each_other_are_told_before_it_runs(settings, said):
    for phase in ("preprocessing", "pipeline"):
        with pytest.raises(UserError) as caught:
            parse(PHASES[phase].parameters, settings)
        assert said in str(caught.value)


def test_memory_that_will_not_do_is_told_before_anything_is_read(prepare, monkeypatch):
    monkeypatch.setattr(memory, "available", lambda root=None: 1000)
    code, _, said = prepare()
    assert code == 1
    assert "dividing the data set flats needs about" in said


def test_a_folder_that_is_no_data_set_is_told(tmp_path, capsys):
    (tmp_path / "empty").mkdir()
    arguments = ["preprocessing", "--out", str(tmp_path / "out")]
    assert main([*arguments, "--set", f"Input/dataset_id={tmp_path / 'empty'}"]) == 1
    assert "has no schema.json" in capsys.readouterr().out
