"""What the two summaries leave, of runs that really ran."""

import base64
import json
import shutil
import zlib
from html.parser import HTMLParser

import numpy as np
import pandas as pd
import pytest

from ml.runtime.entry import main
from ml.runtime.tracing import content_hash
from ml.tabular.summary import explaining

MOST_SHOWN = 5
SCRIPT, LONG, TARGET = "<script>alert(1)</script>", "n" * 90, "売上<i>高</i>"


def run(phase, out, *settings):
    arguments = [phase, "--out", str(out)]
    for setting in settings:
        arguments += ["--set", setting]
    return main(arguments)


def summarise(folder, phase="training-summary"):
    shutil.rmtree(folder / phase, ignore_errors=True)
    return run(phase, folder / phase, f"Input/run_id={folder}")


def summary(folder, phase="training-summary"):
    return json.loads((folder / phase / "summary.json").read_text())


def properties(folder, phase="training-summary"):
    return json.loads((folder / phase / "step.json").read_text())["properties"]


@pytest.fixture(scope="module")
def odd(tmp_path_factory):
    """A run on columns with odd names, of which one model of three fails."""
    folder = tmp_path_factory.mktemp("odd")
    random, rows = np.random.default_rng(1), 200
    frame = pd.DataFrame(
        {
            SCRIPT: random.normal(size=rows),
            "築年数": random.normal(10, 3, rows),
            LONG: random.normal(size=rows),
            'city & "ward"': random.choice(["<b>大阪</b>", "Köbe", "Lima"], rows),
        }
    )
    frame[TARGET] = frame[SCRIPT] * 3 + frame["築年数"] * 5 + random.normal(size=rows)
    frame.loc[frame['city & "ward"'] == "Lima", TARGET] += 20
    frame.loc[::9, LONG] = None
    frame["always"] = 1
    frame.to_csv(folder / "odd.csv", index=False)
    settings = (
        f"Data/source={folder / 'odd.csv'}",
        f"Data/target={TARGET}",
        "Training/models=ridge,lightgbm,hist_gradient_boosting",
        'Training/parameters={"lightgbm": {"num_leaves": 1}}',
    )
    assert run("pipeline", folder / "run", *settings) == 0
    return folder / "run"


@pytest.fixture
def copy(odd, tmp_path):
    """A copy of that run, to be spoilt."""
    return shutil.copytree(odd, tmp_path / "run")


@pytest.fixture(scope="module")
def of_classes(tmp_path_factory):
    """Kind of problem → a run of one model."""
    folder, found = tmp_path_factory.mktemp("classes"), {}
    for kind, source in (("binary", "breast_cancer"), ("multiclass", "iris")):
        settings = (f"Data/source=builtin:{source}", "Training/models=ridge")
        assert run("pipeline", folder / kind, *settings) == 0
        found[kind] = folder / kind
    return found


class Page(HTMLParser):
    """The tags, attributes and texts of a page, apart from what its scripts hold."""

    def __init__(self, path):
        super().__init__()
        self.tags, self.attributes, self.scripts, self.texts = [], [], [], []
        self._inside = ""
        self.source = path.read_text("utf-8")
        self.feed(self.source)

    def handle_starttag(self, tag, attributes):
        self._inside = tag
        self.tags.append(tag)
        self.attributes += [(tag, name, value) for name, value in attributes]
        if tag == "script":
            self.scripts.append((dict(attributes), ""))

    def handle_endtag(self, tag):
        self._inside = ""

    def handle_data(self, data):
        if self._inside == "script":
            attributes, text = self.scripts[-1]
            self.scripts[-1] = attributes, text + data
        elif self._inside != "style":
            self.texts.append(data)

    @property
    def text(self):
        return " ".join(self.texts)

    @property
    def figures(self):
        kind = "application/json"
        return [json.loads(text) for given, text in self.scripts if given.get("type") == kind]


def test_the_page_asks_nothing_of_any_other_machine(odd):
    page = Page(odd / "inference-summary" / "report.html")
    named = {name for _, name, _ in page.attributes}
    assert not named & {"src", "href", "srcset", "action", "data", "background"}
    assert not set(page.tags) & {"link", "iframe", "img", "object", "embed", "form", "base"}
    policy = [value for tag, name, value in page.attributes if (tag, name) == ("meta", "content")]
    assert any("default-src 'none'" in value for value in policy)
    styles = page.source.partition("<style>")[2].partition("</style>")[0]
    assert "url(" not in styles
    assert "@import" not in styles


def test_the_page_holds_the_library_once_and_can_be_mailed(odd):
    page = Page(odd / "inference-summary" / "report.html")
    held = [text for given, text in page.scripts if given.get("id") == "plotly"]
    assert len(held) == 1
    assert zlib.decompress(base64.b64decode(held[0])).startswith(b"/**\n* plotly.js v")
    assert len(page.source) < 3_000_000


def test_what_users_wrote_is_shown_and_never_obeyed(odd):
    page = Page(odd / "inference-summary" / "report.html")
    for text in (SCRIPT, TARGET, LONG, "築年数", 'city & "ward"'):
        assert text in page.text
    own = [given for given, _ in page.scripts if given.get("type") is None and "id" not in given]
    assert len(own) == 1
    assert not set(page.tags) & {"i", "b"}
    # plotly takes what looks like markup for markup
    shown = json.dumps(page.figures, ensure_ascii=False)
    assert "<i>" not in shown
    assert "&lt;script&gt;" in shown


def test_the_page_tells_what_a_person_decides_by(odd):
    text = Page(odd / "inference-summary" / "report.html").text
    for told in (
        "ridge predicts",
        f"less than always saying the mean {TARGET}",
        "95 % interval",
        "Leaderboard, by rmse of 5-fold cross-validation",
        "best by rmse of 5-fold cross-validation",
        "Models that failed",
        "num_leaves: should be greater than or equal to 2",
        "correct the field that the message names",
        "What moves the prediction most",
        "always",
        "constant",
        "Missing values",
        "inference-batch",
        "training-summary",
        "Parameters of preprocessing",
    ):
        assert told in text


def test_the_training_page_has_no_predictions(odd):
    text = Page(odd / "training-summary" / "report.html").text
    assert "ridge predicts" in text
    assert "inference-batch" not in text


@pytest.mark.parametrize("phase", ["training-summary", "inference-summary"])
def test_few_plots_are_shown(odd, phase):
    shown = [*(odd / phase).glob("plot-*.json"), *(odd / phase).glob("table-*.csv")]
    assert 1 <= len(shown) <= MOST_SHOWN
    assert len(Page(odd / phase / "report.html").figures) <= MOST_SHOWN


def test_no_plot_of_a_model_is_shown_by_its_parent_again(odd):
    titles = {path.name for path in (odd / "training-summary").glob("plot-*.json")}
    below = {path.name for path in odd.glob("training-[!s]*/plot-*.json")}
    assert titles
    assert below
    assert not titles & below


def test_the_summary_names_the_best_with_its_interval_and_the_failed(odd):
    found = summary(odd)
    best = found["best"]
    assert best["model"] == "ridge"
    assert best["validation low"] <= best["validation"] <= best["validation high"]
    assert best["size bytes"] > 0
    assert [row["class"] for row in found["failed"]] == ["override"]
    assert found["baseline"]["test"]["rmse"] > best["test"]
    assert found["explanation"]["method"] == "linear"
    assert found["warnings"] == []
    shares = json.loads((odd / "training-summary" / "importance.json").read_text())
    assert next(iter(shares)) == "築年数"
    assert sum(shares.values()) == pytest.approx(1)
    assert "NaN" not in (odd / "training-summary" / "summary.json").read_text()


@pytest.mark.parametrize(
    ("kind", "title"),
    [
        ("binary", "plot-ROC-and-calibration.json"),
        ("multiclass", "plot-how-ridge-tells-the-classes-apart.json"),
    ],
)
def test_classes_have_plots_of_their_own(of_classes, kind, title):
    folder = of_classes[kind] / "training-summary"
    assert (folder / title).is_file()
    page = Page(folder / "report.html")
    assert len(page.figures) == 4
    assert "rightly in" in page.text


def test_one_model_alone_is_not_compared_with_itself(of_classes):
    found = summary(of_classes["binary"])
    assert found["as_good"]["said"] == ""
    assert "best of" not in " ".join(found["headline"])


def test_a_model_without_readable_metrics_is_a_failed_one(copy):
    (copy / "training-hist_gradient_boosting" / "metrics.json").write_text("{")
    assert summarise(copy) == 0
    why = {row["model"]: row["why"] for row in summary(copy)["failed"]}
    assert set(why) == {"lightgbm", "hist_gradient_boosting"}
    assert "its metrics cannot be read" in why["hist_gradient_boosting"]
    assert "hist_gradient_boosting" in properties(copy)["failed_models"]


def test_what_is_recommended_can_be_opened(copy):
    (copy / "training-ridge" / "model.joblib").write_bytes(b"spoilt")
    assert summarise(copy) == 0
    found = summary(copy)
    assert found["best"]["model"] == "hist_gradient_boosting"
    assert "its model cannot be read" in str(found["failed"])


def test_a_model_that_other_versions_made_stays_the_best(copy):
    path = copy / "training-ridge" / "metrics.json"
    known = json.loads(path.read_text())
    known["made_with"]["scikit-learn"] = "0.1"
    path.write_text(json.dumps(known))
    assert summarise(copy) == 0
    found = summary(copy)
    assert found["best"]["model"] == "ridge"
    assert found["explanation"] is None
    assert "scikit-learn 0.1" in found["warnings"][0]


def test_predictions_that_are_lost_cost_the_plot_alone(copy):
    (copy / "training-ridge" / "predictions.parquet").unlink()
    assert summarise(copy) == 0
    found = summary(copy)
    assert found["best"]["model"] == "ridge"
    assert "the predictions of ridge cannot be read" in found["warnings"][0]
    assert found["warnings"][0] in Page(copy / "training-summary" / "report.html").text


def test_metrics_of_an_older_version_will_do(copy):
    for path in copy.glob("training-*/metrics.json"):
        old = {
            key: value
            for key, value in json.loads(path.read_text()).items()
            if key
            in {
                "model",
                "kind",
                "dataset",
                "target",
                "preprocessing_task",
                "validation",
                "test",
                "fit_seconds",
                "predict_seconds",
            }
        }
        path.write_text(json.dumps(old))
    assert summarise(copy) == 0
    assert summary(copy)["best"]["validation low"] is None
    assert "95 %" not in Page(copy / "training-summary" / "report.html").text


def test_without_common_folds_the_validation_part_chooses(copy, capsys):
    assert summary(copy)["chosen_by"] == "5-fold cross-validation"
    path = copy / "training-hist_gradient_boosting" / "metrics.json"
    known = json.loads(path.read_text())
    known["validation"]["rmse"] = 0.0
    path.write_text(json.dumps(known))
    assert summarise(copy) == 0
    assert summary(copy)["best"]["model"] == "ridge"
    said = "ridge is the best of 2 models by 5-fold cross-validation."
    assert said in summary(copy)["headline"]
    assert said in capsys.readouterr().out

    known["cross_validation"] = None
    path.write_text(json.dumps(known))
    assert summarise(copy) == 0
    found = summary(copy)
    assert found["chosen_by"] == "the validation part"
    assert found["best"]["model"] == "hist_gradient_boosting"
    text = Page(copy / "training-summary" / "report.html").text
    assert "Leaderboard, by rmse of the validation part" in text


def test_the_rows_are_those_that_the_best_model_was_made_of(copy):
    dataset = properties(copy, "preprocessing")["dataset_id"]
    again = (f"Input/dataset_id={dataset}", "Split/seed=5")
    assert run("preprocessing", copy / "preprocessing-again", *again) == 0
    task = f"Input/preprocessing_task={copy / 'preprocessing-again'}"
    # the same model once more, of other parts
    out = copy / "training-ridge-again"
    assert run("training", out, task, "Model/name=ridge", "Model/folds=0") == 0
    known = json.loads((out / "metrics.json").read_text())
    known["validation"]["rmse"] = 0.0
    (out / "metrics.json").write_text(json.dumps(known))
    assert summarise(copy) == 0
    found = summary(copy)
    assert found["best"]["task"] == str(out)
    assert found["data"]["split"]["seed"] == 5


def test_a_model_that_is_left_out_is_no_failed_one(copy):
    settings = (
        f"Input/preprocessing_task={copy / 'preprocessing'}",
        "Model/name=discriminant",
        "Model/unsuited=leave-out",
    )
    assert run("training", copy / "training-discriminant", *settings) == 0
    assert summarise(copy) == 0
    found = summary(copy)
    assert [row["model"] for row in found["failed"]] == ["lightgbm"]
    assert "learns binary and multiclass problems" in found["left_out"]["discriminant"]
    assert found["chosen_by"] == "5-fold cross-validation"
    text = Page(copy / "training-summary" / "report.html").text
    assert "Left out: the model discriminant learns" in text


def test_a_metric_that_a_model_lacks_puts_it_last(copy):
    path = copy / "training-ridge" / "metrics.json"
    known = json.loads(path.read_text())
    for scores in (known["validation"], known["test"], known["cross_validation"]["metrics"]):
        del scores["rmse"]
    path.write_text(json.dumps(known))
    assert summarise(copy) == 0
    board = summary(copy)["leaderboard"]
    assert [row["model"] for row in board] == ["hist_gradient_boosting", "ridge"]
    assert board[1]["validation"] is None


def test_a_model_that_cannot_be_explained_costs_no_summary(copy, monkeypatch):
    def explain(*_):
        raise RuntimeError("no way")

    monkeypatch.setattr(explaining, "explain", explain)
    assert summarise(copy) == 0
    found = summary(copy)
    assert found["warnings"] == ["ridge cannot be explained: RuntimeError: no way"]
    assert not (copy / "training-summary" / "importance.json").exists()


def test_where_all_models_fail_one_place_says_why(tmp_path, odd):
    data = f"Input/preprocessing_task={odd / 'preprocessing'}"
    for model, wrong in (("ridge", '{"alpha": -1}'), ("lightgbm", '{"num_leaves": 1}')):
        settings = (data, f"Model/name={model}", f"Model/parameters={wrong}")
        assert run("training", tmp_path / f"training-{model}", *settings) == 1
    assert summarise(tmp_path) == 1
    assert summary(tmp_path)["best"] is None
    told = properties(tmp_path)
    assert told["failure_class"] == "override"
    assert told["failure"].startswith("none of the 2 models was trained: lightgbm [override]")
    page = Page(tmp_path / "training-summary" / "report.html")
    assert "alpha: should be greater than 0" in page.text
    assert "No model was trained" in page.text


def test_predictions_that_failed_are_in_the_report(copy):
    assert run("inference-single", copy / "single", f"Input/run_id={copy}", "Input/record={}") == 1
    assert summarise(copy, "inference-summary") == 0
    text = Page(copy / "inference-summary" / "report.html").text
    assert "failed [override]: there is no record to predict" in text


def test_where_no_prediction_succeeds_the_report_is_there_all_the_same(copy):
    shutil.rmtree(copy / "inference-batch")
    assert run("inference-single", copy / "single", f"Input/run_id={copy}", "Input/record={}") == 1
    assert summarise(copy, "inference-summary") == 1
    assert "ridge predicts" in Page(copy / "inference-summary" / "report.html").text
    assert "no inference succeeded" in properties(copy, "inference-summary")["failure"]


def test_a_training_summary_that_is_lost_costs_the_report_alone(copy, capsys):
    (copy / "training-summary" / "summary.json").write_text("{")
    assert summarise(copy, "inference-summary") == 0
    assert "warning: there is no report" in capsys.readouterr().out
    assert len(summary(copy, "inference-summary")["inferences"]) == 1


def test_two_summaries_of_one_run_say_the_same(copy):
    kept = [copy / "training-summary" / name for name in ("summary.json", "importance.json")]
    first = [content_hash(path) for path in kept]
    assert summarise(copy) == 0
    assert [content_hash(path) for path in kept] == first
