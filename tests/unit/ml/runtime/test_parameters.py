from typing import Literal

import pytest
from pydantic import BaseModel, Field

from ml.catalog import PHASES
from ml.runtime.errors import UserError
from ml.runtime.parameters import (
    FREE_FIELD,
    FreeSection,
    JsonText,
    Section,
    fields,
    flatten,
    json_list,
    parse,
)


class PlaceFields(Section):
    share: float = Field(0.2, ge=0, le=1, description="a share")
    rows: int = Field(10, ge=1, description="how many")
    mode: Literal["fast", "good"] = Field("fast", description="how")
    dry: bool = Field(False, description="only look")
    extra: JsonText = Field("{}", description="more")


class Parameters(BaseModel):
    Place: PlaceFields = PlaceFields()


class RowFields(FreeSection):
    """a column's name, and its value"""


class WithARow(BaseModel):
    Place: PlaceFields = PlaceFields()
    Row: RowFields = RowFields()


def test_a_free_section_takes_any_field_as_text():
    given = {"Row/age": "41", "Row/km/h": " 3 ", "Row/copy": "", "Place/rows": "2"}
    parsed = parse(WithARow, given)
    assert parsed.Row.texts == {"age": "41", "km/h": "3", "copy": ""}
    assert parsed.Place.rows == 2
    assert parse(WithARow, flatten(parsed)) == parsed


def test_a_free_section_shows_where_its_fields_go_and_takes_that_for_none():
    shown = fields(WithARow)[-1]
    assert (shown.path, shown.type, shown.default) == (f"Row/{FREE_FIELD}", "str", "")
    assert shown.help == "a column's name, and its value"
    assert parse(WithARow, {shown.path: ""}) == WithARow()
    assert flatten(WithARow())[shown.path] == ""


@pytest.mark.parametrize("path", ["row/age", "Row/", "Row"])
def test_beside_a_free_section_unknown_fields_are_told(path):
    with pytest.raises(UserError, match=f"there is no field '{path}'"):
        parse(WithARow, {path: "1"})


def test_fields_tell_type_default_and_help():
    found = {field.path: field for field in fields(Parameters)}
    assert list(found) == [
        "Place/share",
        "Place/rows",
        "Place/mode",
        "Place/dry",
        "Place/extra",
    ]
    assert [field.type for field in found.values()] == ["float", "int", "str", "bool", "str"]
    assert found["Place/mode"].help == "how (fast, good)"
    assert found["Place/dry"].default == "false"


def test_texts_become_typed_values():
    parsed = parse(Parameters, {"Place/share": "0.5", "Place/rows": " 3 ", "Place/dry": "true"})
    assert (parsed.Place.share, parsed.Place.rows, parsed.Place.dry) == (0.5, 3, True)
    assert parsed.Place.mode == "fast"


def test_flat_texts_make_the_same_parameters_again():
    parsed = parse(Parameters, {"Place/share": "0.5", "Place/dry": "true"})
    assert parse(Parameters, flatten(parsed)) == parsed


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"Place/shares": "1"}, "did you mean 'Place/share'"),
        ({"place/rows": "1"}, "did you mean 'Place/rows'"),
        ({"Place/rows": "many"}, "Place/rows: should be a valid integer.*not 'many'.*type int"),
        ({"Place/share": "2"}, "Place/share: should be less than or equal to 1"),
        ({"Place/mode": "best"}, "Place/mode: should be 'fast' or 'good'"),
        ({"Place/extra": "{1"}, "Place/extra: is not JSON"),
        ({"Place/extra": '{"a": 1, "a": 2}'}, "Place/extra: names 'a' twice"),
        ({"Place/extra": '{"a": ' + "[" * 100_000}, "Place/extra: is not JSON of any use"),
        ({"Place/extra": "[1]"}, "is not a JSON object"),
        ({"Place/rows": ""}, "Place/rows"),
    ],
)
def test_a_wrong_field_is_named_with_what_is_expected(values, said):
    with pytest.raises(UserError, match=said) as caught:
        parse(Parameters, values)
    assert caught.value.failure_class == "override"


def test_all_problems_are_told_at_once():
    with pytest.raises(UserError) as caught:
        parse(Parameters, {"Place/rows": "0", "Place/share": "x", "Other/thing": "1"})
    assert caught.value.what.startswith("3 fields are wrong")
    assert caught.value.where == "Other/thing, Place/share, Place/rows"


def test_what_clearml_writes_itself_is_no_field():
    given = {"properties/run_id": "x", "pipeline/default_queue": "y", "Args/z": "1"}
    assert parse(Parameters, given) == Parameters()


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"Model/name": "rigde"}, "did you mean 'ridge'"),
        ({"Model/parameters": '{"alhpa": 1}'}, "did you mean 'alpha'"),
        ({"Model/parameters": '{"alpha": -1}'}, "ridge: alpha: should be greater than 0, not -1"),
        ({"Model/name": "lightgbm", "Model/parameters": '{"num_leaves": "x"}'}, "num_leaves"),
    ],
)
def test_a_models_own_parameters_are_checked(values, said):
    with pytest.raises(UserError, match=said):
        parse(PHASES["training"].parameters, values)


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"Training/models": "ridge,foo"}, "no model 'foo'"),
        ({"Training/models": " , "}, "names no model"),
        ({"Training/parameters": '{"rigde": {}}'}, "did you mean 'ridge'"),
        ({"Training/parameters": '{"ridge": 1}'}, "'ridge' is not a JSON object"),
    ],
)
def test_the_pipeline_checks_which_models_it_trains(values, said):
    with pytest.raises(UserError, match=said):
        parse(PHASES["pipeline"].parameters, values)


def test_a_wrong_parameter_of_one_model_does_not_stop_the_pipeline():
    given = {"Training/parameters": '{"ridge": {"alpha": -1}}'}
    parsed = parse(PHASES["pipeline"].parameters, given)
    assert {"ridge", "lightgbm", "mlp"} <= set(parsed.Training.model_names)


def test_a_json_list_is_read():
    assert json_list('[1, {"a": 2}]') == [1, {"a": 2}]
    assert json_list(" ") == []


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[1", "is not JSON: .* at line 1, column 3"),
        ('{"a": 1}', r"is not a JSON list such as \[2, 3\]"),
        ('[{"a": 1, "a": 2}]', "names 'a' twice"),
        ("[" * 100_000, "nested too deeply"),
    ],
)
def test_what_is_no_json_list_is_told(text, said):
    with pytest.raises(ValueError, match=said):
        json_list(text, "[2, 3]")
