import dataclasses

import pytest

from ml.runtime.parameters import FREE_FIELD
from ml.runtime.reporting import (
    MAX_PLOTS,
    MAX_PROPERTY_LENGTH,
    PlotBudget,
    ShownField,
    ShownPlot,
    TaskView,
    children_of,
    property_texts,
    read_view,
    violations,
)


def test_a_phase_has_few_plots():
    budget = PlotBudget("training")
    for number in range(MAX_PLOTS):
        budget.take(f"plot {number}")
    with pytest.raises(ValueError, match="more than"):
        budget.take("one more")


def test_a_plot_is_shown_once():
    budget = PlotBudget("training")
    budget.take("ROC")
    with pytest.raises(ValueError, match="'ROC' twice"):
        budget.take("ROC")


def test_properties_fit_a_cell():
    texts = property_texts({"score": 0.123456789, "rows": 10, "why": "a\n  b", "long": "x" * 999})
    assert texts["score"] == "0.123457"
    assert texts["rows"] == "10"
    assert texts["why"] == "a b"
    assert len(texts["long"]) == MAX_PROPERTY_LENGTH


def test_the_training_summary_has_one_more():
    budget = PlotBudget("training-summary")
    for number in range(MAX_PLOTS + 1):
        budget.take(f"plot {number}")
    with pytest.raises(ValueError, match="more than 5 plots"):
        budget.take("one more")


GOOD = TaskView(
    phase="training",
    run_id="r1",
    name="training ridge r1",
    tags=("phase:training", "run:r1"),
    fields=(ShownField("Model/seed", "int", "seed of the model"),),
    properties={"run_id": "r1", "score": "1.5"},
    plots=(ShownPlot("fit quality", "training", "d1"),),
    objects=frozenset({"configuration", "environment"}),
    artifacts=frozenset({"configuration", "fingerprint", "model"}),
)


def plot(number, digest=None):
    return ShownPlot(f"plot {number}", "training", digest or f"d{number}")


def changed(**changes):
    return violations(dataclasses.replace(GOOD, **changes))


def test_a_task_that_keeps_the_rules_breaks_none():
    assert violations(GOOD) == []


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"tags": ("phase:training",), "run_id": ""}, "name no phase or no run"),
        ({"tags": (*GOOD.tags, "template")}, "its tags are"),
        ({"tags": (*GOOD.tags, "channel:stable")}, "its tags are"),
        ({"name": "my model"}, "its name is not training … r1"),
        ({"properties": {"score": "1"}}, "its property run_id is not its run's id"),
        ({"properties": {**GOOD.properties, "mood": "good"}}, "no convention names"),
        ({"properties": {**GOOD.properties, "failure": "x" * 501}}, "is no line of up to 500"),
        ({"properties": {**GOOD.properties, "failure": "a\nb"}}, "is no line of up to 500"),
        ({"fields": GOOD.fields * 17}, "it has 17 fields; 16 are allowed"),
        ({"fields": (ShownField("Model/seed", "", "the seed"),)}, "has the type 'none'"),
        ({"fields": (ShownField("Model/seed", "int", ""),)}, "has no line of help"),
        ({"fields": (ShownField("Model/seed", "int", "a\nb"),)}, "has no line of help"),
        ({"plots": tuple(map(plot, range(5)))}, "it shows 5 plots, 4 are allowed: plot 0, plot 1"),
        ({"plots": (plot(1), plot(1))}, "it shows the plot 'plot 1' 2 times"),
        ({"objects": frozenset({"environment"})}, "no configuration object configuration"),
        ({"artifacts": frozenset({"configuration"})}, "it has no artifact fingerprint"),
    ],
)
def test_each_rule_is_looked_at(changes, said):
    (found,) = changed(**changes)
    assert said in found


def test_fields_that_a_user_names_need_no_help():
    own = tuple(ShownField(f"Record/column {i}", "", "") for i in range(30))
    place = ShownField(f"Record/{FREE_FIELD}", "str", "a column of the record")
    assert changed(fields=(*GOOD.fields, place, *own)) == []
    assert len(changed(fields=own)) == 61


def test_a_clone_that_differs_may_say_so():
    assert changed(tags=(*GOOD.tags, "differs")) == []


def test_a_failed_step_need_not_have_come_to_its_configuration():
    bare = {"objects": frozenset(), "artifacts": frozenset()}
    assert changed(status="failed", **bare) == []
    assert len(changed(status="completed", **bare)) == 4


@pytest.mark.parametrize(
    "shown", [ShownPlot("fit quality", "training", "d9"), ShownPlot("the same", "summary", "d1")]
)
def test_a_parent_that_shows_its_childs_plot_is_found(shown):
    parent = TaskView(
        phase="training-summary",
        run_id="r1",
        name="training-summary r1",
        tags=("phase:training-summary", "run:r1"),
        properties={"run_id": "r1"},
        plots=(shown,),
        objects=GOOD.objects,
        artifacts=GOOD.artifacts,
    )
    children = children_of(parent, [GOOD, parent])
    assert children == [GOOD]
    (found,) = violations(parent, children)
    assert "it repeats the plot" in found
    assert "of training ridge r1" in found


def test_a_view_is_read_from_the_servers_answers():
    task = {
        "name": "training ridge r1",
        "status": "completed",
        "tags": ["phase:training", "run:r1"],
        "hyperparams": {
            "Model": {"seed": {"type": "int", "description": "the seed", "value": "0"}},
            "properties": {"run_id": {"value": "r1"}},
        },
        "configuration": {"configuration": {}, "environment": {}},
        "execution": {"artifacts": [{"key": "model"}, {"key": "given", "mode": "input"}]},
    }
    view = read_view(task, [{"metric": "ROC", "variant": "training", "plot_str": "{}"}])
    assert (view.phase, view.run_id) == ("training", "r1")
    assert view.fields == (ShownField("Model/seed", "int", "the seed"),)
    assert view.properties == {"run_id": "r1"}
    assert [(one.title, one.series) for one in view.plots] == [("ROC", "training")]
    assert view.artifacts == {"model"}
    assert view.objects == {"configuration", "environment"}
