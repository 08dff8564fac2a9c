"""The phases one after the other, as a person runs them on a laptop."""

import json

import pandas as pd
import pytest

from ml.runtime.entry import main


def run(phase, out, *settings):
    arguments = [phase, "--out", str(out)]
    for setting in settings:
        arguments += ["--set", setting]
    return main(arguments)


def record(folder):
    return json.loads((folder / "step.json").read_text())


def summary(folder):
    return json.loads((folder / "summary.json").read_text())


@pytest.fixture
def prepared(tmp_path, dirty_csv):
    source = (f"Data/source={dirty_csv}", "Data/target=price")
    assert run("data-registration", tmp_path / "run" / "data", *source) == 0
    dataset = f"Input/dataset_id={tmp_path / 'run' / 'data'}"
    assert run("preprocessing", tmp_path / "run" / "prepared", dataset) == 0
    return tmp_path / "run"


def train(folder, name, *settings):
    task = f"Input/preprocessing_task={folder / 'prepared'}"
    return run("training", folder / f"training-{name}", task, f"Model/name={name}", *settings)


def test_from_a_file_to_predictions_phase_by_phase(prepared, dirty_table, tmp_path, capsys):
    assert train(prepared, "ridge") == 0
    assert train(prepared, "lightgbm") == 0
    assert train(prepared, "hist_gradient_boosting", 'Model/parameters={"max_iter": 0}') == 1
    run_id = f"Input/run_id={prepared}"
    assert run("training-summary", prepared / "summary", run_id) == 0

    found = summary(prepared / "summary")
    assert found["best"]["model"] == "ridge"
    assert [row["model"] for row in found["leaderboard"]] == ["ridge", "lightgbm"]
    assert [row["class"] for row in found["failed"]] == ["override"]
    assert "max_iter: should be greater than or equal to 1" in found["failed"][0]["why"]
    properties = record(prepared / "summary")["properties"]
    assert properties["failed_models"].startswith("hist_gradient_boosting [override]: ")
    assert properties["best_model"] == "ridge"

    new = tmp_path / "new.csv"
    dirty_table.drop(columns="price").head(5).to_csv(new, index=False)
    assert run("inference-batch", prepared / "batch", run_id, f"Input/data={new}") == 0
    predictions = pd.read_parquet(prepared / "batch" / "predictions.parquet")
    expected = dirty_table["price"].head(5)
    assert (predictions["prediction"] - expected).abs().max() < 60
    assert len(pd.read_csv(prepared / "batch" / "predictions.csv")) == 5

    row = {"size": 50, "city": "Oslo", "sold": "2020-03-01", "balcony": True}
    single = f"Input/record={json.dumps(row)}"
    assert run("inference-single", prepared / "single", run_id, single) == 0
    predicted = json.loads((prepared / "single" / "predictions.json").read_text())
    assert predicted["prediction"] == pytest.approx(190, abs=20)

    assert run("inference-summary", prepared / "predicted", run_id) == 0
    assert {one["phase"] for one in summary(prepared / "predicted")["inferences"]} == {
        "inference-batch",
        "inference-single",
    }
    capsys.readouterr()


@pytest.fixture
def codes(tmp_path):
    """A run on a category whose values look like numbers and booleans, and a target of halves."""
    groups = ["1", "2", "true", "false", "A"]
    rows = [(groups[n % 5], n % 7, (0.5, 1.0, 1.5, 2.0)[n % 5 % 4]) for n in range(200)]
    source = tmp_path / "codes.csv"
    source.write_text("g,x,t\n" + "".join(f"{g},{x},{t}\n" for g, x, t in rows))
    run_folder = tmp_path / "run"
    settings = (f"Data/source={source}", "Data/target=t", "Data/kind=classification")
    assert run("data-registration", run_folder / "data", *settings) == 0
    dataset = f"Input/dataset_id={run_folder / 'data'}"
    # the group is all that the target depends on
    shown = "Split/leakage=report"
    assert run("preprocessing", run_folder / "prepared", dataset, shown) == 0
    assert train(run_folder, "lightgbm") == 0
    return run_folder


def predicted(folder, name, content):
    path = folder.parent / f"{name}.csv"
    path.write_text(content)
    task = f"Input/training_task={folder / 'training-lightgbm'}"
    assert run("inference-batch", folder / name, task, f"Input/data={path}") == 0
    return pd.read_parquet(folder / name / "predictions.parquet")


@pytest.mark.parametrize(
    ("groups", "expected"),
    [(["1", "2", ""], ["0.5", "1.0"]), (["true", "false"], ["1.5", "2.0"])],
)
def test_a_files_own_types_do_not_change_its_categories(codes, capsys, groups, expected):
    found = predicted(codes, "batch", "g,x\n" + "".join(f"{group},1\n" for group in groups))
    assert found["prediction"].tolist()[:2] == expected
    task = f"Input/training_task={codes / 'training-lightgbm'}"
    row = json.dumps({"g": json.loads(groups[0]), "x": 1})
    assert run("inference-single", codes / "single", task, f"Input/record={row}") == 0
    assert (
        json.loads((codes / "single" / "predictions.json").read_text())["prediction"]
        == (expected[0])
    )
    capsys.readouterr()


def test_whole_numbers_among_classes_of_halves_are_scored(codes, capsys):
    found = predicted(codes, "batch", "g,x,t\n2,1,1\nfalse,1,2\n")
    assert found["truth"].tolist() == ["1.0", "2.0"]
    assert summary(codes / "batch")["scores"]["accuracy"] == 1.0
    capsys.readouterr()


def test_an_unknown_truth_costs_the_scores_not_the_predictions(codes, capsys):
    found = predicted(codes, "batch", "g,x,t\n1,1,0.5\n2,1,none such\n")
    assert found["prediction"].tolist() == ["0.5", "1.0"]
    assert summary(codes / "batch")["scores"] == {}
    assert "no scores: the target has classes" in capsys.readouterr().out


def test_the_models_own_data_set_gives_no_scores(codes, capsys):
    task = f"Input/training_task={codes / 'training-lightgbm'}"
    data = f"Input/data=dataset:{codes / 'data'}"
    assert run("inference-batch", codes / "batch", task, data) == 0
    assert summary(codes / "batch")["scores"] == {}
    assert "no scores: the model was trained on rows" in capsys.readouterr().out


@pytest.mark.parametrize(
    "named", ["dataset:./data/", "data/../data/dataset", "new.csv\ndataset:data"]
)
def test_the_models_own_data_set_is_known_by_its_values(codes, capsys, monkeypatch, named):
    monkeypatch.chdir(codes)
    (codes / "new.csv").write_text("g,x,t\n1,1,0.5\n")
    task = f"Input/training_task={codes / 'training-lightgbm'}"
    assert run("inference-batch", codes / "batch", task, f"Input/data={named}") == 0
    assert summary(codes / "batch")["scores"] == {}
    assert "no scores: the model was trained on rows" in capsys.readouterr().out


def test_a_data_set_with_other_values_is_scored(codes, capsys):
    source = codes.parent / "codes.csv"
    lines = source.read_text().splitlines()
    other = codes.parent / "other.csv"
    other.write_text("\n".join([lines[0], *lines[40:100]]))
    settings = (f"Data/source={other}", "Data/target=t", "Data/kind=classification")
    assert run("data-registration", codes / "later", *settings) == 0
    task = f"Input/training_task={codes / 'training-lightgbm'}"
    data = f"Input/data=dataset:{codes / 'later'}"
    assert run("inference-batch", codes / "batch", task, data) == 0
    assert summary(codes / "batch")["scored"] == 60
    capsys.readouterr()


def test_a_record_that_lacks_columns_is_refused(prepared, capsys):
    assert train(prepared, "ridge") == 0
    task = f"Input/training_task={prepared / 'training-ridge'}"
    assert run("inference-single", prepared / "single", task, 'Input/record={"size": 1}') == 1
    printed = capsys.readouterr().out
    assert "columns are missing: city, sold, balcony" in printed
    assert "Traceback" not in printed
    assert record(prepared / "single")["properties"]["failure_class"] == "data-access"


def test_when_all_models_fail_the_summary_fails_and_says_why(prepared, capsys):
    assert train(prepared, "ridge", 'Model/parameters={"alpha": 0}') == 1
    assert run("training-summary", prepared / "summary", f"Input/run_id={prepared}") == 1
    properties = record(prepared / "summary")["properties"]
    assert properties["failure"].startswith("none of the 1 models was trained: ridge [override]")
    assert "alpha" in (prepared / "summary" / "report.html").read_text()
    capsys.readouterr()


@pytest.mark.parametrize(
    ("source", "kind", "metric"),
    [
        ("diabetes", "regression", "rmse"),
        ("breast_cancer", "binary", "roc_auc"),
        ("iris", "multiclass", "f1_macro"),
    ],
)
def test_the_pipeline_on_a_laptop(tmp_path, capsys, source, kind, metric):
    out = tmp_path / "run"
    settings = (
        f"Data/source=builtin:{source}",
        "Training/models=ridge,lightgbm",
        'Training/parameters={"lightgbm": {"num_leaves": 1}}',
    )
    assert run("pipeline", out, *settings) == 0
    found = summary(out / "training-summary")
    assert (found["kind"], found["metric"], found["best"]["model"]) == (kind, metric, "ridge")
    assert [row["model"] for row in found["failed"]] == ["lightgbm"]
    done = record(out)
    assert done["status"] == "completed"
    assert done["properties"]["best_model"] == "ridge"
    assert "lightgbm [override]" in done["properties"]["failed_models"]
    assert done["properties"]["inference_summary"] == str(out / "inference-summary")
    assert len(pd.read_parquet(out / "inference-batch" / "predictions.parquet")) > 20
    capsys.readouterr()


def test_a_pipeline_whose_data_is_bad_fails_with_one_sentence(tmp_path, capsys):
    settings = ("Data/source=builtin:wine", "Data/target=color")
    assert run("pipeline", tmp_path / "run", *settings) == 1
    properties = record(tmp_path / "run")["properties"]
    assert properties["failure"].startswith("data-registration failed: there is no column 'color'")
    assert "Traceback" not in capsys.readouterr().out


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ("Inference/data={missing}", "inference-batch failed: there is no file"),
        ('Inference/record={{"x": 1}}', "inference-single failed: columns are missing"),
    ],
)
def test_predictions_that_fail_leave_the_models_and_a_named_failure(tmp_path, capsys, asked, said):
    out = tmp_path / "run"
    settings = ("Data/source=builtin:wine", "Training/models=ridge")
    assert run("pipeline", out, *settings, asked.format(missing=tmp_path / "none.csv")) == 0
    done = record(out)
    assert done["status"] == "completed"
    assert done["properties"]["best_model"] == "ridge"
    assert done["properties"]["failure"].startswith(said)
    assert done["properties"]["failure_class"] == "data-access"
    assert f"error: nothing that was asked for was predicted; {said}" in capsys.readouterr().out


def test_a_folder_that_is_no_step_is_told(tmp_path, capsys):
    settings = (f"Input/preprocessing_task={tmp_path}",)
    assert run("training", tmp_path / "out", *settings) == 1
    assert "is not the folder of a step" in capsys.readouterr().out


def test_a_setting_without_a_value_is_told(tmp_path, capsys):
    assert run("training", tmp_path / "out", "Model/name") == 1
    assert "write --set Section/field=value" in capsys.readouterr().err


def test_help_lists_the_fields(capsys):
    with pytest.raises(SystemExit) as ended:
        main(["training", "--help"])
    assert ended.value.code == 0
    printed = capsys.readouterr().out
    assert "Model/parameters={}" in printed
    assert "hist_gradient_boosting" in printed
