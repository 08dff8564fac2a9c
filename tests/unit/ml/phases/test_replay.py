"""Predicting rows as they were before their data set was edited, as a person runs it."""

import json

import numpy as np
import pandas as pd
import pytest

from ml.report import predictions
from ml.runtime.entry import main
from ml.tabular.serving import batch_prediction, streaming

ROWS = 240
STEPS = [
    {"do": "filter", "column": "rent", "is": "there"},
    {"do": "retype", "column": "rent", "to": "numeric", "remove": "€ ."},
    {"do": "rename", "columns": {"size m²": "size", "sold": "day"}},
    {"do": "fill", "column": "rooms", "by": "median"},
    {"do": "derive", "column": "size_per_room", "formula": "size / rooms"},
    {"do": "retype", "column": "day", "to": "datetime", "format": "%d_%m_%Y"},
    {"do": "derive", "column": "month", "part": "month", "of": "day"},
    {"do": "drop", "columns": ["size", "notes"]},
    {"do": "drop_duplicates"},
]


def run(phase, out, *settings):
    arguments = [phase, "--out", str(out)]
    for setting in settings:
        arguments += ["--set", setting]
    return main(arguments)


def read(path):
    return json.loads(path.read_text())


@pytest.fixture(scope="module")
def raw():
    random = np.random.default_rng(0)
    size = random.uniform(20, 120, ROWS).round(1)
    rooms = random.integers(0, 5, ROWS).astype(float)
    rooms[::13] = None
    rent = (size * 20 + random.normal(0, 9, ROWS)).round()
    frame = pd.DataFrame(
        {
            "size m²": size,
            "rooms": rooms,
            "sold": pd.date_range("2020-01-01", periods=ROWS).strftime("%d_%m_%Y"),
            "rent": [f"€ {value:,.0f}".replace(",", ".") for value in rent],
            "lift": random.choice([True, False], ROWS),
            "notes": random.choice(["quiet", "by the sea"], ROWS),
            "price": (rent * 200 + random.normal(0, 30_000, ROWS)).round(),
        }
    )
    frame.loc[5:7, "rent"] = None
    return frame


@pytest.fixture(scope="module")
def flats(raw, tmp_path_factory):
    folder = tmp_path_factory.mktemp("flats")
    raw.to_csv(folder / "rows.csv", index=False)
    source = (f"Data/source={folder / 'rows.csv'}", "Data/target=price")
    assert run("data-registration", folder / "data", *source) == 0
    edits = (f"Input/dataset_id={folder / 'data'}", f"Edit/steps={json.dumps(STEPS)}")
    assert run("data-editing", folder / "edited", *edits) == 0
    given = f"Input/dataset_id={folder / 'edited'}"
    assert run("preprocessing", folder / "prepared", given) == 0
    task = f"Input/preprocessing_task={folder / 'prepared'}"
    assert run("training", folder / "model", task, "Model/name=lightgbm") == 0
    return folder


def model(folder):
    return f"Input/training_task={folder / 'model'}"


def predicted(folder):
    return pd.read_parquet(folder / "predictions.parquet")


def batch(folder, out, data, *settings):
    code = run("inference-batch", out, model(folder), f"Input/data={data}", *settings)
    assert code == 0
    return predicted(out)


def edited_rows(folder):
    """The data set as the steps left it, as a file that somebody made of it."""
    return pd.read_parquet(folder / "edited" / "dataset" / "data.parquet")


class TestBatch:
    def test_what_the_own_data_set_was_made_of_gives_no_scores(self, flats, tmp_path, capsys):
        parent = batch(flats, tmp_path / "parent", f"dataset:{flats / 'data'}")
        assert read(tmp_path / "parent" / "summary.json")["scores"] == {}
        assert "truth" not in parent
        assert "no scores: the model was trained on rows" in capsys.readouterr().out

    def test_what_was_made_of_the_own_data_set_gives_no_scores(self, flats, tmp_path, capsys):
        steps = [{"do": "filter", "column": "rent", "is": ">", "value": 1000}]
        edits = (f"Input/dataset_id={flats / 'edited'}", f"Edit/steps={json.dumps(steps)}")
        assert run("data-editing", tmp_path / "child", *edits) == 0
        batch(flats, tmp_path / "out", f"dataset:{tmp_path / 'child'}")
        assert read(tmp_path / "out" / "summary.json")["scores"] == {}
        assert "no scores: the model was trained on rows" in capsys.readouterr().out

    def test_raw_and_edited_files_are_predicted_alike(self, flats, raw, tmp_path, capsys):
        raw.to_csv(tmp_path / "raw.csv", index=False)
        raw.to_parquet(tmp_path / "raw.parquet", index=False)
        edited_rows(flats).to_csv(tmp_path / "edited.csv", index=False)
        csv = batch(flats, tmp_path / "csv", tmp_path / "raw.csv")
        printed = capsys.readouterr().out
        assert printed.count("filter and drop_duplicates of the edits left none out") == 1
        assert "the edits of the data set were done on the rows: on size m², rooms" in printed
        assert "not used by the model: notes" in printed
        parquet = batch(flats, tmp_path / "parquet", tmp_path / "raw.parquet")
        after = batch(flats, tmp_path / "edited", tmp_path / "edited.csv")
        # each row has its prediction, those too that the filter left out
        assert len(csv) == ROWS
        assert csv["prediction"].notna().all()
        pd.testing.assert_frame_equal(csv, parquet, check_exact=True)
        left = csv.drop(index=[5, 6, 7]).reset_index(drop=True)
        pd.testing.assert_frame_equal(
            left.drop(columns="row"), after.drop(columns="row"), check_exact=True
        )
        np.testing.assert_allclose(csv["truth"], raw["price"])
        summary = read(tmp_path / "csv" / "summary.json")
        assert summary["scored"] == ROWS
        (section,) = predictions.sections(
            [{"phase": "inference-batch", "task": "t", **summary}], {}
        )
        assert "rows.csv" not in section
        assert "raw.csv: the edits of the data set were done on the rows" in section
        assert "were done on the rows" not in capsys.readouterr().out.split("edited.csv")[-1]

    def test_the_rows_that_were_not_edited_may_be_a_data_set(self, flats, tmp_path, capsys):
        found = batch(flats, tmp_path / "out", f"dataset:{flats / 'data'}")
        assert len(found) == ROWS
        assert "were done on the rows" in capsys.readouterr().out

    def test_the_test_part_is_edited(self, flats, tmp_path, capsys):
        found = batch(flats, tmp_path / "out", "test")
        stored = pd.read_parquet(flats / "model" / "predictions.parquet")
        stored = stored[stored["part"] == "test"]
        np.testing.assert_array_equal(found["prediction"], stored["prediction"])
        assert "were done on the rows" not in capsys.readouterr().out

    def test_chunks_of_any_size_give_the_same(self, flats, raw, tmp_path, capsys, monkeypatch):
        for name in ("raw.csv", "raw.parquet"):
            write = raw.to_csv if name.endswith("csv") else raw.to_parquet
            write(tmp_path / name, index=False)
            found = []
            for size in (1000, 31):
                monkeypatch.setattr(streaming, "rows_per_chunk", lambda inputs, size=size: size)
                found.append(batch(flats, tmp_path / f"{name}-{size}", tmp_path / name))
            pd.testing.assert_frame_equal(*found, check_exact=True)
        capsys.readouterr()

    def test_raw_and_edited_files_may_be_mixed(self, flats, raw, tmp_path, capsys):
        folder = tmp_path / "in"
        folder.mkdir()
        raw.iloc[8:20].drop(columns="price").to_csv(folder / "a.csv", index=False)
        edited_rows(flats).iloc[5:17].to_parquet(folder / "b.parquet", index=False)
        found = batch(flats, tmp_path / "out", folder)
        halves = found["prediction"].to_numpy().reshape(2, 12)
        np.testing.assert_array_equal(*halves)
        assert found["truth"].notna().sum() == 12
        capsys.readouterr()

    def test_missing_columns_are_named_both_ways(self, flats, raw, tmp_path, capsys):
        path = tmp_path / "rows.csv"
        raw.drop(columns="size m²").to_csv(path, index=False)
        asked = (model(flats), f"Input/data={path}")
        assert run("inference-batch", tmp_path / "out", *asked) == 1
        printed = capsys.readouterr().out
        assert "columns are missing: day, size_per_room, month" in printed
        assert "as they were before the data set was edited: size m²" in printed
        assert "to have them edited, all of: size m², rooms, sold, rent, lift" in printed
        assert "Traceback" not in printed

    def test_a_bad_value_is_named_with_its_row_or_skipped(
        self, flats, raw, tmp_path, capsys, monkeypatch
    ):
        monkeypatch.setattr(streaming, "rows_per_chunk", lambda inputs: 50)
        bad = raw.copy()
        bad.loc[70, "rent"] = "on request"
        bad.loc[120, "sold"] = "31_02_2020"
        bad.to_csv(tmp_path / "rows.csv", index=False)
        asked = (model(flats), f"Input/data={tmp_path / 'rows.csv'}")
        assert run("inference-batch", tmp_path / "stop", *asked) == 1
        printed = capsys.readouterr().out
        assert "column 'rent' holds 'on request', which is not a number (data row 71;" in printed
        found = batch(flats, tmp_path / "skip", tmp_path / "rows.csv", "Input/on_error=skip")
        skipped = found[found[batch_prediction.REASON].notna()]
        assert skipped["row"].tolist() == [70, 120]
        assert "day holds '31_02_2020'" in skipped[batch_prediction.REASON].iloc[1]
        capsys.readouterr()

    def test_a_run_from_before_there_was_a_replay_takes_edited_rows(
        self, flats, raw, tmp_path, capsys
    ):
        record = flats / "prepared" / "step.json"
        told = record.read_text("utf-8")
        before = json.loads(told)
        del before["artifacts"]["replay"]
        record.write_text(json.dumps(before), "utf-8")
        try:
            raw.to_csv(tmp_path / "raw.csv", index=False)
            edited_rows(flats).to_csv(tmp_path / "edited.csv", index=False)
            asked = (model(flats), f"Input/data={tmp_path / 'raw.csv'}")
            assert run("inference-batch", tmp_path / "raw", *asked) == 1
            assert "columns are missing: day, size_per_room, month" in capsys.readouterr().out
            batch(flats, tmp_path / "edited", tmp_path / "edited.csv")
        finally:
            record.write_text(told, "utf-8")
        capsys.readouterr()


class TestInPlace:
    """The names of the columns do not tell whether rows were edited."""

    def test_data_sets_are_known_by_their_edits_and_files_are_taken_as_raw(
        self, raw, tmp_path, capsys
    ):
        steps = [
            {"do": "derive", "column": "size m²", "formula": "`size m²` * 2"},
            {"do": "fill", "column": "rooms", "by": "mean"},
        ]
        folder = tmp_path / "run"
        folder.mkdir()
        rows = raw.drop(columns=["rent", "sold"])
        rows.to_csv(folder / "rows.csv", index=False)
        source = (f"Data/source={folder / 'rows.csv'}", "Data/target=price")
        assert run("data-registration", folder / "data", *source) == 0
        edits = (f"Input/dataset_id={folder / 'data'}", f"Edit/steps={json.dumps(steps)}")
        assert run("data-editing", folder / "edited", *edits) == 0
        given = f"Input/dataset_id={folder / 'edited'}"
        assert run("preprocessing", folder / "prepared", given) == 0
        task = f"Input/preprocessing_task={folder / 'prepared'}"
        assert run("training", folder / "model", task, "Model/name=ridge") == 0
        found = [
            batch(folder, tmp_path / str(number), data)["prediction"]
            for number, data in enumerate(
                (folder / "rows.csv", f"dataset:{folder / 'data'}", f"dataset:{folder / 'edited'}")
            )
        ]
        pd.testing.assert_series_equal(found[0], found[1], check_exact=True)
        pd.testing.assert_series_equal(found[0], found[2], check_exact=True)
        capsys.readouterr()


class TestSingle:
    def single(self, folder, out, record, *settings):
        given = f"Input/record={json.dumps(record)}"
        assert run("inference-single", out, model(folder), given, *settings) == 0
        return read(out / "predictions.json")

    def raw_record(self, raw, place):
        row = raw.drop(columns="price").iloc[place]
        return json.loads(row.to_json())

    def test_a_record_may_be_raw_or_edited(self, flats, raw, tmp_path, capsys):
        raw.to_csv(tmp_path / "raw.csv", index=False)
        of_batch = batch(flats, tmp_path / "batch", tmp_path / "raw.csv")
        for place in (0, 13, 20):
            before = self.raw_record(raw, place)
            one = self.single(flats, tmp_path / f"raw-{place}", before)
            assert one["record"] == before
            other = self.single(flats, tmp_path / f"edited-{place}", one["edited"])
            assert "edited" not in other
            assert one["prediction"] == other["prediction"] == of_batch["prediction"][place]
            assert read(tmp_path / f"raw-{place}" / "explanation.json")["contributions"].keys() == (
                set(one["edited"])
            )
        capsys.readouterr()

    def test_the_median_of_training_fills_a_record(self, flats, raw, tmp_path, capsys):
        record = {**self.raw_record(raw, 0), "rooms": None, "size m²": 60}
        found = self.single(flats, tmp_path / "one", record)
        median = raw.drop(index=[5, 6, 7])["rooms"].median()
        assert found["edited"]["rooms"] == median
        assert found["edited"]["size_per_room"] == 60 / median
        capsys.readouterr()

    def test_what_cannot_be_divided_is_missing_as_in_training(self, flats, raw, tmp_path, capsys):
        record = {**self.raw_record(raw, 0), "rooms": 0}
        found = self.single(flats, tmp_path / "one", record)
        assert found["edited"]["size_per_room"] is None
        trained = edited_rows(flats)
        assert trained.loc[trained["rooms"] == 0, "size_per_room"].isna().all()
        capsys.readouterr()

    def test_fields_are_read_as_the_columns_were(self, flats, raw, tmp_path, capsys):
        record = self.raw_record(raw, 1)
        texts = [f"Record/{name}={value}" for name, value in record.items()]
        assert run("inference-single", tmp_path / "texts", model(flats), *texts) == 0
        one = read(tmp_path / "texts" / "predictions.json")
        assert one["prediction"] == self.single(flats, tmp_path / "json", record)["prediction"]
        capsys.readouterr()

    def test_a_bad_value_is_told_with_its_field(self, flats, raw, tmp_path, capsys):
        record = {**self.raw_record(raw, 1), "rent": "cheap"}
        given = f"Input/record={json.dumps(record)}"
        assert run("inference-single", tmp_path / "out", model(flats), given) == 1
        printed = capsys.readouterr().out
        assert "rent is 'cheap', which is not a number" in printed
        assert "Traceback" not in printed
