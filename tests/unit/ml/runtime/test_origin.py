"""Whose a step is that starts while its controller is not in progress."""

import json
from dataclasses import replace
from types import SimpleNamespace

import pytest

from ml.runtime import server
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
    previews={"begun": "task c has begun"},
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
        ({"previews": {}}, "has not started"),
        ({"previews": {"begun": "task other has begun"}}, "has not started"),
        ({"status": "created"}, "has not started"),
        ({"status": "stopped", "status_reason": "user aborted"}, "has ended"),
        ({"status": "failed"}, "has ended"),
        ({"status": "completed"}, "has ended"),
    ],
    ids=[
        *("reset", "a clone", "reset, and its runtime kept", "a clone with its source's mark"),
        *("taken out of its queue", "stopped", "failed", "completed"),
    ],
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
            "execution": {"artifacts": [{"key": "begun", "type_data": {"preview": "task c has"}}]},
            "hyperparams": {"properties": {"put_back": told}},
        }
    )
    assert found.put_back == "task c: lost 0 times, …"
    assert found.status_reason == "put back by its agent"
    assert found.started
    assert found.runtime == {"_pipeline_hash": "x"}
    assert found.has_begun


def test_the_mark_of_a_controller_that_has_begun_is_its_own_and_made_by_its_run():
    asked = []

    class Session:
        def send_request(self, service, action, method, json):
            asked.append((f"{service}.{action}", json))
            return SimpleNamespace(ok=True, json=lambda: {"data": {}})

    server.Server(Session()).note_begun("c")
    ((endpoint, given),) = asked
    assert (endpoint, given["task"]) == ("tasks.add_or_update_artifacts", "c")
    made = {"runtime": {"_pipeline_hash": "x"}, "execution": {"artifacts": given["artifacts"]}}

    assert read_record({"id": "c", **made}).has_begun
    assert not read_record({"id": "clone", **made}).has_begun
    assert not read_record({"id": "c", **made, "runtime": {}}).has_begun
    given["artifacts"][0]["mode"] = "input"
    assert not read_record({"id": "c", **made}).has_begun
