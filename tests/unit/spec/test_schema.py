from __future__ import annotations

import re

import jsonschema
import pytest
import yaml
from pydantic import BaseModel

from fleet.spec import SPEC_FILE, models
from fleet.spec.schema import SCHEMA_FILE, schema, text
from ml.catalog import PHASES
from tests.own_contract import SPEC_TEXT

MODELS = [
    model
    for model in vars(models).values()
    if isinstance(model, type) and issubclass(model, BaseModel) and model.model_fields
]


def test_the_committed_schema_is_what_the_model_says():
    assert SCHEMA_FILE.read_text() == text(), "write it anew: make generate"


def test_a_comment_of_queues_yml_leads_editors_to_it():
    leads = r"^# yaml-language-server: \$schema=(\S+)$"
    (path,) = re.findall(leads, SPEC_FILE.read_text(), re.MULTILINE)
    assert SPEC_FILE.parent / path == SCHEMA_FILE


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.__name__)
def test_every_field_has_a_line_of_help(model):
    assert model.__doc__
    for name, field in model.model_fields.items():
        assert field.description, f"{model.__name__}.{name}"
        assert "\n" not in field.description


def test_the_models_are_all_there():
    named = {definition["title"] for definition in schema()["$defs"].values()}
    assert named | {"Spec"} == {model.__name__ for model in MODELS}


def test_it_is_a_schema_that_editors_complete_phases_from():
    jsonschema.Draft202012Validator.check_schema(schema())
    definitions = schema()["$defs"]
    assert definitions["Queue"]["properties"]["phases"]["items"]["enum"] == list(PHASES)
    assert definitions["Access"]["properties"]["may_run"]["propertyNames"]["enum"] == list(PHASES)


def test_it_accepts_the_repositorys_file_the_tests_own_and_a_full_one(full):
    validator = jsonschema.Draft202012Validator(schema())
    for content in (SPEC_FILE.read_text(), SPEC_TEXT, full):
        validator.validate(yaml.safe_load(content))


@pytest.mark.parametrize(
    ("old", "new", "path"),
    [
        ("    slots: 2", "    slotz: 2", "$.node_groups.cpu_nodes"),
        ("    slots: 2", "    slots: two", "$.node_groups.cpu_nodes.slots"),
        ("    slots: 2", "    slots: -1", "$.node_groups.cpu_nodes.slots"),
        ("    image: cuda\n", "", "$.node_groups.gpu_nodes"),
        ("[pipeline]", "[pipelin]", "$.queues.services.phases[0]"),
        ("[pipeline]", "[]", "$.queues.services.phases"),
        ("  cpu-infer:", "  ci:", "$.queues"),
        ("  gpu_nodes:\n", "  gpu-nodes:\n", "$.node_groups"),
        ("queue_choice: phase", "queue_choice: any", "$.policy.queue_choice"),
        ("version: 1", "version: 2", "$.version"),
        ("fleet/cpu\n", "fleet/cpu:1\n", "$.images.cpu.repository"),
        ("may_run: {training", "may_run: {trainin", "$.policy.access.may_run"),
        ("16GiB", "16G", "$.node_groups.cpu_nodes.limits.memory"),
    ],
)
def test_it_refuses_broken_files_at_the_right_place(full, old, new, path):
    assert old in full
    data = yaml.safe_load(full.replace(old, new, 1))
    validator = jsonschema.Draft202012Validator(schema())
    assert [error.json_path for error in validator.iter_errors(data)] == [path]
