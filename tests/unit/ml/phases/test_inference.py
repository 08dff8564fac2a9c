"""Predicting one record, many rows and the best inputs, as a person runs it on a laptop."""

import json
import shutil

import numpy as np
import pandas as pd
import pytest

from ml.runtime.entry import main
from ml.tabular.learning import model_file
from ml.tabular.serving import batch_prediction, streaming

ROWS = 400


def run(phase, out, *settings):
    arguments = [phase, "--out", str(out)]
    for setting in settings:
        arguments += ["--set", setting]
    return main(arguments)


def read(path):
    return json.loads(path.read_text())


def properties(folder):
    return read(folder / "step.json")["properties"]


@pytest.fixture(scope="module")
def table():
    random = np.random.default_rng(0)
    heat = random.uniform(20, 80, ROWS)
    kind = random.choice(["a", "b", "c"], ROWS)
    gain = -((heat - 60) ** 2) / 40 + (kind == "b") * 8 + random.normal(0, 0.5, ROWS)
    return pd.DataFrame(
        {
            "heat": heat.round(3),
            "kind": kind,
            "fan": random.choice([True, False], ROWS),
            "on": pd.date_range("2024-01-01", periods=ROWS).strftime("%Y-%m-%d"),
            "gain": gain.round(3),
            "good": np.where(gain > 0, "yes", "no"),
        }
    )


def trained(folder, table, target, dropped, *models):
    folder.mkdir()
    table.drop(columns=dropped).to_csv(folder / "rows.csv", index=False)
    source = (f"Data/source={folder / 'rows.csv'}", f"Data/target={target}")
    assert run("data-registration", folder / "data", *source) == 0
    assert run("preprocessing", folder / "prepared", f"Input/dataset_id={folder / 'data'}") == 0
    task = f"Input/preprocessing_task={folder / 'prepared'}"
    for model in models:
        assert run("training", folder / model, task, f"Model/name={model}") == 0
    return folder


@pytest.fixture(scope="module")
def gains(table, tmp_path_factory):
    folder = tmp_path_factory.mktemp("gains") / "run"
    return trained(folder, table, "gain", "good", "lightgbm", "ridge")


@pytest.fixture(scope="module")
def goods(table, tmp_path_factory):
    folder = tmp_path_factory.mktemp("goods") / "run"
    return trained(folder, table, "good", "gain", "lightgbm")


def model(folder, name="lightgbm"):
    return f"Input/training_task={folder / name}"


RECORD = {"heat": 60, "kind": "b", "fan": True, "on": "2024-05-01"}


class TestSingle:
    def test_fields_and_json_are_the_same_record(self, gains, tmp_path, capsys):
        by_json = f"Input/record={json.dumps(RECORD)}"
        assert run("inference-single", tmp_path / "json", model(gains), by_json) == 0
        texts = [f"Record/{name}={value}" for name, value in RECORD.items()]
        assert run("inference-single", tmp_path / "texts", model(gains), *texts) == 0
        one, other = (read(tmp_path / name / "predictions.json") for name in ("json", "texts"))
        assert one["prediction"] == other["prediction"] == pytest.approx(8, abs=2.5)
        assert one["low"] < one["prediction"] < one["high"]
        found = properties(tmp_path / "json")
        assert found["caution"] == "none"
        assert "(90 %: " in found["prediction"]
        capsys.readouterr()

    def test_a_field_counts_before_the_json(self, gains, tmp_path, capsys):
        settings = (f"Input/record={json.dumps(RECORD)}", "Record/kind=a")
        assert run("inference-single", tmp_path / "a", model(gains), *settings) == 0
        found = read(tmp_path / "a" / "predictions.json")
        assert found["record"] == {**RECORD, "kind": "a"}
        assert found["prediction"] == pytest.approx(0, abs=2.5)
        capsys.readouterr()

    def test_the_explanation_adds_up_to_the_prediction(self, gains, tmp_path, capsys):
        by_json = f"Input/record={json.dumps(RECORD)}"
        assert run("inference-single", tmp_path / "one", model(gains), by_json) == 0
        found = read(tmp_path / "one" / "explanation.json")
        predicted = read(tmp_path / "one" / "predictions.json")["prediction"]
        total = found["base"] + sum(found["contributions"].values())
        assert total == pytest.approx(predicted, abs=1e-3)
        assert set(found["contributions"]) == {"heat", "kind", "fan", "on"}
        assert max(found["contributions"], key=found["contributions"].get) in ("heat", "kind")
        table = pd.read_csv(tmp_path / "one" / "table-explanation.csv")
        assert set(table["column"]) == set(RECORD)
        assert len(list((tmp_path / "one").glob("plot-*.json"))) == 1
        capsys.readouterr()

    def test_a_class_comes_with_its_probabilities(self, goods, tmp_path, capsys):
        by_json = f"Input/record={json.dumps(RECORD)}"
        assert run("inference-single", tmp_path / "one", model(goods), by_json) == 0
        found = read(tmp_path / "one" / "predictions.json")
        assert found["prediction"] == "yes"
        assert found["probability of yes"] + found["probability of no"] == pytest.approx(1)
        assert properties(tmp_path / "one")["prediction"].startswith("yes (9")
        capsys.readouterr()

    def test_what_training_did_not_see_is_cautioned(self, gains, tmp_path, capsys):
        odd = {**RECORD, "heat": 200, "kind": "z"}
        assert run("inference-single", tmp_path / "o", model(gains), record(odd)) == 0
        caution = properties(tmp_path / "o")["caution"]
        assert "heat is 200, outside of 2" in caution
        assert "kind is 'z', which was not seen in training" in caution
        capsys.readouterr()

    @pytest.mark.parametrize(
        ("settings", "said"),
        [
            ((), ["there is no record to predict", "Record/age=41"]),
            (("Input/record={}",), ["there is no record to predict"]),
            (('Input/record={"heat": 1,}',), ["Input/record", "line 1, column 12"]),
            (("Input/record=[1]",), ["not a JSON object"]),
            (("Record/heat=1",), ["columns are missing: kind, fan, on", '{"heat": ', "at: Record"]),
            (
                ('Input/record={"heat": 1, "kind": "a", "fan": 1, "On": "2024-01-01"}',),
                ["columns are missing: on", "is 'On' meant to be 'on'?"],
            ),
        ],
    )
    def test_a_record_that_is_none_is_told(self, gains, tmp_path, capsys, settings, said):
        assert run("inference-single", tmp_path / "one", model(gains), *settings) == 1
        printed = capsys.readouterr().out
        assert all(text in printed for text in said), printed
        assert "Traceback" not in printed

    @pytest.mark.parametrize(
        ("changed", "said"),
        [
            ({"heat": "hot"}, ["heat is 'hot', which is not a number", "at: Input/record"]),
            ({"on": "soon"}, ["on is 'soon', which is not a date"]),
            ({"on": 7}, ["on is 7, which is not a date"]),
            ({"heat": [1]}, ["heat is [1], which is no single value"]),
            ({"heat": float("inf")}, ["heat is inf, which is not a finite number"]),
        ],
    )
    def test_a_value_of_another_type_is_told_with_its_field(
        self, gains, tmp_path, capsys, changed, said
    ):
        assert run("inference-single", tmp_path / "x", model(gains), record(RECORD | changed)) == 1
        printed = capsys.readouterr().out
        assert all(text in printed for text in said), printed

    def test_a_text_of_another_type_is_told_with_its_field(self, gains, tmp_path, capsys):
        settings = (record(RECORD), "Record/heat=hot")
        assert run("inference-single", tmp_path / "x", model(gains), *settings) == 1
        assert "at: Record/heat" in capsys.readouterr().out

    def test_other_columns_are_ignored_and_named(self, gains, tmp_path, capsys):
        more = RECORD | {"extra": 1, "gain": 3}
        assert run("inference-single", tmp_path / "x", model(gains), record(more)) == 0
        assert "not used by the model: extra\n" in capsys.readouterr().out


def record(values):
    return f"Input/record={json.dumps(values)}"


class TestBatch:
    @pytest.fixture
    def rows(self, table):
        return table.drop(columns="good").sample(150, random_state=1)

    def predicted(self, folder):
        return pd.read_parquet(folder / "predictions.parquet")

    @pytest.mark.parametrize("ending", ["csv", "parquet"])
    def test_the_size_of_chunks_changes_nothing(
        self, gains, rows, tmp_path, capsys, monkeypatch, ending
    ):
        path = tmp_path / f"rows.{ending}"
        getattr(rows, f"to_{ending}")(path, index=False)
        assert run("inference-batch", tmp_path / "one", model(gains), f"Input/data={path}") == 0
        monkeypatch.setattr(streaming, "rows_per_chunk", lambda inputs: 7)
        assert run("inference-batch", tmp_path / "many", model(gains), f"Input/data={path}") == 0
        one, many = (self.predicted(tmp_path / name) for name in ("one", "many"))
        pd.testing.assert_frame_equal(one, many, check_exact=True)
        assert one["row"].tolist() == list(range(150))
        np.testing.assert_allclose(one["truth"], rows["gain"])
        assert ((one["low"] < one["prediction"]) & (one["prediction"] < one["high"])).all()
        one, many = (read(tmp_path / name / "summary.json") for name in ("one", "many"))
        assert one["scores"] == pytest.approx(many["scores"])
        assert one["scored"] == 150
        assert read(tmp_path / "one" / "drift.json") == read(tmp_path / "many" / "drift.json")
        capsys.readouterr()

    def test_classes_are_scored_in_chunks_as_in_the_whole(
        self, goods, table, tmp_path, capsys, monkeypatch
    ):
        path = tmp_path / "rows.csv"
        table.drop(columns="gain").to_csv(path, index=False)
        found = []
        for size in (1000, 9):
            monkeypatch.setattr(streaming, "rows_per_chunk", lambda inputs, size=size: size)
            out = tmp_path / str(size)
            assert run("inference-batch", out, model(goods), f"Input/data={path}") == 0
            found.append((self.predicted(out), read(out / "summary.json")))
        pd.testing.assert_frame_equal(found[0][0], found[1][0], check_exact=True)
        assert found[0][1]["scores"] == pytest.approx(found[1][1]["scores"])
        assert found[0][1]["scores"]["accuracy"] > 0.9
        assert found[0][1]["predictions"] == found[1][1]["predictions"]
        capsys.readouterr()

    def test_several_files_are_one_batch(self, gains, rows, tmp_path, capsys):
        (tmp_path / "in").mkdir()
        rows.head(50).to_csv(tmp_path / "in" / "a.csv", index=False)
        rows.tail(100).drop(columns="gain").to_parquet(tmp_path / "in" / "b.parquet", index=False)
        data = f"Input/data={tmp_path / 'in'}"
        assert run("inference-batch", tmp_path / "out", model(gains), data) == 0
        found = self.predicted(tmp_path / "out")
        assert [name.rpartition("/")[2] for name in found["file"].unique()] == [
            "a.csv",
            "b.parquet",
        ]
        assert found["row"].tolist() == [*range(50), *range(100)]
        assert found["truth"].notna().sum() == 50
        assert read(tmp_path / "out" / "summary.json")["scored"] == 50
        capsys.readouterr()

    def test_the_test_part_bears_the_rows_of_its_data_set(self, gains, table, tmp_path, capsys):
        assert run("inference-batch", tmp_path / "out", model(gains)) == 0
        found = self.predicted(tmp_path / "out")
        assert len(found) == ROWS // 5
        np.testing.assert_allclose(found["truth"], table["gain"].iloc[found["row"]])
        assert properties(tmp_path / "out")["drift"] == "none"
        assert read(tmp_path / "out" / "summary.json")["scores"]["interval_coverage"] > 0.7
        capsys.readouterr()

    def test_drift_is_reported_and_fails_nothing(self, gains, rows, tmp_path, capsys):
        moved = rows.assign(heat=rows["heat"] + 40, kind=rows["kind"].replace("a", "new"))
        path = tmp_path / "rows.csv"
        moved.drop(columns="gain").to_csv(path, index=False)
        assert run("inference-batch", tmp_path / "out", model(gains), f"Input/data={path}") == 0
        drifted = properties(tmp_path / "out")["drift"]
        assert "heat (" in drifted
        assert "kind (" in drifted
        assert "fan" not in drifted
        found = read(tmp_path / "out" / "drift.json")
        assert found["predictions"]["psi"] > 0.25
        assert "have a value that was not seen in training" in capsys.readouterr().out
        shown = [*tmp_path.glob("out/plot-*"), *tmp_path.glob("out/table-*")]
        assert len(shown) <= 3

    def test_bad_rows_stop_it_and_say_how_far_it_came(
        self, gains, rows, tmp_path, capsys, monkeypatch
    ):
        monkeypatch.setattr(streaming, "rows_per_chunk", lambda inputs: 50)
        path = self.bad(rows, tmp_path)
        assert run("inference-batch", tmp_path / "out", model(gains), f"Input/data={path}") == 1
        printed = capsys.readouterr().out
        assert "column 'heat' holds 'hot', which is not a number (data row 121;" in printed
        assert "100 rows before it were good" in printed
        assert f"at: {path}" in printed
        assert "Input/on_error to skip" in printed
        assert "predictions" not in read(tmp_path / "out" / "step.json")["artifacts"]

    def test_bad_rows_are_skipped_where_one_asks_for_it(
        self, gains, rows, tmp_path, capsys, monkeypatch
    ):
        monkeypatch.setattr(streaming, "rows_per_chunk", lambda inputs: 50)
        path = self.bad(rows, tmp_path)
        asked = (f"Input/data={path}", "Input/on_error=skip")
        assert run("inference-batch", tmp_path / "out", model(gains), *asked) == 0
        found = self.predicted(tmp_path / "out")
        assert len(found) == 150
        bad = found[found[batch_prediction.REASON].notna()]
        assert bad["row"].tolist() == [120]
        assert bad["prediction"].isna().all()
        assert bad[batch_prediction.REASON].tolist() == ["heat holds 'hot', not a number"]
        assert found["prediction"].notna().sum() == 149
        assert properties(tmp_path / "out")["skipped_rows"] == "1"
        capsys.readouterr()

    def test_nothing_but_bad_rows_is_an_error(self, gains, rows, tmp_path, capsys):
        path = tmp_path / "rows.csv"
        rows.head(3).assign(heat="x").to_csv(path, index=False)
        asked = (f"Input/data={path}", "Input/on_error=skip")
        assert run("inference-batch", tmp_path / "out", model(gains), *asked) == 1
        assert "none of the 3 rows can be predicted" in capsys.readouterr().out

    def bad(self, rows, folder):
        path = folder / "rows.csv"
        values = rows["heat"].astype(object).tolist()
        values[120] = "hot"
        rows.drop(columns="gain").assign(heat=values).to_csv(path, index=False)
        return path

    def test_missing_columns_are_told_of_each_file_before_any_row(
        self, gains, rows, tmp_path, capsys
    ):
        rows.to_csv(tmp_path / "a.csv", index=False)
        rows.drop(columns=["heat", "on"]).to_csv(tmp_path / "b.csv", index=False)
        data = f"Input/data={tmp_path / '*.csv'}"
        assert run("inference-batch", tmp_path / "out", model(gains), data) == 1
        printed = capsys.readouterr().out
        assert "columns are missing: heat, on" in printed
        assert f"at: {tmp_path / 'b.csv'}" in printed
        assert "rows predicted" not in printed

    def test_many_rows_have_no_copy_as_csv_and_are_scored_by_a_share(
        self, gains, rows, tmp_path, capsys, monkeypatch
    ):
        monkeypatch.setattr(batch_prediction, "MAX_CSV_ROWS", 100)
        monkeypatch.setattr(batch_prediction, "MAX_KEPT", 500)
        path = tmp_path / "rows.parquet"
        rows.to_parquet(path, index=False)
        assert run("inference-batch", tmp_path / "out", model(gains), f"Input/data={path}") == 0
        assert not (tmp_path / "out" / "predictions.csv").exists()
        assert 30 <= read(tmp_path / "out" / "summary.json")["scored"] <= 100
        assert "no copy as CSV" in capsys.readouterr().out

    def test_a_ragged_row_stops_it_or_is_skipped(self, gains, rows, tmp_path, capsys):
        path = tmp_path / "rows.csv"
        lines = rows.head(4).to_csv(index=False).splitlines()
        path.write_text("\n".join([*lines[:3], "1,2", *lines[3:]]) + "\n")
        data = (model(gains), f"Input/data={path}")
        assert run("inference-batch", tmp_path / "out", *data) == 1
        printed = capsys.readouterr().out
        assert "a row has 2 values where the header has 5" in printed
        assert f"at: {path}, row 4" in printed
        assert "Input/on_error to skip" in printed
        assert run("inference-batch", tmp_path / "out", *data, "Input/on_error=skip") == 0
        found = self.predicted(tmp_path / "out")
        assert found[batch_prediction.REASON].notna().tolist() == [False, False, True, False, False]
        assert found["truth"].isna().tolist() == [False, False, True, False, False]
        capsys.readouterr()

    def test_what_no_row_is_guilty_of_is_not_mended_by_skipping(self, gains, tmp_path, capsys):
        path = tmp_path / "rows.csv"
        path.write_bytes(
            b"heat,kind,fan,on\n" + b"1,a,true,2024-01-01\n" * 4000 + b"1,\xff,true,2024-01-01\n"
        )
        assert run("inference-batch", tmp_path / "out", model(gains), f"Input/data={path}") == 1
        printed = capsys.readouterr().out
        assert "UTF-8" in printed
        assert "on_error" not in printed

    def test_a_file_without_rows_is_told(self, gains, tmp_path, capsys):
        path = tmp_path / "rows.csv"
        path.write_text("heat,kind,fan,on\n")
        assert run("inference-batch", tmp_path / "out", model(gains), f"Input/data={path}") == 1
        printed = capsys.readouterr().out
        assert "no row is there" in printed
        assert "on_error" not in printed

    def test_the_models_own_rows_among_others_give_no_scores(self, gains, rows, tmp_path, capsys):
        path = tmp_path / "rows.csv"
        rows.to_csv(path, index=False)
        data = f"Input/data={path},dataset:{gains / 'data'}"
        assert run("inference-batch", tmp_path / "out", model(gains), data) == 0
        assert read(tmp_path / "out" / "summary.json")["scores"] == {}
        assert len(self.predicted(tmp_path / "out")) == 150 + ROWS
        capsys.readouterr()

    def test_rows_that_are_kept_do_not_depend_on_chunks(self):
        def kept(size):
            found = batch_prediction.Thinned(100)
            for start in range(0, 1000, size):
                numbers = np.arange(start, min(start + size, 1000))
                found.add(numbers, pd.DataFrame({"n": numbers}))
            return found.frame()["n"].tolist()

        assert kept(1000) == kept(7) == kept(130)
        assert 50 <= len(kept(7)) <= 100


def test_a_model_of_another_version_is_refused_before_it_is_opened(gains, tmp_path, capsys):
    old = tmp_path / "old"
    shutil.copytree(gains / "lightgbm", old)
    metrics = read(old / "metrics.json")
    metrics["made_with"]["scikit-learn"] = "0.1"
    (old / "metrics.json").write_text(json.dumps(metrics))
    (old / "model.joblib").write_bytes(b"nothing that could be opened")
    asked = (f"Input/training_task={old}", record(RECORD))
    assert run("inference-single", tmp_path / "out", *asked) == 1
    assert "the model was made with scikit-learn 0.1 (here " in capsys.readouterr().out
    assert properties(tmp_path / "out")["failure_class"] == "dependency"


def test_a_model_that_is_damaged_is_named(gains, tmp_path, capsys):
    old = tmp_path / "old"
    shutil.copytree(gains / "lightgbm", old)
    (old / "model.joblib").write_bytes(b"nothing that could be opened")
    asked = (f"Input/training_task={old}", record(RECORD))
    assert run("inference-single", tmp_path / "out", *asked) == 1
    assert f"the model of the training step {old} cannot be read" in capsys.readouterr().out
    assert model_file.FORMAT
    assert properties(tmp_path / "out")["failure_class"] == "data-access"


@pytest.fixture(scope="module")
def summarised(gains):
    """The run with what its summary says of its best model."""
    folder = gains / "training-summary"
    folder.mkdir()
    best = {"best": {"task": str(gains / "lightgbm"), "model": "lightgbm"}}
    (folder / "summary.json").write_text(json.dumps(best))
    step = {"phase": "training-summary", "status": "completed", "name": "s", "properties": {}}
    step["artifacts"] = {"summary": "summary.json"}
    (folder / "step.json").write_text(json.dumps(step))
    return f"Input/run_id={gains}"


class TestOptimize:
    def test_the_largest_target_is_found_with_how_sure_one_is(self, summarised, tmp_path, capsys):
        asked = ('Search/ranges={"heat": [30, 75]}', 'Search/fixed={"fan": true}')
        limits = ('Search/constraints=["heat <= 70"]', "Search/trials=80")
        assert run("inference-optimize", tmp_path / "out", summarised, *asked, *limits) == 0
        found = read(tmp_path / "out" / "optimum.json")
        best = found["points"][0]
        assert best["inputs"]["heat"] == pytest.approx(60, abs=8)
        assert (best["inputs"]["kind"], best["inputs"]["fan"]) == ("b", 1)
        assert best["low"] < best["value"] < best["high"]
        assert set(best["other models"]) == {"ridge"}
        assert found["constraints"] == ["heat <= 70"]
        assert found["searched"]["heat"] == ["30", "75"]
        trials = pd.read_parquet(tmp_path / "out" / "trials.parquet")
        assert len(trials) == 80
        assert trials.loc[trials["allowed"], "heat"].max() <= 70
        said = read(tmp_path / "out" / "summary.json")
        assert said["prediction"] == best["value"] == trials["best"].iloc[-1]
        shown = [*tmp_path.glob("out/plot-*"), *tmp_path.glob("out/table-*")]
        assert len(shown) == 3
        capsys.readouterr()

    def test_a_range_beyond_training_is_cautioned(self, gains, tmp_path, capsys):
        asked = ('Search/ranges={"heat": [500, 900]}', "Search/trials=20")
        assert run("inference-optimize", tmp_path / "out", model(gains), *asked) == 0
        assert "note: heat may be 500 to 900, which goes beyond 2" in capsys.readouterr().out
        caution = properties(tmp_path / "out")["caution"]
        assert "the model extrapolates: 100% of the training rows" in caution
        assert "outside of 2" in caution

    def test_the_probability_of_a_class_is_maximized(self, goods, tmp_path, capsys):
        asked = ("Goal/class=no", "Goal/direction=maximise", "Search/trials=20")
        assert run("inference-optimize", tmp_path / "out", model(goods), *asked) == 0
        found = read(tmp_path / "out" / "summary.json")
        assert found["source"] == "maximize probability of no"
        assert found["prediction"] > 0.95
        capsys.readouterr()

    @pytest.mark.parametrize(
        ("settings", "said"),
        [
            (("Goal/direction=reach",), "there is no value to reach"),
            (("Goal/value=3",), "a value is reached, but the direction is maximize"),
            (("Goal/value=much",), "Goal/value is no number: 'much'"),
            (("Goal/class=yes",), "the target gain is a number: it has no class 'yes'"),
            (('Search/ranges={"heet": [1, 2]}',), "did you mean 'heat'"),
            (('Search/constraints=["heat + 1"]',), "'heat + 1' is no condition"),
            (('Search/constraints=["heat <= kind"]',), "a column of texts is no number"),
            (('Search/constraints=["heat <= 10"]',), "'heat <= 10' is missed by"),
            (('Search/constraints=["heat <= hot"]',), "there is no column 'hot'"),
            (("Search/constraints=heat < 1",), "is not JSON"),
            (("Search/constraints=[1]",), "is not a JSON list of texts"),
            (("Search/constraints=" + "[" * 100_000,), "nested too deeply"),
        ],
    )
    def test_a_search_that_makes_no_sense_is_told(self, gains, tmp_path, capsys, settings, said):
        asked = (model(gains), "Search/trials=20", *settings)
        assert run("inference-optimize", tmp_path / "out", *asked) == 1
        printed = capsys.readouterr().out
        assert said in printed
        assert "Traceback" not in printed

    @pytest.mark.parametrize(
        ("settings", "said"),
        [
            (("Goal/class=yess",), "there is no class 'yess'; did you mean 'yes'?"),
            (("Goal/direction=reach", "Goal/value=1"), "is a class: there is no value to reach"),
        ],
    )
    def test_a_goal_that_fits_no_class_is_told(self, goods, tmp_path, capsys, settings, said):
        assert run("inference-optimize", tmp_path / "out", model(goods), *settings) == 1
        assert said in capsys.readouterr().out
