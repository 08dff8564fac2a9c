import json

import pytest

from ml.catalog import PHASES
from ml.pipeline import Reference, plan, resolved
from ml.runtime.parameters import parse


def planned(**values):
    given = {path.replace("__", "/"): text for path, text in values.items()}
    steps = plan(parse(PHASES["pipeline"].parameters, given), "r1")
    return {step.name: step for step in steps}


def test_the_default_plan():
    steps = planned()
    assert list(steps) == [
        "data-registration",
        "preprocessing",
        "training-ridge",
        "training-hist_gradient_boosting",
        "training-lightgbm",
        "training-mlp",
        "training-summary",
        "inference-batch",
        "inference-summary",
    ]
    assert {name for name, step in steps.items() if step.accelerator == "gpu"} == {"training-mlp"}


def test_every_step_comes_after_its_parents_and_has_the_fields_of_its_phase():
    seen = set()
    for name, step in planned(Inference__record='{"a": 1}').items():
        assert seen.issuperset(step.parents)
        seen.add(name)
        values = resolved(step, lambda reference: f"{reference.step}.{reference.property}")
        assert parse(PHASES[step.phase].parameters, values)


def test_one_model_may_fail_and_the_rest_goes_on():
    steps = planned()
    may_fail = {step.phase for step in steps.values() if step.may_fail}
    assert may_fail == {"training", "inference-batch"}


def test_a_registered_data_set_is_not_registered_again():
    steps = planned(Data__dataset_id="d1")
    assert "data-registration" not in steps
    assert steps["preprocessing"].parents == ()
    assert steps["preprocessing"].parameters["Input/dataset_id"] == "d1"


def test_the_data_set_is_handed_on_by_reference():
    reference = planned()["preprocessing"].parameters["Input/dataset_id"]
    assert reference == Reference("data-registration", "dataset_id")


def test_each_model_gets_its_own_parameters():
    steps = planned(Training__parameters='{"ridge": {"alpha": 2}}', Training__seed="7")
    own = {name: step.parameters.get("Model/parameters") for name, step in steps.items()}
    assert json.loads(own["training-ridge"]) == {"alpha": 2}
    assert json.loads(own["training-lightgbm"]) == {}
    assert steps["training-mlp"].parameters["Model/seed"] == "7"


def test_a_model_named_twice_is_trained_once():
    steps = planned(Training__models="ridge, ridge")
    assert [step.name for step in steps.values() if step.phase == "training"] == ["training-ridge"]


@pytest.mark.parametrize(("record", "there"), [("", False), ("{}", False), ('{"a": 1}', True)])
def test_a_record_adds_a_single_inference(record, there):
    assert ("inference-single" in planned(Inference__record=record)) is there
