"""The picture of a pipeline: few boxes, the ones that a person looks for first."""

from __future__ import annotations

from ml.runtime.graph import MAX_BOXES, GraphStep, figure


def pipeline(statuses):
    models = [
        GraphStep(f"training-m{i}", "training", f"m{i}", ("preprocessing",), status, 3.0)
        for i, status in enumerate(statuses)
    ]
    return [
        GraphStep("preprocessing", "preprocessing", "", (), "completed", 6.4),
        *models,
        GraphStep(
            "training-summary",
            "training-summary",
            "",
            tuple(model.name for model in models),
            "pending",
        ),
    ]


def texts(drawn):
    return [note["text"] for note in drawn["layout"]["annotations"]]


def test_few_steps_are_all_shown_with_their_status_and_time():
    drawn = figure(pipeline(["completed", "running"]))
    assert "<b>m0</b><br>completed · 3 s" in texts(drawn)
    assert "<b>m1</b><br>running · 3 s" in texts(drawn)
    assert "<b>training-summary</b><br>pending" in texts(drawn)
    assert "<b>training</b>: 2" in texts(drawn)


def test_of_many_those_that_failed_or_run_are_shown_and_the_rest_is_counted():
    statuses = ["completed"] * 46
    statuses[20], statuses[33], statuses[45] = "failed", "running", "queued"
    drawn = figure(pipeline(statuses))
    assert len(drawn["layout"]["shapes"]) == MAX_BOXES + 2
    shown = " ".join(texts(drawn))
    assert "<b>m20</b><br>failed" in shown
    assert "<b>m33</b><br>running" in shown
    assert "<b>m45</b><br>queued" in shown
    assert "<b>39 more</b><br>39 completed" in shown
    assert "<b>training</b>: 46" in shown


def test_no_two_boxes_lie_upon_each_other():
    shapes = figure(pipeline(["running"] * 50))["layout"]["shapes"]
    for i, one in enumerate(shapes):
        for other in shapes[i + 1 :]:
            apart = one["x1"] < other["x0"] or other["x1"] < one["x0"]
            above = one["y1"] < other["y0"] or other["y1"] < one["y0"]
            assert apart or above


def test_each_step_stands_to_the_right_of_its_parents():
    steps = pipeline(["running", "failed"])
    drawn = figure(steps)
    columns = {
        text.split("</b>")[0]: note["x"]
        for note, text in zip(drawn["layout"]["annotations"], texts(drawn), strict=True)
    }
    assert columns["<b>preprocessing"] < columns["<b>m0"] < columns["<b>training-summary"]
    (links, _) = drawn["data"]
    assert len(links["x"]) == 4 * 5  # four links, each with its end


def test_where_the_pointer_is_the_hidden_steps_are_named():
    _, markers = figure(pipeline(["completed"] * 60))["data"]
    hidden = max(markers["text"], key=len)
    assert "training-m20: completed" in hidden
    assert hidden.endswith("and 13 more")


def test_a_pipeline_without_steps_is_an_empty_picture():
    assert figure([])["layout"]["shapes"] == []
