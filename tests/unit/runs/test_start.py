from __future__ import annotations

import pytest

from fleet.errors import FleetError
from fleet.runs.request import prepare
from fleet.runs.start import _check_fields, _hyperparams
from ml.runtime.parameters import FREE_FIELD
from tests.own_contract import SPEC

RECORD = {"name": FREE_FIELD, "section": "Record", "value": "", "type": "str"}


def _template(**sections):
    given = {"name": "run_id", "section": "Input", "value": "", "type": "str"}
    return {"id": "t1", "hyperparams": {"Input": {"run_id": given}, **sections}}


def _request():
    values = {"Input/run_id": "r1", "Record/age": "41", "Record/km/h": "3"}
    return prepare(SPEC, "inference-single", values)


def test_fields_that_a_user_names_reach_the_task():
    template = _template(Record={FREE_FIELD: RECORD})
    _check_fields(template, _request())
    found = _hyperparams(template, _request().values, "r2")
    assert found["Record"]["age"] == {
        "section": "Record",
        "name": "age",
        "type": "str",
        "value": "41",
    }
    assert found["Record"]["km/h"]["value"] == "3"
    assert found["Record"][FREE_FIELD] == RECORD
    assert found["Input"]["run_id"]["value"] == "r1"


def test_a_template_that_takes_no_such_fields_is_told():
    with pytest.raises(FleetError, match="has no field Record/age, Record/km/h"):
        _check_fields(_template(), _request())
