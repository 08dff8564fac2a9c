"""The phase as a person runs it on a laptop; what it leaves, and what it says of mistakes."""

import json
import shutil
from types import SimpleNamespace

import pandas as pd
import pytest

from ml.phases import _judging
from ml.phases.training import PHASE
from ml.runtime import memory
from ml.runtime.entry import main
from ml.runtime.errors import UserError
from ml.runtime.parameters import parse
from ml.tabular.preparation.split_plan import SplitPlan

KEYS = {
    "model",
    "kind",
    "dataset",
    "target",
    "preprocessing_task",
    "parameters",
    "seed",
    "refit",
    "validation",
    "test",
    "validation_intervals",
    "test_intervals",
    "cross_validation",
    "tuning",
    "fit_seconds",
    "predict_seconds",
    "predict_rows_per_second",
    "size_bytes",
    "threads",
    "device",
    "made_with",
    "interval",
}


def run(phase, out, *settings):
    arguments = [phase, "--out", str(out)]
    for setting in settings:
        arguments += ["--set", setting]
    return main(arguments)


@pytest.fixture(scope="module")
def prepared(tmp_path_factory):
    folders = {}
    for name in ("diabetes", "breast_cancer", "iris"):
        folder = tmp_path_factory.mktemp(name)
        assert run("data-registration", folder / "data", f"Data/source=builtin:{name}") == 0
        dataset = f"Input/dataset_id={folder / 'data'}"
        assert run("preprocessing", folder / "prepared", dataset) == 0
        folders[name] = folder / "prepared"
    return folders


@pytest.fixture
def train(prepared, tmp_path):
    def start(name, model, *settings, fails=False):
        out = tmp_path / f"{name}-{model}"
        given = (f"Input/preprocessing_task={prepared[name]}", f"Model/name={model}", *settings)
        assert run("training", out, *given) == (1 if fails else 0)
        return out

    return start


def metrics_of(folder):
    return json.loads((folder / "metrics.json").read_text())


def record(folder):
    return json.loads((folder / "step.json").read_text())


@pytest.mark.parametrize(
    ("name", "columns"),
    [
        ("diabetes", ["low", "high"]),
        ("breast_cancer", ["probability of benign", "probability of malignant"]),
        (
            "iris",
            ["probability of setosa", "probability of versicolor", "probability of virginica"],
        ),
    ],
)
def test_what_a_training_leaves(train, name, columns, capsys):
    folder = train(name, "ridge")
    found = metrics_of(folder)
    assert set(found) == KEYS
    assert found["validation"].keys() == found["test"].keys() == found["test_intervals"].keys()
    low, high = found["test_intervals"]["mae" if name == "diabetes" else "log_loss"]
    assert low < high
    assert (found["interval"] is not None) == (name == "diabetes")
    assert found["parameters"]["alpha"] == 1.0
    assert found["size_bytes"] == (folder / "model.joblib").stat().st_size
    assert found["cross_validation"]["folds"] == 5
    assert found["cross_validation"]["metrics"].keys() == found["validation"].keys()
    assert found["tuning"] is None

    rows = pd.read_parquet(folder / "predictions.parquet")
    assert list(rows) == ["part", "truth", "prediction", *columns]
    assert set(rows["part"]) == {"validation", "test"}
    assert {"model", "predictions", "metrics"} <= set(record(folder)["artifacts"])
    plots = sorted(path.name for path in folder.glob("plot-*.json"))
    binary = ["plot-ROC.json"] if name == "breast_cancer" else []
    assert plots == [*binary, "plot-fit-quality.json"]
    if binary:
        drawn = json.loads((folder / "plot-ROC.json").read_text())
        assert drawn["data"][0]["name"].startswith("ridge: area 0.9")
    assert "(95 %: " in capsys.readouterr().out


def test_a_preprocessor_of_other_versions_is_refused_before_it_is_opened(
    prepared, tmp_path, capsys
):
    folder = tmp_path / "prepared"
    shutil.copytree(prepared["iris"], folder)
    (folder / "preprocessor.joblib").write_bytes(b"no pickle")
    known = json.loads((folder / "provenance.json").read_text())
    assert "pandas" in known["made_with"]
    known["made_with"]["pandas"] = "1.0.0"
    (folder / "provenance.json").write_text(json.dumps(known))
    given = (f"Input/preprocessing_task={folder}", "Model/name=ridge")
    assert run("training", tmp_path / "out", *given) == 1
    printed = capsys.readouterr().out
    assert "the preprocessor was made with pandas 1.0.0 (here " in printed
    assert "run preprocessing again" in printed


def test_a_step_that_kept_no_versions_is_trained_on(prepared, tmp_path):
    folder = tmp_path / "prepared"
    shutil.copytree(prepared["iris"], folder)
    known = record(folder)
    del known["artifacts"]["provenance"]
    (folder / "step.json").write_text(json.dumps(known))
    given = (f"Input/preprocessing_task={folder}", "Model/name=ridge", "Model/folds=0")
    assert run("training", tmp_path / "out", *given) == 0


def test_the_same_seed_and_threads_leave_the_same_bits(train):
    folder = train("diabetes", "lightgbm", "Model/threads=2")
    first = pd.read_parquet(folder / "predictions.parquet"), metrics_of(folder)["validation"]
    assert metrics_of(folder)["threads"] == 2
    folder = train("diabetes", "lightgbm", "Model/threads=2")
    again = pd.read_parquet(folder / "predictions.parquet"), metrics_of(folder)["validation"]
    pd.testing.assert_frame_equal(first[0], again[0], check_exact=True)
    assert first[1] == again[1]


def test_without_refit_the_validation_rows_teach_nothing(train):
    with_them = metrics_of(train("diabetes", "ridge"))
    without = metrics_of(train("diabetes", "ridge", "Model/refit=false"))
    assert with_them["validation"] == without["validation"]
    assert with_them["test"] != without["test"]
    assert (with_them["refit"], without["refit"]) == (True, False)


def test_cross_validation_and_tuning_are_kept(train, capsys):
    folder = train("iris", "ridge", "Model/folds=3", "Tuning/trials=4", "Model/metric=log_loss")
    found = metrics_of(folder)
    crossed = found["cross_validation"]
    assert crossed["folds"] == 3
    assert crossed["metrics"]["log_loss"]["std"] > 0
    tuning = found["tuning"]
    assert (tuning["trials"], tuning["stopped_by"], tuning["metric"]) == (4, "trials", "log_loss")
    trials = pd.read_csv(folder / "trials.csv")
    assert trials["alpha"][0] == 1.0
    assert trials["value"].min() == pytest.approx(tuning["best"])
    assert found["parameters"]["alpha"] == pytest.approx(trials["alpha"][trials["value"].idxmin()])
    kept = json.loads((folder / "model.json").read_text())
    assert kept["alpha"] == found["parameters"]["alpha"]
    printed = capsys.readouterr().out
    assert "cross-validation in 3 folds: log_loss" in printed
    assert "optimistic" not in printed
    # by the folds of a model that is not tuned, which have chosen nothing
    given = f"Model/parameters={json.dumps(found['parameters'])}"
    again = metrics_of(train("iris", "ridge", "Model/folds=3", given))
    assert again["cross_validation"] == crossed
    assert tuning["best"] != crossed["metrics"]["log_loss"]["mean"]


def test_many_rows_are_not_cross_validated_unless_asked_for(train, monkeypatch):
    monkeypatch.setattr(_judging, "AUTO_MOST_ROWS", 352)
    assert metrics_of(train("diabetes", "ridge"))["cross_validation"] is None
    asked = metrics_of(train("diabetes", "ridge", "Model/folds=2"))
    assert asked["cross_validation"]["folds"] == 2
    monkeypatch.setattr(_judging, "AUTO_MOST_ROWS", 353)
    assert metrics_of(train("diabetes", "ridge"))["cross_validation"]["folds"] == 5


def test_folds_that_the_rows_cannot_fill_cost_the_cross_validation_alone(
    train, monkeypatch, capsys
):
    monkeypatch.setattr(_judging, "AUTO_FOLDS", 45)
    assert metrics_of(train("iris", "ridge"))["cross_validation"] is None
    assert "no cross-validation: 45 folds need 45 rows of the rarest" in capsys.readouterr().out
    train("iris", "ridge", "Model/folds=45", fails=True)


def test_tuning_by_the_validation_part(train, capsys):
    found = metrics_of(train("diabetes", "ridge", "Model/folds=0", "Tuning/trials=3"))
    assert found["cross_validation"] is None
    assert found["tuning"]["best"] == pytest.approx(found["validation"]["rmse"])
    printed = capsys.readouterr().out
    assert "the validation score has been tuned on, so it is optimistic" in printed


@pytest.mark.parametrize(("strategy", "said"), [("time", 1), ("group", 0)])
def test_folds_that_time_makes_choose_among_trials_and_compare(strategy, said):
    logged = []
    step = SimpleNamespace(log=logged.append)
    plan = SplitPlan(strategy=strategy, column="day")
    _judging._tell_optimistic(step, _judging.Division(3, plan))
    assert len(logged) == said
    assert all("the score of cross-validation has been tuned on" in text for text in logged)


def test_time_that_ends_the_tuning_is_said(train, capsys):
    folder = train("iris", "ridge", "Tuning/trials=500", "Tuning/seconds=0.001")
    assert metrics_of(folder)["tuning"]["stopped_by"] == "seconds"
    assert "depends on how fast this node is" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"Model/name": "rigde"}, "did you mean 'ridge'"),
        ({"Model/parameters": '{"alhpa": 1}'}, "did you mean 'alpha'"),
        (
            {"Model/parameters": '{"alpha": -1}'},
            "Model/parameters of ridge: alpha: should be greater than 0, not -1",
        ),
        ({"Model/folds": "1"}, "one fold divides nothing"),
        ({"Model/folds": "51"}, "'51' is no number of folds: choose auto, 0, or a whole number"),
        ({"Model/folds": "-2"}, "'-2' is no number of folds"),
        ({"Model/folds": "2.5"}, "'2.5' is no number of folds"),
        ({"Model/threads": "0"}, "should be greater than or equal to 1"),
        ({"Tuning/trials": "many"}, "Tuning/trials"),
        ({"Model/metric": "rsme"}, "'rmse'"),
    ],
)
def test_a_wrong_field_is_told_before_anything_is_read(settings, says):
    with pytest.raises(UserError, match=r".") as caught:
        parse(PHASE.parameters, settings)
    assert says in str(caught.value)


@pytest.mark.parametrize(
    ("model", "settings", "says"),
    [
        ("ridge", ["Model/metric=accuracy"], "the metric 'accuracy' does not fit a regression"),
        ("discriminant", [], "the model discriminant learns binary and multiclass problems"),
        (
            "ridge",
            ['Model/parameters={"alpha": 2}', "Tuning/trials=2"],
            "nothing to tune of the model ridge",
        ),
    ],
)
def test_what_does_not_fit_the_data_is_told_without_a_traceback(
    train, model, settings, says, capsys
):
    folder = train("diabetes", model, *settings, fails=True)
    said = capsys.readouterr().out
    assert says in said
    assert "Traceback" not in said
    assert record(folder)["properties"]["failure_class"] in ("override", "data-access")


def test_a_model_that_is_not_made_for_the_data_may_be_left_out(train, capsys):
    folder = train("diabetes", "discriminant", "Model/unsuited=leave-out")
    why = "the model discriminant learns binary and multiclass problems, and 'target' is a"
    assert record(folder)["properties"]["left_out"].startswith(why)
    assert f"left out: {why}" in capsys.readouterr().out
    assert not (folder / "model.joblib").exists()
    suited = train("iris", "discriminant", "Model/unsuited=leave-out")
    assert (suited / "model.joblib").exists()
    assert "left_out" not in record(suited)["properties"]


def test_a_class_of_one_row_is_told_to_support_vectors(prepared, tmp_path, capsys):
    folder = tmp_path / "prepared"
    shutil.copytree(prepared["iris"], folder)
    rows = pd.read_parquet(folder / "train.parquet")
    label = json.loads((folder / "schema.json").read_text())["classes"][0]
    target = json.loads((folder / "schema.json").read_text())["target"]
    others = rows[rows[target] != label]
    pd.concat([others, rows[rows[target] == label].head(1)]).to_parquet(folder / "train.parquet")
    given = (f"Input/preprocessing_task={folder}", "Model/name=svm")
    assert run("training", tmp_path / "refused", *given) == 1
    printed = capsys.readouterr().out
    assert "the training part has 1 of the rarest class" in printed
    assert "Traceback" not in printed
    assert run("training", tmp_path / "left", *given, "Model/unsuited=leave-out") == 0
    capsys.readouterr()


def test_memory_that_will_not_do_is_said_before_it_is_taken(train, monkeypatch, capsys):
    monkeypatch.setattr(memory, "available", lambda root=None: 10_000)
    folder = train("diabetes", "random_forest", fails=True)
    assert record(folder)["properties"]["failure_class"] == "resource"
    assert "fitting random_forest on 353 rows x 10 inputs needs about" in capsys.readouterr().out
    assert not (folder / "model.joblib").exists()
