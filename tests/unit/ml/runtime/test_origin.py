"""Whose a step is that starts while its controller is not in progress."""

import json
from dataclasses import replace

import pytest

from ml.runtime.origin import origin_of
from ml.runtime.policy import User
from ml.runtime.record import TaskRecord, read_record

CONTROLLER = TaskRecord(
    id="c",
    name="pipeline r1",
    type="controller",
    status="queued",
    parent="",
    tags=("run:r1", "phase:pipeline"),
    user=User("u", "Ann"),
    configuration={"steps": json.dumps({"s": "training-ridge"})},
    status_reason="put back by its agent",
    started="2026-01-01T00:00:00+00:00",
    runtime={"_pipeline_hash": "x:1.0.0"},
)
STEP = replace(CONTROLLER, id="s", type="training", status="in_progress", parent="c")


class Server:
    def __init__(self, controller):
        self._controller = controller

    def record(self, task_id, *_):
        assert task_id == self._controller.id
        return self._controller


def origin(**changes):
    return origin_of(STEP, "r1", Server(replace(CONTROLLER, **changes)))


@pytest.mark.parametrize(
    "changes",
    [
        {"status": "in_progress"},
        {"status": "queued"},
        {"status": "queued", "status_reason": "taken by a worker that did not start it"},
        {"status": "stopped"},
    ],
    ids=["in progress", "put back", "put back, and handed out once", "about to be put back"],
)
def test_a_controller_that_waits_to_go_on_vouches_for_its_steps(changes):
    found = origin(**changes)
    assert found.controller is not None
    assert found.why == ""


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"started": ""}, "has not started"),
        ({"runtime": {}}, "has not started"),
        ({"status": "created"}, "has not started"),
        ({"status": "stopped", "status_reason": "user aborted"}, "has ended"),
        ({"status": "failed"}, "has ended"),
        ({"status": "completed"}, "has ended"),
    ],
    ids=["reset", "a clone", "taken out of its queue", "stopped", "failed", "completed"],
)
def test_one_that_does_not_go_on_vouches_for_none(changes, why):
    found = origin(**changes)
    assert found.controller is None
    assert why in found.why


def test_a_controller_that_waits_names_its_steps_too():
    assert "not one of the steps" in origin(configuration={"steps": "{}"}).why


def test_a_step_that_has_started_is_a_persons_while_its_controller_waits_too():
    noted = {**CONTROLLER.configuration, "started-s": "{}"}
    assert "has started this step before" in origin(configuration=noted).why


def test_what_tells_that_a_controller_goes_on_is_read_from_the_server():
    told = {"value": "1 times, last by w", "description": "task c: lost 0 times, …"}
    found = read_record(
        {
            "id": "c",
            "status_reason": "put back by its agent",
            "started": "2026-01-01T00:00:00+00:00",
            "runtime": {"_pipeline_hash": "x"},
            "hyperparams": {"properties": {"put_back": told}},
        }
    )
    assert found.put_back == "task c: lost 0 times, …"
    assert found.status_reason == "put back by its agent"
    assert found.started
    assert found.runtime == {"_pipeline_hash": "x"}
