import json

import pytest

from ml.catalog import PHASES
from ml.model_catalog import MODELS
from ml.phases.pipeline import OPTIMIZE
from ml.pipeline import Reference, plan, resolved
from ml.runtime.errors import UserError
from ml.runtime.parameters import fields, parse


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
        "training-discriminant",
        "training-svm",
        "training-blend",
        "training-random_forest",
        "training-lightgbm",
        "training-xgboost",
        "training-catboost",
        "training-mlp",
        "training-summary",
        "inference-batch",
        "inference-summary",
    ]
    assert {name for name, step in steps.items() if step.accelerator == "gpu"} == {"training-mlp"}


def test_every_step_comes_after_its_parents_and_has_the_fields_of_its_phase():
    seen = set()
    edits = '[{"do": "drop", "columns": ["a"]}]'
    for name, step in planned(Inference__record='{"a": 1}', Data__edits=edits).items():
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


EDITS = '[{"do": "drop", "columns": ["notes"]}]'


def test_edits_make_a_data_set_that_the_rest_works_on():
    steps = planned(Data__edits=EDITS)
    assert list(steps)[:3] == ["data-registration", "data-editing", "preprocessing"]
    assert steps["data-editing"].parameters["Edit/steps"] == EDITS
    reference = steps["preprocessing"].parameters["Input/dataset_id"]
    assert reference == Reference("data-editing", "dataset_id")
    assert steps["preprocessing"].parents == ("data-editing",)


def test_a_registered_data_set_may_be_edited_too():
    steps = planned(Data__edits=EDITS, Data__dataset_id="d1")
    assert next(iter(steps)) == "data-editing"
    assert steps["data-editing"].parents == ()
    assert steps["data-editing"].parameters["Input/dataset_id"] == "d1"


@pytest.mark.parametrize(
    ("edits", "said"),
    [
        ('[{"do": "drop", "columns": ["a"]}, {"do": "dorp"}]', "Data/edits: step 2: .*'drop'"),
        ('["drop"]', "Data/edits: step 1: 'drop' is no step; write it as"),
        ('[{"do": "fill", "column": "a"}]', "step 1: the step fill is not right: .*fill takes"),
        ("[" * 100_000, "nested too deeply"),
    ],
)
def test_what_is_no_edit_is_told_before_anything_is_registered(edits, said):
    with pytest.raises(UserError, match=said) as caught:
        planned(Data__edits=edits)
    assert caught.value.where == "Data/edits"


@pytest.mark.parametrize("edits", ["", "[]"])
def test_without_edits_there_is_no_editing(edits):
    assert "data-editing" not in planned(Data__edits=edits)


def test_all_fields_of_the_split_go_to_preprocessing():
    given = planned(Split__seed="3")["preprocessing"].parameters
    declared = {field.path for field in fields(PHASES["preprocessing"].parameters)}
    assert given.keys() == declared
    assert given["Split/seed"] == "3"


def test_what_holds_for_all_models_goes_to_each():
    steps = planned(
        Training__models="ridge,mlp",
        Training__folds="3",
        Training__threads="2",
        Training__refit="true",
        Training__tuning_trials="5",
        Training__tuning_seconds="30",
    )
    for model in ("ridge", "mlp"):
        given = steps[f"training-{model}"].parameters
        assert given["Model/folds"] == "3"
        assert given["Model/threads"] == "2"
        assert given["Model/refit"] == "true"
        assert given["Tuning/trials"] == "5"
        assert given["Tuning/seconds"] == "30.0"


@pytest.mark.parametrize(
    ("folds", "said"),
    [("1", "one fold divides nothing"), ("few", "'few' is no number of folds: choose auto")],
)
def test_wrong_folds_are_refused_before_anything_runs(folds, said):
    with pytest.raises(UserError, match=said) as caught:
        planned(Training__folds=folds)
    assert caught.value.where == "Training/folds"


PASSED_ON = {
    "data-registration": {"Data/types": "Data/types", "Data/encoding": "Data/encoding"},
    "training": {
        "Training/metric": "Model/metric",
        "Training/seed": "Model/seed",
        "Training/folds": "Model/folds",
        "Training/refit": "Model/refit",
        "Training/threads": "Model/threads",
        "Training/tuning_trials": "Tuning/trials",
        "Training/tuning_seconds": "Tuning/seconds",
    },
}


@pytest.mark.parametrize("phase", PASSED_ON)
def test_a_field_that_is_passed_on_has_the_default_of_its_phase(phase):
    mine = {field.path: field.default for field in fields(PHASES["pipeline"].parameters)}
    its = {field.path: field.default for field in fields(PHASES[phase].parameters)}
    for own, passed in PASSED_ON[phase].items():
        assert mine[own] == its[passed], passed


def test_all_models_are_all_there_are():
    steps = planned(Training__models="all")
    trained = [step.detail for step in steps.values() if step.phase == "training"]
    assert trained == list(MODELS)


@pytest.mark.parametrize(
    ("given", "unsuited"),
    [
        ({}, "leave-out"),
        ({"Training__models": "all"}, "leave-out"),
        ({"Training__models": "ridge,discriminant"}, "fail"),
        ({"Training__models": "discriminant"}, "fail"),
        ({"Training__models": " auto ,"}, "leave-out"),
        ({"Training__models": "all, all"}, "leave-out"),
        # its parameters name it
        ({"Training__parameters": '{"discriminant": {"shrinkage": 0.5}}'}, "fail"),
    ],
)
def test_a_model_that_does_not_suit_the_data_fails_where_it_is_named(given, unsuited):
    assert planned(**given)["training-discriminant"].parameters["Model/unsuited"] == unsuited


def test_an_unknown_model_is_told_with_the_nearest():
    with pytest.raises(UserError, match="did you mean 'lightgbm'") as caught:
        planned(Training__models="ridge,lightbgm")
    assert caught.value.where == "Training/models"


def test_looking_for_inputs_is_a_step_of_its_own():
    given = '{"Goal/direction": "maximize", "Search/trials": 20}'
    step = planned(Inference__optimize=given)[OPTIMIZE]
    assert step.parents == ("training-summary",)
    assert step.parameters["Goal/direction"] == "maximize"
    assert step.parameters["Search/trials"] == "20"
    assert step.parameters["Input/run_id"] == "r1"
    assert OPTIMIZE not in planned()


def test_a_wrong_field_of_the_search_is_told_before_anything_runs():
    with pytest.raises(UserError, match="did you mean 'Goal/direction'") as caught:
        planned(Inference__optimize='{"Goal/direktion": "maximize"}')
    assert caught.value.where == "Inference/optimize: Goal/direktion"
