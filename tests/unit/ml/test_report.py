import pytest

from ml import report
from ml.report import elements, provenance, training
from ml.report.predictions import cautions, overview
from ml.report.provenance import Ran, command, shared, steps_table
from ml.runtime.step import Outcome
from ml.tabular.summary.comparison import Failed

# what a training-summary wrote before it knew of intervals, explanations and figures
OLD = {
    "run_id": "r1",
    "dataset": "flats",
    "target": "price",
    "kind": "regression",
    "rows": 442,
    "metric": "rmse",
    "best": {"model": "ridge", "validation": 1.0, "test": 2.0, "task": "t1"},
    "leaderboard": [
        {
            "rank": 1,
            "model": "ridge",
            "validation": 1.0,
            "test": 2.0,
            "fit seconds": 0.1,
            "predict seconds": 0.01,
            "queue": "cpu",
            "worker": "node-1:0",
            "task": "t1",
        }
    ],
    "failed": [],
}


def test_the_steps_table_tells_image_and_code():
    image = "registry:5000/fleet/cpu@sha256:0123456789abcdef"
    steps = [
        Outcome("t1", "training r1", "training", "completed", image=image, commit="f" * 40),
        Outcome("t2", "pipeline r1", "pipeline", "completed", image="registry:5000/fleet/cpu:1"),
    ]
    table = steps_table([Ran(one) for one in steps], "r1")
    assert table["image"].tolist() == ["cpu@0123456789", "cpu:1"]
    assert table["commit"].tolist() == ["f" * 10, ""]


def test_what_all_steps_have_in_common_is_told_once():
    made = {"environment": "e" * 64, "seeds": {"Model/seed": "3"}, "device": "cpu"}
    steps = [
        Outcome("t1", "a r1", "training", "completed", seconds=2.0, worker="node-1:0:t1"),
        Outcome("t2", "b r1", "training", "failed", worker="node-2:0"),
    ]
    ran = [
        Ran(steps[0], {**made, "commit": "1" * 40}),
        Ran(steps[1], {**made, "commit": "2" * 40}),
    ]
    told, table = shared(steps_table(ran, "r1"))
    assert told == {"environment": "e" * 10}
    assert "environment" not in table
    assert table["commit"].tolist() == ["1" * 10, "2" * 10]
    assert table["node"].tolist() == ["node-1", "node-2"]
    assert table["seed"].tolist() == ["3", "3"]
    assert table["time"].tolist() == ["2 s", ""]


def test_a_run_can_be_started_again_from_its_report():
    changed = {"Data/source": "s3://bucket/it's here.csv", "Training/seed": "3"}
    assert command(changed) == (
        "fleet run pipeline \\\n  --set 'Data/source=s3://bucket/it'\"'\"'s here.csv' \\\n"
        "  --set Training/seed=3"
    )
    pipeline = Outcome("t1", "pipeline r1", "pipeline", "completed")
    page = "".join(provenance.sections([Ran(pipeline, {}, changed, changed)], "r1"))
    assert "fleet run pipeline" in page
    assert "Parameters of pipeline" in page


def test_the_summary_of_an_older_version_makes_a_page():
    page = report.training_page(OLD, {})
    for told in ("flats: predicting price", "Leaderboard", "ridge", "node-1"):
        assert told in page
    whole = report.run_page(OLD, {}, [], {}, [])
    assert "Predictions" not in whole


def test_forty_models_have_forty_rows():
    rows = [{**OLD["leaderboard"][0], "rank": n, "model": f"m{n}"} for n in range(1, 41)]
    page = report.training_page({**OLD, "leaderboard": rows}, {})
    assert page.count('<td class="short">m') == 40


def test_each_class_of_failure_has_something_to_do():
    from ml.runtime.failures import CLASSES

    assert set(training.ADVICE) == set(CLASSES)


def test_a_run_without_a_model_says_what_to_do():
    failed = [Failed("<b>ridge</b>", "t1", "resource", "killed for want of memory")]
    page = report.failure_page("r1", failed)
    assert "&lt;b&gt;ridge&lt;/b&gt;" in page
    assert "give its queue more memory" in page


@pytest.mark.parametrize(
    ("leakage", "told"),
    [
        (
            {"suspicious": [{"column": "tax", "why": "it is equal to it"}]},
            "tax gives price away: it is equal to it",
        ),
        (
            {"duplicates": {"validation": 0, "test": 1200, "treated": "report"}},
            "1,200 test rows have the same features as a row of another part: the scores may be",
        ),
        (
            {"duplicates": {"validation": 2, "test": 3, "treated": "drop"}},
            "2 validation rows and 3 test rows have the same features as a row of another part: "
            "dropped",
        ),
        (
            {"duplicates": {"validation": 0, "test": 1, "treated": "report"}},
            "1 test row has the same features as a row of another part",
        ),
    ],
)
def test_leakage_is_a_warning_beside_the_result(leakage, told):
    page = report.training_page({**OLD, "data": {"leakage": leakage}}, {})
    first = page.partition("</section>")[0]
    assert told in first


def test_no_leakage_is_no_warning():
    none = {"duplicates": {"validation": 0, "test": 0, "treated": "report"}, "suspicious": []}
    page = report.training_page({**OLD, "data": {"leakage": none}}, {})
    assert "same features" not in page


@pytest.mark.parametrize(
    ("one", "result"),
    [
        ({"failure_class": "override", "failure": "no record"}, "failed [override]: no record"),
        ({"prediction": 1.23456789, "low": 1.0, "high": 2.0}, "1.2346 (90 %: 1 to 2)"),
        ({"prediction": "yes", "probability of yes": 0.875, "probability of no": 0.125}, "yes (87"),
        ({"prediction": 3.0, "inputs": {"size": 5.0, "city": "Oslo"}}, "3 at size = 5, city = Os"),
        ({"rows": 3, "scores": {"rmse": 1.5}}, "rmse 1.5"),
        ({"rows": 3, "scores": {}, "predictions": {"yes": 2, "no": 1}}, "yes 2, no 1"),
    ],
)
def test_each_inference_has_its_result_in_a_line(one, result):
    table = overview([{"phase": "inference-x", "task": "t", **one}])
    assert table["result"][0].startswith(result)


@pytest.mark.parametrize(("drift", "count"), [("none", 0), ("not compared", 0), ("size (0.41)", 1)])
def test_drift_is_a_caution_where_there_is_some(drift, count):
    said = cautions({"phase": "inference-batch", "source": "new.csv", "drift": drift})
    assert len(said) == count
    assert all("inference-batch of new.csv" in text and drift in text for text in said)


def test_no_text_ends_the_element_that_holds_a_figure():
    figure = {"data": [{"name": "</script><script>alert(1)</script>"}], "layout": {}}
    markup = elements.plots([figure])
    assert markup.count("</script>") == 1
    assert markup.count("<script") == 1


def test_empty_columns_and_facts_are_left_out():
    import pandas as pd

    frame = pd.DataFrame({"a": [1, 2], "empty": ["", None], "score": [0.123456789, None]})
    markup = elements.table(frame)
    assert "empty" not in markup
    assert "0.12346" in markup
    assert "nan" not in markup
    assert "<dt>a</dt>" in elements.facts({"a": 1, "b": "", "c": None})
    assert "<dt>b</dt>" not in elements.facts({"a": 1, "b": "", "c": None})
