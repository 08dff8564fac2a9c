"""Smoke tasks on the embedded server, by the real SDK's session."""

from __future__ import annotations

import json
import threading

import pytest

from fleet.plan import as_data, node_from_variables, plan_node
from fleet.smoke import create_tasks, prove, read_outcomes, remove_old, slots_from_plans
from fleet.smoke.tasks import KEPT, SMOKE_TAG
from fleet.spec import Spec
from fleet.templates import StepCode
from ml.runtime.parameters import parse
from ml.smoke import RESULTS_OBJECT
from ml.smoke.parameters import Parameters
from tests.own_contract import SPEC

CODE = StepCode("git://example/fleet.git", "c" * 40)
DIGEST = "sha256:" + "a" * 64


@pytest.fixture(scope="module")
def slots():
    """A slot with data and one of two GPUs, as a playbook has them."""
    data = SPEC.model_dump()
    data["node_groups"]["gpu_nodes"]["slots"] = 1
    data["node_groups"]["gpu_nodes"]["data"] = {
        "mounts": [{"source": "/srv/in", "target": "/in"}, {"source": "/out", "writable": True}],
        "object_stores": [{"url": "s3://bucket", "credentials": "vault_x", "region": "eu-1"}],
    }
    spec = Spec.model_validate(data)
    node = node_from_variables("gpu-9", ["gpu_nodes"], {"fleet_gpus": 2})
    digests = dict.fromkeys(spec.images, DIGEST)
    return {"gpu-9": as_data(plan_node(spec, node, registry="reg:5", digests=digests))["slots"]}


def parameters_of(api, task):
    (found,) = api.tasks(id=[task], search_hidden=True)
    values = {
        f"{section}/{name}": entry["value"]
        for section, entries in found["hyperparams"].items()
        for name, entry in entries.items()
    }
    return found, parse(Parameters, values)


def test_a_task_says_what_is_expected_of_its_slot(api, slots):
    made = create_tasks(api, slots_from_plans(slots), CODE)

    task, parameters = parameters_of(api, made["gpu-9"][slots["gpu-9"][0]["name"]])

    assert task["tags"] == [SMOKE_TAG]
    assert task["status"] == "created"
    assert task["script"]["version_num"] == CODE.commit
    expected = parameters.Expected
    assert expected.image == f"reg:5/fleet/cuda@{DIGEST}"
    assert json.loads(expected.mounts) == {"/in": "read", "/out": "write"}
    assert json.loads(expected.object_stores) == {"s3://bucket": "eu-1"}
    assert expected.gpus == 2
    assert task["hyperparams"]["Expected"]["gpus"]["type"] == "int"


def test_old_tasks_of_a_slot_go_and_what_runs_stays(api, slots):
    (name,) = [slot["name"] for slot in slots["gpu-9"]]
    made = [
        create_tasks(api, slots_from_plans(slots), CODE)["gpu-9"][name] for _ in range(KEPT + 2)
    ]
    api.call("tasks.started", task=made[0], force=True)

    remove_old(api)

    left = {task["id"] for task in api.tasks(tags=[SMOKE_TAG], search_hidden=True)}
    assert left & set(made) == {made[0], *made[-KEPT:]}
    api.call("tasks.stopped", task=made[0], force=True)


def test_what_came_of_tasks_is_read_with_its_reasons(api, slots):
    (slot,) = slots["gpu-9"]
    passed, failed, died = (
        create_tasks(api, slots_from_plans(slots), CODE)["gpu-9"][slot["name"]] for _ in range(3)
    )
    for task, ok in ((passed, True), (failed, False)):
        value = json.dumps([{"name": "gpu", "ok": ok, "found": "what\n  fix: this"}])
        item = {"name": RESULTS_OBJECT, "type": "json", "value": value}
        api.call("tasks.edit_configuration", task=task, configuration=[item])
    for task in (passed, failed, died):
        api.call("tasks.started", task=task, force=True)
    api.call("tasks.completed", task=passed, force=True)
    for task in (failed, died):
        api.call("tasks.failed", task=task, force=True, status_message="exit code 125")

    found = read_outcomes(api, [passed, failed, died, "0" * 32])

    assert found[passed].passed
    assert found[failed].problems == ("gpu: what\n  fix: this",)
    assert "exit code 125" in found[died].problems[0]
    assert not found["0" * 32].passed
    told = {"task": failed, "state": "ran", "message": "", "image": slot["image"]}
    proof = prove(api, slots, {"gpu-9": {slot["name"]: told}})["gpu-9"]
    assert proof.failed == {slot["name"]: ("gpu: what\n  fix: this",)}


def test_a_task_that_still_runs_is_waited_for(api, slots):
    """An agent of services hands its tasks on and does not wait for their ends."""
    (slot,) = slots["gpu-9"]
    task = create_tasks(api, slots_from_plans(slots), CODE)["gpu-9"][slot["name"]]
    value = json.dumps([{"name": "image", "ok": True, "found": "it"}])
    item = {"name": RESULTS_OBJECT, "type": "json", "value": value}
    api.call("tasks.edit_configuration", task=task, configuration=[item])
    api.call("tasks.started", task=task, force=True)
    ends = threading.Timer(0.5, lambda: api.call("tasks.completed", task=task, force=True))
    ends.start()

    found = read_outcomes(api, [task], seconds=30)

    ends.join()
    assert found[task].passed
